/* IEEE 754 arithmetic with integers: see softfp.h for what it promises.
 *
 * Every operation has the same three steps. The operands are taken apart into a kind, a sign, an exponent and a
 * 64-bit significand whose top bit is set (subnormals too: the exponent just goes lower). Zeros, infinities and
 * NaNs are dealt with case by case. What is left is computed as an exact or "jammed" result of 64 bits, and
 * round_pack turns that into the format: the one place that rounds to a format and raises inexact, underflow and
 * overflow. A format is three numbers of a table, so the code exists once.
 *
 * Jamming: bits that do not fit are dropped, and when one of them was set, so is the lowest bit that is kept. The
 * jammed value lies on the same side of each representable number and each midpoint as the true one, as long as the
 * kept bits reach two places past the rounding position. The largest format keeps 53 of 64 bits, so they do.
 *
 * Sums are made in 128 bits, where a product of two significands is exact; so fma is a sum whose first term came
 * from a multiplication, and add one whose terms were widened. Quotients and roots come a bit at a time: this is
 * the slow path, and short is better here than fast. */
#include "lib/softfp/softfp.h"

struct format {
    u32 prec;     /* significand bits, the implied one included */
    s32 emax;     /* exponent of the largest numbers; the smallest normal one has 1 - emax */
    u32 exp_mask; /* exponent field, all ones */
};

static const struct format formats[] = {
    [SFP_F16] = {11, 15, 0x1f},
    [SFP_F32] = {24, 127, 0xff},
    [SFP_F64] = {53, 1023, 0x7ff},
};

enum kind { ZERO, FINITE, INF, QNAN, SNAN };

/* A number: sig / 2^63 * 2^exp, negated by sign. exp and sig mean something only when FINITE, and then bit 63 of
 * sig is set. `bits` is what it was made from, nothing above the format's width. */
struct num {
    enum kind kind;
    bool sign;
    s32 exp;
    u64 sig;
    u64 bits;
};

static inline u64 sign_bit(const struct format *f)
{
    return (u64)(f->exp_mask + 1) << (f->prec - 1);
}

static inline u64 quiet_bit(const struct format *f)
{
    return 1ull << (f->prec - 2);
}

static inline u64 inf_bits(const struct format *f)
{
    return (u64)f->exp_mask << (f->prec - 1);
}

static inline u64 with_sign(const struct format *f, bool sign, u64 magnitude)
{
    return (sign ? sign_bit(f) : 0) | magnitude;
}

static inline struct num unpack(const struct format *f, u64 bits)
{
    bits &= 2 * sign_bit(f) - 1; /* for f64 the product is 0, and the mask all ones */
    struct num n = {.sign = bits & sign_bit(f), .bits = bits};
    u64 frac = bits & ((1ull << (f->prec - 1)) - 1);
    u32 field = (u32)(bits >> (f->prec - 1)) & f->exp_mask;
    if (field == f->exp_mask) {
        n.kind = !frac ? INF : frac & quiet_bit(f) ? QNAN : SNAN;
    } else if (field) {
        n.kind = FINITE;
        n.exp = (s32)field - f->emax;
        n.sig = 1ull << 63 | frac << (64 - f->prec);
    } else if (frac) {
        u32 up = (u32)__builtin_clzll(frac);
        n.kind = FINITE;
        n.exp = 1 - f->emax + (s32)(64 - f->prec) - (s32)up;
        n.sig = frac << up;
    }
    return n;
}

static inline bool is_nan(const struct num *n)
{
    return n->kind >= QNAN;
}

/* Shift right, jamming what falls out. */
static inline u64 shr_jam(u64 v, u32 by)
{
    if (by >= 64)
        return v != 0;
    return v >> by | (by && v << (64 - by));
}

static inline u128 shr_jam128(u128 v, u32 by)
{
    if (by >= 128)
        return v != 0;
    return v >> by | (by && v << (128 - by));
}

static inline u64 jam128(u128 v)
{
    return (u64)(v >> 64) | ((u64)v != 0);
}

/* Whether a magnitude goes up to the next step. rest is the part below the last place kept, in units of 2^-64 of
 * that place (jammed); odd says whether the last place kept is 1. */
