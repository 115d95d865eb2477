/* The reference semantics of PURE ops, one expression each.
 *
 * The constant folder and the interpreter both call ir_eval, so the two cannot disagree; backends are tested
 * against it. Values are bit patterns in a u64: an i32 or f32 is zero-extended, an f16 lies in the low 16 bits.
 * i128 values do not fit, so `pair`, `lo`, `hi` are left to the callers, as is `const`. */
#pragma once

#include "translator/ir/ir.h"

/* All ones in a value of this type (at most 64 bits wide). */
static inline u64 ir_type_mask(u32 type)
{
    u32 bits = ir_bits(type);
    return bits >= 64 ? ~0ull : (1ull << bits) - 1;
}

static inline u64 ir_low_bits(u64 x, u32 bits)
{
    return bits >= 64 ? x : x & ((1ull << bits) - 1);
}

static inline u64 ir_sign_extend(u64 x, u32 bits)
{
    return bits >= 64 ? x : (u64)((s64)(x << (64 - bits)) >> (64 - bits));
}

static inline bool ir_is_int(u32 type)
{
    return type == IR_I32 || type == IR_I64;
}

static inline bool ir_is_float(u32 type)
{
    return type == IR_F16 || type == IR_F32 || type == IR_F64;
}

/* a cc b, for integers of `bits` bits. */
static inline bool ir_eval_cc(u32 cc, u64 a, u64 b, u32 bits)
{
    u64 ua = ir_low_bits(a, bits), ub = ir_low_bits(b, bits);
    s64 sa = (s64)ir_sign_extend(a, bits), sb = (s64)ir_sign_extend(b, bits);
    switch (cc) {
    case IR_EQ:
        return ua == ub;
    case IR_NE:
        return ua != ub;
    case IR_LTS:
        return sa < sb;
    case IR_GES:
        return sa >= sb;
    case IR_GTS:
        return sa > sb;
    case IR_LES:
        return sa <= sb;
    case IR_LTU:
        return ua < ub;
    case IR_GEU:
        return ua >= ub;
    case IR_GTU:
        return ua > ub;
    default: /* IR_LEU */
        return ua <= ub;
    }
}

/* The condition that holds of (b, a) when `cc` holds of (a, b). */
static inline u32 ir_swap_cc(u32 cc)
{
    static const u8 swapped[IR_NCC] = {IR_EQ,  IR_NE,  IR_GTS, IR_LES, IR_LTS,
                                       IR_GES, IR_GTU, IR_LEU, IR_LTU, IR_GEU}; /* ORDER CC */
    return swapped[cc];
}

static inline u64 ir_eval_mulhu64(u64 a, u64 b)
{
    return (u64)(((u128)a * b) >> 64);
}

/* One bit of ten; see fclass in ops.def. */
static inline u64 ir_eval_fclass(u64 a, u32 type)
{
    u32 frac_bits = type == IR_F16 ? 10 : type == IR_F32 ? 23 : 52;
    u32 bits = ir_bits(type);
    u32 exp_bits = bits - 1 - frac_bits;
    u64 frac = ir_low_bits(a, frac_bits);
    u64 exp = ir_low_bits(a >> frac_bits, exp_bits);
    bool neg = (a >> (bits - 1)) & 1;
    if (exp == (1ull << exp_bits) - 1) {
        if (frac)
            return 1u << ((frac >> (frac_bits - 1)) & 1 ? 9 : 8);
        return 1u << (neg ? 0 : 7);
    }
    if (exp)
        return 1u << (neg ? 1 : 6);
    if (frac)
        return 1u << (neg ? 2 : 5);
    return 1u << (neg ? 3 : 4);
}

/* The value of PURE instruction `in` for argument values a..d; `at` is the type of its first argument.
 * False for the ops that this cannot express. */
