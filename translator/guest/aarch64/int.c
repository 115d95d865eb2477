/* aarch64: data processing with immediates and registers.
 *
 * Instructions work on i32 or i64, as their sf bit says, so that a host uses its 32-bit instructions; a 32-bit result
 * is zero-extended when it goes into its register. A result for zr is not written. */
#include "translator/guest/aarch64/a64_int.h"

static u32 bits_of(const struct a64_insn *i)
{
    return i->sf ? 64 : 32;
}

static enum ir_type type_of(const struct a64_insn *i)
{
    return i->sf ? IR_I64 : IR_I32;
}

static ir_ref constant(struct a64_ctx *c, const struct a64_insn *i, u64 v)
{
    return ir_const(c->b, type_of(i), i->sf ? v : (u32)v);
}

/* --- addresses and constants --- */

TR(adr)
{
    return a64_put_x(c, i->rd, ir_const(c->b, IR_I64, c->pc + (u64)(s64)i->imm));
}

TR(adrp)
{
    return a64_put_x(c, i->rd, ir_const(c->b, IR_I64, (c->pc & ~0xfffull) + ((u64)(s64)i->imm << 12)));
}

TR(movz)
{
    return a64_put_x(c, i->rd, ir_const(c->b, IR_I64, (u64)i->imm << 16 * i->amount));
}

TR(movn)
{
    const u64 v = ~((u64)i->imm << 16 * i->amount);
    return a64_put_x(c, i->rd, ir_const(c->b, IR_I64, i->sf ? v : (u32)v));
}

TR(movk)
{
    const u64 field = 0xffffull << 16 * i->amount;
    ir_ref kept = ir_op2i(c->b, IR_OP_and, a64_x(c, i->rd), i->sf ? ~field : (u32)~field);
    return a64_put_x(c, i->rd, ir_op2i(c->b, IR_OP_or, kept, (u64)i->imm << 16 * i->amount));
}

/* --- addition and subtraction --- */

static ir_ref imm12(struct a64_ctx *c, const struct a64_insn *i)
{
    return constant(c, i, (u64)i->imm << 12 * i->amount);
}

/* Does it move sp by a multiple of 16? */
static bool even(const struct a64_insn *i)
{
    return i->sf && i->rn == 31 && (i->amount || i->imm % 16 == 0);
}

TR(add_imm)
{
    return a64_put_rsp(c, i->rd, ir_op2(c->b, IR_OP_add, a64_rsp(c, i->sf, i->rn), imm12(c, i)), even(i));
}

TR(sub_imm)
{
    return a64_put_rsp(c, i->rd, ir_op2(c->b, IR_OP_sub, a64_rsp(c, i->sf, i->rn), imm12(c, i)), even(i));
}

static bool adds(struct a64_ctx *c, u32 rd, ir_ref a, ir_ref b)
{
    ir_ref r = rd == 31 ? 0 : ir_op2(c->b, IR_OP_add, a, b);
    a64_flags_add(c, a, b, r);
    return r ? a64_put_r(c, rd, r) : true;
}

static bool subs(struct a64_ctx *c, u32 rd, ir_ref a, ir_ref b)
{
    ir_ref r = rd == 31 ? 0 : ir_op2(c->b, IR_OP_sub, a, b);
    a64_flags_sub(c, a, b, r);
    return r ? a64_put_r(c, rd, r) : true;
}

/* A register shifted, or extended and shifted. */
static ir_ref shifted(struct a64_ctx *c, const struct a64_insn *i)
{
    static const u8 ops[4] = {IR_OP_shl, IR_OP_shr, IR_OP_sar, IR_OP_rotr};
    ir_ref v = a64_r(c, i->sf, i->rm);
    return i->amount ? ir_op2i(c->b, ops[i->shift], v, i->amount) : v;
}

static ir_ref extended(struct a64_ctx *c, const struct a64_insn *i)
{
    const u32 bits = 8u << (i->shift & 3);
    ir_ref v;
    if (bits >= bits_of(i))
        v = a64_r(c, i->sf, i->rm);
    else if (i->shift & 4)
        v = ir_sext(c->b, type_of(i), a64_x(c, i->rm), bits);
    else
        v = ir_zext(c->b, type_of(i), a64_x(c, i->rm), bits);
    return i->amount ? ir_op2i(c->b, IR_OP_shl, v, i->amount) : v;
}

