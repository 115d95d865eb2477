/* Floating point: the host's scalar instructions, with the guest's rules where they differ.
 *
 * Rounding. Instructions carry a mode of their own, numbered as the IR's are; frm holds the guest's for IR_RDYN.
 *
 * NaNs. The host's NaN results are canonical, as IR_FP_DEFNAN has them. Without it, software redoes the operation to
 * find which NaN it is when one has come out; so operands have to survive it.
 *
 * Tininess. The host detects it after rounding. With IR_FP_TINY_BEFORE a result that is the least normal number may
 * have been tiny before, and software redoes it for its flags. An addition's tiny results are exact.
 *
 * Flags gather in fcsr; what software raises goes to vcpu.fp_flags. So nothing may raise a flag that the guest's
 * operation does not: comparisons of results with themselves raise none, as results are never signalling.
 *
 * Narrow values are kept with ones above (boxed), so nanbox is a move, and nanunbox of f32 what an instruction does to
 * an operand that is not boxed. Of f16 there are at most conversions (Zfhmin); the rest is software.
 *
 * Software is reached by a call from emitted code that keeps all registers (C_SOFT). */
#include "translator/host/riscv64/gen.h"

#include "translator/ir/vec_eval.h"

/* The format bits of an opcode. */
static u32 fmt(u32 type)
{
    return type == IR_F64 ? FMT_D : 0;
}

void half_from(struct gen *g, u32 f, u32 r)
{
    x_u(&g->c, LUI, SCR, -0x10000);
    x_r(&g->c, OR, SCR, SCR, r);
    x_r(&g->c, (u32)FMV_W_X | FMT_D, f, SCR, 0);
}

/* --- software --- */

/* The operation of instruction i in software; r: its arguments' registers. dst may be one of them. */
static void soft(struct gen *g, ir_ref i, const u8 *r, u32 dst)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++)
        x_store(c, r[n] >= F0 ? FSD : SD, r[n], VCPU, VOFF(scratch) + 8 * (s32)n);
    load_imm(g, SCR, soft_desc(in->op, in->type, ins_of(g, in->a)->type, in->aux));
    x_store(c, SD, SCR, VCPU, VOFF(scratch[3]));
    x_call_common(c, g->common->off[C_SOFT]);
    load_vcpu(g, dst, VOFF(scratch), in->type);
}

/* r[0..2]: arguments, r[3]: result. */
static void cold_soft(struct gen *g, const struct cold *k)
{
    soft(g, k->ins, k->r, k->r[3]);
    x_j_back(&g->c, k->back);
}

/* Emits instruction i as a call of software and nothing else. */
static void only_soft(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u8 r[3] = {0};
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++)
        r[n] = (u8)use_reg(g, ir_arg(in, n));
    u32 dst = def_reg(g, i, is_float(in->type) == is_float(ins_of(g, in->a)->type) ? in->a : 0);
    soft(g, i, r, dst);
    def_done(g, i, dst);
}

/* Software for what the fast path finds it cannot do: fill in the sites, then `back`. */
static struct cold *soft_later(struct gen *g, u32 x, u32 y, u32 z, u32 dst)
{
    struct cold *k = cold_new(g, cold_soft, NULL);
    k->r[0] = (u8)x;
    k->r[1] = (u8)y;
    k->r[2] = (u8)z;
    k->r[3] = (u8)dst;
    return k;
}

/* To k when f is a NaN. */
static void if_nan(struct gen *g, struct cold *k, u32 type, u32 f)
{
    x_r(&g->c, (u32)FEQ | fmt(type), SCR, f, f);
    add_site(k, x_b(&g->c, BEQ, SCR, ZERO));
}

/* To k when f is the least normal number of either sign. */
static void if_least(struct gen *g, struct cold *k, u32 type, u32 f)
{
    struct code *c = &g->c;
    bool wide = type == IR_F64;
    x_r(c, (u32)FMV_X_W | fmt(type), SCR, f, 0);
    x_i(c, SLLI, SCR, SCR, wide ? 1 : 33);
    x_i(c, ADDI, SCR2, ZERO, 1);
    x_i(c, SLLI, SCR2, SCR2, wide ? 53 : 56);
    add_site(k, x_b(c, BEQ, SCR, SCR2));
}

/* Emits instruction `word` (all but its result's register), whose operands are x, y, z, for value i; then what of its
 * result has to be looked at. */