static inline bool rounds_up(enum sfp_round round, bool sign, bool odd, u64 rest)
{
    const u64 half = 1ull << 63;
    switch (round) {
    case SFP_RNE:
        return rest > half || (rest == half && odd);
    case SFP_RTZ:
        return false;
    case SFP_RDN:
        return sign && rest;
    case SFP_RUP:
        return !sign && rest;
    case SFP_RMM:
        return rest >= half;
    }
    __builtin_unreachable();
}

/* sig / 2^63 * 2^exp, sig jammed and its bit 63 set, in the format. */
static u64 round_pack(struct sfp *s, const struct format *f, bool sign, s32 exp, u64 sig)
{
    const s32 emin = 1 - f->emax;
    const u32 below = 64 - f->prec; /* bits under the last place */
    bool tiny = false;
    if (exp < emin) {
        /* Tiny, unless rounding with all exponents at hand would carry it up to the smallest normal number, and that is
         * what counts. */
        u64 all_ones = (1ull << f->prec) - 1;
        bool carries = sig >> below == all_ones && rounds_up(s->round, sign, true, sig << f->prec);
        tiny = s->tiny_before || exp < emin - 1 || !carries;
        sig = shr_jam(sig, (u32)(emin - exp));
        exp = emin;
    }
    u64 kept = sig >> below, rest = sig << f->prec;
    kept += rounds_up(s->round, sign, kept & 1, rest);
    if (exp + (s32)(kept >> f->prec) > f->emax) {
        s->flags |= SFP_OF | SFP_NX;
        bool to_inf = s->round == SFP_RNE || s->round == SFP_RMM || s->round == (sign ? SFP_RDN : SFP_RUP);
        return with_sign(f, sign, inf_bits(f) - !to_inf);
    }
    if (rest)
        s->flags |= SFP_NX | (tiny ? SFP_UF : 0);
    /* The implied bit, and a carry past it, add one to the exponent field; a subnormal has neither and field 0. */
    return with_sign(f, sign, ((u64)(exp - emin) << (f->prec - 1)) + kept);
}

static inline u64 zero(const struct format *f, bool sign)
{
    return with_sign(f, sign, 0);
}

static inline u64 inf(const struct format *f, bool sign)
{
    return with_sign(f, sign, inf_bits(f));
}

static inline u64 canonical_nan(const struct format *f)
{
    return inf_bits(f) | quiet_bit(f);
}

static u64 invalid(struct sfp *s, const struct format *f)
{
    s->flags |= SFP_NV;
    return canonical_nan(f);
}

/* The result of an operation on operands of which one is a NaN, `first` being looked at first. An operation with
 * two operands passes one of them twice. */
static u64 nan_of(struct sfp *s, const struct format *f, const struct num *first, const struct num *second,
                  const struct num *third)
{
    const struct num *chosen = first->kind == SNAN    ? first
                               : second->kind == SNAN ? second
                               : third->kind == SNAN  ? third
                               : is_nan(first)        ? first
                               : is_nan(second)       ? second
                                                      : third;
    if (chosen->kind == SNAN)
        s->flags |= SFP_NV;
    return s->defnan ? canonical_nan(f) : chosen->bits | quiet_bit(f);
}

/* The sum of two nonzero numbers sig / 2^127 * 2^exp. Both significands have bit 127 set and 22 zeros at the low
 * end: so one is only ever jammed when it lies far enough below the other that at most one bit cancels. */
struct wide {
    bool sign;
    s32 exp;
    u128 sig;
};

static u64 sum(struct sfp *s, const struct format *f, struct wide a, struct wide b)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct wide t = a;
        a = b;
        b = t;
    }
    u128 big = a.sig >> 1, small = shr_jam128(b.sig >> 1, (u32)(a.exp - b.exp)); /* room for a carry */
    u128 r = a.sign == b.sign ? big + small : big - small;
    if (!r)
        return zero(f, s->round == SFP_RDN);
    u32 up = (u32)(r >> 64 ? __builtin_clzll((u64)(r >> 64)) : 64 + __builtin_clzll((u64)r));
    return round_pack(s, f, a.sign, a.exp + 1 - (s32)up, jam128(r << up));
}