/* clang-format off */
TR(adds_imm) { return adds(c, i->rd, a64_rsp(c, i->sf, i->rn), imm12(c, i)); }
TR(subs_imm) { return subs(c, i->rd, a64_rsp(c, i->sf, i->rn), imm12(c, i)); }

TR(add)  { return a64_put_r(c, i->rd, ir_op2(c->b, IR_OP_add, a64_r(c, i->sf, i->rn), shifted(c, i))); }
TR(sub)  { return a64_put_r(c, i->rd, ir_op2(c->b, IR_OP_sub, a64_r(c, i->sf, i->rn), shifted(c, i))); }
TR(adds) { return adds(c, i->rd, a64_r(c, i->sf, i->rn), shifted(c, i)); }
TR(subs) { return subs(c, i->rd, a64_r(c, i->sf, i->rn), shifted(c, i)); }

TR(add_ext)  { return a64_put_rsp(c, i->rd, ir_op2(c->b, IR_OP_add, a64_rsp(c, i->sf, i->rn), extended(c, i)), false); }
TR(sub_ext)  { return a64_put_rsp(c, i->rd, ir_op2(c->b, IR_OP_sub, a64_rsp(c, i->sf, i->rn), extended(c, i)), false); }
TR(adds_ext) { return adds(c, i->rd, a64_rsp(c, i->sf, i->rn), extended(c, i)); }
TR(subs_ext) { return subs(c, i->rd, a64_rsp(c, i->sf, i->rn), extended(c, i)); }
/* clang-format on */

/* a + b + carry; subtraction is a + ~b + carry. */
static bool add_carry(struct a64_ctx *c, const struct a64_insn *i, bool inverted, bool set_flags)
{
    ir_ref a = a64_r(c, i->sf, i->rn), b = a64_r(c, i->sf, i->rm), carry = a64_carry(c);
    if (inverted)
        b = ir_op1(c->b, IR_OP_not, b);
    if (set_flags)
        a64_flags_adc(c, a, b, carry);
    ir_ref low = i->sf ? carry : ir_trunc(c->b, carry);
    return a64_put_r(c, i->rd, ir_op2(c->b, IR_OP_add, ir_op2(c->b, IR_OP_add, a, b), low));
}

/* clang-format off */
TR(adc)  { return add_carry(c, i, false, false); }
TR(adcs) { return add_carry(c, i, false, true); }
TR(sbc)  { return add_carry(c, i, true, false); }
TR(sbcs) { return add_carry(c, i, true, true); }
/* clang-format on */

/* --- logic --- */

bool a64_bitmask(u32 bits, u64 *value)
{
    const u32 n = bits >> 12 & 1, immr = bits >> 6 & 63, imms = bits & 63;
    const u32 len_bits = n << 6 | (~imms & 63);
    if (len_bits < 2) /* no length, or elements of one bit */
        return false;
    const u32 esize = 1u << (31 - (u32)__builtin_clz(len_bits));
    const u32 ones = (imms & (esize - 1)) + 1, turn = immr & (esize - 1);
    if (ones == esize)
        return false;
    u64 element = (1ull << ones) - 1;
    if (turn)
        element = element >> turn | element << (esize - turn);
    if (esize < 64)
        element &= (1ull << esize) - 1;
    for (u32 w = esize; w < 64; w *= 2)
        element |= element << w;
    *value = element;
    return true;
}

/* sf:N:immr:imms. A 32-bit instruction has no 64-bit elements. */
bool a64_is_bitmask(u32 value)
{
    u64 v;
    return (value >> 13 || !(value >> 12 & 1)) && a64_bitmask(value, &v);
}

static ir_ref logic_imm(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op)
{
    u64 v = 0;
    (void)a64_bitmask((u32)i->imm, &v); /* there is one: the decoder looked */
    return ir_op2(c->b, op, a64_r(c, i->sf, i->rn), constant(c, i, v));
}

static ir_ref logic(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, bool inverted)
{
    ir_ref v = shifted(c, i);
    if (inverted)
        v = ir_op1(c->b, IR_OP_not, v);
    return ir_op2(c->b, op, a64_r(c, i->sf, i->rn), v);
}

