/* lib/softfp against the oracle: every format, every rounding mode, bit for bit and flag for flag.
 *
 * The oracle judges results that are rounded from a nonzero exact value. What IEEE 754 gives for the other operands
 * (NaNs, infinities, zeros) is written down here once more, by cases. Where a NaN result comes from is also judged
 * without `defnan`. */
#include "lib/softfp/softfp.h"
#include "tests/softfp/oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum op { ADD, SUB, MUL, DIV, SQRT, FMA, FMSUB, FNMSUB, FNMADD, NOPS };
static const char *const op_names[NOPS] = {"add", "sub", "mul", "div", "sqrt", "fma", "fmsub", "fnmsub", "fnmadd"};
static const int op_args[NOPS] = {2, 2, 2, 2, 1, 3, 3, 3, 3};

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
    case FMA:
        return sfp_fma(s, f, v[0], v[1], v[2], false, false);
    case FMSUB:
        return sfp_fma(s, f, v[0], v[1], v[2], false, true);
    case FNMSUB:
        return sfp_fma(s, f, v[0], v[1], v[2], true, false);
    case FNMADD:
        return sfp_fma(s, f, v[0], v[1], v[2], true, true);
    case NOPS:
        break;
    }
    fail();
    return 0;
}

/* What is expected when it is not a matter of rounding. */
struct given {
    bool known;
    u64 result;
    u32 flags;
};

static struct given is(u64 result, u32 flags)
{
    return (struct given){true, result, flags};
}

static u64 signed_bits(enum sfp_format f, bool neg, u64 magnitude)
{
    return (u64)neg << (shapes[f].width - 1) | magnitude;
}

static u64 infinity(enum sfp_format f)
{
    return oracle_canonical(f) - oracle_quiet(f);
}

/* Operands in the order in which they are looked at for NaNs. */
static struct given nan_among(enum sfp_format f, bool defnan, const u64 *v, int n)
{
    for (int signalling = 1; signalling >= 0; signalling--)
        for (int i = 0; i < n; i++)
            if (signalling ? oracle_is_snan(f, v[i]) : oracle_is_nan(f, v[i]))
                return is(defnan ? oracle_canonical(f) : v[i] | oracle_quiet(f), signalling ? SFP_NV : 0);
    return (struct given){0};
}

static struct given sum_of(enum sfp_format f, enum sfp_round round, struct real *r)
{
    if (oracle_sign_of_sum(r->term, r->n))
        return (struct given){0};
    bool neg = round == SFP_RDN;
    if (!r->term[0].m && !r->term[1].m && r->term[0].neg == r->term[1].neg)
        neg = r->term[0].neg;
    return is(signed_bits(f, neg, 0), 0);
}

/* Says what the result must be, or else fills *r with the exact one. */
static struct given expect(enum sfp_format f, enum sfp_round round, bool defnan, enum op op, const u64 operand[3],
                           struct real *r)
{
    const u64 sign = signed_bits(f, true, 0), inf = infinity(f);
    const struct given invalid = is(oracle_canonical(f), SFP_NV);
    struct given g;
    u64 v[3] = {operand[0], operand[1], operand[2]}, order[3] = {v[0], v[1], 0};
    if (op == FNMSUB || op == FNMADD)
        v[0] ^= sign;
    if (op == FMSUB || op == FNMADD)
        v[2] ^= sign;
    const bool neg = oracle_sign(f, v[0]) != oracle_sign(f, v[1]);
    const bool inf0 = oracle_is_inf(f, v[0]), inf1 = oracle_is_inf(f, v[1]);
    const bool zero0 = !(v[0] & ~sign), zero1 = !(v[1] & ~sign);
    if (op >= FMA) {
        if (((inf0 && zero1) || (inf1 && zero0)) && !oracle_is_snan(f, v[2]))
            return invalid;
        order[0] = v[2];
        order[1] = v[0];
        order[2] = v[1];
    }
    g = nan_among(f, defnan, order, op_args[op]);
    if (g.known)
        return g;