static inline bool ir_eval(const struct ir_ins *in, u32 at, u64 a, u64 b, u64 c, u64 d, u64 *out)
{
    const u32 w = ir_bits(in->type);
    const u64 sign = 1ull << ((w - 1) & 63);
    const s64 sa = (s64)ir_sign_extend(a, w), sb = (s64)ir_sign_extend(b, w);
    const u32 sh = (u32)b & (w - 1);
    u64 r;

    switch (in->op) {
    case IR_OP_add:
        r = a + b;
        break;
    case IR_OP_sub:
        r = a - b;
        break;
    case IR_OP_mul:
        r = a * b;
        break;
    case IR_OP_mulhu:
        r = w == 32 ? (a * b) >> 32 : ir_eval_mulhu64(a, b);
        break;
    case IR_OP_mulhs:
        r = w == 32 ? (u64)(sa * sb) >> 32 : (u64)(((s128)sa * sb) >> 64);
        break;
    case IR_OP_mulhsu: /* |sa * b| < 2^63 for 32 bits */
        r = w == 32 ? (u64)(sa * (s64)b) >> 32 : ir_eval_mulhu64(a, b) - (sa < 0 ? b : 0);
        break;
    case IR_OP_divs:
        r = b == 0 ? ~0ull : sb == -1 ? 0 - (u64)sa : (u64)(sa / sb);
        break;
    case IR_OP_divu:
        r = b == 0 ? ~0ull : a / b;
        break;
    case IR_OP_rems:
        r = b == 0 ? a : sb == -1 ? 0 : (u64)(sa % sb);
        break;
    case IR_OP_remu:
        r = b == 0 ? a : a % b;
        break;
    case IR_OP_neg:
        r = 0 - a;
        break;
    case IR_OP_mins:
        r = sa < sb ? a : b;
        break;
    case IR_OP_maxs:
        r = sa > sb ? a : b;
        break;
    case IR_OP_minu:
        r = a < b ? a : b;
        break;
    case IR_OP_maxu:
        r = a > b ? a : b;
        break;
    case IR_OP_and:
        r = a & b;
        break;
    case IR_OP_or:
        r = a | b;
        break;
    case IR_OP_xor:
        r = a ^ b;
        break;
    case IR_OP_not:
        r = ~a;
        break;
    case IR_OP_shl:
        r = a << sh;
        break;
    case IR_OP_shr:
        r = a >> sh;
        break;
    case IR_OP_sar:
        r = (u64)(sa >> sh);
        break;
    case IR_OP_rotl:
        r = sh ? a << sh | a >> (w - sh) : a;
        break;
    case IR_OP_rotr:
        r = sh ? a >> sh | a << (w - sh) : a;
        break;
    case IR_OP_clz:
        r = a ? (u64)__builtin_clzll(a) - (64 - w) : w;
        break;
    case IR_OP_ctz:
        r = a ? (u64)__builtin_ctzll(a) : w;
        break;
    case IR_OP_popcnt:
        r = (u64)__builtin_popcountll(a);
        break;
    case IR_OP_bswap:
        r = __builtin_bswap64(a) >> (64 - w);
        break;
    case IR_OP_sext:
        r = ir_sign_extend(a, in->aux);
        break;
    case IR_OP_zext:
        r = ir_low_bits(a, in->aux);
        break;
    case IR_OP_trunc:
        r = a;
        break;
    case IR_OP_cmp:
        r = ir_eval_cc(in->aux, a, b, ir_bits(at));
        break;
    case IR_OP_select:
        r = ir_eval_cc(in->aux, a, b, ir_bits(at)) ? c : d;
        break;
    case IR_OP_fclass:
        r = ir_eval_fclass(a, at);
        break;
    case IR_OP_fneg:
        r = a ^ sign;
        break;
    case IR_OP_fabs:
        r = a & ~sign;
        break;
    case IR_OP_fcopysign:
        r = (a & ~sign) | (b & sign);
        break;
    case IR_OP_bitcast:
        r = a;
        break;
    case IR_OP_nanbox:
        r = a | ~ir_type_mask(at);
        break;
    case IR_OP_nanunbox:
        if (in->type == IR_F32)
            r = a >> 32 == 0xffffffffu ? a : 0x7fc00000u;
        else
            r = a >> 16 == 0xffffffffffffull ? a : 0x7e00u;
        break;
    default:
        return false;
    }
    *out = r & ir_type_mask(in->type);
    return true;
}
