/* riscv64: scalar cryptography (Zbkb, Zbkc with Zbc, Zbkx, Zknd, Zkne, Zknh).
 *
 * What is a few operations of the IR is built of them: the hashes' sums of rotations, and packing. The others are
 * pure helpers. AES's state of four columns lies in two registers, the lower columns in the first; an instruction
 * makes the two columns of its first register's half. */
#include "translator/guest/riscv64/rv_int.h"

/* --- packing and reversing --- */

TR(pack)
{
    ir_ref low = ir_zext(c->b, IR_I64, rv_x(c, i->rs1), 32);
    ir_ref high = ir_op2i(c->b, IR_OP_shl, rv_x(c, i->rs2), 32);
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_or, low, high));
}

TR(packh)
{
    ir_ref low = ir_zext(c->b, IR_I64, rv_x(c, i->rs1), 8);
    ir_ref high = ir_op2i(c->b, IR_OP_shl, ir_zext(c->b, IR_I64, rv_x(c, i->rs2), 8), 8);
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_or, low, high));
}

TR(packw)
{
    ir_ref low = ir_zext(c->b, IR_I64, rv_x(c, i->rs1), 16);
    ir_ref high = ir_op2i(c->b, IR_OP_shl, rv_x(c, i->rs2), 16);
    return rv_put_w(c, i->rd, ir_trunc(c->b, ir_op2(c->b, IR_OP_or, low, high)));
}

/* Exchanges groups of `by` bits, of which `low` has the lower of each pair. */
static ir_ref exchange(struct rv_ctx *c, ir_ref x, u64 low, u32 by)
{
    ir_ref up = ir_op2i(c->b, IR_OP_shl, ir_op2i(c->b, IR_OP_and, x, low), by);
    ir_ref down = ir_op2i(c->b, IR_OP_and, ir_op2i(c->b, IR_OP_shr, x, by), low);
    return ir_op2(c->b, IR_OP_or, up, down);
}

#define LOW1 0x5555555555555555ull
#define LOW2 0x3333333333333333ull
#define LOW4 0x0f0f0f0f0f0f0f0full

TR(brev8)
{
    ir_ref x = exchange(c, rv_x(c, i->rs1), LOW1, 1);
    return rv_put_x(c, i->rd, exchange(c, exchange(c, x, LOW2, 2), LOW4, 4));
}

/* --- SHA-2 --- */

/* The exclusive or of two rotations and of a third one, or of a shift. Amounts are to the right. */
static ir_ref sum3(struct rv_ctx *c, ir_ref x, u32 r1, u32 r2, enum ir_op last, u32 r3)
{
    ir_ref two = ir_op2(c->b, IR_OP_xor, ir_op2i(c->b, IR_OP_rotr, x, r1), ir_op2i(c->b, IR_OP_rotr, x, r2));
    return ir_op2(c->b, IR_OP_xor, two, ir_op2i(c->b, last, x, r3));
}

/* clang-format off */
TR(sha256sum0) { return rv_put_w(c, i->rd, sum3(c, rv_w(c, i->rs1), 2, 13, IR_OP_rotr, 22)); }
TR(sha256sum1) { return rv_put_w(c, i->rd, sum3(c, rv_w(c, i->rs1), 6, 11, IR_OP_rotr, 25)); }
TR(sha256sig0) { return rv_put_w(c, i->rd, sum3(c, rv_w(c, i->rs1), 7, 18, IR_OP_shr, 3)); }
TR(sha256sig1) { return rv_put_w(c, i->rd, sum3(c, rv_w(c, i->rs1), 17, 19, IR_OP_shr, 10)); }
TR(sha512sum0) { return rv_put_x(c, i->rd, sum3(c, rv_x(c, i->rs1), 28, 34, IR_OP_rotr, 39)); }
TR(sha512sum1) { return rv_put_x(c, i->rd, sum3(c, rv_x(c, i->rs1), 14, 18, IR_OP_rotr, 41)); }
TR(sha512sig0) { return rv_put_x(c, i->rd, sum3(c, rv_x(c, i->rs1), 1, 8, IR_OP_shr, 7)); }
TR(sha512sig1) { return rv_put_x(c, i->rd, sum3(c, rv_x(c, i->rs1), 19, 61, IR_OP_shr, 6)); }
/* clang-format on */

/* --- by helpers --- */

static bool helped(struct rv_ctx *c, const struct rv_insn *i, enum rv_helper helper, ir_ref second)
{
    return rv_put_x(c, i->rd, ir_call(c->b, IR_I64, helper, rv_x(c, i->rs1), second, 0, 0));
}

/* clang-format off */
TR(clmul)     { return helped(c, i, RV_HELPER_CLMUL, rv_x(c, i->rs2)); }
TR(clmulh)    { return helped(c, i, RV_HELPER_CLMULH, rv_x(c, i->rs2)); }
TR(clmulr)    { return helped(c, i, RV_HELPER_CLMULR, rv_x(c, i->rs2)); }
TR(xperm4)    { return helped(c, i, RV_HELPER_XPERM4, rv_x(c, i->rs2)); }
TR(xperm8)    { return helped(c, i, RV_HELPER_XPERM8, rv_x(c, i->rs2)); }
TR(aes64ds)   { return helped(c, i, RV_HELPER_AES64DS, rv_x(c, i->rs2)); }
TR(aes64dsm)  { return helped(c, i, RV_HELPER_AES64DSM, rv_x(c, i->rs2)); }
TR(aes64im)   { return helped(c, i, RV_HELPER_AES64IM, 0); }
TR(aes64es)   { return helped(c, i, RV_HELPER_AES64ES, rv_x(c, i->rs2)); }
TR(aes64esm)  { return helped(c, i, RV_HELPER_AES64ESM, rv_x(c, i->rs2)); }
TR(aes64ks1i) { return helped(c, i, RV_HELPER_AES64KS1I, ir_const(c->b, IR_I64, (u64)i->imm)); }
/* clang-format on */

