/* aarch64: floating point that the IR cannot say, in C; see fp.h.
 *
 * a64_fp_help does one operation on the lanes of its arguments. Those that have an IR op are done by its reference
 * semantics (ir_eval_fp), between what FPCR asks for besides:
 *
 *   - FZ (single and double precision) and FZ16 (half): subnormal arguments become zeros, which raises IDC, for halves
 *     not; results that are subnormal before they are rounded become zeros, which raises underflow alone.
 *   - AHP: the alternative half precision format, without infinities and NaNs, in conversions.
 *
 * What Arm defines by itself follows the pseudocode of its manual: steps and estimates of reciprocals and of reciprocal
 * square roots, FMULX, rounding to odd, rounding to integral values that fit, FJCVTZS. */
#include "translator/guest/aarch64/fp.h"

#include "lib/softfp/softfp.h"
#include "translator/ir/fp_eval.h"
#include "translator/ir/vec_eval.h"

struct format {
    u32 frac, exp; /* bits of each */
};
static const struct format formats[] = {[IR_V16] = {10, 5}, [IR_V32] = {23, 8}, [IR_V64] = {52, 11}};

struct env {
    struct sfp s; /* round: as the operation says */
    u32 aux, mode;
    bool idc;
};

static enum sfp_format sfp_of(u32 lane)
{
    return lane == IR_V64 ? SFP_F64 : lane == IR_V32 ? SFP_F32 : SFP_F16;
}

static u64 sign_of(u32 lane, u64 x)
{
    return x & 1ull << ((8u << lane) - 1);
}

static u64 exp_of(u32 lane, u64 x)
{
    return x >> formats[lane].frac & ((1ull << formats[lane].exp) - 1);
}

static u64 frac_of(u32 lane, u64 x)
{
    return x & ((1ull << formats[lane].frac) - 1);
}

static u64 exp_ones(u32 lane)
{
    return (1ull << formats[lane].exp) - 1;
}

static u64 inf_of(u32 lane)
{
    return exp_ones(lane) << formats[lane].frac;
}

static bool is_nan(u32 lane, u64 x)
{
    return exp_of(lane, x) == exp_ones(lane) && frac_of(lane, x);
}

static bool is_inf(u32 lane, u64 x)
{
    return exp_of(lane, x) == exp_ones(lane) && !frac_of(lane, x);
}

static bool is_zero(u32 lane, u64 x)
{
    return !exp_of(lane, x) && !frac_of(lane, x);
}

static u64 default_nan(u32 lane)
{
    return inf_of(lane) | 1ull << (formats[lane].frac - 1);
}

static bool flushes(const struct env *e, u32 lane)
{
    return e->mode & (lane == IR_V16 ? A64_MODE_FZ16 : A64_MODE_FZ);
}

static u64 flush_in(struct env *e, u32 lane, u64 x)
{
    if (!flushes(e, lane) || exp_of(lane, x) || !frac_of(lane, x))
        return x;
    e->idc |= lane != IR_V16;
    return sign_of(lane, x);
}

/* A result x of an operation that began with no flags in e->s: those tell whether it is tiny. */
static u64 flush_out(struct env *e, u32 lane, u64 x)
{
    const bool subnormal = !exp_of(lane, x) && frac_of(lane, x);
    if (!flushes(e, lane) || (!subnormal && !(e->s.flags & SFP_UF)))
        return x;
    e->s.flags = (u8)((e->s.flags & ~SFP_NX) | SFP_UF);
    return sign_of(lane, x);
}

/* The NaN that comes of x and y, one of which is one. */
static u64 nan_of(struct env *e, u32 lane, u64 x, u64 y)
{
    return sfp_add(&e->s, sfp_of(lane), x, y);
}

/* --- steps --- */

static u64 mulx(struct env *e, u32 lane, u64 x, u64 y)
{
    const u64 two = (1ull << (formats[lane].exp - 1)) << formats[lane].frac;
    if ((is_inf(lane, x) && is_zero(lane, y)) || (is_zero(lane, x) && is_inf(lane, y)))
        return (sign_of(lane, x) ^ sign_of(lane, y)) | two;
    return sfp_mul(&e->s, sfp_of(lane), x, y);
}

