/* riscv64: floating point (F, D, Zfhmin, Zfa).
 *
 * An f register is 64 bits (a slot of type f64). Narrower values are NaN-boxed: what reads one gets the canonical NaN
 * if the bits above are not all ones, what writes one fills them with ones. Stores and moves to x registers
 * take the low bits as they are.
 *
 * Every NaN that arithmetic makes is the canonical one (IR_FP_DEFNAN). */
#include "translator/guest/riscv64/rv_int.h"

/* --- registers --- */

static ir_ref get_d(struct rv_ctx *c, u32 n)
{
    return ir_get(c->b, RV_SLOT_F0 + n);
}

static bool put_d(struct rv_ctx *c, u32 n, ir_ref v)
{
    ir_put(c->b, RV_SLOT_F0 + n, v);
    return true;
}

static ir_ref get_f(struct rv_ctx *c, u32 n, enum ir_type type)
{
    return type == IR_F64 ? get_d(c, n) : ir_fp_to(c->b, IR_OP_nanunbox, type, 0, get_d(c, n));
}

static bool put_f(struct rv_ctx *c, u32 n, ir_ref v)
{
    return put_d(c, n, ir_type_of(c->b, v) == IR_F64 ? v : ir_op1(c->b, IR_OP_nanbox, v));
}

/* The register's bits, as they are. */
static ir_ref get_bits(struct rv_ctx *c, u32 n)
{
    return ir_fp_to(c->b, IR_OP_bitcast, IR_I64, 0, get_d(c, n));
}

static bool put_bits(struct rv_ctx *c, u32 n, ir_ref v)
{
    return put_d(c, n, ir_fp_to(c->b, IR_OP_bitcast, IR_F64, 0, v));
}

/* --- rounding --- */

/* FP aux for the instruction's rounding mode (the decoder has refused 5 and 6). False: there is none in this mode. */
static bool rounding(const struct rv_ctx *c, const struct rv_insn *i, u32 *aux)
{
    *aux = i->rm | IR_FP_DEFNAN;
    if (i->rm != IR_RDYN)
        return true;
    if ((c->rq->mode & RV_MODE_ROUND) == RV_MODE_RMM)
        *aux = IR_RMM | IR_FP_DEFNAN;
    return (c->rq->mode & RV_MODE_ROUND) != RV_MODE_INVALID;
}

/* --- memory --- */

TR(fld)
{
    return put_d(c, i->rd, ir_ld(c->b, IR_F64, 3, rv_x(c, i->rs1), i->imm));
}

TR(flw)
{
    return put_f(c, i->rd, ir_ld(c->b, IR_F32, 2, rv_x(c, i->rs1), i->imm));
}

/* By way of integers: few hosts load a half by itself. */
TR(flh)
{
    ir_ref v = ir_ld(c->b, IR_I64, 1, rv_x(c, i->rs1), i->imm);
    return put_bits(c, i->rd, ir_op2i(c->b, IR_OP_or, v, ~0xffffull));
}

static bool store(struct rv_ctx *c, const struct rv_insn *i, u32 size, ir_ref v)
{
    ir_st(c->b, size, rv_x(c, i->rs1), i->imm, v);
    return true;
}

/* clang-format off */
TR(fsd) { return store(c, i, 3, get_d(c, i->rs2)); }
TR(fsw) { return store(c, i, 2, get_d(c, i->rs2)); }
TR(fsh) { return store(c, i, 1, get_bits(c, i->rs2)); }
/* clang-format on */

/* --- arithmetic --- */

static bool two(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op, enum ir_type type)
{
    u32 aux;
    return rounding(c, i, &aux) &&
           put_f(c, i->rd, ir_fp2(c->b, op, aux, get_f(c, i->rs1, type), get_f(c, i->rs2, type)));
}

static bool one(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op, enum ir_type type, u32 more)
{
    u32 aux;
    return rounding(c, i, &aux) && put_f(c, i->rd, ir_fp1(c->b, op, aux | more, get_f(c, i->rs1, type)));
}

static bool fused(struct rv_ctx *c, const struct rv_insn *i, enum ir_type type, u32 more)
{
    u32 aux;
    return rounding(c, i, &aux) &&
           put_f(c, i->rd,
                 ir_fma(c->b, aux | more, get_f(c, i->rs1, type), get_f(c, i->rs2, type), get_f(c, i->rs3, type)));
}

/* Neither of these rounds. */
static bool min_max(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op, enum ir_type type, u32 more)
{
    return put_f(c, i->rd, ir_fp2(c->b, op, IR_FP_DEFNAN | more, get_f(c, i->rs1, type), get_f(c, i->rs2, type)));
}