static inline struct wide widen(const struct num *n)
{
    return (struct wide){n->sign, n->exp, (u128)n->sig << 64};
}

/* The product of two FINITE numbers, exactly. */
static inline struct wide product(const struct num *a, const struct num *b)
{
    struct wide r = {a->sign != b->sign, a->exp + b->exp + 1, (u128)a->sig * b->sig};
    if (!(r.sig >> 127)) {
        r.sig <<= 1;
        r.exp--;
    }
    return r;
}

static u64 add(struct sfp *s, const struct format *f, struct num a, struct num b)
{
    if (a.kind == INF)
        return b.kind == INF && a.sign != b.sign ? invalid(s, f) : a.bits;
    if (b.kind == INF || (a.kind == ZERO && b.kind == FINITE))
        return b.bits;
    if (b.kind == FINITE)
        return sum(s, f, widen(&a), widen(&b));
    if (a.kind == FINITE || a.sign == b.sign)
        return a.bits;
    return zero(f, s->round == SFP_RDN);
}

u64 sfp_add(struct sfp *s, enum sfp_format format, u64 abits, u64 bbits)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits), b = unpack(f, bbits);
    if (is_nan(&a) || is_nan(&b))
        return nan_of(s, f, &a, &b, &b);
    return add(s, f, a, b);
}

u64 sfp_sub(struct sfp *s, enum sfp_format format, u64 abits, u64 bbits)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits), b = unpack(f, bbits);
    if (is_nan(&a) || is_nan(&b))
        return nan_of(s, f, &a, &b, &b);
    return add(s, f, a, unpack(f, bbits ^ sign_bit(f)));
}

u64 sfp_mul(struct sfp *s, enum sfp_format format, u64 abits, u64 bbits)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits), b = unpack(f, bbits);
    bool sign = a.sign != b.sign;
    if (is_nan(&a) || is_nan(&b))
        return nan_of(s, f, &a, &b, &b);
    if (a.kind == INF || b.kind == INF)
        return a.kind == ZERO || b.kind == ZERO ? invalid(s, f) : inf(f, sign);
    if (a.kind == ZERO || b.kind == ZERO)
        return zero(f, sign);
    struct wide r = product(&a, &b);
    return round_pack(s, f, sign, r.exp, jam128(r.sig));
}

u64 sfp_fma(struct sfp *s, enum sfp_format format, u64 abits, u64 bbits, u64 cbits, bool neg_mul, bool neg_add)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits ^ with_sign(f, neg_mul, 0)), b = unpack(f, bbits);
    struct num c = unpack(f, cbits ^ with_sign(f, neg_add, 0));
    bool sign = a.sign != b.sign;
    bool inf_by_zero = (a.kind == INF && b.kind == ZERO) || (a.kind == ZERO && b.kind == INF);
    if (inf_by_zero && c.kind != SNAN)
        return invalid(s, f);
    if (is_nan(&a) || is_nan(&b) || is_nan(&c))
        return nan_of(s, f, &c, &a, &b);
    if (a.kind == FINITE && b.kind == FINITE && c.kind == FINITE)
        return sum(s, f, product(&a, &b), widen(&c));
    if (a.kind == FINITE && b.kind == FINITE && c.kind == ZERO) {
        struct wide r = product(&a, &b);
        return round_pack(s, f, sign, r.exp, jam128(r.sig));
    }
    /* The product is an infinity or a zero, or else c an infinity: then a zero stands for the product as well. */
    bool product_inf = a.kind == INF || b.kind == INF;
    return add(s, f, unpack(f, product_inf ? inf(f, sign) : zero(f, sign)), c);
}

