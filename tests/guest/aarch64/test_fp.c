/* aarch64: what floating point and SIMD must do by the manual, at its corners: NaNs, infinities, subnormal numbers,
 * saturation, halves of registers that are no operands, FPCR. One instruction a case; difftest compares the rest with
 * another emulator, which is wrong in the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "translator/guest/aarch64/a64_int.h"

#include "tests/guest/units.h" /* last: it declares `v` */

enum { IOC = 1, DZC = 2, OFC = 4, UFC = 8, IXC = 16 };

/* v0, v1, v2 before (low half, high half), FPCR; v0 and FPSR after. */
static const struct one {
    const char *name;
    u32 w;
    u64 d[2], n[2], m[2];
    u32 fpcr;
    u64 want[2];
    u32 fpsr;
} cases[] = {
    /* clang-format off */
    {"fcvtzs h0, h1, #5: -1", 0x5f1bfc20, {7, 7}, {0xbc00, 0}, {0}, 0, {0xffe0, 0}, 0},
    {"fcvtzs h0, h1, #5: saturates", 0x5f1bfc20, {7, 7}, {0x7bff, 0}, {0}, 0, {0x7fff, 0}, IOC},
    {"fcvtzs v0.4h: NaN, inf, -inf, 1.5", 0x0ef9b820, {0, 7}, {0x3e00fc007c007e00, ~0ull}, {0}, 0,
     {0x000180007fff0000, 0}, IOC | IXC},
    {"fadd v0.2s: the upper half is none", 0x0e22d420, {7, 7}, {0x3f8000003f800000, 0x7fa000007f800000},
     {0x3f80000040000000, 0xff800000ff800000}, 0, {0x4000000040400000, 0}, 0},
    {"fdiv v0.2s: 0 / 0 above", 0x2e22fc20, {7, 7}, {0x3f8000003f800000, 0}, {0x4000000040000000, 0}, 0,
     {0x3f0000003f000000, 0}, 0},
    {"fdiv v0.2s: 1 / 0 below", 0x2e22fc20, {7, 7}, {0x3f8000003f800000, 0}, {0x8000000040000000, 0}, 0,
     {0xff8000003f000000, 0}, DZC},
    {"frecps v0.4s: inf * 0, NaN, 1 * 1", 0x4e22fc20, {7, 7}, {0x7fc000017f800000, 0x3f80000080000000},
     {0x3f80000000000000, 0x3f800000ff800000}, 0, {0xffc0000140000000, 0x3f80000040000000}, 0},
    {"frsqrts d0: inf * 0", 0x5ee2fc20, {7, 7}, {0x7ff0000000000000, 0}, {0x8000000000000000, 0}, 0,
     {0x3ff8000000000000, 0}, 0},
    {"frsqrts d0: halved before it overflows", 0x5ee2fc20, {7, 7}, {0xffe0000000000000, 0}, {0x4008000000000000, 0}, 0,
     {0x7fe8000000000000, 0}, IXC},
    {"fmulx s0: -inf * 0", 0x5e22dc20, {7, 7}, {0xff800000, 0}, {0, 0}, 0, {0xc0000000, 0}, 0},
    {"sqadd v0.2s: saturates above only", 0x0ea20c20, {7, 7}, {1, 0x7fffffff}, {1, 1}, 0, {2, 0}, 0},
    {"sqadd v0.4s", 0x4ea20c20, {7, 7}, {1, 0x7fffffff}, {1, 1}, 0, {2, 0x7fffffff}, A64_FPSR_QC},
    {"sqxtn v0.8b: the bits cut say otherwise", 0x0e214820, {7, 7}, {0x017f, 0}, {0}, 0, {0x7f, 0}, A64_FPSR_QC},
    {"sqrdmulh v0.4h: lowest squared", 0x2e62b420, {7, 7}, {0x8000, 0x8000}, {0x8000, 0}, 0, {0x7fff, 0}, A64_FPSR_QC},
    {"sqrdmulh v0.4h: lowest times 0", 0x2e62b420, {7, 7}, {0x8000, 0x8000}, {0, 0x8000}, 0, {0, 0}, 0},
    {"sqshl v0.2s: by 127, by -128", 0x0ea24c20, {7, 7}, {0xffffffff00000001, 0}, {0x000000800000007f, 0}, 0,
     {0xffffffff7fffffff, 0}, A64_FPSR_QC},
    {"fadd s0: FZ, a subnormal argument", 0x1e222820, {7, 7}, {0x80000001, 7}, {0x80000000, 7}, A64_FPCR_FZ,
     {0x80000000, 0}, A64_FPSR_IDC},
    {"fmul s0: FZ, a subnormal result", 0x1e220820, {7, 7}, {0x80800001, 7}, {0x3f000000, 7}, A64_FPCR_FZ,
     {0x80000000, 0}, UFC},
    {"fmul v0.8h: FZ is not for halves", 0x6e421c20, {7, 7}, {1, 0}, {0x3c00, 0}, A64_FPCR_FZ, {1, 0}, 0},
    {"fmul v0.8h: FZ16 raises no IDC", 0x6e421c20, {7, 7}, {1, 0}, {0x3c00, 0}, A64_FPCR_FZ16, {0, 0}, 0},
    {"fmul s0: tiny before it is rounded", 0x1e220820, {7, 7}, {0x00ffffff, 7}, {0x3f000000, 7}, 0,
     {0x00800000, 0}, UFC | IXC},
    {"fmla v0.4s: inf * 0 + NaN", 0x4e22cc20, {0xffc00005, 0x3f800000}, {0x7f800000, 0}, {0, 0}, 0,
     {0x7fc00000, 0x3f800000}, IOC},
    {"fmla v0.8h: inf * 0 + signalling NaN", 0x4e420c20, {0xfc05, 0x3c00}, {0x7c00, 0}, {0, 0}, 0,
     {0xfe05, 0x3c00}, IOC},
    {"fmla v0.8h: a tie and a little more", 0x4e420c20, {0x0001, 0}, {0x4200, 0}, {0x6156, 0}, 0, {0x6801, 0}, IXC},
    {"fmaxnm s0: a signalling NaN", 0x1e226820, {7, 7}, {0x3f800000, 7}, {0xffa00001, 7}, 0, {0xffe00001, 0}, IOC},
    {"fmaxnm s0: a quiet NaN", 0x1e226820, {7, 7}, {0x3f800000, 7}, {0xffc00001, 7}, 0, {0x3f800000, 0}, 0},
    {"fmul v0.8h: the signalling NaN comes first", 0x6e421c20, {7, 7}, {0x7e01, 0}, {0xfc02, 0}, 0, {0xfe02, 0}, IOC},
    {"fadd s0: DN", 0x1e222820, {7, 7}, {0xffc00005, 7}, {0x3f800000, 7}, A64_FPCR_DN, {0x7fc00000, 0}, 0},
    {"fcvtn v0.4h: overflow", 0x0e216820, {7, 7}, {0x47800000, 0}, {0}, 0, {0x7c00, 0}, OFC | IXC},
    {"fcvt h0, s1: AHP has one exponent more", 0x1e23c020, {7, 7}, {0x47800000, 0}, {0}, A64_FPCR_AHP, {0x7c00, 0}, 0},
    {"fcvt h0, s1: AHP has no infinity", 0x1e23c020, {7, 7}, {0xff800000, 0}, {0}, A64_FPCR_AHP, {0xffff, 0}, IOC},
    {"fabs s0: of a signalling NaN", 0x1e20c020, {7, 7}, {0xffa00001, 7}, {0}, 0, {0x7fa00001, 0}, 0},
    {"fcmeq s0: -0 == 0", 0x5e22e420, {7, 7}, {0x80000000, 7}, {0, 7}, 0, {0xffffffff, 0}, 0},
    {"frecpe s0: a number too small", 0x5ea1d820, {7, 7}, {0x80000001, 0}, {0}, 0, {0xff800000, 0}, OFC | IXC},
    {"frecpe s0: too small, rounding to zero", 0x5ea1d820, {7, 7}, {0x80000001, 0}, {0}, A64_FPCR_RMODE,
     {0xff7fffff, 0}, OFC | IXC},
    {"mov v0.s[2], v1.s[1]", 0x6e142420, {1, 0x200000003}, {0x500000004, 0}, {0}, 0, {1, 0x200000005}, 0},
    /* clang-format on */
};