static void emit_checked(struct gen *g, ir_ref i, u32 word, u32 x, u32 y, u32 z, bool tiny)
{
    const struct ir_ins *in = ins_of(g, i);
    bool redo = !(in->aux & IR_FP_DEFNAN);
    tiny = tiny && (in->aux & IR_FP_TINY_BEFORE) && !g->u->tiny_any;
    if (!redo && !tiny) {
        u32 dst = def_reg(g, i, in->a);
        put32(&g->c, word | (dst & 31) << 7);
        def_done(g, i, dst);
        return;
    }
    u32 dst = def_not_in(g, i, reg_bit(x) | reg_bit(y) | reg_bit(z));
    put32(&g->c, word | (dst & 31) << 7);
    struct cold *k = soft_later(g, x, y, z, dst);
    if (redo)
        if_nan(g, k, in->type, dst);
    if (tiny)
        if_least(g, k, in->type, dst);
    k->back = g->c.p;
    def_from(g, i, dst);
}

/* --- arithmetic --- */

static u32 word_of(u32 op, u32 rm, u32 rs1, u32 rs2)
{
    return op | rm << 12 | (rs1 & 31) << 15 | (rs2 & 31) << 20;
}

void emit_farith(struct gen *g, ir_ref i)
{
    static const u32 ops[] = {
        [IR_OP_fadd] = FADD, [IR_OP_fsub] = FSUB, [IR_OP_fmul] = FMUL, [IR_OP_fdiv] = FDIV, [IR_OP_fsqrt] = FSQRT};
    const struct ir_ins *in = ins_of(g, i);
    if (in->type == IR_F16 || ir_flushes(in)) {
        only_soft(g, i);
        return;
    }
    bool unary = in->op == IR_OP_fsqrt;
    u32 x = use_reg(g, in->a), y = unary ? NOREG : use_reg(g, in->b);
    emit_checked(g, i, word_of(ops[in->op] | fmt(in->type), in->aux & IR_FP_ROUND, x, unary ? 0 : y), x, y, NOREG,
                 in->op == IR_OP_fmul || in->op == IR_OP_fdiv);
}

void emit_fma(struct gen *g, ir_ref i)
{
    static const u32 ops[4] = {FMADD, FMSUB, FNMSUB, FNMADD}; /* by the signs of product and addend */
    const struct ir_ins *in = ins_of(g, i);
    if (in->type == IR_F16 || ir_flushes(in)) {
        only_soft(g, i);
        return;
    }
    u32 op = ops[(in->aux & IR_FP_NEG_MUL ? 2 : 0) + (in->aux & IR_FP_NEG_ADD ? 1 : 0)];
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c);
    emit_checked(g, i, word_of(op | fmt(in->type), in->aux & IR_FP_ROUND, x, y) | (z & 31) << 27, x, y, z, true);
}

void emit_fminmax(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type;
    if (type == IR_F16) {
        only_soft(g, i);
        return;
    }
    u32 op = (in->op == IR_OP_fmin ? FMIN : FMAX) | fmt(type);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b);
    if ((in->aux & (IR_FP_DEFNAN | IR_FP_NAN_WINS | IR_FP_SNAN_WINS)) == IR_FP_DEFNAN) {
        u32 dst = def_reg(g, i, in->a);
        x_r(c, op, dst, x, y);
        def_done(g, i, dst);
        return;
    }
    u32 dst = def_not_in(g, i, reg_bit(x) | reg_bit(y));
    struct cold *k = soft_later(g, x, y, NOREG, dst);
    if_nan(g, k, type, x);
    if_nan(g, k, type, y);
    x_r(c, op, dst, x, y);
    k->back = c->p;
    def_from(g, i, dst);
}

/* dst = neither x nor y is a NaN. */
static void ordered(struct gen *g, u32 type, u32 dst, u32 x, u32 y)
{
    x_r(&g->c, (u32)FEQ | fmt(type), SCR, x, x);
    x_r(&g->c, (u32)FEQ | fmt(type), dst, y, y);
    x_r(&g->c, AND, dst, dst, SCR);
}

void emit_fcmp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = ins_of(g, in->a)->type, cc = in->aux & IR_FP_ROUND;
    bool signal = in->aux & IR_FCMP_SIGNAL;
    if (type == IR_F16) {
        only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, 0);
    u32 op = (u32)(cc == IR_LTS ? FLT : FLE) | fmt(type);
    if (cc == IR_EQ) {
        x_r(c, (u32)FEQ | fmt(type), dst, x, y);
        if (signal)
            x_r(c, (u32)FLE | fmt(type), ZERO, x, y); /* for its flag */
    } else if (signal) {
        x_r(c, op, dst, x, y);
    } else if (have(FEAT_ZFA)) {
        x_r(c, (u32)(cc == IR_LTS ? FLTQ : FLEQ) | fmt(type), dst, x, y);
    } else {
        ordered(g, type, dst, x, y);
        u8 *over = x_b(c, BEQ, dst, ZERO);
        x_r(c, op, dst, x, y);
        x_here(c, over);
    }
    def_done(g, i, dst);
}