/* clang-format off */
TR(fadd_s)     { return two(c, i, IR_OP_fadd, IR_F32); }
TR(fsub_s)     { return two(c, i, IR_OP_fsub, IR_F32); }
TR(fmul_s)     { return two(c, i, IR_OP_fmul, IR_F32); }
TR(fdiv_s)     { return two(c, i, IR_OP_fdiv, IR_F32); }
TR(fadd_d)     { return two(c, i, IR_OP_fadd, IR_F64); }
TR(fsub_d)     { return two(c, i, IR_OP_fsub, IR_F64); }
TR(fmul_d)     { return two(c, i, IR_OP_fmul, IR_F64); }
TR(fdiv_d)     { return two(c, i, IR_OP_fdiv, IR_F64); }
TR(fsqrt_s)    { return one(c, i, IR_OP_fsqrt, IR_F32, 0); }
TR(fsqrt_d)    { return one(c, i, IR_OP_fsqrt, IR_F64, 0); }
TR(fround_s)   { return one(c, i, IR_OP_fround, IR_F32, 0); }
TR(fround_d)   { return one(c, i, IR_OP_fround, IR_F64, 0); }
TR(froundnx_s) { return one(c, i, IR_OP_fround, IR_F32, IR_FP_EXACT); }
TR(froundnx_d) { return one(c, i, IR_OP_fround, IR_F64, IR_FP_EXACT); }
TR(fmadd_s)    { return fused(c, i, IR_F32, 0); }
TR(fmsub_s)    { return fused(c, i, IR_F32, IR_FP_NEG_ADD); }
TR(fnmsub_s)   { return fused(c, i, IR_F32, IR_FP_NEG_MUL); }
TR(fnmadd_s)   { return fused(c, i, IR_F32, IR_FP_NEG_MUL | IR_FP_NEG_ADD); }
TR(fmadd_d)    { return fused(c, i, IR_F64, 0); }
TR(fmsub_d)    { return fused(c, i, IR_F64, IR_FP_NEG_ADD); }
TR(fnmsub_d)   { return fused(c, i, IR_F64, IR_FP_NEG_MUL); }
TR(fnmadd_d)   { return fused(c, i, IR_F64, IR_FP_NEG_MUL | IR_FP_NEG_ADD); }
TR(fmin_s)     { return min_max(c, i, IR_OP_fmin, IR_F32, 0); }
TR(fmax_s)     { return min_max(c, i, IR_OP_fmax, IR_F32, 0); }
TR(fmin_d)     { return min_max(c, i, IR_OP_fmin, IR_F64, 0); }
TR(fmax_d)     { return min_max(c, i, IR_OP_fmax, IR_F64, 0); }
TR(fminm_s)    { return min_max(c, i, IR_OP_fmin, IR_F32, IR_FP_NAN_WINS); }
TR(fmaxm_s)    { return min_max(c, i, IR_OP_fmax, IR_F32, IR_FP_NAN_WINS); }
TR(fminm_d)    { return min_max(c, i, IR_OP_fmin, IR_F64, IR_FP_NAN_WINS); }
TR(fmaxm_d)    { return min_max(c, i, IR_OP_fmax, IR_F64, IR_FP_NAN_WINS); }
/* clang-format on */

/* --- signs --- */

/* With both operands the same these are move, negate and absolute value. */
static bool sign_copy(struct rv_ctx *c, const struct rv_insn *i, enum ir_type type, bool invert)
{
    ir_ref x = get_f(c, i->rs1, type);
    if (i->rs1 == i->rs2)
        return put_f(c, i->rd, invert ? ir_fp1(c->b, IR_OP_fneg, 0, x) : x);
    ir_ref y = get_f(c, i->rs2, type);
    if (invert)
        y = ir_fp1(c->b, IR_OP_fneg, 0, y);
    return put_f(c, i->rd, ir_fp2(c->b, IR_OP_fcopysign, 0, x, y));
}

static bool sign_xor(struct rv_ctx *c, const struct rv_insn *i, enum ir_type type)
{
    ir_ref x = get_f(c, i->rs1, type);
    if (i->rs1 == i->rs2)
        return put_f(c, i->rd, ir_fp1(c->b, IR_OP_fabs, 0, x));
    enum ir_type bits = type == IR_F64 ? IR_I64 : IR_I32;
    ir_ref xb = ir_fp_to(c->b, IR_OP_bitcast, bits, 0, x);
    ir_ref yb = ir_fp_to(c->b, IR_OP_bitcast, bits, 0, get_f(c, i->rs2, type));
    ir_ref sign = ir_op2i(c->b, IR_OP_and, yb, 1ull << (ir_bits(type) - 1));
    return put_f(c, i->rd, ir_fp_to(c->b, IR_OP_bitcast, type, 0, ir_op2(c->b, IR_OP_xor, xb, sign)));
}

