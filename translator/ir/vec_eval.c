/* Vector ops, lane by lane: see vec_eval.h. Written to be right and short; one switch, whose operands are taken from
 * the vectors and put back by two functions. */
#include "translator/ir/vec_eval.h"

#include "lib/assert.h"
#include "translator/ir/eval.h"
#include "translator/ir/fp_eval.h"

/* --- lanes --- */

static u64 lane(u128 v, u32 bits, u32 i)
{
    return ir_low_bits((u64)(v >> (bits * i)), bits);
}

static s64 signed_lane(u128 v, u32 bits, u32 i)
{
    return (s64)ir_sign_extend(lane(v, bits, i), bits);
}

/* v, whose lane i is zero, with it set to the low bits of x. */
static u128 with_lane(u128 v, u32 bits, u32 i, u64 x)
{
    return v | (u128)ir_low_bits(x, bits) << (bits * i);
}

static u128 low_half(u128 v)
{
    return (u64)v;
}

/* x as it fits into `bits` bits. */
static u64 saturate(s128 x, u32 bits, bool is_signed)
{
    const s128 max = is_signed ? ((s128)1 << (bits - 1)) - 1 : ((s128)1 << bits) - 1, min = is_signed ? -max - 1 : 0;
    return (u64)(x > max ? max : x < min ? min : x);
}

static s128 extended(u128 v, u32 bits, u32 i, bool is_signed)
{
    return is_signed ? (s128)signed_lane(v, bits, i) : (s128)lane(v, bits, i);
}

/* The product of polynomials over GF(2) of 64 bits each. */
static u128 clmul(u64 a, u64 b)
{
    u128 r = 0;
    for (u32 i = 0; i < 64; i++)
        if (b >> i & 1)
            r ^= (u128)a << i;
    return r;
}

/* --- AES (FIPS 197): byte i of a state is row i % 4 of column i / 4 --- */

/* clang-format off */
static const u8 sbox[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};
static const u8 inv_sbox[256] = {
    0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e, 0x81, 0xf3, 0xd7, 0xfb,
    0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87, 0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb,
    0x54, 0x7b, 0x94, 0x32, 0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
    0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49, 0x6d, 0x8b, 0xd1, 0x25,
    0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16, 0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92,
    0x6c, 0x70, 0x48, 0x50, 0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
    0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05, 0xb8, 0xb3, 0x45, 0x06,
    0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02, 0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b,
    0x3a, 0x91, 0x11, 0x41, 0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
    0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8, 0x1c, 0x75, 0xdf, 0x6e,
    0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89, 0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b,
    0xfc, 0x56, 0x3e, 0x4b, 0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
    0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59, 0x27, 0x80, 0xec, 0x5f,
    0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d, 0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef,
    0xa0, 0xe0, 0x3b, 0x4d, 0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
    0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63, 0x55, 0x21, 0x0c, 0x7d,
};
/* clang-format on */

static u8 byte_of(u128 v, u32 i)
{
    return (u8)(v >> (8 * i));
}

static u8 gf_mul(u32 a, u32 b)
{
    u32 r = 0;
    for (; b; b >>= 1) {
        if (b & 1)
            r ^= a;
        a = a << 1 ^ (a & 0x80 ? 0x11b : 0);
    }
    return (u8)r;
}

static u128 aes(u128 a, u64 step)
{
    static const u8 mix[2][4] = {{2, 3, 1, 1}, {14, 11, 13, 9}};
    u128 r = 0;
    for (u32 i = 0; i < 16; i++) {
        u32 row = i & 3, column = i & 12;
        u8 x = 0;
        switch (step) {
        case 0:
            x = sbox[byte_of(a, row | ((column + 4 * row) & 12))];
            break;
        case 1:
            x = inv_sbox[byte_of(a, row | ((column - 4 * row) & 12))];
            break;
        default:
            for (u32 k = 0; k < 4; k++)
                x ^= gf_mul(byte_of(a, column | k), mix[step - 2][(k - row) & 3]);
            break;
        }
        r |= (u128)x << (8 * i);
    }
    return r;
}

/* --- one lane of the ops that work lane by lane --- */

static u64 unary(u32 op, u64 x, u32 bits, u64 imm)
{
    switch (op) {
    case IR_OP_vabs:
        return ir_sign_extend(x, bits) >> 63 ? 0 - x : x;
    case IR_OP_vshl:
        return x << imm;
    case IR_OP_vshr:
        return x >> imm;
    case IR_OP_vsar:
        return (u64)((s64)ir_sign_extend(x, bits) >> imm);
    case IR_OP_vpopcnt:
        return (u64)__builtin_popcountll(x);
    default: /* vclz */
        return x ? (u64)__builtin_clzll(x) - (64 - bits) : bits;
    }
}