    memset(r, 0, sizeof *r);
    r->how = op == DIV ? REAL_QUOTIENT : op == SQRT ? REAL_ROOT : REAL_SUM;
    r->n = op == MUL || op == SQRT ? 1 : 2;
    r->term[0] = oracle_value(f, v[0]);
    r->term[1] = oracle_value(f, v[1]);
    switch (op) {
    case SUB:
        v[1] ^= sign;
        r->term[1].neg ^= 1;
        __attribute__((fallthrough));
    case ADD:
        if (inf0 && inf1 && v[0] != v[1])
            return invalid;
        if (inf0 || inf1)
            return is(inf0 ? v[0] : v[1], 0);
        return sum_of(f, round, r);
    case MUL:
        if ((inf0 && zero1) || (inf1 && zero0))
            return invalid;
        if (inf0 || inf1)
            return is(signed_bits(f, neg, inf), 0);
        if (zero0 || zero1)
            return is(signed_bits(f, neg, 0), 0);
        r->term[0] = oracle_product(r->term[0], r->term[1]);
        return (struct given){0};
    case DIV:
        if ((inf0 && inf1) || (zero0 && zero1))
            return invalid;
        if (inf0 || zero1)
            return is(signed_bits(f, neg, inf), inf0 ? 0 : SFP_DZ);
        if (inf1 || zero0)
            return is(signed_bits(f, neg, 0), 0);
        return (struct given){0};
    case SQRT:
        if (zero0)
            return is(v[0], 0);
        if (v[0] & sign)
            return invalid;
        if (inf0)
            return is(inf, 0);
        return (struct given){0};
    default: /* fma */
        if (inf0 || inf1) {
            if (oracle_is_inf(f, v[2]) && oracle_sign(f, v[2]) != neg)
                return invalid;
            return is(signed_bits(f, neg, inf), 0);
        }
        if (oracle_is_inf(f, v[2]))
            return is(v[2], 0);
        r->term[0] = oracle_product(r->term[0], r->term[1]);
        r->term[1] = oracle_value(f, v[2]);
        return sum_of(f, round, r);
    }
}

static void judge(enum sfp_format f, enum sfp_round round, bool defnan, enum op op, const u64 v[3])
{
    struct sfp s = {.round = (u8)round, .defnan = defnan};
    struct real r;
    u64 got = apply(&s, f, op, v);
    struct given want = expect(f, round, defnan, op, v, &r);
    const char *wrong = NULL;
    if (!want.known)
        wrong = oracle_check(f, round, &r, got, s.flags);
    else if (got != want.result || s.flags != want.flags)
        wrong = "not as given";
    if (wrong)
        fail_msg("%s.%s %s%s %#llx %#llx %#llx = %#llx flags %#x: %s (given %#llx, %#x)", op_names[op], format_names[f],
                 round_names[round], defnan ? " defnan" : "", (unsigned long long)v[0], (unsigned long long)v[1],
                 (unsigned long long)v[2], (unsigned long long)got, s.flags, wrong, (unsigned long long)want.result,
                 want.flags);
}

static void arithmetic(enum sfp_format f)
{
    struct gen g;
    gen_init(&g, 1 + f);
    for (u32 n = gen_times(25000); n--;) {
        u64 v[3];
        gen_operands(&g, f, v);
        for (enum sfp_round round = 0; round <= SFP_RMM; round++)
            for (enum op op = 0; op < NOPS; op++)
                judge(f, round, n & 1, op, v);
    }
}

static void arithmetic_f16(void **state)
{
    arithmetic(SFP_F16);
}

static void arithmetic_f32(void **state)
{
    arithmetic(SFP_F32);
}

static void arithmetic_f64(void **state)
{
    arithmetic(SFP_F64);
}