/* c - x * y, with c 2 or (halved) 3 / 2 - x / 2 * y. */
static u64 step(struct env *e, u32 lane, u64 x, u64 y, bool halved)
{
    const u32 frac = formats[lane].frac;
    const u64 one = (exp_ones(lane) >> 1) << frac, c = halved ? one | 1ull << (frac - 1) : one + (1ull << frac);
    if (!is_nan(lane, x) && !is_nan(lane, y)) {
        if ((is_inf(lane, x) && is_zero(lane, y)) || (is_zero(lane, x) && is_inf(lane, y)))
            return c;
        if (halved && !is_zero(lane, x) && !is_zero(lane, y) && !is_inf(lane, x) && !is_inf(lane, y)) {
            /* Halve the larger one. If both are tiny, any tiny product rounds as theirs does. */
            u64 *half = exp_of(lane, x) > exp_of(lane, y) ? &x : &y;
            *half = exp_of(lane, *half) > 1 ? *half - (1ull << frac) : sign_of(lane, *half) | 1ull << frac;
        }
    }
    return sfp_fma(&e->s, sfp_of(lane), x, y, c, true, false);
}

/* --- estimates --- */

/* A finite number's fraction with 52 bits, and its exponent, which is less than 1 for the subnormal ones. */
static u64 normal_frac(u32 lane, u64 x, s32 *exp)
{
    u64 frac = frac_of(lane, x) << (52 - formats[lane].frac);
    *exp = (s32)exp_of(lane, x);
    if (!*exp) {
        for (; !(frac >> 51 & 1); frac <<= 1)
            --*exp;
        frac = (frac << 1) & ((1ull << 52) - 1);
    }
    return frac;
}

static u64 estimate(struct env *e, u32 lane, u64 x)
{
    const u64 sign = sign_of(lane, x);
    const u32 frac_bits = formats[lane].frac;
    const s32 bias = (s32)(exp_ones(lane) >> 1);
    s32 exp;
    if (is_nan(lane, x))
        return nan_of(e, lane, x, x);
    if (is_inf(lane, x))
        return sign;
    if (is_zero(lane, x)) {
        e->s.flags |= SFP_DZ;
        return sign | inf_of(lane);
    }
    if (!exp_of(lane, x) && frac_of(lane, x) < 1ull << (frac_bits - 2)) {
        const bool to_inf = e->s.round == SFP_RNE || e->s.round == SFP_RMM || e->s.round == (sign ? SFP_RDN : SFP_RUP);
        e->s.flags |= SFP_OF | SFP_NX;
        return sign | (inf_of(lane) - !to_inf);
    }
    if (flushes(e, lane) && (s32)exp_of(lane, x) >= 2 * bias - 1) {
        e->s.flags |= SFP_UF;
        return sign;
    }
    u64 frac = normal_frac(lane, x, &exp);
    frac = (u64)(ir_estimate(false, (u32)(256 | frac >> 44)) & 255) << 44;
    s32 r = 2 * bias - 1 - exp;
    if (r <= 0) { /* 0 or -1: subnormal */
        frac = (1ull << 52 | frac) >> (1 - r);
        r = 0;
    }
    return sign | (u64)r << frac_bits | frac >> (52 - frac_bits);
}

static u64 root_estimate(struct env *e, u32 lane, u64 x)
{
    const u64 sign = sign_of(lane, x);
    const u32 frac_bits = formats[lane].frac;
    const s32 bias = (s32)(exp_ones(lane) >> 1);
    s32 exp;
    if (is_nan(lane, x))
        return nan_of(e, lane, x, x);
    if (is_zero(lane, x)) {
        e->s.flags |= SFP_DZ;
        return sign | inf_of(lane);
    }
    if (sign) {
        e->s.flags |= SFP_NV;
        return default_nan(lane);
    }
    if (is_inf(lane, x))
        return 0;
    const u64 frac = normal_frac(lane, x, &exp);
    const u32 scaled = exp & 1 ? (u32)(128 | frac >> 45) : (u32)(256 | frac >> 44);
    const u64 r = (u64)((3 * bias - 1 - exp) >> 1); /* never negative */
    return r << frac_bits | (u64)(ir_estimate(true, scaled) & 255) << (frac_bits - 8);
}