static bool put_and_flags(struct a64_ctx *c, const struct a64_insn *i, ir_ref r)
{
    a64_flags_logic(c, r);
    return a64_put_r(c, i->rd, r);
}

/* Is it an AND with a multiple of 16? */
static bool lower_clear(const struct a64_insn *i)
{
    u64 mask;
    return a64_bitmask((u32)i->imm & 0x1fff, &mask) && mask % 16 == 0;
}

/* clang-format off */
TR(and_imm)  { return a64_put_rsp(c, i->rd, logic_imm(c, i, IR_OP_and), lower_clear(i)); }
TR(orr_imm)  { return a64_put_rsp(c, i->rd, logic_imm(c, i, IR_OP_or), false); }
TR(eor_imm)  { return a64_put_rsp(c, i->rd, logic_imm(c, i, IR_OP_xor), false); }
TR(ands_imm) { return put_and_flags(c, i, logic_imm(c, i, IR_OP_and)); }
TR(and)      { return a64_put_r(c, i->rd, logic(c, i, IR_OP_and, false)); }
TR(bic)      { return a64_put_r(c, i->rd, logic(c, i, IR_OP_and, true)); }
TR(orr)      { return a64_put_r(c, i->rd, logic(c, i, IR_OP_or, false)); }
TR(orn)      { return a64_put_r(c, i->rd, logic(c, i, IR_OP_or, true)); }
TR(eor)      { return a64_put_r(c, i->rd, logic(c, i, IR_OP_xor, false)); }
TR(eon)      { return a64_put_r(c, i->rd, logic(c, i, IR_OP_xor, true)); }
TR(ands)     { return put_and_flags(c, i, logic(c, i, IR_OP_and, false)); }
TR(bics)     { return put_and_flags(c, i, logic(c, i, IR_OP_and, true)); }
/* clang-format on */

/* --- bit fields: immr r is `imm`, imms s is `imm2` --- */

/* Of v the low `width` bits at position `at`, zeros or the sign elsewhere. */
static ir_ref field(struct a64_ctx *c, const struct a64_insn *i, ir_ref v, u32 from, u32 at, u32 width, bool sign)
{
    const u32 bits = bits_of(i);
    const u64 mask = width == 64 ? ~0ull : (1ull << width) - 1;
    if (from + width == bits && !at) /* a shift */
        return ir_op2i(c->b, sign ? IR_OP_sar : IR_OP_shr, v, from);
    if (!from && (width == 8 || width == 16 || width == 32)) {
        v = sign ? ir_sext(c->b, type_of(i), v, width) : ir_zext(c->b, type_of(i), v, width);
        return at ? ir_op2i(c->b, IR_OP_shl, v, at) : v;
    }
    if (sign || (!from && at + width == bits)) {
        v = ir_op2i(c->b, IR_OP_shl, v, bits - from - width);
        return bits - width - at ? ir_op2i(c->b, sign ? IR_OP_sar : IR_OP_shr, v, bits - width - at) : v;
    }
    if (from)
        v = ir_op2i(c->b, IR_OP_shr, v, from);
    v = ir_op2i(c->b, IR_OP_and, v, mask);
    return at ? ir_op2i(c->b, IR_OP_shl, v, at) : v;
}

/* s >= r: bits s..r go to the bottom; else bits s..0 go to bits - r. */
static void place(const struct a64_insn *i, u32 *from, u32 *at, u32 *width)
{
    const u32 r = (u32)i->imm, s = (u32)i->imm2;
    *from = s >= r ? r : 0;
    *at = s >= r ? 0 : bits_of(i) - r;
    *width = s >= r ? s - r + 1 : s + 1;
}

static bool move_field(struct a64_ctx *c, const struct a64_insn *i, bool sign)
{
    u32 from, at, width;
    place(i, &from, &at, &width);
    return a64_put_r(c, i->rd, field(c, i, a64_r(c, i->sf, i->rn), from, at, width, sign));
}

/* clang-format off */
TR(sbfm) { return move_field(c, i, true); }
TR(ubfm) { return move_field(c, i, false); }
/* clang-format on */

TR(bfm)
{
    u32 from, at, width;
    place(i, &from, &at, &width);
    const u64 mask = (width == 64 ? ~0ull : (1ull << width) - 1) << at;
    ir_ref in = field(c, i, a64_r(c, i->sf, i->rn), from, at, width, false);
    ir_ref kept = ir_op2(c->b, IR_OP_and, a64_r(c, i->sf, i->rd), constant(c, i, ~mask));
    return a64_put_r(c, i->rd, ir_op2(c->b, IR_OP_or, kept, in));
}