/* Few values, all of their triples: every pairing of kinds, NaNs of both sorts and signs with payloads. */
static void special_triples(void **state)
{
    for (enum sfp_format f = 0; f <= SFP_F64; f++) {
        u64 inf = infinity(f), quiet = oracle_quiet(f), one = (u64)shapes[f].emax << (shapes[f].prec - 1);
        const u64 half[] = {0, 1, one, inf - 1, inf, inf | 1, inf | 2, inf | quiet, inf | quiet | 5};
        u64 all[2 * ARRAY_LEN(half)];
        for (u32 i = 0; i < ARRAY_LEN(half); i++) {
            all[2 * i] = half[i];
            all[2 * i + 1] = signed_bits(f, true, half[i]);
        }
        for (u32 i = 0; i < ARRAY_LEN(all) * ARRAY_LEN(all) * ARRAY_LEN(all); i++) {
            u64 v[3] = {all[i % ARRAY_LEN(all)], all[i / ARRAY_LEN(all) % ARRAY_LEN(all)],
                        all[i / ARRAY_LEN(all) / ARRAY_LEN(all)]};
            for (enum sfp_round round = 0; round <= SFP_RMM; round++)
                for (enum op op = 0; op < NOPS; op++)
                    for (int defnan = 0; defnan < 2; defnan++)
                        judge(f, round, defnan, op, v);
        }
    }
}

/* Every root, and every f16 number against ones that make its last places matter. */
static void f16_sweep(void **state)
{
    static const u64 other[] = {0x0001, 0x03ff, 0x0400, 0x0401, 0x1400, 0x3555, 0x3bff, 0x3c00,
                                0x3c01, 0x4200, 0x4248, 0x5bff, 0x6801, 0x77ff, 0x7bff, 0xb800};
    for (u64 a = 0; a < 1 << 16; a++)
        for (enum sfp_round round = 0; round <= SFP_RMM; round++) {
            u64 v[3] = {a, other[a * 7 % 16], other[(a + round) % 16]};
            for (enum op op = 0; op < NOPS; op++)
                judge(SFP_F16, round, true, op, v);
        }
}

static void judge_cvt(enum sfp_format from, enum sfp_format to, enum sfp_round round, u64 a)
{
    for (int defnan = 0; defnan < 2; defnan++) {
        struct sfp s = {.round = (u8)round, .defnan = defnan};
        struct real r = {.how = REAL_SUM, .n = 1, .term = {oracle_value(from, a)}};
        u64 got = sfp_cvt(&s, from, to, a);
        const char *wrong = NULL;
        u64 want = 0;
        u32 flags = 0;
        if (oracle_is_nan(from, a)) {
            u64 payload = a & (oracle_quiet(from) - 1);
            int narrower = shapes[from].prec - shapes[to].prec;
            payload = narrower > 0 ? payload >> narrower : payload << -narrower;
            want = oracle_canonical(to) | (defnan ? 0 : signed_bits(to, oracle_sign(from, a), payload));
            flags = oracle_is_snan(from, a) ? SFP_NV : 0;
        } else if (oracle_is_inf(from, a)) {
            want = signed_bits(to, oracle_sign(from, a), infinity(to));
        } else if (!r.term[0].m) {
            want = signed_bits(to, oracle_sign(from, a), 0);
        } else {
            want = got;
            flags = s.flags;
            wrong = oracle_check(to, round, &r, got, s.flags);
        }
        if (wrong || got != want || s.flags != flags)
            fail_msg("cvt %s to %s %s defnan %d: %#llx gives %#llx flags %#x, %s", format_names[from], format_names[to],
                     round_names[round], defnan, (unsigned long long)a, (unsigned long long)got, s.flags,
                     wrong ? wrong : "not as given");
    }
}

static void conversions(void **state)
{
    struct gen g;
    gen_init(&g, 10);
    for (u32 n = gen_times(40000); n--;)
        for (enum sfp_format from = 0; from <= SFP_F64; from++) {
            u64 a = gen_value(&g, from);
            for (enum sfp_format to = 0; to <= SFP_F64; to++)
                for (enum sfp_round round = 0; round <= SFP_RMM; round++)
                    judge_cvt(from, to, round, a);
        }
}

/* Each f16 to the wider formats and back; and back again from all that lies about the midpoint to the next one, so
 * that every value of f16 is rounded to from both sides. */
