/* aarch64: cryptography: AES, SHA-1, SHA-2, SHA-3, SM3, SM4.
 *
 * AES has IR ops of its own. What is a few operations is built of them, on vectors or on lanes; the rounds of SHA-1,
 * SHA-256, SM3's expansion and SM4 are helpers (crypto_help.c). */
#include "translator/guest/aarch64/simd.h"

static ir_ref vm_of(struct a64_ctx *c, const struct a64_insn *i)
{
    return a64_v(c, i->rm);
}

static ir_ref vxor(struct a64_ctx *c, ir_ref x, ir_ref y)
{
    return v2(c, IR_OP_vxor, 0, x, y);
}

static bool help(struct a64_ctx *c, const struct a64_insn *i, enum a64_helper helper, u64 imm)
{
    return a64_put_v(c, i->rd, vhelp(c, helper, imm, vd(c, i), vn(c, i), vm_of(c, i)));
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
TR(sha1c) { return help(c, i, A64_HELPER_SHA1, 0); }
TR(sha1p) { return help(c, i, A64_HELPER_SHA1, 1); }
TR(sha1m) { return help(c, i, A64_HELPER_SHA1, 2); }
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

TR(sha256h)
{
    return a64_put_v(c, i->rd, vhelp(c, A64_HELPER_SHA256, 0, vd(c, i), vn(c, i), vm_of(c, i)));
}

TR(sha256h2)
{
    return a64_put_v(c, i->rd, vhelp(c, A64_HELPER_SHA256, 1, vn(c, i), vd(c, i), vm_of(c, i)));
}

TR(sha256su0)
{
    ir_ref x = vd(c, i), next = v2i(c, IR_OP_vext, 0, x, vn(c, i), 4);
    return a64_put_v(c, i->rd, v2(c, IR_OP_vadd, IR_V32, x, sigma(c, IR_V32, next, 7, 18, 3)));
}

/* The upper two words depend on the lower two. */
TR(sha256su1)
{
    ir_ref x = vm_of(c, i);
    ir_ref sum = v2(c, IR_OP_vadd, IR_V32, vd(c, i), v2i(c, IR_OP_vext, 0, vn(c, i), x, 4));
    ir_ref low = cut64(c, sigma(c, IR_V32, v2i(c, IR_OP_vext, 0, x, x, 8), 17, 19, 10));
    sum = v2(c, IR_OP_vadd, IR_V32, sum, low);
    ir_ref high = sigma(c, IR_V32, v2i(c, IR_OP_vext, 0, vzero(c), sum, 8), 17, 19, 10);
    return a64_put_v(c, i->rd, v2(c, IR_OP_vadd, IR_V32, sum, high));
}

/* --- SHA-512 --- */

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

/* clang-format off */
TR(sm3tt1a)   { return help(c, i, A64_HELPER_SM3TT, (u64)i->index << 2 | 0); }
TR(sm3tt1b)   { return help(c, i, A64_HELPER_SM3TT, (u64)i->index << 2 | 1); }
TR(sm3tt2a)   { return help(c, i, A64_HELPER_SM3TT, (u64)i->index << 2 | 2); }
TR(sm3tt2b)   { return help(c, i, A64_HELPER_SM3TT, (u64)i->index << 2 | 3); }
TR(sm3partw1) { return help(c, i, A64_HELPER_SM3PART, 1); }
TR(sm3partw2) { return help(c, i, A64_HELPER_SM3PART, 2); }
TR(sm4e)      { return a64_put_v(c, i->rd, vhelp(c, A64_HELPER_SM4, 0, vd(c, i), vn(c, i), 0)); }
TR(sm4ekey)   { return a64_put_v(c, i->rd, vhelp(c, A64_HELPER_SM4, 1, vn(c, i), vm_of(c, i), 0)); }
/* clang-format on */