TR(extr)
{
    const u32 lsb = (u32)i->imm2;
    ir_ref hi = a64_r(c, i->sf, i->rn), lo = a64_r(c, i->sf, i->rm);
    if (!lsb)
        return a64_put_r(c, i->rd, lo);
    if (i->rn == i->rm)
        return a64_put_r(c, i->rd, ir_op2i(c->b, IR_OP_rotr, lo, lsb));
    return a64_put_r(
        c, i->rd,
        ir_op2(c->b, IR_OP_or, ir_op2i(c->b, IR_OP_shr, lo, lsb), ir_op2i(c->b, IR_OP_shl, hi, bits_of(i) - lsb)));
}

/* --- shifts by a register, multiplication, division --- */

static bool reg_reg(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op)
{
    return a64_put_r(c, i->rd, ir_op2(c->b, op, a64_r(c, i->sf, i->rn), a64_r(c, i->sf, i->rm)));
}

/* clang-format off */
TR(lsl_v) { return reg_reg(c, i, IR_OP_shl); }
TR(lsr_v) { return reg_reg(c, i, IR_OP_shr); }
TR(asr_v) { return reg_reg(c, i, IR_OP_sar); }
TR(ror_v) { return reg_reg(c, i, IR_OP_rotr); }
/* clang-format on */

/* Division by zero gives zero. */
static bool divide(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op)
{
    ir_ref a = a64_r(c, i->sf, i->rn), b = a64_r(c, i->sf, i->rm), zero = constant(c, i, 0);
    return a64_put_r(c, i->rd, ir_select(c->b, IR_NE, b, zero, ir_op2(c->b, op, a, b), zero));
}

/* clang-format off */
TR(udiv) { return divide(c, i, IR_OP_divu); }
TR(sdiv) { return divide(c, i, IR_OP_divs); }
/* clang-format on */

/* ra + a * b, or with `sub` ra - a * b. */
static bool multiply(struct a64_ctx *c, const struct a64_insn *i, ir_ref a, ir_ref b, ir_ref ra, bool sub)
{
    return a64_put_r(c, i->rd, ir_op2(c->b, sub ? IR_OP_sub : IR_OP_add, ra, ir_op2(c->b, IR_OP_mul, a, b)));
}

static bool multiply_long(struct a64_ctx *c, const struct a64_insn *i, bool sign, bool sub)
{
    ir_ref a = a64_x(c, i->rn), b = a64_x(c, i->rm);
    a = sign ? ir_sext(c->b, IR_I64, a, 32) : ir_zext(c->b, IR_I64, a, 32);
    b = sign ? ir_sext(c->b, IR_I64, b, 32) : ir_zext(c->b, IR_I64, b, 32);
    return multiply(c, i, a, b, a64_x(c, i->ra), sub);
}

static bool multiply_high(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op)
{
    return a64_put_x(c, i->rd, ir_op2(c->b, op, a64_x(c, i->rn), a64_x(c, i->rm)));
}

/* clang-format off */
TR(madd)   { return multiply(c, i, a64_r(c, i->sf, i->rn), a64_r(c, i->sf, i->rm), a64_r(c, i->sf, i->ra), false); }
TR(msub)   { return multiply(c, i, a64_r(c, i->sf, i->rn), a64_r(c, i->sf, i->rm), a64_r(c, i->sf, i->ra), true); }
TR(smaddl) { return multiply_long(c, i, true, false); }
TR(smsubl) { return multiply_long(c, i, true, true); }
TR(umaddl) { return multiply_long(c, i, false, false); }
TR(umsubl) { return multiply_long(c, i, false, true); }
TR(smulh)  { return multiply_high(c, i, IR_OP_mulhs); }
TR(umulh)  { return multiply_high(c, i, IR_OP_mulhu); }
/* clang-format on */

/* --- one source --- */

