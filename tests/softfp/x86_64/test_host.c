/* lib/softfp against the host's FPU, on x86-64: SSE2 in its four rounding modes; FMA, F16C and SSE4.1's rounding
 * where the CPU has them.
 *
 * Each host operation is one piece of assembly that sets mxcsr, works and reads mxcsr, so the compiler can neither
 * fold nor move any of it. Known differences, all dealt with in `same` or at the operation:
 *     - the host has a flag for subnormal operands, which nobody else has: ignored;
 *     - its default NaN is negative;
 *     - of several NaN operands it propagates the first, signalling or not: cases with more than one are compared
 *       only under defnan, and so are NaNs whose sign a negating fma would flip;
 *     - fma: inf * 0 + quiet NaN raises nothing on the host: not compared here;
 *     - conversions to integers that are out of range give one value for all. */
#include "lib/softfp/softfp.h"
#include "tests/softfp/gen.h"

#include <cpuid.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* mxcsr with all exceptions masked, and rounding as enum sfp_round has it */
static const u32 mxcsr_of[4] = {0x1f80, 0x7f80, 0x3f80, 0x5f80};

static u32 flags_of(u32 mxcsr)
{
    return (mxcsr & 1 ? SFP_NV : 0) | (mxcsr & 4 ? SFP_DZ : 0) | (mxcsr & 8 ? SFP_OF : 0) | (mxcsr & 16 ? SFP_UF : 0) |
           (mxcsr & 32 ? SFP_NX : 0);
}

/* A function u64 name(csr, a, b, c) whose body is `code`: a, b and c are in xmm0, xmm1 and xmm2 and in rax, rcx and
 * rdx, and the result is left in xmm0 or rax. */
typedef u64 host_fn(u32 *mxcsr, u64 a, u64 b, u64 c);
#define HOST(name, code, result)                                                                                       \
    static u64 name(u32 *mxcsr, u64 a, u64 b, u64 c)                                                                   \
    {                                                                                                                  \
        const u32 normal = 0x1f80;                                                                                     \
        __asm__ volatile("movq %[a], %%xmm0\n\tmovq %[b], %%xmm1\n\tmovq %[c], %%xmm2\n\t"                             \
                         "ldmxcsr %[csr]\n\t" code "\n\tstmxcsr %[csr]\n\tldmxcsr %[normal]\n\t" result                \
                         : [a] "+a"(a), [b] "+c"(b), [c] "+d"(c), [csr] "+m"(*mxcsr)                                   \
                         : [normal] "m"(normal)                                                                        \
                         : "xmm0", "xmm1", "xmm2", "cc");                                                              \
        return a;                                                                                                      \
    }