/* A power of two near the reciprocal. */
static u64 exponent_estimate(struct env *e, u32 lane, u64 x)
{
    if (is_nan(lane, x))
        return nan_of(e, lane, x, x);
    const u64 exp = exp_of(lane, x);
    return sign_of(lane, x) | (exp ? exp ^ exp_ones(lane) : exp_ones(lane) - 1) << formats[lane].frac;
}

/* --- integers --- */

/* x times 2^by, exactly, for what is not too large; `x` is in double precision. */
static u64 scaled(u64 x, s32 by)
{
    struct sfp s = {0};
    if (exp_of(IR_V64, x) > 1023 + 200) /* no integer anyway, or no number */
        return x;
    return sfp_mul(&s, SFP_F64, x, (u64)(1023 + by) << 52);
}

/* To `bits` (16, 32, 64) bits with fbits of them after the point. */
static u64 to_int(struct env *e, u32 lane, u64 x, u32 bits, u32 fbits)
{
    const bool is_unsigned = e->aux & IR_F2I_UNSIGNED;
    struct sfp s = {.round = e->s.round, .nan_zero = true};
    u64 d = lane == IR_V64 ? x : sfp_cvt(&e->s, sfp_of(lane), SFP_F64, x);
    if (fbits)
        d = scaled(d, (s32)fbits);
    u64 r = sfp_to_int(&s, SFP_F64, d, bits == 16 ? 64 : bits, bits == 16 ? false : is_unsigned, s.round);
    if (bits == 16) {
        const s64 lo = is_unsigned ? 0 : -32768, hi = is_unsigned ? 65535 : 32767;
        if ((s64)r < lo || (s64)r > hi) {
            s.flags = SFP_NV;
            r = (u64)((s64)r < lo ? lo : hi);
        }
        r &= 0xffff;
    }
    e->s.flags |= s.flags;
    return r;
}

/* From an integer of `bits` bits, fbits of them after the point, rounded once: in double precision it is first rounded
 * to odd, which leaves enough for any smaller format. */
static u64 from_int(struct env *e, u64 x, u32 bits, u32 to, u32 fbits)
{
    const bool is_unsigned = e->aux & IR_F2I_UNSIGNED;
    if (bits < 64 && !is_unsigned)
        x = (u64)((s64)(x << (64 - bits)) >> (64 - bits));
    const bool sign = !is_unsigned && x >> 63;
    u64 magnitude = sign ? -x : x;
    if (!magnitude)
        return 0;
    struct sfp exact = {0};
    if (to == IR_V64) {
        u64 r = sfp_from_int(&e->s, SFP_F64, x, 64, is_unsigned);
        return fbits ? sfp_mul(&exact, SFP_F64, r, (u64)(1023 - fbits) << 52) : r;
    }
    if (magnitude >> 53)
        magnitude = (magnitude >> 11 | ((magnitude & 0x7ff) != 0)) << 11;
    u64 d = sfp_from_int(&exact, SFP_F64, magnitude, 64, true) | (sign ? 1ull << 63 : 0);
    d = sfp_mul(&exact, SFP_F64, d, (u64)(1023 - fbits) << 52);
    return flush_out(e, to, sfp_cvt(&e->s, SFP_F64, sfp_of(to), d));
}

/* To an integral value of `bits` bits; the lowest one for what does not fit. */
static u64 round_sized(struct env *e, u32 lane, u64 x, u32 bits)
{
    const u64 sign = sign_of(lane, x),
              lowest = 1ull << ((8u << lane) - 1) | (((exp_ones(lane) >> 1) + bits - 1) << formats[lane].frac);
    struct sfp s = {.round = e->s.round};
    const u64 whole = sfp_to_int(&s, sfp_of(lane), x, bits, false, s.round);
    e->s.flags |= s.flags;
    if (s.flags & SFP_NV)
        return lowest;
    return whole ? sfp_from_int(&s, sfp_of(lane), whole, bits, false) : sign;
}

/* --- formats --- */

