/* aarch64: cryptography: AES, SHA-1, SHA-2, SHA-3, SM3, SM4.
 *
 * AES, SHA-1 and SHA-256 have IR ops of their own. What is a few operations is built of them, on vectors or on lanes;
 * the rounds of SM4 are a helper (crypto_help.c). */
#include "translator/guest/aarch64/simd.h"

static ir_ref vm_of(struct a64_ctx *c, const struct a64_insn *i)
{
    return a64_v(c, i->rm);
}

static ir_ref vxor(struct a64_ctx *c, ir_ref x, ir_ref y)
{
    return v2(c, IR_OP_vxor, 0, x, y);
}

static bool hash(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, ir_ref x, ir_ref y, ir_ref z, u64 imm)
{
    return a64_put_v(c, i->rd, ir_emit(c->b, op, IR_V128, 0, imm, x, y, z, 0));
}

/* Every lane rotated to the right by n, 1 up to its bits less 1. */
static ir_ref rotated(struct a64_ctx *c, u32 lane, ir_ref x, u32 n)
{
    return v2(c, IR_OP_vor, 0, v1i(c, IR_OP_vshr, lane, x, n), v1i(c, IR_OP_vshl, lane, x, (8u << lane) - n));
}

/* Two rotations and a shift. */
static ir_ref sigma(struct a64_ctx *c, u32 lane, ir_ref x, u32 r1, u32 r2, u32 shift)
{
    return vxor(c, vxor(c, rotated(c, lane, x, r1), rotated(c, lane, x, r2)), v1i(c, IR_OP_vshr, lane, x, shift));
}

static ir_ref get_lane(struct a64_ctx *c, u32 lane, ir_ref x, u32 index)
{
    const enum ir_type type = lane == IR_V64 ? IR_I64 : IR_I32;
    return ir_emit(c->b, IR_OP_vget, type, lane | index << IR_V_INDEX_SHIFT, 0, x, 0, 0, 0);
}

/* --- AES --- */

/* clang-format off */
TR(aese)   { return a64_put_v(c, i->rd, v1i(c, IR_OP_vaes, 0, vxor(c, vd(c, i), vn(c, i)), 0)); }
TR(aesd)   { return a64_put_v(c, i->rd, v1i(c, IR_OP_vaes, 0, vxor(c, vd(c, i), vn(c, i)), 1)); }
TR(aesmc)  { return a64_put_v(c, i->rd, v1i(c, IR_OP_vaes, 0, vn(c, i), 2)); }
TR(aesimc) { return a64_put_v(c, i->rd, v1i(c, IR_OP_vaes, 0, vn(c, i), 3)); }
/* clang-format on */

/* --- SHA-1 --- */

/* clang-format off */
TR(sha1c) { return hash(c, i, IR_OP_vsha1, vd(c, i), vn(c, i), vm_of(c, i), 0); }
TR(sha1p) { return hash(c, i, IR_OP_vsha1, vd(c, i), vn(c, i), vm_of(c, i), 1); }
TR(sha1m) { return hash(c, i, IR_OP_vsha1, vd(c, i), vn(c, i), vm_of(c, i), 2); }
TR(sha1h) { return a64_put_scalar(c, i->rd, ir_op2i(c->b, IR_OP_rotl, a64_vlow(c, i->rn, IR_I32), 30)); }
/* clang-format on */

TR(sha1su0)
{
    ir_ref x = vd(c, i);
    return a64_put_v(c, i->rd, vxor(c, vxor(c, v2i(c, IR_OP_vext, 0, x, vn(c, i), 8), x), vm_of(c, i)));
}

/* The highest word also takes the new lowest one, rotated once more. */
TR(sha1su1)
{
    ir_ref zero = vzero(c), x = vxor(c, vd(c, i), v2i(c, IR_OP_vext, 0, vn(c, i), zero, 4));
    x = rotated(c, IR_V32, x, 31);
    ir_ref first = v2i(c, IR_OP_vext, 0, zero, x, 4);
    return a64_put_v(c, i->rd, vxor(c, x, rotated(c, IR_V32, first, 31)));
}

/* --- SHA-256 --- */

/* clang-format off */
TR(sha256h)   { return hash(c, i, IR_OP_vsha256, vd(c, i), vn(c, i), vm_of(c, i), 0); }
TR(sha256h2)  { return hash(c, i, IR_OP_vsha256, vn(c, i), vd(c, i), vm_of(c, i), 1); }
TR(sha256su0) { return hash(c, i, IR_OP_vsha256, vd(c, i), vn(c, i), vn(c, i), 2); }
TR(sha256su1) { return hash(c, i, IR_OP_vsha256, vd(c, i), vn(c, i), vm_of(c, i), 3); }
/* clang-format on */