#define IN_XMM "movq %%xmm0, %[a]"
#define IN_EAX "movl %%eax, %%eax"
#define IN_RAX ""
#define HOST_BOTH(name, insn, rest)                                                                                    \
    HOST(name##_f32, insn "ss " rest, IN_XMM)                                                                          \
    HOST(name##_f64, insn "sd " rest, IN_XMM)

HOST_BOTH(add, "add", "%%xmm1, %%xmm0")
HOST_BOTH(sub, "sub", "%%xmm1, %%xmm0")
HOST_BOTH(mul, "mul", "%%xmm1, %%xmm0")
HOST_BOTH(div, "div", "%%xmm1, %%xmm0")
HOST_BOTH(sqrt, "sqrt", "%%xmm0, %%xmm0")
HOST_BOTH(fma, "vfmadd213", "%%xmm2, %%xmm1, %%xmm0")
HOST_BOTH(fmsub, "vfmsub213", "%%xmm2, %%xmm1, %%xmm0")
HOST_BOTH(fnmsub, "vfnmadd213", "%%xmm2, %%xmm1, %%xmm0")
HOST_BOTH(fnmadd, "vfnmsub213", "%%xmm2, %%xmm1, %%xmm0")
HOST_BOTH(rint, "round", "$4, %%xmm0, %%xmm0")
HOST_BOTH(rint_quiet, "round", "$12, %%xmm0, %%xmm0")
HOST(f32_to_f64, "cvtss2sd %%xmm0, %%xmm0", IN_XMM)
HOST(f64_to_f32, "cvtsd2ss %%xmm0, %%xmm0", IN_XMM)
HOST(f16_to_f32, "vcvtph2ps %%xmm0, %%xmm0", IN_XMM)
HOST(f32_to_f16, "vcvtps2ph $4, %%xmm0, %%xmm0", IN_XMM)
HOST(f32_to_s32, "cvtss2si %%xmm0, %%eax", IN_EAX)
HOST(f64_to_s32, "cvtsd2si %%xmm0, %%eax", IN_EAX)
HOST(f32_to_s64, "cvtss2si %%xmm0, %%rax", IN_RAX)
HOST(f64_to_s64, "cvtsd2si %%xmm0, %%rax", IN_RAX)
HOST(s32_to_f32, "cvtsi2ss %%eax, %%xmm0", IN_XMM)
HOST(s32_to_f64, "cvtsi2sd %%eax, %%xmm0", IN_XMM)
HOST(s64_to_f32, "cvtsi2ss %%rax, %%xmm0", IN_XMM)
HOST(s64_to_f64, "cvtsi2sd %%rax, %%xmm0", IN_XMM)
/* a against b: bit 0 carry, bit 2 parity, bit 6 zero, as lahf leaves them */
HOST(ucom_f32, "ucomiss %%xmm1, %%xmm0\n\tlahf\n\tmovzbl %%ah, %%eax", IN_RAX)
HOST(ucom_f64, "ucomisd %%xmm1, %%xmm0\n\tlahf\n\tmovzbl %%ah, %%eax", IN_RAX)
HOST(com_f32, "comiss %%xmm1, %%xmm0\n\tlahf\n\tmovzbl %%ah, %%eax", IN_RAX)
HOST(com_f64, "comisd %%xmm1, %%xmm0\n\tlahf\n\tmovzbl %%ah, %%eax", IN_RAX)

static u64 low(enum sfp_format f, u64 v)
{
    return f == SFP_F64 ? v : v & ((1ull << shapes[f].width) - 1);
}

static u64 canonical(enum sfp_format f)
{
    return (u64)(4 * shapes[f].emax + 3) << (shapes[f].prec - 2);
}

static bool is_nan(enum sfp_format f, u64 v)
{
    return low(f, v << 1) > low(f, canonical(f) << 1) - (2ull << (shapes[f].prec - 2));
}

/* What the host made of it, as softfp would have it. `operand_nans` says how many operands were NaNs. */
static bool same(enum sfp_format f, bool defnan, int operand_nans, u64 got, u64 host)
{
    host = low(f, host);
    if (is_nan(f, host)) {
        if (defnan || !operand_nans)
            return got == canonical(f);
        if (operand_nans > 1)
            return is_nan(f, got);
    }
    return got == host;
}

enum op { ADD, SUB, MUL, DIV, SQRT, FMA, FMSUB, FNMSUB, FNMADD, NOPS };
static const struct {
    const char *name;
    int args;
    host_fn *host[2]; /* f32, f64 */
} ops[NOPS] = {
    [ADD] = {"add", 2, {add_f32, add_f64}},
    [SUB] = {"sub", 2, {sub_f32, sub_f64}},
    [MUL] = {"mul", 2, {mul_f32, mul_f64}},
    [DIV] = {"div", 2, {div_f32, div_f64}},
    [SQRT] = {"sqrt", 1, {sqrt_f32, sqrt_f64}},
    [FMA] = {"fma", 3, {fma_f32, fma_f64}},
    [FMSUB] = {"fmsub", 3, {fmsub_f32, fmsub_f64}},
    [FNMSUB] = {"fnmsub", 3, {fnmsub_f32, fnmsub_f64}},
    [FNMADD] = {"fnmadd", 3, {fnmadd_f32, fnmadd_f64}},
};

static u64 apply(struct sfp *s, enum sfp_format f, enum op op, const u64 v[3])
{
    switch (op) {
    case ADD:
        return sfp_add(s, f, v[0], v[1]);
    case SUB:
        return sfp_sub(s, f, v[0], v[1]);
    case MUL:
        return sfp_mul(s, f, v[0], v[1]);
    case DIV:
        return sfp_div(s, f, v[0], v[1]);
    case SQRT:
        return sfp_sqrt(s, f, v[0]);
    default:
        return sfp_fma(s, f, v[0], v[1], v[2], op == FNMSUB || op == FNMADD, op == FMSUB || op == FNMADD);
    }
}

static void arithmetic(enum sfp_format f, enum op first, enum op last)
{
    struct gen g;
    gen_init(&g, 100 + f);
    for (u32 n = gen_times(150000); n--;) {
        u64 v[3];
        gen_operands(&g, f, v);
        for (u32 i = 0; i < 4 * NOPS; i++) {
            enum sfp_round round = i % 4;
            enum op op = i / 4;
            if (op < first || op > last)
                continue;
            u32 csr = mxcsr_of[round];
            int nans = 0;
            for (int k = 0; k < ops[op].args; k++)
                nans += is_nan(f, v[k]);
            if (op >= FMA && is_nan(f, v[2]) && nans == 1)
                continue; /* perhaps inf * 0 + quiet NaN */
            bool defnan = n & 1 || (op > FMA && nans);
            struct sfp s = {.round = (u8)round, .defnan = defnan};
            u64 host = ops[op].host[f == SFP_F64](&csr, v[0], v[1], v[2]), got = apply(&s, f, op, v);
            if (!same(f, defnan, nans, got, host) || s.flags != flags_of(csr))
                fail_msg("%s.%s %s%s %#llx %#llx %#llx = %#llx flags %#x, host %#llx %#x", ops[op].name,
                         format_names[f], round_names[round], defnan ? " defnan" : "", (unsigned long long)v[0],
                         (unsigned long long)v[1], (unsigned long long)v[2], (unsigned long long)got, s.flags,
                         (unsigned long long)low(f, host), flags_of(csr));
        }
    }
}

static void basic(void **state)
{
    arithmetic(SFP_F32, ADD, SQRT);
    arithmetic(SFP_F64, ADD, SQRT);
}

static void fused(void **state)
{
    if (!__builtin_cpu_supports("fma"))
        skip();
    arithmetic(SFP_F32, FMA, FNMADD);
    arithmetic(SFP_F64, FMA, FNMADD);
}

static void judge_unary(const char *what, enum sfp_format from, enum sfp_format to, enum sfp_round round, host_fn *fn,
                        u64 (*soft)(struct sfp *s, u64 a), u64 a)
{
    for (int defnan = 0; defnan < 2; defnan++) {
        struct sfp s = {.round = (u8)round, .defnan = defnan};
        u32 csr = mxcsr_of[round];
        u64 host = fn(&csr, a, 0, 0), got = soft(&s, a);
        if (!same(to, defnan, is_nan(from, a), got, host) || s.flags != flags_of(csr))
            fail_msg("%s %s defnan %d: %#llx gives %#llx flags %#x, host %#llx %#x", what, round_names[round], defnan,
                     (unsigned long long)a, (unsigned long long)got, s.flags, (unsigned long long)low(to, host),
                     flags_of(csr));
    }
}

static u64 soft_f32_to_f64(struct sfp *s, u64 a)
{
    return sfp_cvt(s, SFP_F32, SFP_F64, a);
}

static u64 soft_f64_to_f32(struct sfp *s, u64 a)
{
    return sfp_cvt(s, SFP_F64, SFP_F32, a);
}

static u64 soft_f16_to_f32(struct sfp *s, u64 a)
{
    return sfp_cvt(s, SFP_F16, SFP_F32, a);
}

static u64 soft_f32_to_f16(struct sfp *s, u64 a)
{
    return sfp_cvt(s, SFP_F32, SFP_F16, a);
}

static u64 soft_rint_f32(struct sfp *s, u64 a)
{
    return sfp_round_int(s, SFP_F32, a, true);
}

static u64 soft_rint_f64(struct sfp *s, u64 a)
{
    return sfp_round_int(s, SFP_F64, a, true);
}

static u64 soft_rint_quiet_f32(struct sfp *s, u64 a)
{
    return sfp_round_int(s, SFP_F32, a, false);
}

static u64 soft_rint_quiet_f64(struct sfp *s, u64 a)
{
    return sfp_round_int(s, SFP_F64, a, false);
}

static void conversions(void **state)
{
    struct gen g;
    gen_init(&g, 110);
    for (u32 n = gen_times(500000); n--;)
        for (enum sfp_round round = 0; round < 4; round++) {
            judge_unary("f32 to f64", SFP_F32, SFP_F64, round, f32_to_f64, soft_f32_to_f64, gen_value(&g, SFP_F32));
            judge_unary("f64 to f32", SFP_F64, SFP_F32, round, f64_to_f32, soft_f64_to_f32, gen_value(&g, SFP_F64));
        }
}

static void half_precision(void **state)
{
    u32 eax, ebx, ecx, edx;
    if (!__builtin_cpu_supports("avx") || !__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_F16C))
        skip();
    for (enum sfp_round round = 0; round < 4; round++)
        for (u64 a = 0; a < 1 << 16; a++)
            judge_unary("f16 to f32", SFP_F16, SFP_F32, round, f16_to_f32, soft_f16_to_f32, a);
    struct gen g;
    gen_init(&g, 120);
    for (u32 n = gen_times(500000); n--;)
        for (enum sfp_round round = 0; round < 4; round++)
            judge_unary("f32 to f16", SFP_F32, SFP_F16, round, f32_to_f16, soft_f32_to_f16, gen_value(&g, SFP_F32));
}

static void integral(void **state)
{
    if (!__builtin_cpu_supports("sse4.1"))
        skip();
    struct gen g;
    gen_init(&g, 130);
    for (u32 n = gen_times(250000); n--;)
        for (enum sfp_round round = 0; round < 4; round++) {
            u64 a = gen_value(&g, SFP_F32), b = gen_value(&g, SFP_F64);
            judge_unary("round f32", SFP_F32, SFP_F32, round, rint_f32, soft_rint_f32, a);
            judge_unary("round f64", SFP_F64, SFP_F64, round, rint_f64, soft_rint_f64, b);
            judge_unary("round f32 quietly", SFP_F32, SFP_F32, round, rint_quiet_f32, soft_rint_quiet_f32, a);
            judge_unary("round f64 quietly", SFP_F64, SFP_F64, round, rint_quiet_f64, soft_rint_quiet_f64, b);
        }
}

/* `unsigned 32 bits` goes through the host's conversion to 64 and its range is checked here. */
static void judge_to_int(enum sfp_format f, u32 bits, bool is_unsigned, enum sfp_round round, u64 a)
{
    host_fn *narrow = f == SFP_F32 ? f32_to_s32 : f64_to_s32, *wide = f == SFP_F32 ? f32_to_s64 : f64_to_s64;
    u32 csr = mxcsr_of[round];
    u64 host = (bits == 32 && !is_unsigned ? narrow : wide)(&csr, a, 0, 0);
    u64 max = ~0ull >> (64 - bits + !is_unsigned), min = is_unsigned ? 0 : max + 1;
    u32 flags = flags_of(csr);
    if (is_unsigned && host > 0xffffffff)
        flags = SFP_NV;
    if (flags & SFP_NV)
        host = a >> (shapes[f].width - 1) && !is_nan(f, a) ? min : max;
    struct sfp s = {.round = SFP_RMM};
    u64 got = sfp_to_int(&s, f, a, bits, is_unsigned, round);
    if (got != host || s.flags != flags)
        fail_msg("%s to %c%u %s: %#llx gives %#llx flags %#x, host %#llx %#x", format_names[f], is_unsigned ? 'u' : 's',
                 bits, round_names[round], (unsigned long long)a, (unsigned long long)got, s.flags,
                 (unsigned long long)host, flags);
}

static void judge_from_int(enum sfp_format f, u32 bits, bool is_unsigned, enum sfp_round round, u64 a)
{
    host_fn *narrow = f == SFP_F32 ? s32_to_f32 : s32_to_f64, *wide = f == SFP_F32 ? s64_to_f32 : s64_to_f64;
    u32 csr = mxcsr_of[round];
    u64 host = bits == 32 && is_unsigned ? wide(&csr, (u32)a, 0, 0) : (bits == 32 ? narrow : wide)(&csr, a, 0, 0);
    struct sfp s = {.round = (u8)round};
    u64 got = sfp_from_int(&s, f, a, bits, is_unsigned);
    if (got != low(f, host) || s.flags != flags_of(csr))
        fail_msg("%c%u to %s %s: %#llx gives %#llx flags %#x, host %#llx %#x", is_unsigned ? 'u' : 's', bits,
                 format_names[f], round_names[round], (unsigned long long)a, (unsigned long long)got, s.flags,
                 (unsigned long long)low(f, host), flags_of(csr));
}

static void integers(void **state)
{
    struct gen g;
    gen_init(&g, 140);
    for (u32 n = gen_times(250000); n--;)
        for (enum sfp_format f = SFP_F32; f <= SFP_F64; f++)
            for (enum sfp_round round = 0; round < 4; round++) {
                u64 a = gen_value(&g, f), i = gen_int(&g);
                judge_to_int(f, 32, false, round, a);
                judge_to_int(f, 32, true, round, a);
                judge_to_int(f, 64, false, round, a);
                judge_from_int(f, 32, false, round, i);
                judge_from_int(f, 32, true, round, i);
                judge_from_int(f, 64, false, round, i);
                judge_from_int(f, 64, true, round, i >> 1);
            }
}

static void comparisons(void **state)
{
    struct gen g;
    gen_init(&g, 150);
    for (u32 n = gen_times(500000); n--;)
        for (u32 i = 0; i < 4; i++) {
            enum sfp_format f = i & 1 ? SFP_F64 : SFP_F32;
            bool signal = i & 2;
            host_fn *fn = f == SFP_F32 ? (signal ? com_f32 : ucom_f32) : (signal ? com_f64 : ucom_f64);
            u64 v[3];
            gen_operands(&g, f, v);
            if (n % 8 == 0)
                v[1] = v[0];
            u32 csr = mxcsr_of[0];
            u64 how = fn(&csr, v[0], v[1], 0);
            bool ordered = !(how & 4), eq = ordered && how & 64, lt = ordered && how & 1;
            struct sfp s[3] = {0};
            if (sfp_eq(&s[0], f, v[0], v[1], signal) != eq || sfp_lt(&s[1], f, v[0], v[1], signal) != lt ||
                sfp_le(&s[2], f, v[0], v[1], signal) != (lt || eq) || s[0].flags != flags_of(csr) ||
                s[1].flags != flags_of(csr) || s[2].flags != flags_of(csr))
                fail_msg("compare %s signal %d: %#llx with %#llx, host eq %d lt %d flags %#x", format_names[f], signal,
                         (unsigned long long)v[0], (unsigned long long)v[1], eq, lt, flags_of(csr));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic),       cmocka_unit_test(fused),    cmocka_unit_test(conversions),
        cmocka_unit_test(integral),    cmocka_unit_test(integers), cmocka_unit_test(half_precision),
        cmocka_unit_test(comparisons),
    };
    return cmocka_run_group_tests_name("softfp against the host's FPU", tests, NULL, NULL);
}