/* Swaps neighbouring groups of `by` bits, of which `mask` has every other. */
static ir_ref swap(struct a64_ctx *c, const struct a64_insn *i, ir_ref v, u32 by, u64 mask)
{
    ir_ref m = constant(c, i, mask);
    ir_ref up = ir_op2i(c->b, IR_OP_shl, ir_op2(c->b, IR_OP_and, v, m), by);
    ir_ref down = ir_op2(c->b, IR_OP_and, ir_op2i(c->b, IR_OP_shr, v, by), m);
    return ir_op2(c->b, IR_OP_or, up, down);
}

TR(rbit)
{
    ir_ref v = ir_op1(c->b, IR_OP_bswap, a64_r(c, i->sf, i->rn));
    v = swap(c, i, v, 4, 0x0f0f0f0f0f0f0f0full);
    v = swap(c, i, v, 2, 0x3333333333333333ull);
    return a64_put_r(c, i->rd, swap(c, i, v, 1, 0x5555555555555555ull));
}

TR(rev16)
{
    return a64_put_r(c, i->rd, swap(c, i, a64_r(c, i->sf, i->rn), 8, 0x00ff00ff00ff00ffull));
}

TR(rev)
{
    return a64_put_r(c, i->rd, ir_op1(c->b, IR_OP_bswap, a64_r(c, i->sf, i->rn)));
}

TR(rev32)
{
    return a64_put_x(c, i->rd, ir_op2i(c->b, IR_OP_rotr, ir_op1(c->b, IR_OP_bswap, a64_x(c, i->rn)), 32));
}

TR(clz)
{
    return a64_put_r(c, i->rd, ir_op1(c->b, IR_OP_clz, a64_r(c, i->sf, i->rn)));
}

/* Bits below the top one that are as it is. */
TR(cls)
{
    ir_ref v = a64_r(c, i->sf, i->rn);
    ir_ref x = ir_op2(c->b, IR_OP_xor, v, ir_op2i(c->b, IR_OP_sar, v, bits_of(i) - 1));
    return a64_put_r(c, i->rd, ir_op2i(c->b, IR_OP_sub, ir_op1(c->b, IR_OP_clz, x), 1));
}

/* --- checksums --- */

#include "translator/guest/aarch64/crc_tables.inc"

/* CRC of `bytes` more bytes, polynomial reflected. What each four bits do is looked up by itself, none waits for
 * another. */
static inline u64 crc(u64 sum, u64 data, u32 bytes, const u32 table[16][16])
{
    const u32 bits = bytes * 8;
    const u64 x = (u32)sum ^ data;
    u32 r = bits < 32 ? (u32)sum >> bits : 0;
    for (u32 n = 0; n < bytes * 2; n++)
        r ^= table[bytes * 2 - 1 - n][x >> (4 * n) & 15];
    return r;
}

static u64 crc_of(u64 sum, u64 data, u64 bytes, const u32 table[16][16])
{
    switch (bytes) { /* each by itself, unrolled */
    case 1:
        return crc(sum, data, 1, table);
    case 2:
        return crc(sum, data, 2, table);
    case 4:
        return crc(sum, data, 4, table);
    default:
        return crc(sum, data, 8, table);
    }
}

u64 a64_help_crc32(struct vcpu *v, u64 sum, u64 data, u64 bytes, u64 d)
{
    return crc_of(sum, data, bytes, crc32_table);
}

u64 a64_help_crc32c(struct vcpu *v, u64 sum, u64 data, u64 bytes, u64 d)
{
    return crc_of(sum, data, bytes, crc32c_table);
}

static bool checksum(struct a64_ctx *c, const struct a64_insn *i, u32 helper, u32 bytes)
{
    ir_ref r = ir_call(c->b, IR_I64, helper, a64_x(c, i->rn), a64_x(c, i->rm), ir_const(c->b, IR_I64, bytes), 0);
    return a64_put_x(c, i->rd, r);
}

/* clang-format off */
TR(crc32b)  { return checksum(c, i, A64_HELPER_CRC32, 1); }
TR(crc32h)  { return checksum(c, i, A64_HELPER_CRC32, 2); }
TR(crc32w)  { return checksum(c, i, A64_HELPER_CRC32, 4); }
TR(crc32x)  { return checksum(c, i, A64_HELPER_CRC32, 8); }
TR(crc32cb) { return checksum(c, i, A64_HELPER_CRC32C, 1); }
TR(crc32ch) { return checksum(c, i, A64_HELPER_CRC32C, 2); }
TR(crc32cw) { return checksum(c, i, A64_HELPER_CRC32C, 4); }
TR(crc32cx) { return checksum(c, i, A64_HELPER_CRC32C, 8); }
/* clang-format on */