u64 sfp_div(struct sfp *s, enum sfp_format format, u64 abits, u64 bbits)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits), b = unpack(f, bbits);
    bool sign = a.sign != b.sign;
    if (is_nan(&a) || is_nan(&b))
        return nan_of(s, f, &a, &b, &b);
    if (a.kind == INF)
        return b.kind == INF ? invalid(s, f) : inf(f, sign);
    if (b.kind == INF)
        return zero(f, sign);
    if (b.kind == ZERO) {
        if (a.kind == ZERO)
            return invalid(s, f);
        s->flags |= SFP_DZ;
        return inf(f, sign);
    }
    if (a.kind == ZERO)
        return zero(f, sign);

    /* Long division, the first digit being a one. Significands are 53 bits at most, so that rem has room. */
    u64 rem = a.sig >> 11, by = b.sig >> 11, quot = 0;
    s32 exp = a.exp - b.exp;
    if (rem < by) {
        rem <<= 1;
        exp--;
    }
    for (u32 i = 0; i <= f->prec; i++) { /* to one past the last place; the remainder stands for the rest */
        bool one = rem >= by;
        quot = quot << 1 | one;
        rem = (rem - (one ? by : 0)) << 1;
    }
    return round_pack(s, f, sign, exp, quot << (63 - f->prec) | (rem != 0));
}

u64 sfp_sqrt(struct sfp *s, enum sfp_format format, u64 abits)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits);
    if (is_nan(&a))
        return nan_of(s, f, &a, &a, &a);
    if (a.kind == ZERO || (a.kind == INF && !a.sign))
        return a.bits;
    if (a.sign)
        return invalid(s, f);

    /* The radicand is a number in [1, 4) with two bits before the point, and the exponent even. Each step takes two
     * bits of it and gives one of the root: r becomes 2r + 1 when what is left holds (2r + 1)^2 - (2r)^2 = 4r + 1.
     * The radicand is used up by then, having prec + 1 bits at most. */
    bool odd = a.exp & 1;
    u64 in = odd ? a.sig : a.sig >> 1, rem = 0, root = 0;
    for (u32 i = 0; i <= f->prec; i++) {
        u64 step = root << 2 | 1;
        rem = rem << 2 | in >> 62;
        in <<= 2;
        bool one = rem >= step;
        rem -= one ? step : 0;
        root = root << 1 | one;
    }
    return round_pack(s, f, false, (a.exp - odd) / 2, root << (63 - f->prec) | (rem != 0));
}

/* An integer that orders as the numbers do, -0 just below +0. */
static inline s64 order(const struct format *f, const struct num *n)
{
    s64 magnitude = (s64)(n->bits & ~sign_bit(f));
    return n->sign ? -magnitude - 1 : magnitude;
}

static u64 min_max(struct sfp *s, const struct format *f, u64 abits, u64 bbits, bool max, bool nan_wins)
{
    struct num a = unpack(f, abits), b = unpack(f, bbits);
    if (is_nan(&a) || is_nan(&b)) {
        u64 nan = nan_of(s, f, &a, &b, &b);
        if (s->snan_wins && (a.kind == SNAN || b.kind == SNAN))
            return nan;
        return nan_wins || (is_nan(&a) && is_nan(&b)) ? nan : is_nan(&a) ? b.bits : a.bits;
    }
    return (order(f, &a) < order(f, &b)) != max ? a.bits : b.bits;
}

u64 sfp_min(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool nan_wins)
{
    return min_max(s, &formats[f], a, b, false, nan_wins);
}

u64 sfp_max(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool nan_wins)
{
    return min_max(s, &formats[f], a, b, true, nan_wins);
}

/* How a lies to b. */
enum relation { LESS, EQUAL, GREATER, UNORDERED };

static enum relation compare(struct sfp *s, const struct format *f, u64 abits, u64 bbits, bool signal)
{
    struct num a = unpack(f, abits), b = unpack(f, bbits);
    if (is_nan(&a) || is_nan(&b)) {
        if (signal || a.kind == SNAN || b.kind == SNAN)
            s->flags |= SFP_NV;
        return UNORDERED;
    }
    if (a.bits == b.bits || (a.kind == ZERO && b.kind == ZERO))
        return EQUAL;
    return order(f, &a) < order(f, &b) ? LESS : GREATER;
}

bool sfp_eq(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool signal)
{
    return compare(s, &formats[f], a, b, signal) == EQUAL;
}

bool sfp_lt(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool signal)
{
    return compare(s, &formats[f], a, b, signal) == LESS;
}

bool sfp_le(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool signal)
{
    return compare(s, &formats[f], a, b, signal) <= EQUAL;
}