static u64 to_alternative_half(struct env *e, u32 from, u64 x)
{
    const u32 frac = formats[from].frac;
    const u64 sign = sign_of(from, x) ? 0x8000 : 0;
    if (is_nan(from, x) || is_inf(from, x)) {
        e->s.flags |= SFP_NV;
        return is_nan(from, x) ? sign : sign | 0x7fff;
    }
    struct sfp s = e->s;
    s.flags = 0;
    u64 r = sfp_cvt(&s, sfp_of(from), SFP_F16, x);
    if (s.flags & SFP_OF) { /* there is one exponent more */
        s.flags = 0;
        r = sfp_cvt(&s, sfp_of(from), SFP_F16, x - (1ull << frac)) + (1u << 10);
        if (s.flags & SFP_OF) {
            s.flags = SFP_NV;
            r = sign | 0x7fff;
        }
    }
    e->s.flags |= s.flags;
    return r;
}

static u64 from_alternative_half(struct env *e, u32 to, u64 x)
{
    if (exp_of(IR_V16, x) != 31)
        return sfp_cvt(&e->s, SFP_F16, sfp_of(to), x);
    return sfp_cvt(&e->s, SFP_F16, sfp_of(to), x - (1u << 10)) + (1ull << formats[to].frac);
}

static u64 convert(struct env *e, u32 from, u32 to, u64 x)
{
    if (from != IR_V16)
        x = flush_in(e, from, x);
    if (e->mode & A64_MODE_AHP && to == IR_V16)
        return to_alternative_half(e, from, x);
    if (e->mode & A64_MODE_AHP && from == IR_V16)
        return from_alternative_half(e, to, x);
    x = sfp_cvt(&e->s, sfp_of(from), sfp_of(to), x);
    return to == IR_V16 ? x : flush_out(e, to, x);
}

/* Double to single: cut, and if that is inexact the lowest bit is set. What is too large becomes the largest. */
static u64 convert_odd(struct env *e, u64 x)
{
    x = flush_in(e, IR_V64, x);
    struct sfp s = e->s;
    s.round = SFP_RTZ;
    s.flags = 0;
    u64 r = sfp_cvt(&s, SFP_F64, SFP_F32, x);
    if (s.flags & SFP_NX && !(s.flags & SFP_OF))
        r |= 1;
    const u8 before = e->s.flags;
    e->s.flags = s.flags;
    r = flush_out(e, IR_V32, r);
    e->s.flags |= before;
    return r;
}

/* --- one lane --- */

static bool reads_integers(enum a64_fp_op op)
{
    return op == FP_FROM_INT;
}

static u64 operate(struct env *e, enum a64_fp_op op, u32 lane, u32 to, u32 fbits, u64 x, u64 y, u64 z)
{
    if (!reads_integers(op) && op != FP_CVT && op != FP_CVT_ODD && op != FP_RECPX) {
        x = flush_in(e, lane, x);
        y = flush_in(e, lane, y);
        z = flush_in(e, lane, z);
    }
    switch (op) {
    case FP_EQ:
        return sfp_eq(&e->s, sfp_of(lane), x, y, false) ? ~0ull : 0;
    case FP_GE:
        return sfp_le(&e->s, sfp_of(lane), y, x, true) ? ~0ull : 0;
    case FP_GT:
        return sfp_lt(&e->s, sfp_of(lane), y, x, true) ? ~0ull : 0;
    case FP_TO_INT:
        return to_int(e, lane, x, 8u << to, fbits);
    case FP_FROM_INT:
        return from_int(e, x, 8u << lane, to, fbits);
    case FP_ORD:
        return ir_eval_fp(IR_OP_ford, IR_I64, fp_type(lane), e->aux & IR_FCMP_SIGNAL, x, y, 0, &e->s);
    case FP_MULX:
        return flush_out(e, lane, mulx(e, lane, x, y));
    case FP_RECPS:
        return flush_out(e, lane, step(e, lane, x, y, false));
    case FP_RSQRTS:
        return flush_out(e, lane, step(e, lane, x, y, true));
    case FP_RECPE:
        return estimate(e, lane, x);
    case FP_RSQRTE:
        return root_estimate(e, lane, x);
    case FP_RECPX:
        flush_in(e, lane, x); /* for IDC */
        return exponent_estimate(e, lane, x);
    case FP_ROUND32:
        return round_sized(e, lane, x, 32);
    case FP_ROUND64:
        return round_sized(e, lane, x, 64);
    case FP_CVT:
        return convert(e, lane, to, x);
    case FP_CVT_ODD:
        return convert_odd(e, x);
    default: {
        const enum ir_type type = fp_type(lane);
        return flush_out(e, lane, ir_eval_fp(a64_fp_info[op].op, type, type, e->aux, x, y, z, &e->s));
    }
    }
}