static void f16_exhaustive(void **state)
{
    for (u64 a = 0; a < 1 << 16; a++)
        for (enum sfp_round round = 0; round <= SFP_RMM; round++)
            for (enum sfp_format wide = SFP_F32; wide <= SFP_F64; wide++) {
                struct sfp s = {.round = (u8)round};
                u64 w = sfp_cvt(&s, SFP_F16, wide, a), next = sfp_cvt(&s, SFP_F16, wide, a + 1);
                bool snan = oracle_is_snan(SFP_F16, a) || oracle_is_snan(SFP_F16, a + 1);
                assert_int_equal(s.flags, snan ? SFP_NV : 0);
                s.flags = 0;
                u64 back = sfp_cvt(&s, wide, SFP_F16, w);
                assert_int_equal(back, oracle_is_nan(SFP_F16, a) ? a | 0x200 : a);
                assert_int_equal(s.flags, 0);
                judge_cvt(SFP_F16, wide, round, a);
                if ((a & 0x7fff) >= 0x7c00)
                    continue;
                if ((a & 0x7fff) == 0x7bff) /* what would come next with more exponents */
                    next = w + (w - sfp_cvt(&s, SFP_F16, wide, a - 1));
                u64 mid = w + (next - w) / 2;
                const u64 near[] = {w, w + 1, mid - 1, mid, mid + 1, next - 1};
                for (u32 i = 0; i < ARRAY_LEN(near); i++)
                    judge_cvt(wide, SFP_F16, round, near[i]);
            }
}

static void to_integers(void **state)
{
    struct gen g;
    gen_init(&g, 20);
    for (u32 n = gen_times(150000); n--;)
        for (u32 i = 0; i < 3 * 5 * 4; i++) {
            enum sfp_format f = i % 3;
            enum sfp_round round = i / 3 % 5;
            u32 bits = i / 15 % 2 ? 64 : 32;
            bool is_unsigned = i / 30;
            u64 a = f == SFP_F16 ? n & 0xffff : gen_value(&g, f);
            struct exact v = oracle_value(f, a);
            u64 max = ~0ull >> (64 - bits + !is_unsigned), min = is_unsigned ? 0 : max + 1, whole, want;
            bool inexact = false, fits = false;
            if (!oracle_is_nan(f, a) && !oracle_is_inf(f, a))
                fits = oracle_integer(v, round, &whole, &inexact) && whole <= (v.neg ? min : max);
            if (fits)
                want = (v.neg ? 0 - whole : whole) & ~0ull >> (64 - bits);
            else
                want = v.neg && !oracle_is_nan(f, a) ? min : max;
            u32 flags = !fits ? SFP_NV : inexact ? SFP_NX : 0;
            struct sfp s = {.round = (u8)gen_below(&g, 5), .defnan = n & 1};
            u64 got = sfp_to_int(&s, f, a, bits, is_unsigned, round);
            if (got != want || s.flags != flags)
                fail_msg("%s to %c%u %s: %#llx gives %#llx flags %#x, should give %#llx flags %#x", format_names[f],
                         is_unsigned ? 'u' : 's', bits, round_names[round], (unsigned long long)a,
                         (unsigned long long)got, s.flags, (unsigned long long)want, flags);
        }
}

static void from_integers(void **state)
{
    struct gen g;
    gen_init(&g, 30);
    for (u32 n = gen_times(15000); n--;)
        for (u32 i = 0; i < 3 * 5 * 4; i++) {
            enum sfp_format f = i % 3;
            enum sfp_round round = i / 3 % 5;
            u32 bits = i / 15 % 2 ? 64 : 32;
            bool is_unsigned = i / 30;
            u64 a = gen_int(&g), low = a & ~0ull >> (64 - bits);
            bool neg = !is_unsigned && low >> (bits - 1);
            struct real r = {.how = REAL_SUM, .n = 1};
            r.term[0] = (struct exact){neg, neg ? ((u128)1 << bits) - low : low, 0};
            struct sfp s = {.round = (u8)round};
            u64 got = sfp_from_int(&s, f, a, bits, is_unsigned);
            const char *wrong = NULL;
            if (low)
                wrong = oracle_check(f, round, &r, got, s.flags);
            else if (got || s.flags)
                wrong = "should be 0";
            if (wrong)
                fail_msg("%c%u to %s %s: %#llx gives %#llx flags %#x, %s", is_unsigned ? 'u' : 's', bits,
                         format_names[f], round_names[round], (unsigned long long)a, (unsigned long long)got, s.flags,
                         wrong);
        }
}