/* --- SHA-512; what follows is for SM3 as well, on words of 32 bits --- */

static ir_ref and64(struct a64_ctx *c, ir_ref x, ir_ref y)
{
    return ir_op2(c->b, IR_OP_and, x, y);
}

static ir_ref xor64(struct a64_ctx *c, ir_ref x, ir_ref y)
{
    return ir_op2(c->b, IR_OP_xor, x, y);
}

static ir_ref add64(struct a64_ctx *c, ir_ref x, ir_ref y, ir_ref z)
{
    return ir_op2(c->b, IR_OP_add, ir_op2(c->b, IR_OP_add, x, y), z);
}

/* Three rotations. */
static ir_ref sigma3(struct a64_ctx *c, ir_ref x, u32 r1, u32 r2, u32 r3)
{
    ir_ref two = xor64(c, ir_op2i(c->b, IR_OP_rotr, x, r1), ir_op2i(c->b, IR_OP_rotr, x, r2));
    return xor64(c, two, ir_op2i(c->b, IR_OP_rotr, x, r3));
}

/* y where x is 1, z where it is 0. */
static ir_ref choose(struct a64_ctx *c, ir_ref x, ir_ref y, ir_ref z)
{
    return xor64(c, and64(c, x, xor64(c, y, z)), z);
}

static ir_ref majority(struct a64_ctx *c, ir_ref x, ir_ref y, ir_ref z)
{
    return xor64(c, and64(c, x, xor64(c, y, z)), and64(c, y, z));
}

static bool put_pair(struct a64_ctx *c, const struct a64_insn *i, ir_ref low, ir_ref high)
{
    return a64_put_v(c, i->rd, ir_emit(c->b, IR_OP_vmake, IR_V128, 0, 0, low, high, 0, 0));
}

TR(sha512h)
{
    ir_ref x = vn(c, i), y = vm_of(c, i), w = vd(c, i);
    ir_ref x0 = get_lane(c, IR_V64, x, 0), x1 = get_lane(c, IR_V64, x, 1);
    ir_ref y0 = get_lane(c, IR_V64, y, 0), y1 = get_lane(c, IR_V64, y, 1);
    ir_ref high = add64(c, choose(c, y1, x0, x1), sigma3(c, y1, 14, 18, 41), get_lane(c, IR_V64, w, 1));
    ir_ref t = ir_op2(c->b, IR_OP_add, high, y0);
    ir_ref low = add64(c, choose(c, t, y1, x0), sigma3(c, t, 14, 18, 41), get_lane(c, IR_V64, w, 0));
    return put_pair(c, i, low, high);
}

TR(sha512h2)
{
    ir_ref y = vm_of(c, i), w = vd(c, i), x0 = get_lane(c, IR_V64, vn(c, i), 0);
    ir_ref y0 = get_lane(c, IR_V64, y, 0), y1 = get_lane(c, IR_V64, y, 1);
    ir_ref high = add64(c, majority(c, x0, y1, y0), sigma3(c, y0, 28, 34, 39), get_lane(c, IR_V64, w, 1));
    ir_ref low = add64(c, majority(c, high, y0, y1), sigma3(c, high, 28, 34, 39), get_lane(c, IR_V64, w, 0));
    return put_pair(c, i, low, high);
}

TR(sha512su0)
{
    ir_ref x = vd(c, i), next = v2i(c, IR_OP_vext, 0, x, vn(c, i), 8);
    return a64_put_v(c, i->rd, v2(c, IR_OP_vadd, IR_V64, x, sigma(c, IR_V64, next, 1, 8, 7)));
}

TR(sha512su1)
{
    ir_ref sum = v2(c, IR_OP_vadd, IR_V64, vd(c, i), vm_of(c, i));
    return a64_put_v(c, i->rd, v2(c, IR_OP_vadd, IR_V64, sum, sigma(c, IR_V64, vn(c, i), 19, 61, 6)));
}

/* --- SHA-3 --- */

/* clang-format off */
TR(eor3) { return a64_put_v(c, i->rd, vxor(c, vxor(c, vn(c, i), vm_of(c, i)), a64_v(c, i->ra))); }
TR(bcax) { return a64_put_v(c, i->rd, vxor(c, vn(c, i), v2(c, IR_OP_vandn, 0, vm_of(c, i), a64_v(c, i->ra)))); }
TR(rax1) { return a64_put_v(c, i->rd, vxor(c, vn(c, i), rotated(c, IR_V64, vm_of(c, i), 63))); }
/* clang-format on */