/* --- conditions --- */

/* clang-format off */
TR(ccmp)
{
    a64_flags_if_sub(c, i->cond, a64_r(c, i->sf, i->rn), a64_r(c, i->sf, i->rm), i->nzcv);
    return true;
}

TR(ccmn)
{
    a64_flags_if_add(c, i->cond, a64_r(c, i->sf, i->rn), a64_r(c, i->sf, i->rm), i->nzcv);
    return true;
}

TR(ccmp_imm)
{
    a64_flags_if_sub(c, i->cond, a64_r(c, i->sf, i->rn), constant(c, i, (u64)i->imm), i->nzcv);
    return true;
}

TR(ccmn_imm)
{
    a64_flags_if_add(c, i->cond, a64_r(c, i->sf, i->rn), constant(c, i, (u64)i->imm), i->nzcv);
    return true;
}
/* clang-format on */

/* rn if the condition holds, else what became of rm. */
static bool choose(struct a64_ctx *c, const struct a64_insn *i, ir_ref otherwise)
{
    ir_ref x, y;
    const enum ir_cc cc = a64_cond(c, i->cond, &x, &y);
    return a64_put_r(c, i->rd, ir_select(c->b, cc, x, y, a64_r(c, i->sf, i->rn), otherwise));
}

TR(csel)
{
    return choose(c, i, a64_r(c, i->sf, i->rm));
}

TR(csinc)
{
    if (i->rn == 31 && i->rm == 31 && i->cond < 14) /* cset, of the inverse condition */
        return a64_put_x(c, i->rd, a64_cond_value(c, i->cond ^ 1u));
    return choose(c, i, ir_op2i(c->b, IR_OP_add, a64_r(c, i->sf, i->rm), 1));
}

TR(csinv)
{
    return choose(c, i, ir_op1(c->b, IR_OP_not, a64_r(c, i->sf, i->rm)));
}

TR(csneg)
{
    return choose(c, i, ir_op1(c->b, IR_OP_neg, a64_r(c, i->sf, i->rm)));
}

/* --- FlagM --- */

TR(cfinv)
{
    a64_flags_lit(c, ir_op2i(c->b, IR_OP_xor, a64_nzcv(c), 2));
    return true;
}

TR(rmif)
{
    ir_ref v = a64_x(c, i->rn);
    if (i->imm)
        v = ir_op2i(c->b, IR_OP_rotr, v, (u64)i->imm);
    ir_ref kept = ir_op2i(c->b, IR_OP_and, a64_nzcv(c), 15u & ~(u32)i->nzcv);
    a64_flags_lit(c, ir_op2(c->b, IR_OP_or, kept, ir_op2i(c->b, IR_OP_and, v, i->nzcv)));
    return true;
}

/* N and Z of the low `bits`; V when the bit above them differs from the top one; C stays. */
static bool set_flags(struct a64_ctx *c, const struct a64_insn *i, u32 bits)
{
    struct ir_builder *b = c->b;
    ir_ref v = a64_x(c, i->rn);
    ir_ref carry = ir_op2i(b, IR_OP_and, a64_nzcv(c), 2);
    ir_ref n = ir_op2i(b, IR_OP_and, ir_op2i(b, IR_OP_shr, v, bits - 4), 8);
    ir_ref z = ir_cmp(b, IR_I64, IR_EQ, ir_zext(b, IR_I64, v, bits), ir_const(b, IR_I64, 0));
    ir_ref differ = ir_op2(b, IR_OP_xor, ir_op2i(b, IR_OP_shr, v, bits), ir_op2i(b, IR_OP_shr, v, bits - 1));
    ir_ref all = ir_op2(b, IR_OP_or, ir_op2(b, IR_OP_or, n, ir_op2i(b, IR_OP_shl, z, 2)),
                        ir_op2(b, IR_OP_or, carry, ir_op2i(b, IR_OP_and, differ, 1)));
    a64_flags_lit(c, all);
    return true;
}

/* clang-format off */
TR(setf8)  { return set_flags(c, i, 8); }
TR(setf16) { return set_flags(c, i, 16); }
/* clang-format on */