static void round_to_integral(void **state)
{
    struct gen g;
    gen_init(&g, 40);
    for (u32 n = gen_times(150000); n--;)
        for (u32 i = 0; i < 3 * 5 * 2; i++) {
            enum sfp_format f = i % 3;
            enum sfp_round round = i / 3 % 5;
            bool exact = i / 15;
            u64 a = f == SFP_F16 ? n & 0xffff : gen_value(&g, f);
            struct sfp s = {.round = (u8)round, .defnan = n & 1};
            u64 got = sfp_round_int(&s, f, a, exact), whole = 0;
            bool inexact = false, right;
            u32 flags = 0;
            struct given nan = nan_among(f, s.defnan, &a, 1);
            if (nan.known) {
                right = got == nan.result;
                flags = nan.flags;
            } else if (oracle_is_inf(f, a) || !oracle_integer(oracle_value(f, a), round, &whole, &inexact)) {
                right = got == a;
            } else {
                struct exact diff[2] = {oracle_value(f, got), {true, whole, 0}};
                diff[0].neg = false;
                right = oracle_sign(f, a) == oracle_sign(f, got) && !oracle_sign_of_sum(diff, 2);
                flags = inexact && exact ? SFP_NX : 0;
            }
            if (!right || s.flags != flags)
                fail_msg("round %s %s%s: %#llx gives %#llx flags %#x", format_names[f], round_names[round],
                         exact ? " exact" : "", (unsigned long long)a, (unsigned long long)got, s.flags);
        }
}

/* Comparisons, minimum and maximum. */
static void judge_order(enum sfp_format f, u64 a, u64 b, bool defnan)
{
    const u64 pair[2] = {a, b};
    const bool nan_a = oracle_is_nan(f, a), nan_b = oracle_is_nan(f, b);
    const u32 signalling = oracle_is_snan(f, a) || oracle_is_snan(f, b) ? SFP_NV : 0;
    int order = 0;
    if (!nan_a && !nan_b) {
        struct exact diff[2] = {oracle_value(f, a), oracle_value(f, b)};
        diff[1].neg ^= 1;
        order = oracle_sign_of_sum(diff, 2);
    }
    for (int signal = 0; signal < 2; signal++) {
        struct sfp s[3] = {0};
        bool eq = sfp_eq(&s[0], f, a, b, signal), lt = sfp_lt(&s[1], f, a, b, signal);
        bool le = sfp_le(&s[2], f, a, b, signal), ordered = !nan_a && !nan_b;
        u32 flags = signal && !ordered ? SFP_NV : signalling;
        if (eq != (ordered && order == 0) || lt != (ordered && order < 0) || le != (ordered && order <= 0) ||
            s[0].flags != flags || s[1].flags != flags || s[2].flags != flags)
            fail_msg("%s %#llx against %#llx signal %d: eq %d lt %d le %d, flags %#x %#x %#x", format_names[f],
                     (unsigned long long)a, (unsigned long long)b, signal, eq, lt, le, s[0].flags, s[1].flags,
                     s[2].flags);
    }
    if (!order && oracle_sign(f, a) != oracle_sign(f, b))
        order = oracle_sign(f, a) ? -1 : 1;
    for (int nan_wins = 0; nan_wins < 2; nan_wins++) {
        struct sfp s[2] = {{.defnan = defnan}, {.defnan = defnan}};
        u64 min = sfp_min(&s[0], f, a, b, nan_wins), max = sfp_max(&s[1], f, a, b, nan_wins);
        u64 want_min = order < 0 ? a : b, want_max = order < 0 ? b : a;
        if (nan_a || nan_b) {
            bool number = !nan_wins && !(nan_a && nan_b);
            want_min = want_max = number ? (nan_a ? b : a) : nan_among(f, defnan, pair, 2).result;
        }
        if (min != want_min || max != want_max || s[0].flags != signalling || s[1].flags != signalling)
            fail_msg("%s min, max of %#llx and %#llx nan_wins %d: %#llx %#llx flags %#x %#x", format_names[f],
                     (unsigned long long)a, (unsigned long long)b, nan_wins, (unsigned long long)min,
                     (unsigned long long)max, s[0].flags, s[1].flags);
    }
}