static void corners(void **state)
{
    u32 bad = 0;
    for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
        const struct one *t = &cases[k];
        begin();
        code_bytes(t->w, 4);
        struct a64_state *s = a64_state(v);
        memcpy(&s->v[0], t->d, 16);
        memcpy(&s->v[1], t->n, 16);
        memcpy(&s->v[2], t->m, 16);
        a64_set_fpcr(v, t->fpcr);
        a64_set_fpsr(v, 0);
        run();
        if (memcmp(&s->v[0], t->want, 16) || a64_get_fpsr(v) != t->fpsr)
            bad++, print_error("%s: %llx:%llx, fpsr %x\n", t->name, (unsigned long long)(s->v[0] >> 64),
                               (unsigned long long)s->v[0], a64_get_fpsr(v));
    }
    assert_int_equal(bad, 0);
}

/* With FZ the results of arithmetic are flushed already, but an integer may look like a subnormal number. */
static void flush_integer(void **state)
{
    begin();
    code_bytes(0x6f3dfc23, 4);       /* fcvtzu v3.4s, v1.4s, #3 */
    code_bytes(0x6ea3e440, 4);       /* fcmgt v0.4s, v2.4s, v3.4s */
    a64_state(v)->v[1] = 0x40200000; /* 2.5 */
    a64_state(v)->v[2] = 0x3f800000;
    a64_set_fpcr(v, A64_FPCR_FZ);
    a64_set_fpsr(v, 0);
    run();
    assert_int_equal(a64_state(v)->v[0], 0xffffffff);
    assert_int_equal(a64_get_fpsr(v), A64_FPSR_IDC);
}

