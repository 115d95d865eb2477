/* The oracle: see oracle.h. Numbers are sums of terms m * 2^e; the sign of a sum is found by adding them into a
 * long two's complement integer whose unit is the smallest power of two that occurs. */
#include "tests/softfp/oracle.h"

#include <string.h>

static u64 mask(int bits)
{
    return (1ull << bits) - 1;
}

static u64 magnitude(enum sfp_format f, u64 bits)
{
    return bits & mask(shapes[f].width - 1);
}

static u64 inf_pattern(enum sfp_format f)
{
    return (u64)(2 * shapes[f].emax + 1) << (shapes[f].prec - 1);
}

u64 oracle_quiet(enum sfp_format f)
{
    return 1ull << (shapes[f].prec - 2);
}

u64 oracle_canonical(enum sfp_format f)
{
    return inf_pattern(f) | oracle_quiet(f);
}

bool oracle_is_nan(enum sfp_format f, u64 bits)
{
    return magnitude(f, bits) > inf_pattern(f);
}

bool oracle_is_snan(enum sfp_format f, u64 bits)
{
    return oracle_is_nan(f, bits) && !(bits & oracle_quiet(f));
}

bool oracle_is_inf(enum sfp_format f, u64 bits)
{
    return magnitude(f, bits) == inf_pattern(f);
}

bool oracle_sign(enum sfp_format f, u64 bits)
{
    return bits >> (shapes[f].width - 1) & 1;
}

/* The pattern of an infinity gives the power of two after the largest number, which is what rounding needs. */
struct exact oracle_value(enum sfp_format f, u64 bits)
{
    const struct shape *s = &shapes[f];
    u64 field = magnitude(f, bits) >> (s->prec - 1), frac = bits & mask(s->prec - 1);
    struct exact v = {.neg = oracle_sign(f, bits)};
    v.m = field ? frac + mask(s->prec - 1) + 1 : frac;
    v.e = (field ? (int)field : 1) - s->emax - (s->prec - 1);
    return v;
}

struct exact oracle_product(struct exact a, struct exact b)
{
    return (struct exact){a.neg != b.neg, a.m * b.m, a.e + b.e};
}

enum { WORDS = 160 };

int oracle_sign_of_sum(const struct exact *term, int n)
{
    int low = 0, high = 0;
    bool any = false;
    for (int i = 0; i < n; i++) {
        if (!term[i].m)
            continue;
        low = any && low < term[i].e ? low : term[i].e;
        high = any && high > term[i].e ? high : term[i].e;
        any = true;
    }
    u64 acc[WORDS];
    int words = (high - low) / 64 + 5; /* three for the term, one for carries and the sign, one for rounding */
    if (words > WORDS)
        __builtin_trap();
    memset(acc, 0, sizeof acc[0] * (size_t)words);
    for (int i = 0; i < n; i++) {
        if (!term[i].m)
            continue;
        int at = (term[i].e - low) / 64, by = (term[i].e - low) % 64;
        /* m * 2^by, which has 192 bits at most */
        u128 lo = (u128)(u64)term[i].m << by, hi = (u128)(u64)(term[i].m >> 64) << by;
        u128 mid = (lo >> 64) + (u64)hi;
        u64 piece[3] = {(u64)lo, (u64)mid, (u64)(hi >> 64) + (u64)(mid >> 64)};
        u64 carry = term[i].neg;
        for (int w = at; w < words; w++) {
            u64 p = w - at < 3 ? piece[w - at] : 0;
            u128 t = (u128)acc[w] + (term[i].neg ? ~p : p) + carry;
            acc[w] = (u64)t;
            carry = (u64)(t >> 64);
        }
    }
    if (acc[words - 1] >> 63)
        return -1;
    for (int w = 0; w < words; w++)
        if (acc[w])
            return 1;
    return 0;
}

static bool is_negative(const struct real *r)
{
    switch (r->how) {
    case REAL_SUM:
        return oracle_sign_of_sum(r->term, r->n) < 0;
    case REAL_QUOTIENT:
        return r->term[0].neg != r->term[1].neg;
    case REAL_ROOT:
        return false;
    }
    __builtin_trap();
}