void emit_ford(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = ins_of(g, in->a)->type;
    if (type == IR_F16) {
        only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, 0);
    if (in->aux & IR_FCMP_SIGNAL)
        x_r(c, (u32)FLE | fmt(type), ZERO, x, y); /* for its flag */
    ordered(g, type, SCR2, x, y);
    x_i(c, ADDI, dst, ZERO, 3);
    u8 *over = x_b(c, BEQ, SCR2, ZERO);
    x_r(c, (u32)FLT | fmt(type), dst, x, y);
    x_r(c, (u32)FLT | fmt(type), SCR, y, x);
    x_i(c, SLLI, SCR, SCR, 1);
    x_r(c, OR, dst, dst, SCR);
    x_here(c, over);
    def_done(g, i, dst);
}

/* --- conversions --- */

void emit_fcvt(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 to = in->type, from = ins_of(g, in->a)->type;
    bool half = to == IR_F16 || from == IR_F16;
    if (to == from || ir_flushes(in) || (half && !have(FEAT_ZFHMIN)) ||
        (to == IR_F16 && (in->aux & IR_FP_TINY_BEFORE) && !g->u->tiny_any)) {
        only_soft(g, i);
        return;
    }
    u32 op = to == IR_F16     ? (from == IR_F32 ? FCVT_H_S : FCVT_H_D)
             : from == IR_F16 ? (to == IR_F32 ? FCVT_S_H : FCVT_D_H)
             : to == IR_F32   ? FCVT_S_D
                              : FCVT_D_S;
    u32 x = use_reg(g, in->a), word = word_of(op, in->aux & IR_FP_ROUND, x, 0);
    if (to != IR_F16) {
        emit_checked(g, i, word, x, NOREG, NOREG, to == IR_F32 && from == IR_F64);
        return;
    }
    /* The result is a NaN when the operand is; an f16 cannot be asked. */
    u32 dst = def_not_in(g, i, reg_bit(x));
    struct cold *k = NULL;
    put32(c, word | (dst & 31) << 7);
    if (!(in->aux & IR_FP_DEFNAN)) {
        k = soft_later(g, x, NOREG, NOREG, dst);
        if_nan(g, k, from, x);
        k->back = c->p;
    }
    def_from(g, i, dst);
}

/* rs2 of a conversion: which integers. */
static u32 int_kind(u32 type, u32 aux)
{
    return (type == IR_I64 ? 2 : 0) + (aux & IR_F2I_UNSIGNED ? 1 : 0);
}