static u64 binary(u32 op, u32 aux, u64 x, u64 y, u32 bits)
{
    const bool is_signed = aux & IR_V_SIGNED;
    const s64 sx = (s64)ir_sign_extend(x, bits), sy = (s64)ir_sign_extend(y, bits);
    const s128 ex = is_signed ? (s128)sx : (s128)x, ey = is_signed ? (s128)sy : (s128)y;
    switch (op) {
    case IR_OP_vadd:
        return x + y;
    case IR_OP_vsub:
        return x - y;
    case IR_OP_vmul:
        return x * y;
    case IR_OP_vqadd:
        return saturate(ex + ey, bits, is_signed);
    case IR_OP_vqsub:
        return saturate(ex - ey, bits, is_signed);
    case IR_OP_vmin:
        return ex < ey ? x : y;
    case IR_OP_vmax:
        return ex > ey ? x : y;
    case IR_OP_vavg:
        return (x + y + 1) >> 1;
    case IR_OP_vcmp:
        return ir_eval_cc((aux & IR_V_CC) >> IR_V_CC_SHIFT, x, y, bits) ? ~0ull : 0;
    case IR_OP_vshlv:
        return y < bits ? x << y : 0;
    case IR_OP_vshrv:
        return y < bits ? x >> y : 0;
    case IR_OP_vsarv:
        return (u64)(sx >> (y < bits ? y : bits - 1));
    case IR_OP_vqdmulh: {
        s128 product = (s128)sx * sy * 2 + (aux & IR_V_ROUND ? (s128)1 << (bits - 1) : 0);
        return saturate(product >> bits, bits, true);
    }
    default: /* vpmul */
        return (u64)clmul(x, y);
    }
}

u32 ir_scalar_of(u32 op)
{
    switch (op) {
    case IR_OP_vfadd:
        return IR_OP_fadd;
    case IR_OP_vfsub:
        return IR_OP_fsub;
    case IR_OP_vfmul:
        return IR_OP_fmul;
    case IR_OP_vfdiv:
        return IR_OP_fdiv;
    case IR_OP_vfsqrt:
        return IR_OP_fsqrt;
    case IR_OP_vfma:
        return IR_OP_fma;
    case IR_OP_vfmin:
        return IR_OP_fmin;
    case IR_OP_vfmax:
        return IR_OP_fmax;
    case IR_OP_vfcmp:
        return IR_OP_fcmp;
    case IR_OP_vfround:
        return IR_OP_fround;
    case IR_OP_vf2i:
        return IR_OP_f2i;
    case IR_OP_vi2f:
        return IR_OP_i2f;
    case IR_OP_vfwiden:
    case IR_OP_vfnarrow:
        return IR_OP_fcvt;
    default:
        return op;
    }
}