static u64 lane_at(const u128 *v, u32 lane, u32 n)
{
    const u32 bits = 8u << lane;
    return (u64)(*v >> (n * bits)) & (bits == 64 ? ~0ull : (1ull << bits) - 1);
}

void a64_fp_help(struct vcpu *v, u128 *out, const u128 *a, const u128 *b, const u128 *c, u64 imm)
{
    const u32 lane = imm >> FP_IMM_LANE & 3, to = imm >> FP_IMM_TO & 3, n = imm >> FP_IMM_N & 31;
    const u32 fbits = imm >> FP_IMM_FBITS & 127, aux = imm & 255, bits = 8u << to;
    const enum a64_fp_op op = imm >> FP_IMM_OP & 255;
    struct env e = {.aux = aux, .mode = imm >> FP_IMM_MODE & 15};
    u32 flags = 0;
    u128 r = 0;
    e.s.round = (u8)((aux & IR_FP_ROUND) == IR_RDYN ? v->fp_round : aux & IR_FP_ROUND);
    e.s.defnan = e.mode & A64_MODE_DN;
    e.s.tiny_before = true;
    if (op == FP_EQ || op == FP_GE || op == FP_GT || op == FP_ORD) /* the low bits are a condition */
        e.s.round = SFP_RNE;
    for (u32 k = 0; k < n; k++) {
        e.s.flags = 0;
        u64 x = operate(&e, op, lane, to, fbits, lane_at(a, lane, k), lane_at(b, lane, k), lane_at(c, lane, k));
        r |= (u128)(bits == 64 ? x : x & ((1ull << bits) - 1)) << (k * bits);
        flags |= e.s.flags;
    }
    v->fp_flags |= flags;
    if (e.idc)
        a64_state(v)->idc_raised = A64_FPSR_IDC;
    *out = r;
}

u64 a64_help_idc(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    struct a64_state *s = a64_state(v);
    s->idc |= s->idc_raised;
    s->idc_raised = 0;
    return 0;
}

/* The low 32 bits of the number, cut, and Z of NZCV above them when that is the number. */
u64 a64_help_fjcvtzs(struct vcpu *v, u64 bits, u64 mode, u64 c, u64 d)
{
    struct env e = {.mode = (u32)mode};
    bits = flush_in(&e, IR_V64, bits);
    if (e.idc)
        a64_state(v)->idc_raised = A64_FPSR_IDC;
    const u32 exp = (u32)exp_of(IR_V64, bits);
    const u64 frac = frac_of(IR_V64, bits) | 1ull << 52; /* the value is frac * 2^(exp - 1075) */
    const bool negative = bits >> 63;
    u64 whole = 0;
    bool lost = false, out = false;

    if (exp == 0x7ff) {
        out = true;
    } else if (exp < 1023) {
        lost = bits << 1;
    } else if (exp <= 1075) {
        whole = frac >> (1075 - exp);
        lost = exp < 1075 && frac << (exp - 1075 + 64);
    } else {
        whole = exp - 1075 < 64 ? frac << (exp - 1075) : 0;
        out = true;
    }
    out = out || whole > 0x7fffffffull + negative;
    v->fp_flags |= out ? IR_FLAG_NV : lost ? IR_FLAG_NX : 0;
    const bool exact = !out && !lost && !e.idc && bits != 1ull << 63; /* what was flushed to zero is not the number */
    return (u32)(negative ? -whole : whole) | (u64)(exact ? 4 : 0) << 32;
}