void emit_f2i(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 from = ins_of(g, in->a)->type;
    if (from == IR_F16 && !have(FEAT_ZFHMIN)) {
        only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    if (from == IR_F16) { /* exact */
        x_f(c, FCVT_S_H, 0, FSCR, x, 0);
        x = FSCR;
    }
    x_f(c, (u32)FCVT_I_F | fmt(from), in->aux & IR_FP_ROUND, dst, x, int_kind(in->type, in->aux));
    if (in->aux & IR_F2I_NAN_ZERO) {
        x_r(c, (u32)FEQ | fmt(from), SCR, x, x);
        x_r(c, SUB, SCR, ZERO, SCR);
        x_r(c, AND, dst, dst, SCR);
    }
    def_done(g, i, dst);
}

void emit_i2f(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (in->type == IR_F16) {
        only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    x_f(&g->c, (u32)FCVT_F_I | fmt(in->type), in->aux & IR_FP_ROUND, dst, x, int_kind(ins_of(g, in->a)->type, in->aux));
    def_done(g, i, dst);
}

/* Through an integer where the number may have a fraction at all; the rest in software. */
void emit_fround(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type, rm = in->aux & IR_FP_ROUND;
    bool wide = type == IR_F64, exact = in->aux & IR_FP_EXACT;
    if (type == IR_F16) {
        only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a);
    if (have(FEAT_ZFA)) {
        emit_checked(g, i, word_of((exact ? FROUNDNX : FROUND) | fmt(type), rm, x, 0), x, NOREG, NOREG, false);
        return;
    }
    u32 dst = def_not_in(g, i, reg_bit(x));
    struct cold *k = soft_later(g, x, NOREG, NOREG, dst);
    x_r(c, (u32)FMV_X_W | fmt(type), SCR, x, 0);
    x_i(c, SLLI, SCR, SCR, wide ? 1 : 33);
    x_i(c, SRLI, SCR, SCR, wide ? 53 : 56);
    x_i(c, ADDI, SCR2, ZERO, wide ? 1023 + 52 : 127 + 23);
    add_site(k, x_b(c, BGEU, SCR, SCR2));
    if (!exact)
        x_csr(c, CSRRS, SCR2, CSR_FFLAGS, ZERO);
    x_f(c, (u32)FCVT_I_F | fmt(type), rm, SCR, x, 2);
    x_f(c, (u32)FCVT_F_I | fmt(type), IR_RNE, dst, SCR, 2);
    x_r(c, FSGNJ | fmt(type), dst, dst, x);
    if (!exact)
        x_csr(c, CSRRW, ZERO, CSR_FFLAGS, SCR2);
    k->back = c->p;
    def_from(g, i, dst);
}

void emit_fclass(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 from = ins_of(g, in->a)->type;
    if (from == IR_F16) {
        only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    x_r(&g->c, (u32)FCLASS | fmt(from), dst, x, 0);
    def_done(g, i, dst);
}

/* --- bits --- */

/* The sign of an f16, as integers. */
static void half_sign(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 x = use_reg(g, in->a), y = in->op == IR_OP_fcopysign ? use_reg(g, in->b) : x;
    u32 t = temp_int(g), dst = def_reg(g, i, in->a);
    x_r(c, (u32)FMV_X_W, t, x, 0);
    x_r(c, (u32)FMV_X_W, SCR2, y, 0);
    if (in->op == IR_OP_fabs)
        x_mv(c, SCR2, ZERO);
    else if (in->op == IR_OP_fneg)
        x_i(c, XORI, SCR2, SCR2, -1);
    x_u(c, LUI, SCR, 0x8000);
    x_r(c, AND, SCR2, SCR2, SCR);
    x_i(c, XORI, SCR, SCR, -1);
    x_r(c, AND, t, t, SCR);
    x_r(c, OR, SCR2, SCR2, t);
    half_from(g, dst, SCR2);
    def_done(g, i, dst);
}

void emit_fsign(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (in->type == IR_F16) {
        half_sign(g, i);
        return;
    }
    u32 op = in->op == IR_OP_fneg ? FSGNJN : in->op == IR_OP_fabs ? FSGNJX : FSGNJ;
    u32 x = use_reg(g, in->a), y = in->op == IR_OP_fcopysign ? use_reg(g, in->b) : x, dst = def_reg(g, i, in->a);
    x_r(&g->c, op | fmt(in->type), dst, x, y);
    def_done(g, i, dst);
}

void emit_bitcast(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 format = ir_bits(in->type) == 64 ? FMT_D : 0;
    bool to = is_float(in->type), from = is_float(ins_of(g, in->a)->type);
    if (is_wide(in->type)) {
        s32 x = use_mem(g, in->a);
        copy_vcpu(g, def_mem(g, i), x);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, to == from ? in->a : 0);
    if (to == from)
        mov_rr(g, dst, x, in->type);
    else
        x_r(c, (u32)(to ? FMV_W_X : FMV_X_W) | format, dst, x, 0);
    def_done(g, i, dst);
}

void emit_nanbox(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    mov_rr(g, dst, x, in->type);
    def_done(g, i, dst);
}

void emit_nanunbox(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    if (in->type == IR_F32) {
        x_r(c, FSGNJ, dst, x, x);
    } else {
        x_r(c, (u32)FMV_X_W | FMT_D, SCR, x, 0);
        x_i(c, SRAI, SCR, SCR, 16);
        x_i(c, ADDI, SCR, SCR, 1);
        mov_rr(g, dst, x, in->type);
        u8 *boxed = x_b(c, BEQ, SCR, ZERO);
        x_li(c, SCR, -0x10000 | 0x7e00);
        x_r(c, (u32)FMV_W_X | FMT_D, dst, SCR, 0);
        x_here(c, boxed);
    }
    def_done(g, i, dst);
}

/* --- flags --- */

void emit_getflags(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    u32 dst = def_reg(g, i, 0);
    x_load(c, LWU, SCR, VCPU, VOFF(fp_flags));
    x_csr(c, CSRRS, dst, CSR_FFLAGS, ZERO);
    x_r(c, OR, dst, dst, SCR);
    def_done(g, i, dst);
}

void emit_setflags(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    g->changed = true;
    x_i(c, ANDI, SCR, use_reg(g, ins_of(g, i)->a), 31);
    x_store(c, SW, ZERO, VCPU, VOFF(fp_flags));
    x_csr(c, CSRRW, ZERO, CSR_FFLAGS, SCR);
}

void emit_setround(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    g->changed = true;
    x_i(c, ANDI, SCR, use_reg(g, ins_of(g, i)->a), 3);
    x_store(c, SW, SCR, VCPU, VOFF(fp_round));
    x_csr(c, CSRRW, ZERO, CSR_FRM, SCR);
}