/* clang-format off */
TR(fsgnj_s)  { return sign_copy(c, i, IR_F32, false); }
TR(fsgnjn_s) { return sign_copy(c, i, IR_F32, true); }
TR(fsgnjx_s) { return sign_xor(c, i, IR_F32); }
TR(fsgnj_d)  { return sign_copy(c, i, IR_F64, false); }
TR(fsgnjn_d) { return sign_copy(c, i, IR_F64, true); }
TR(fsgnjx_d) { return sign_xor(c, i, IR_F64); }
/* clang-format on */

/* --- comparison --- */

/* A comparison is made even if nobody gets its result: it may raise a flag. */
static bool compare(struct rv_ctx *c, const struct rv_insn *i, enum ir_type type, u32 aux)
{
    return rv_put_x(c, i->rd, ir_fp2(c->b, IR_OP_fcmp, aux, get_f(c, i->rs1, type), get_f(c, i->rs2, type)));
}

static bool classify(struct rv_ctx *c, const struct rv_insn *i, enum ir_type type)
{
    ir_ref bit = ir_emit(c->b, IR_OP_fclass, IR_I64, 0, 0, get_f(c, i->rs1, type), 0, 0, 0);
    return rv_put_x(c, i->rd, bit);
}

/* clang-format off */
TR(feq_s)    { return compare(c, i, IR_F32, IR_EQ); }
TR(flt_s)    { return compare(c, i, IR_F32, IR_LTS | IR_FCMP_SIGNAL); }
TR(fle_s)    { return compare(c, i, IR_F32, IR_LES | IR_FCMP_SIGNAL); }
TR(fltq_s)   { return compare(c, i, IR_F32, IR_LTS); }
TR(fleq_s)   { return compare(c, i, IR_F32, IR_LES); }
TR(feq_d)    { return compare(c, i, IR_F64, IR_EQ); }
TR(flt_d)    { return compare(c, i, IR_F64, IR_LTS | IR_FCMP_SIGNAL); }
TR(fle_d)    { return compare(c, i, IR_F64, IR_LES | IR_FCMP_SIGNAL); }
TR(fltq_d)   { return compare(c, i, IR_F64, IR_LTS); }
TR(fleq_d)   { return compare(c, i, IR_F64, IR_LES); }
TR(fclass_s) { return classify(c, i, IR_F32); }
TR(fclass_d) { return classify(c, i, IR_F64); }
/* clang-format on */

/* --- conversion --- */

static bool to_int(struct rv_ctx *c, const struct rv_insn *i, enum ir_type from, enum ir_type to, u32 more)
{
    u32 aux;
    if (!rounding(c, i, &aux))
        return false;
    aux = (aux & IR_FP_ROUND) | more;
    ir_ref v = ir_fp_to(c->b, IR_OP_f2i, to, aux, get_f(c, i->rs1, from));
    return to == IR_I32 ? rv_put_w(c, i->rd, v) : rv_put_x(c, i->rd, v);
}

static bool from_int(struct rv_ctx *c, const struct rv_insn *i, enum ir_type from, enum ir_type to, u32 more)
{
    u32 aux;
    if (!rounding(c, i, &aux))
        return false;
    aux = (aux & IR_FP_ROUND) | more;
    ir_ref v = from == IR_I32 ? rv_w(c, i->rs1) : rv_x(c, i->rs1);
    return put_f(c, i->rd, ir_fp_to(c->b, IR_OP_i2f, to, aux, v));
}

static bool convert(struct rv_ctx *c, const struct rv_insn *i, enum ir_type from, enum ir_type to)
{
    u32 aux;
    return rounding(c, i, &aux) && put_f(c, i->rd, ir_fp_to(c->b, IR_OP_fcvt, to, aux, get_f(c, i->rs1, from)));
}