/* A comparison whose condition does not hold raises nothing. */
static void conditional_compare(void **state)
{
    for (u32 holds = 0; holds < 2; holds++) {
        begin();
        code_bytes(0x1e620433, 4); /* fccmpe d1, d2, #3, eq */
        a64_state(v)->v[1] = 0x7ff8000000000000;
        a64_set_nzcv(v, holds ? 4u << 28 : 0);
        a64_set_fpsr(v, 0);
        run();
        assert_int_equal(a64_get_nzcv(v), 3u << 28);
        assert_int_equal(a64_get_fpsr(v), holds ? IOC : 0);
    }
}

/* Cut modulo 2^32, and Z when nothing is lost. */
static void javascript(void **state)
{
    static const struct {
        u64 d;
        u32 want, nzcv, fpsr, fpcr;
    } t[] = {
        {0x41f0000000500000, 5, 0, IOC},
        {0x4014000000000000, 5, 4, 0},
        {0x8000000000000000, 0, 0, 0},
        {0xbff8000000000000, 0xffffffff, 0, IXC},
        {0x7ff8000000000000, 0, 0, IOC},
        {0xc1e0000000000000, 0x80000000, 4, 0},
        {0x41e0000000000000, 0x80000000, 0, IOC},
        {0, 0, 4, 0},
        {0xfcff00, 0, 0, IXC},
        {0xfcff00, 0, 0, A64_FPSR_IDC, A64_FPCR_FZ},
        {0, 0, 4, 0, A64_FPCR_FZ},
    };
    for (u32 k = 0; k < ARRAY_LEN(t); k++) {
        begin();
        code_bytes(0x1e7e0020, 4); /* fjcvtzs w0, d1 */
        a64_state(v)->v[1] = t[k].d;
        a64_state(v)->x[0] = ~0ull;
        a64_set_fpsr(v, 0);
        a64_set_fpcr(v, t[k].fpcr);
        run();
        assert_int_equal(a64_state(v)->x[0], t[k].want);
        assert_int_equal(a64_get_nzcv(v) >> 28, t[k].nzcv);
        assert_int_equal(a64_get_fpsr(v), t[k].fpsr);
        a64_set_fpcr(v, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corners),
        cmocka_unit_test(flush_integer),
        cmocka_unit_test(conditional_compare),
        cmocka_unit_test(javascript),
    };
    if (!units_open(&guest_aarch64))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