static void ordering(void **state)
{
    struct gen g;
    gen_init(&g, 50);
    for (u32 n = gen_times(150000); n--;)
        for (enum sfp_format f = 0; f <= SFP_F64; f++) {
            u64 v[3];
            gen_operands(&g, f, v);
            judge_order(f, v[0], v[1], n & 1);
            judge_order(f, v[0], v[0], n & 1);
            judge_order(f, v[0], v[0] ^ signed_bits(f, true, 0), n & 1);
        }
}

static void classes(void **state)
{
    for (enum sfp_format f = 0; f <= SFP_F64; f++) {
        u64 inf = infinity(f), min = 1ull << (shapes[f].prec - 1), quiet = oracle_quiet(f);
        const struct {
            u64 bits;
            int positive, negative;
        } rows[] = {
            {0, 4, 3},
            {1, 5, 2},
            {min - 1, 5, 2},
            {min, 6, 1},
            {min * 2 - 1, 6, 1},
            {inf - 1, 6, 1},
            {inf, 7, 0},
            {inf | 1, 8, 8},
            {inf | quiet, 9, 9},
            {inf | quiet | 1, 9, 9},
            {inf | (quiet - 1), 8, 8},
        };
        for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
            assert_int_equal(sfp_class(f, rows[i].bits), 1 << rows[i].positive);
            assert_int_equal(sfp_class(f, signed_bits(f, true, rows[i].bits)), 1 << rows[i].negative);
        }
    }
}

/* What lies above an operand's format is ignored, and flags are added to those that were there. */
static void environment(void **state)
{
    const u64 junk = 0xdeadbeef00000000, one = 0x3f800000, three = 0x40400000;
    struct sfp s = {.flags = SFP_DZ, .defnan = true};
    assert_int_equal(sfp_div(&s, SFP_F32, junk | one, junk | three), 0x3eaaaaab);
    assert_int_equal(s.flags, SFP_DZ | SFP_NX);
    assert_int_equal(sfp_add(&s, SFP_F32, junk | one, 0), one);
    assert_int_equal(sfp_min(&s, SFP_F32, junk | one, three, false), one);
    assert_int_equal(sfp_fma(&s, SFP_F16, 0xffff3c00, 0xffff3c00, 0xffff0000, false, false), 0x3c00);
    assert_int_equal(sfp_round_int(&s, SFP_F32, junk | one, true), one);
    assert_int_equal(sfp_class(SFP_F32, junk | one), 1 << 6);
    assert_true(sfp_eq(&s, SFP_F32, junk | one, one, true));
    assert_int_equal(s.flags, SFP_DZ | SFP_NX);
}