/* clang-format off */
TR(fcvt_w_s)  { return to_int(c, i, IR_F32, IR_I32, 0); }
TR(fcvt_wu_s) { return to_int(c, i, IR_F32, IR_I32, IR_F2I_UNSIGNED); }
TR(fcvt_l_s)  { return to_int(c, i, IR_F32, IR_I64, 0); }
TR(fcvt_lu_s) { return to_int(c, i, IR_F32, IR_I64, IR_F2I_UNSIGNED); }
TR(fcvt_w_d)  { return to_int(c, i, IR_F64, IR_I32, 0); }
TR(fcvt_wu_d) { return to_int(c, i, IR_F64, IR_I32, IR_F2I_UNSIGNED); }
TR(fcvt_l_d)  { return to_int(c, i, IR_F64, IR_I64, 0); }
TR(fcvt_lu_d) { return to_int(c, i, IR_F64, IR_I64, IR_F2I_UNSIGNED); }
TR(fcvt_s_w)  { return from_int(c, i, IR_I32, IR_F32, 0); }
TR(fcvt_s_wu) { return from_int(c, i, IR_I32, IR_F32, IR_F2I_UNSIGNED); }
TR(fcvt_s_l)  { return from_int(c, i, IR_I64, IR_F32, 0); }
TR(fcvt_s_lu) { return from_int(c, i, IR_I64, IR_F32, IR_F2I_UNSIGNED); }
TR(fcvt_d_w)  { return from_int(c, i, IR_I32, IR_F64, 0); }
TR(fcvt_d_wu) { return from_int(c, i, IR_I32, IR_F64, IR_F2I_UNSIGNED); }
TR(fcvt_d_l)  { return from_int(c, i, IR_I64, IR_F64, 0); }
TR(fcvt_d_lu) { return from_int(c, i, IR_I64, IR_F64, IR_F2I_UNSIGNED); }
TR(fcvt_s_d)  { return convert(c, i, IR_F64, IR_F32); }
TR(fcvt_d_s)  { return convert(c, i, IR_F32, IR_F64); }
TR(fcvt_s_h)  { return convert(c, i, IR_F16, IR_F32); }
TR(fcvt_h_s)  { return convert(c, i, IR_F32, IR_F16); }
TR(fcvt_d_h)  { return convert(c, i, IR_F16, IR_F64); }
TR(fcvt_h_d)  { return convert(c, i, IR_F64, IR_F16); }
/* clang-format on */

TR(fcvtmod_w_d)
{
    return rv_put_x(c, i->rd, ir_call(c->b, IR_I64, RV_HELPER_FCVTMOD, get_bits(c, i->rs1), 0, 0, 0));
}

/* --- moves --- */

TR(fmv_x_d)
{
    return rv_put_x(c, i->rd, get_bits(c, i->rs1));
}

TR(fmv_x_w)
{
    return rv_put_x(c, i->rd, ir_sext(c->b, IR_I64, get_bits(c, i->rs1), 32));
}

TR(fmv_x_h)
{
    return rv_put_x(c, i->rd, ir_sext(c->b, IR_I64, get_bits(c, i->rs1), 16));
}

TR(fmv_d_x)
{
    return put_bits(c, i->rd, rv_x(c, i->rs1));
}

TR(fmv_w_x)
{
    return put_f(c, i->rd, ir_fp_to(c->b, IR_OP_bitcast, IR_F32, 0, rv_w(c, i->rs1)));
}

TR(fmv_h_x)
{
    return put_bits(c, i->rd, ir_op2i(c->b, IR_OP_or, rv_x(c, i->rs1), ~0xffffull));
}

/* Zfa's constants, as doubles; 1 and 30, 31 (smallest normal, infinity, NaN) depend on the format. All others are
 * exact in single precision. */
static const u64 fli_d[32] = {
    0xbff0000000000000, /* -1 */
    0x0010000000000000, /* smallest normal */
    0x3ef0000000000000, /* 2^-16 */
    0x3f00000000000000, /* 2^-15 */
    0x3f70000000000000, /* 2^-8 */
    0x3f80000000000000, /* 2^-7 */
    0x3fb0000000000000, /* 0.0625 */
    0x3fc0000000000000, /* 0.125 */
    0x3fd0000000000000, /* 0.25 */
    0x3fd4000000000000, /* 0.3125 */
    0x3fd8000000000000, /* 0.375 */
    0x3fdc000000000000, /* 0.4375 */
    0x3fe0000000000000, /* 0.5 */
    0x3fe4000000000000, /* 0.625 */
    0x3fe8000000000000, /* 0.75 */
    0x3fec000000000000, /* 0.875 */
    0x3ff0000000000000, /* 1 */
    0x3ff4000000000000, /* 1.25 */
    0x3ff8000000000000, /* 1.5 */
    0x3ffc000000000000, /* 1.75 */
    0x4000000000000000, /* 2 */
    0x4004000000000000, /* 2.5 */
    0x4008000000000000, /* 3 */
    0x4010000000000000, /* 4 */
    0x4020000000000000, /* 8 */
    0x4030000000000000, /* 16 */
    0x4060000000000000, /* 128 */
    0x4070000000000000, /* 256 */
    0x40e0000000000000, /* 2^15 */
    0x40f0000000000000, /* 2^16 */
    0x7ff0000000000000, /* infinity */
    0x7ff8000000000000, /* canonical NaN */
};

TR(fli_d)
{
    return put_d(c, i->rd, ir_const(c->b, IR_F64, fli_d[i->rs1]));
}

TR(fli_s)
{
    const u64 d = fli_d[i->rs1];
    const u32 sign = (u32)(d >> 63) << 31, frac = (u32)(d >> 29) & 0x7fffff, exp = (u32)(d >> 52) & 0x7ff;
    const u32 exp_s = exp == 1 ? 1 : exp == 0x7ff ? 0xff : exp - 1023 + 127;
    return put_f(c, i->rd, ir_const(c->b, IR_F32, sign | exp_s << 23 | frac));
}