TR(xar)
{
    ir_ref x = vxor(c, vn(c, i), vm_of(c, i));
    return a64_put_v(c, i->rd, i->imm ? rotated(c, IR_V64, x, (u32)i->imm) : x);
}

/* --- SM3, SM4 --- */

TR(sm3ss1)
{
    ir_ref x = ir_op2i(c->b, IR_OP_rotl, get_lane(c, IR_V32, vn(c, i), 3), 12);
    x = add64(c, x, get_lane(c, IR_V32, vm_of(c, i), 3), get_lane(c, IR_V32, a64_v(c, i->ra), 3));
    x = ir_op2i(c->b, IR_OP_rotl, x, 7);
    return a64_put_v(c, i->rd, v2(c, IR_OP_vset, IR_V32 | 3 << IR_V_INDEX_SHIFT, vzero(c), x));
}

static ir_ref xor3(struct a64_ctx *c, ir_ref x, ir_ref y, ir_ref z)
{
    return xor64(c, xor64(c, x, y), z);
}

/* The words of d are x[0] to x[3]. Of a round of kind `second` the function of the three upper ones, the lowest, word
 * `index` of m and the highest of n (in the first kind with x[3] rotated) are added. */
static bool sm3_round(struct a64_ctx *c, const struct a64_insn *i, bool second, bool late)
{
    ir_ref x[4], d = vd(c, i), add = get_lane(c, IR_V32, vn(c, i), 3);
    for (u32 k = 0; k < 4; k++)
        x[k] = get_lane(c, IR_V32, d, k);
    ir_ref f = !late ? xor3(c, x[3], x[2], x[1]) : second ? choose(c, x[3], x[2], x[1]) : majority(c, x[3], x[2], x[1]);
    if (!second)
        add = xor64(c, add, ir_op2i(c->b, IR_OP_rotl, x[3], 12));
    ir_ref t = add64(c, f, x[0], get_lane(c, IR_V32, vm_of(c, i), i->index));
    t = ir_op2(c->b, IR_OP_add, t, add);
    if (second)
        t = xor3(c, t, ir_op2i(c->b, IR_OP_rotl, t, 9), ir_op2i(c->b, IR_OP_rotl, t, 17));
    ir_ref v = v2i(c, IR_OP_vext, 0, d, d, 4), mid = ir_op2i(c->b, IR_OP_rotl, x[2], second ? 19 : 9);
    v = v2(c, IR_OP_vset, IR_V32 | 1 << IR_V_INDEX_SHIFT, v, mid);
    return a64_put_v(c, i->rd, v2(c, IR_OP_vset, IR_V32 | 3 << IR_V_INDEX_SHIFT, v, t));
}

/* x, and x rotated to the left by 15 and by 23. */
static ir_ref sm3_p1(struct a64_ctx *c, ir_ref x)
{
    return vxor(c, vxor(c, x, rotated(c, IR_V32, x, 17)), rotated(c, IR_V32, x, 9));
}

/* The highest word also takes the new lowest one, rotated. */
TR(sm3partw1)
{
    ir_ref zero = vzero(c), m = v2i(c, IR_OP_vext, 0, vm_of(c, i), zero, 4);
    ir_ref x = vxor(c, vxor(c, vd(c, i), vn(c, i)), rotated(c, IR_V32, m, 17));
    ir_ref low = sm3_p1(c, x), more = v2i(c, IR_OP_vext, 0, zero, rotated(c, IR_V32, low, 17), 4);
    return a64_put_v(c, i->rd, vxor(c, low, sm3_p1(c, more)));
}

TR(sm3partw2)
{
    ir_ref t = vxor(c, vn(c, i), rotated(c, IR_V32, vm_of(c, i), 25)), r = vxor(c, vd(c, i), t);
    ir_ref first = v2i(c, IR_OP_vext, 0, vzero(c), t, 4);
    return a64_put_v(c, i->rd, vxor(c, r, sm3_p1(c, rotated(c, IR_V32, first, 17))));
}

/* clang-format off */
TR(sm3tt1a)   { return sm3_round(c, i, false, false); }
TR(sm3tt1b)   { return sm3_round(c, i, false, true); }
TR(sm3tt2a)   { return sm3_round(c, i, true, false); }
TR(sm3tt2b)   { return sm3_round(c, i, true, true); }
TR(sm4e)      { return a64_put_v(c, i->rd, vhelp(c, A64_HELPER_SM4, 0, vd(c, i), vn(c, i), 0)); }
TR(sm4ekey)   { return a64_put_v(c, i->rd, vhelp(c, A64_HELPER_SM4, 1, vn(c, i), vm_of(c, i), 0)); }
/* clang-format on */