/* What an environment may have otherwise. */
static void options(void **state)
{
    /* (1 + 2^-52) * (1 - 2^-52) * 2^-1022 is just below the smallest normal number, which it is rounded up to. */
    const u64 a = 0x3ff0000000000001, b = 0x000fffffffffffff, least = 0x0010000000000000;
    for (u32 round = SFP_RNE; round <= SFP_RMM; round++) {
        const bool up = round == SFP_RNE || round == SFP_RUP || round == SFP_RMM;
        struct sfp after = {.round = (u8)round}, before = {.round = (u8)round, .tiny_before = true};
        assert_int_equal(sfp_mul(&after, SFP_F64, a, b), up ? least : least - 1);
        assert_int_equal(sfp_mul(&before, SFP_F64, a, b), up ? least : least - 1);
        assert_int_equal(after.flags, up ? SFP_NX : SFP_NX | SFP_UF);
        assert_int_equal(before.flags, SFP_NX | SFP_UF);
    }
    struct sfp exact = {.tiny_before = true};
    assert_int_equal(sfp_add(&exact, SFP_F64, b, 1), least);
    assert_int_equal(sfp_sub(&exact, SFP_F64, least, 1), b);
    assert_int_equal(exact.flags, 0);

    const u64 one = 0x3c00, quiet = 0x7e01, signalling = 0x7c02;
    struct sfp s = {.snan_wins = true};
    assert_int_equal(sfp_min(&s, SFP_F16, one, quiet, false), one);
    assert_int_equal(sfp_max(&s, SFP_F16, quiet, one, false), one);
    assert_int_equal(s.flags, 0);
    assert_int_equal(sfp_min(&s, SFP_F16, one, signalling, false), signalling | 0x200);
    assert_int_equal(sfp_max(&s, SFP_F16, quiet, signalling, false), signalling | 0x200);
    assert_int_equal(s.flags, SFP_NV);
    s.flags = 0;
    assert_int_equal(sfp_max(&s, SFP_F16, quiet, one, true), quiet);
    assert_int_equal(s.flags, 0);

    struct sfp z = {.nan_zero = true};
    assert_int_equal(sfp_to_int(&z, SFP_F16, 0xfe00, 32, false, SFP_RTZ), 0);
    assert_int_equal(z.flags, SFP_NV);
    assert_int_equal(sfp_to_int(&z, SFP_F16, 0xfc00, 32, false, SFP_RTZ), 0x80000000);
    assert_int_equal(sfp_to_int(&z, SFP_F16, 0x7c00, 64, true, SFP_RTZ), ~0ull);
}

/* The judge can say no: each of these is wrong in one way. */
static void oracle_rejects(void **state)
{
    const struct real third = {.how = REAL_QUOTIENT, .n = 2, .term = {{false, 1, 0}, {false, 3, 0}}};
    const struct real tie = {.how = REAL_SUM, .n = 1, .term = {{false, (1 << 24) + 1, 0}}};
    const struct real huge = {.how = REAL_SUM, .n = 1, .term = {{true, 1, 500}}};
    const struct real tiny = {.how = REAL_SUM, .n = 1, .term = {{false, 3, -150}}};
    assert_null(oracle_check(SFP_F32, SFP_RNE, &third, 0x3eaaaaab, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &third, 0x3eaaaaab, 0));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &third, 0x3eaaaaaa, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &third, 0x3eaaaaac, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &third, 0xbeaaaaab, SFP_NX));
    assert_null(oracle_check(SFP_F32, SFP_RTZ, &third, 0x3eaaaaaa, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RTZ, &third, 0x3eaaaaab, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RUP, &third, 0x3eaaaaaa, SFP_NX));
    assert_null(oracle_check(SFP_F32, SFP_RNE, &tie, 0x4b800000, SFP_NX));
    assert_null(oracle_check(SFP_F32, SFP_RMM, &tie, 0x4b800001, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RMM, &tie, 0x4b800000, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &tie, 0x4b800001, SFP_NX));
    assert_null(oracle_check(SFP_F32, SFP_RNE, &huge, 0xff800000, SFP_OF | SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &huge, 0xff7fffff, SFP_OF | SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RUP, &huge, 0xff800000, SFP_OF | SFP_NX));
    assert_null(oracle_check(SFP_F32, SFP_RNE, &tiny, 0x00000002, SFP_UF | SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &tiny, 0x00000002, SFP_NX));
    assert_non_null(oracle_check(SFP_F32, SFP_RNE, &tiny, 0x00000001, SFP_UF | SFP_NX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oracle_rejects),    cmocka_unit_test(environment),    cmocka_unit_test(classes),
        cmocka_unit_test(special_triples),   cmocka_unit_test(arithmetic_f16), cmocka_unit_test(arithmetic_f32),
        cmocka_unit_test(arithmetic_f64),    cmocka_unit_test(f16_sweep),      cmocka_unit_test(conversions),
        cmocka_unit_test(f16_exhaustive),    cmocka_unit_test(to_integers),    cmocka_unit_test(from_integers),
        cmocka_unit_test(round_to_integral), cmocka_unit_test(ordering),       cmocka_unit_test(options),
    };
    return cmocka_run_group_tests_name("softfp against the oracle", tests, NULL, NULL);
}