/* The sign of |r| - m * 2^e. */
static int compare(const struct real *r, bool neg, struct exact v)
{
    struct exact t[3];
    switch (r->how) {
    case REAL_SUM:
        memcpy(t, r->term, sizeof r->term);
        t[r->n] = (struct exact){!neg, v.m, v.e};
        return neg ? -oracle_sign_of_sum(t, r->n + 1) : oracle_sign_of_sum(t, r->n + 1);
    case REAL_QUOTIENT:
        t[0] = (struct exact){false, r->term[0].m, r->term[0].e};
        t[1] = (struct exact){true, r->term[1].m * v.m, r->term[1].e + v.e};
        return oracle_sign_of_sum(t, 2);
    case REAL_ROOT:
        t[0] = r->term[0];
        t[1] = (struct exact){true, v.m * v.m, 2 * v.e};
        return oracle_sign_of_sum(t, 2);
    }
    __builtin_trap();
}

/* Halfway from the number with this pattern to the next. */
static struct exact midpoint(enum sfp_format f, u64 pattern)
{
    struct exact v = oracle_value(f, pattern);
    return (struct exact){false, 2 * v.m + 1, v.e - 1};
}

const char *oracle_check(enum sfp_format f, enum sfp_round round, const struct real *r, u64 result, u32 flags)
{
    const struct shape *s = &shapes[f];
    const bool neg = is_negative(r);
    const bool away = round == (neg ? SFP_RDN : SFP_RUP);
    const bool down = round == SFP_RTZ || round == (neg ? SFP_RUP : SFP_RDN);
    const u64 i = magnitude(f, result), inf = inf_pattern(f);

    if (s->width < 64 && result >> s->width)
        return "bits above the format";
    if (i > inf)
        return "a NaN";
    if (oracle_sign(f, result) != neg)
        return "the sign";

    int side = compare(r, neg, oracle_value(f, i));
    u32 expect = SFP_NX;
    if (i == inf) {
        if (down || (away && compare(r, neg, oracle_value(f, inf - 1)) <= 0) ||
            (!away && compare(r, neg, midpoint(f, inf - 1)) < 0))
            return "should not be infinite";
        expect = SFP_NX | SFP_OF;
    } else if (side == 0) {
        expect = 0;
    } else if (side > 0) {
        int half = compare(r, neg, midpoint(f, i));
        bool passed = compare(r, neg, oracle_value(f, i + 1)) >= 0;
        if (away || (down && passed && i != inf - 1))
            return "too small";
        if (!down && (half > 0 || (half == 0 && (round == SFP_RMM || i & 1))))
            return "too small, should be nearest";
        if (passed)
            expect = SFP_NX | SFP_OF;
    } else {
        int half = compare(r, neg, midpoint(f, i - 1));
        if (down || (away && compare(r, neg, oracle_value(f, i - 1)) <= 0))
            return "too large";
        if (!away && (half < 0 || (half == 0 && round == SFP_RNE && i & 1)))
            return "too large, should be nearest";
    }
    if (expect & SFP_NX) {
        /* Tiny after rounding: what would be rounded to prec bits without end to the exponents stays below the
         * smallest normal number, 2^emin. The last step before it is 2^(emin - prec). */
        int emin = 1 - s->emax;
        bool tiny;
        if (down)
            tiny = compare(r, neg, (struct exact){false, 1, emin}) < 0;
        else if (away)
            tiny = compare(r, neg, (struct exact){false, mask(s->prec), emin - s->prec}) <= 0;
        else
            tiny = compare(r, neg, (struct exact){false, mask(s->prec + 1), emin - s->prec - 1}) < 0;
        if (tiny)
            expect |= SFP_UF;
    }
    return flags != expect ? "the flags" : NULL;
}

bool oracle_integer(struct exact a, enum sfp_round round, u64 *whole, bool *inexact)
{
    u128 q;
    int half = -1; /* how what is cut off lies to one half */
    *inexact = false;
    if (a.e >= 0) {
        if (a.m && (a.e >= 64 || a.m << a.e >> 64))
            return false;
        q = a.m << (a.e < 64 ? a.e : 0);
    } else {
        int by = -a.e < 126 ? -a.e : 126; /* m has 64 bits at most, so no more is needed */
        u128 rest = a.m & (((u128)1 << by) - 1), mid = (u128)1 << (by - 1);
        q = a.m >> by;
        *inexact = rest != 0;
        half = rest > mid ? 1 : rest == mid ? 0 : -1;
    }
    if (*inexact)
        switch (round) {
        case SFP_RNE:
            q += half > 0 || (half == 0 && (q & 1));
            break;
        case SFP_RTZ:
            break;
        case SFP_RDN:
            q += a.neg;
            break;
        case SFP_RUP:
            q += !a.neg;
            break;
        case SFP_RMM:
            q += half >= 0;
            break;
        }
    *whole = (u64)q;
    return !(q >> 64);
}