u64 sfp_cvt(struct sfp *s, enum sfp_format from, enum sfp_format to, u64 abits)
{
    const struct format *f = &formats[from], *t = &formats[to];
    struct num a = unpack(f, abits);
    if (is_nan(&a)) {
        u64 nan = nan_of(s, f, &a, &a, &a);
        u64 frac_up = nan << (65 - f->prec); /* the fraction, at the top */
        return with_sign(t, nan & sign_bit(f), inf_bits(t) | frac_up >> (65 - t->prec));
    }
    if (a.kind == INF)
        return inf(t, a.sign);
    if (a.kind == ZERO)
        return zero(t, a.sign);
    return round_pack(s, t, a.sign, a.exp, a.sig);
}

/* A FINITE magnitude below 2^64 as a whole number and the rest in units of 2^-64, jammed. */
static inline u64 split(const struct num *a, u64 *rest)
{
    if (a->exp < 0) {
        *rest = shr_jam(a->sig, (u32)(-a->exp - 1));
        return 0;
    }
    *rest = a->exp < 63 ? a->sig << (a->exp + 1) : 0;
    return a->sig >> (63 - a->exp);
}

u64 sfp_to_int(struct sfp *s, enum sfp_format from, u64 abits, u32 bits, bool is_unsigned, enum sfp_round round)
{
    struct num a = unpack(&formats[from], abits);
    const u64 all = bits == 32 ? 0xffffffff : ~0ull;
    const u64 max = is_unsigned ? all : all >> 1;
    const u64 lowest = is_unsigned ? 0 : max + 1; /* the magnitude of the most negative one, which is its pattern too */
    u64 whole = 0, rest = 0;
    if (a.kind == ZERO)
        return 0;
    if (a.kind == FINITE && a.exp < 64) {
        whole = split(&a, &rest);
        whole += rounds_up(round, a.sign, whole & 1, rest); /* does not wrap: a rest means whole < 2^63 */
        if (whole <= (a.sign ? lowest : max)) {
            if (rest)
                s->flags |= SFP_NX;
            return (a.sign ? -whole : whole) & all;
        }
    }
    s->flags |= SFP_NV;
    if (is_nan(&a))
        return s->nan_zero ? 0 : max;
    return a.sign ? lowest : max;
}

u64 sfp_from_int(struct sfp *s, enum sfp_format to, u64 value, u32 bits, bool is_unsigned)
{
    if (bits == 32)
        value = is_unsigned ? (u32)value : (u64)(s64)(s32)value;
    if (!value)
        return 0;
    bool sign = !is_unsigned && value >> 63;
    u64 magnitude = sign ? -value : value;
    u32 up = (u32)__builtin_clzll(magnitude);
    return round_pack(s, &formats[to], sign, 63 - (s32)up, magnitude << up);
}

u64 sfp_round_int(struct sfp *s, enum sfp_format format, u64 abits, bool exact)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits);
    if (is_nan(&a))
        return nan_of(s, f, &a, &a, &a);
    if (a.kind != FINITE || a.exp >= (s32)f->prec - 1)
        return a.bits;
    u64 rest, whole = split(&a, &rest);
    whole += rounds_up(s->round, a.sign, whole & 1, rest);
    if (rest && exact)
        s->flags |= SFP_NX;
    if (!whole)
        return zero(f, a.sign);
    u32 up = (u32)__builtin_clzll(whole);
    return round_pack(s, f, a.sign, 63 - (s32)up, whole << up); /* exact: whole is at most 2^(prec - 1) */
}

u32 sfp_class(enum sfp_format format, u64 abits)
{
    const struct format *f = &formats[format];
    struct num a = unpack(f, abits);
    switch (a.kind) {
    case ZERO:
        return 1u << (a.sign ? 3 : 4);
    case FINITE:
        if (a.exp < 1 - f->emax)
            return 1u << (a.sign ? 2 : 5);
        return 1u << (a.sign ? 1 : 6);
    case INF:
        return 1u << (a.sign ? 0 : 7);
    case SNAN:
        return 1u << 8;
    case QNAN:
        return 1u << 9;
    }
    __builtin_unreachable();
}