static u128 floating(u32 op, u32 aux, u128 a, u128 b, u128 c, struct sfp *env)
{
    static const u8 float_of[] = {[IR_V16] = IR_F16, [IR_V32] = IR_F32, [IR_V64] = IR_F64};
    const u32 l = (aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT, scalar = ir_scalar_of(op);
    const u32 bits = 8u << l, f = float_of[l];
    u32 n = 128 / bits, from = f, to = f, from_bits = bits, to_bits = bits;
    switch (op) {
    case IR_OP_vf2i:
        to = bits == 32 ? IR_I32 : IR_I64;
        break;
    case IR_OP_vi2f:
        from = bits == 32 ? IR_I32 : IR_I64;
        break;
    case IR_OP_vfcmp:
        to = IR_I64;
        break;
    case IR_OP_vfwiden:
        to = float_of[l + 1];
        to_bits *= 2;
        n /= 2;
        if (aux & IR_V_FP_HIGH)
            a >>= 64;
        break;
    case IR_OP_vfnarrow:
        from = float_of[l + 1];
        from_bits *= 2;
        n /= 2;
        break;
    default:
        break;
    }
    u128 r = 0;
    for (u32 i = 0; i < n; i++) {
        u64 x = ir_eval_fp(scalar, to, from, aux & 0xff, lane(a, from_bits, i), lane(b, from_bits, i),
                           lane(c, from_bits, i), env);
        r = with_lane(r, to_bits, i, op == IR_OP_vfcmp ? 0 - x : x);
    }
    return r;
}

/* --- all ops --- */

u128 ir_eval_vec(u32 op, u32 type, u32 aux, u64 imm, u128 a, u128 b, u128 c, struct sfp *env)
{
    if (ir_ops[op].aux == IR_AUX_VFP)
        return floating(op, aux, a, b, c, env);

    const u32 l = aux & IR_V_LANE, bits = 8u << l, n = 16u >> l, half = n / 2, twice = bits * 2;
    const u32 index = (aux & IR_V_INDEX) >> IR_V_INDEX_SHIFT;
    const bool is_signed = aux & IR_V_SIGNED, high = aux & IR_V_HIGH;
    u128 r = 0;
    switch (op) {
    case IR_OP_vmake:
        return low_half(b) << 64 | low_half(a);
    case IR_OP_vzext:
        return a;
    case IR_OP_vlow:
        return (u64)a & ir_type_mask(type);
    case IR_OP_vdup:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, (u64)a);
        return r;
    case IR_OP_vdupl:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, lane(a, bits, index));
        return r;
    case IR_OP_vget:
        return (is_signed ? (u64)signed_lane(a, bits, index) : lane(a, bits, index)) & ir_type_mask(type);
    case IR_OP_vset:
        return with_lane(a ^ (u128)lane(a, bits, index) << (bits * index), bits, index, (u64)b);
    case IR_OP_vand:
        return a & b;
    case IR_OP_vor:
        return a | b;
    case IR_OP_vxor:
        return a ^ b;
    case IR_OP_vandn:
        return a & ~b;
    case IR_OP_vnot:
        return ~a;
    case IR_OP_vsel:
        return (b & a) | (c & ~a);

    case IR_OP_vabs:
    case IR_OP_vshl:
    case IR_OP_vshr:
    case IR_OP_vsar:
    case IR_OP_vclz:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, unary(op, lane(a, bits, i), bits, imm));
        return r;
    case IR_OP_vpopcnt:
        for (u32 i = 0; i < 16; i++)
            r = with_lane(r, 8, i, unary(op, lane(a, 8, i), 8, 0));
        return r;
    case IR_OP_vadd:
    case IR_OP_vsub:
    case IR_OP_vmul:
    case IR_OP_vqadd:
    case IR_OP_vqsub:
    case IR_OP_vmin:
    case IR_OP_vmax:
    case IR_OP_vavg:
    case IR_OP_vcmp:
    case IR_OP_vshlv:
    case IR_OP_vshrv:
    case IR_OP_vsarv:
    case IR_OP_vqdmulh:
    case IR_OP_vpmul:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, binary(op, aux, lane(a, bits, i), lane(b, bits, i), bits));
        return r;

    case IR_OP_vwiden:
        for (u32 i = 0; i < half; i++)
            r = with_lane(r, twice, i, (u64)extended(a, bits, i + (high ? half : 0), is_signed));
        return r;
    case IR_OP_vmull:
        for (u32 i = 0; i < half; i++) {
            u32 at = i + (high ? half : 0);
            r = with_lane(r, twice, i, (u64)(extended(a, bits, at, is_signed) * extended(b, bits, at, is_signed)));
        }
        return r;
    case IR_OP_vnarrow:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, lane(i < half ? a : b, twice, i & (half - 1)));
        return r;
    case IR_OP_vqnarrow:
        for (u32 i = 0; i < n; i++) {
            s128 x = extended(i < half ? a : b, twice, i & (half - 1), is_signed);
            r = with_lane(r, bits, i, saturate(x, bits, is_signed && !(aux & IR_V_TO_UNSIGNED)));
        }
        return r;
    case IR_OP_vzip:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, lane(i & 1 ? b : a, bits, i / 2 + (high ? half : 0)));
        return r;
    case IR_OP_vuzp:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, lane(i < half ? a : b, bits, 2 * (i & (half - 1)) + high));
        return r;
    case IR_OP_vtrn:
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, lane(i & 1 ? b : a, bits, (i & ~1u) + high));
        return r;
    case IR_OP_vext:
        return imm ? a >> (8 * imm) | b << (128 - 8 * imm) : a;
    case IR_OP_vrev: {
        u32 lanes = (1u << index >> l) - 1; /* in a group, less one */
        for (u32 i = 0; i < n; i++)
            r = with_lane(r, bits, i, lane(a, bits, i ^ lanes));
        return r;
    }
    case IR_OP_vtbl:
        for (u32 i = 0; i < 16; i++)
            r = with_lane(r, 8, i, lane(b, 8, i) < 16 ? lane(a, 8, (u32)lane(b, 8, i)) : 0);
        return r;
    case IR_OP_vdot:
        for (u32 i = 0; i < n; i++) {
            u64 x = lane(c, bits, i);
            for (u32 k = 4 * i; k < 4 * i + 4; k++)
                x += (u64)(extended(a, 8, k, is_signed) * extended(b, 8, k, is_signed));
            r = with_lane(r, bits, i, x);
        }
        return r;
    case IR_OP_vpmull:
        if (high) {
            a >>= 64;
            b >>= 64;
        }
        if (l == IR_V64)
            return clmul((u64)a, (u64)b);
        for (u32 i = 0; i < half; i++)
            r = with_lane(r, twice, i, (u64)clmul(lane(a, bits, i), lane(b, bits, i)));
        return r;
    case IR_OP_vaes:
        return aes(a, imm);
    case IR_OP_vsha1:
        return ir_sha1(imm, a, b, c);
    case IR_OP_vsha256:
        return ir_sha256(imm, a, b, c);
    case IR_OP_vest:
        for (u32 i = 0; i < 4; i++) {
            const u64 x = lane(a, 32, i);
            r = with_lane(r, 32, i, x >> (imm ? 30 : 31) ? (u64)ir_estimate(imm, (u32)(x >> 23)) << 23 : ~0ull);
        }
        return r;
    default:
        dgm_assert(false, "%s is no vector op", ir_ops[op].name);
        return 0;
    }
}