/* Words of the first register's upper half, then the second's lower and upper half, each added to the ones before. */
TR(aes64ks2)
{
    ir_ref y = rv_x(c, i->rs2);
    ir_ref low = ir_op2(c->b, IR_OP_xor, ir_op2i(c->b, IR_OP_shr, rv_x(c, i->rs1), 32), ir_zext(c->b, IR_I64, y, 32));
    ir_ref high = ir_op2(c->b, IR_OP_xor, low, ir_op2i(c->b, IR_OP_shr, y, 32));
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_or, low, ir_op2i(c->b, IR_OP_shl, high, 32)));
}

/* --- products without carries --- */

static u64 reversed(u64 x)
{
    x = (x & LOW1) << 1 | (x >> 1 & LOW1);
    x = (x & LOW2) << 2 | (x >> 2 & LOW2);
    x = (x & LOW4) << 4 | (x >> 4 & LOW4);
    return __builtin_bswap64(x);
}

/* The low half. With only every fourth bit of the operands, at most 16 ones meet in a bit of a product, and 16 of them
 * only in the topmost: what they carry goes into the three bits above, which are dropped. */
static u64 product(u64 x, u64 y)
{
    const u64 fourth = 0x1111111111111111ull;
    u64 sum = 0;
    for (u32 k = 0; k < 4; k++) {
        u64 z = 0;
        for (u32 n = 0; n < 4; n++)
            z ^= (x & fourth << n) * (y & fourth << ((k - n) & 3));
        sum |= z & fourth << k;
    }
    return sum;
}

u64 rv_clmul(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    return product(x, y);
}

u64 rv_clmulr(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    return reversed(product(reversed(x), reversed(y)));
}

u64 rv_clmulh(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    return reversed(product(reversed(x), reversed(y))) >> 1;
}

/* --- permutations --- */

u64 rv_xperm4(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    u64 r = 0;
    for (u32 n = 0; n < 64; n += 4)
        r |= (x >> 4 * (y >> n & 15) & 15) << n;
    return r;
}

u64 rv_xperm8(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    u64 r = 0;
    for (u32 n = 0; n < 64; n += 8) {
        const u64 from = y >> n & 255;
        r |= from < 8 ? (x >> 8 * from & 255) << n : 0;
    }
    return r;
}

/* --- AES --- */

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

static const u8 inverse_sbox[256] = {
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

/* Eight bytes times two, in the field of AES. */
static u64 doubled(u64 x)
{
    const u64 top = x & 0x8080808080808080ull;
    return (x ^ top) << 1 ^ (top >> 7) * 0x1b;
}

/* The bytes of both columns one up (`by` 8) or more, in each column by itself. */
static u64 turned(u64 x, u32 by)
{
    const u64 low = (0xffffffffull >> by) * 0x100000001ull; /* what stays below the top when it moves */
    return (x & low) << by | (x >> (32 - by) & ~(low << by));
}

/* Each column times 3x^3 + x^2 + x + 2: byte n is 2 b[n] + 3 b[n + 1] + b[n + 2] + b[n + 3]. */
static u64 mixed(u64 x)
{
    const u64 next = turned(x, 24);
    return doubled(x ^ next) ^ next ^ turned(x, 16) ^ turned(x, 8);
}

/* The inverse is mixing what is first multiplied by 4x^2 + 5. */
static u64 unmixed(u64 x)
{
    return mixed(x ^ doubled(doubled(x ^ turned(x, 16))));
}

/* Two columns after the step that moves rows, through a box: row n of column k comes from column k + n (encryption) or
 * k - n. `x` has the columns 0 and 1 as this half sees them, `y` 2 and 3. */
static u64 moved(const u8 *box, u64 x, u64 y, s32 way)
{
    u64 r = 0;
    for (u32 k = 0; k < 2; k++)
        for (u32 n = 0; n < 4; n++) {
            const u32 column = (k + (u32)(way * (s32)n)) & 3;
            const u64 from = (column & 2 ? y : x) >> (32 * (column & 1) + 8 * n);
            r |= (u64)box[from & 255] << (32 * k + 8 * n);
        }
    return r;
}

u64 rv_aes64es(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    return moved(sbox, x, y, 1);
}

u64 rv_aes64esm(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    return mixed(moved(sbox, x, y, 1));
}

u64 rv_aes64ds(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    return moved(inverse_sbox, x, y, -1);
}

u64 rv_aes64dsm(struct vcpu *v, u64 x, u64 y, u64 c, u64 d)
{
    return unmixed(moved(inverse_sbox, x, y, -1));
}

u64 rv_aes64im(struct vcpu *v, u64 x, u64 b, u64 c, u64 d)
{
    return unmixed(x);
}

/* The upper word through the box, in both halves; but for round 10 first rotated and then with the round's constant. */
u64 rv_aes64ks1i(struct vcpu *v, u64 x, u64 round, u64 c, u64 d)
{
    static const u8 constants[11] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36, 0};
    u32 w = (u32)(x >> 32);
    if (round != 10)
        w = w >> 8 | w << 24;
    u32 r = constants[round];
    for (u32 n = 0; n < 32; n += 8)
        r ^= (u32)sbox[w >> n & 255] << n;
    return (u64)r << 32 | r;
}
