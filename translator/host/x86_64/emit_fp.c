/* Floating point: SSE scalar instructions, with the guest's rules where they differ.
 *
 * Rounding. mxcsr holds the guest's mode, so IR_RDYN needs nothing. Another mode is checked against vcpu.fp_round, and
 * only when it differs the operation is done in software; where an instruction carries its own mode that is used.
 * Ties away from zero exist in no x86 instruction: software, but for conversions to integers and integral values.
 *
 * NaNs. x86 gives an operand or a negative NaN. With IR_FP_DEFNAN a NaN result is replaced (cold, or later: raw.h).
 * Otherwise software redoes the operation to find which NaN it is, so operands have to survive it; or in units with
 * nans_trap, which find out by a trap (trap.c), nothing is done.
 *
 * Tininess is detected after rounding. With IR_FP_TINY_BEFORE a result that is the least normal number may have been
 * tiny before, and software redoes the operation for its flags. Sums are exact where they are tiny, roots never are,
 * and no quotient of two numbers of n bits comes as near to a power of two from below as 2^-n of it.
 *
 * Flags gather in mxcsr; what software raises goes to vcpu.fp_flags. So nothing may raise a flag that the guest's
 * operation does not: comparisons of results with themselves raise none, as results are never signalling.
 *
 * Software is reached by a call from emitted code that keeps all registers (C_SOFT). */
#include "translator/host/common/raw.h"
#include "translator/host/x86_64/vec.h"

#include "translator/ir/vec_eval.h"

#define CVT_F64_F32 (0x5a | X_0F | X_F2)
#define CVT_F32_F64 (0x5a | X_0F | X_F3)

/* The prefix that tells f64 from f32 in scalar arithmetic. */
static u32 scalar(u32 type)
{
    return type == IR_F64 ? X_F2 : X_F3;
}
/* And in comparisons. */
static u32 packed(u32 type)
{
    return type == IR_F64 ? X_66 : 0;
}

/* --- software --- */

void fp_soft(struct gen *g, ir_ref i, const u8 *r, u32 dst)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++)
        x_rm(c, r[n] >= XMM0 ? SSE_MOVSD_ST : 0x89 | X_W, r[n], o_vcpu(VOFF(scratch) + 8 * (s32)n), 0);
    u64 d = soft_desc(in->op, in->type, ins_of(g, in->a)->type, in->aux);
    x_store_imm(c, 0, o_vcpu(VOFF(scratch[3])), (s32)d);
    x_store_imm(c, 0, o_vcpu(VOFF(scratch[3]) + 4), (s32)(d >> 32));
    x_call_common(c, g->common->off[C_SOFT]);
    load_vcpu(g, dst, VOFF(scratch), in->type == IR_F16 ? IR_F32 : in->type);
}

/* r[0..2]: arguments, r[3]: result. */
static void cold_soft(struct gen *g, const struct cold *k)
{
    fp_soft(g, k->ins, k->r, k->r[3]);
    x_jmp_back(&g->c, k->back);
}

void fp_only_soft(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u8 r[3] = {0};
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++)
        r[n] = (u8)use_reg(g, ir_arg(in, n));
    u32 dst = def_reg(g, i, is_float_class(in->type) == is_float_class(ins_of(g, in->a)->type) ? in->a : 0);
    fp_soft(g, i, r, dst);
    def_done(g, i, dst);
}

/* Software for what the fast path finds it cannot do: fill in the sites, then finish. */
static struct cold *soft_later(struct gen *g, u32 x, u32 y, u32 z, u32 dst)
{
    struct cold *k = cold_new(g, cold_soft, NULL);
    k->r[0] = (u8)x;
    k->r[1] = (u8)y;
    k->r[2] = (u8)z;
    k->r[3] = (u8)dst;
    return k;
}

/* Is `aux`'s rounding mode one that mxcsr may not have? Then jumps to k when it has not. */
static bool is_static(u32 aux)
{
    return (aux & IR_FP_ROUND) != IR_RDYN;
}
void fp_check_round(struct gen *g, u32 aux, struct cold *k)
{
    if (!is_static(aux))
        return;
    x_alu_imm(&g->c, 0, ALU_CMP, o_vcpu(VOFF(fp_round)), (s32)(aux & IR_FP_ROUND));
    add_site(k, x_jcc(&g->c, CC_NE));
}

/* --- NaN results --- */

static u32 nan_const(u32 type)
{
    return type == IR_F64 ? K_NAN64 : type == IR_F32 ? K_NAN32 : K_NAN16;
}

/* r[0]: result */
static void cold_nan(struct gen *g, const struct cold *k)
{
    u32 type = ins_of(g, k->ins)->type;
    x_rm(&g->c, SSE_MOVAPS, k->r[0], konst(g, nan_const(type)), 0);
    x_jmp_back(&g->c, k->back);
}

static void ucomis(struct gen *g, u32 type, u32 x, struct opnd y)
{
    x_rm(&g->c, 0x2e | X_0F | packed(type), x, y, 0);
}

u8 *nan_branch(struct gen *g, u32 kind, u32 x, u32 y)
{
    ucomis(g, kind == RAW_F64 ? IR_F64 : IR_F32, x, o_reg(y));
    return x_jcc(&g->c, CC_P);
}

/* The place of a short jump that is taken when neither x nor y is a NaN. */
static u8 *numbers_branch(struct gen *g, u32 kind, u32 x, u32 y)
{
    ucomis(g, kind == RAW_F64 ? IR_F64 : IR_F32, x, o_reg(y));
    return x_jcc8(&g->c, CC_NP);
}

static void mend_one(struct gen *g, u32 kind, u32 r)
{
    u8 *const over = numbers_branch(g, kind, r, r);
    x_rm(&g->c, SSE_MOVAPS, r, konst(g, nan_const(kind == RAW_F64 ? IR_F64 : IR_F32)), 0);
    if (kind == RAW_BOX32)
        x_rm(&g->c, SSE_ORPS, r, konst(g, K_BOX32), 0);
    x_here8(&g->c, over);
}

void nan_mend(struct gen *g, u32 kind, u32 x, u32 y)
{
    if (x == y) {
        mend_one(g, kind, x);
        return;
    }
    u8 *const over = numbers_branch(g, kind, x, y);
    mend_one(g, kind, x);
    mend_one(g, kind, y);
    x_here8(&g->c, over);
}

/* A NaN in r, the result i of operands a and b (0: none), becomes the canonical one; at once or later. */
static void canonical(struct gen *g, ir_ref i, ir_ref a, ir_ref b, u32 r)
{
    const u32 type = ins_of(g, i)->type;
    if (raw_value(g, i, a, b))
        return;
    ucomis(g, type, r, o_reg(r));
    struct cold *k = cold_new(g, cold_nan, x_jcc(&g->c, CC_P));
    k->r[0] = (u8)r;
    k->back = g->c.p;
}

/* --- what results are asked --- */

/* Does software look at results that are the least normal number? */
static bool looks_for_least(const struct gen *g, const struct ir_ins *in)
{
    return (in->aux & IR_FP_TINY_BEFORE) && !g->u->tiny_any &&
           (in->op == IR_OP_fmul || in->op == IR_OP_fma || in->op == IR_OP_fcvt);
}

/* A temp to ask a result with, of either class: where three operands and the result are in temps no float is left.
 * NOREG where nothing is asked but whether it is a NaN. */
static u32 asking_temp(struct gen *g, const struct ir_ins *in)
{
    if (!looks_for_least(g, in))
        return NOREG;
    return TEMPS_FLOAT & ~g->locked ? temp_float(g) : temp_int(g);
}

/* To k where r is a NaN, or with t, of asking_temp, the least normal number. One comparison tells both. */
static void ask(struct gen *g, struct cold *k, u32 type, u32 r, u32 t)
{
    struct code *c = &g->c;
    const bool wide = type == IR_F64;
    const struct opnd least = konst(g, wide ? K_LEAST64_V : K_LEAST32_V), rest = konst(g, wide ? K_ABS64 : K_ABS32);
    if (t != NOREG && t >= XMM0) {
        if (have(FEAT_AVX)) {
            x_avx(c, SSE_ANDPS, t, r, rest, 0);
        } else {
            mov_rr(g, t, r, type);
            x_rm(c, SSE_ANDPS, t, rest, 0);
        }
        ucomis(g, type, t, least);
        add_site(k, x_jcc(c, CC_E)); /* equal, or unordered */
        return;
    }
    ucomis(g, type, r, o_reg(r));
    add_site(k, x_jcc(c, CC_P));
    if (t == NOREG)
        return;
    const u32 w = wide ? X_W : 0;
    x_rm(c, SSE_MOVD_R_X | w, r, o_reg(t), 0);
    x_alu(c, w, ALU_AND, t, rest);
    x_alu(c, w, ALU_CMP, t, least);
    add_site(k, x_jcc(c, CC_E));
}

/* --- arithmetic --- */

/* Where all that i is for is to go into a vector: dst = x with zeros above, so that i computed upon it has them, too.
 */
static bool copy_zeros(struct gen *g, ir_ref i, u32 dst, ir_ref a, u32 x)
{
    const struct val *v = &g->val[i];
    const u32 type = ins_of(g, i)->type;
    keeps_width(g, i, a);
    if (v->width || v->uses != 1 || ins_of(g, v->user)->op != IR_OP_vzext || (type == IR_F32 && !have(FEAT_SSE41)))
        return false;
    if (type == IR_F64) {
        x_rr(&g->c, 0x7e | X_0F | X_F3, dst, x); /* movq */
    } else {
        x_rm(&g->c, 0x21 | X_3A | X_66, dst, o_reg(x), 1); /* insertps: x's lowest lane, zeros in the others */
        put8(&g->c, 0x0e);
    }
    g->val[i].width = (u8)ir_bits(type);
    return true;
}

/* dst = x, which i is then computed upon. */
static void copy_first(struct gen *g, ir_ref i, u32 dst, ir_ref a, u32 x)
{
    if (!copy_zeros(g, i, dst, a, x))
        mov_rr(g, dst, x, ins_of(g, i)->type);
}

/* dst = x op y; what is above the number is x's. */
static void arith_into(struct gen *g, u32 op, u32 type, u32 dst, u32 x, struct opnd y)
{
    if (dst != x && have(FEAT_AVX)) {
        x_avx(&g->c, op, dst, x, y, 0);
        return;
    }
    dgm_assert(dst == x || !is_reg(y, dst), "an operand is overwritten");
    mov_rr(g, dst, x, type);
    x_rm(&g->c, op, dst, y, 0);
}

static u32 arith_op(u32 op)
{
    switch (op) {
    case IR_OP_fadd:
        return 0x58 | X_0F;
    case IR_OP_fmul:
        return 0x59 | X_0F;
    case IR_OP_fsub:
        return 0x5c | X_0F;
    case IR_OP_fdiv:
        return 0x5e | X_0F;
    default:
        return 0x51 | X_0F; /* sqrt */
    }
}

/* Arithmetic that traps where its NaN would be another one than it should be. */
static void arith_trapping(struct gen *g, ir_ref i, u32 op)
{
    const struct ir_ins *in = ins_of(g, i);
    const bool unary = in->op == IR_OP_fsqrt;
    const u32 x = use_reg(g, in->a);
    const struct opnd y = unary ? o_reg(x) : use_rm(g, in->b);
    const u32 dst = def_reg(g, i, in->a);
    if (dst == x)
        x_rm(&g->c, op, dst, y, 0);
    else
        x_avx(&g->c, op, dst, x, y, 0);
    keeps_width(g, i, in->a);
    def_done(g, i, dst);
}

bool fp_traps(const struct gen *g, const struct ir_ins *in)
{
    return g->u->nans_trap && have(FEAT_AVX) && !(in->aux & IR_FP_DEFNAN) && !is_static(in->aux);
}

void emit_farith(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type, op = arith_op(in->op) | scalar(type);
    bool unary = in->op == IR_OP_fsqrt, commutes = in->op == IR_OP_fadd || in->op == IR_OP_fmul;
    if (ir_flushes(in)) {
        emit_flush(g, i);
        return;
    }
    if ((in->aux & IR_FP_ROUND) == IR_RMM) {
        fp_only_soft(g, i);
        return;
    }
    if (fp_traps(g, in) && !looks_for_least(g, in)) {
        arith_trapping(g, i, op);
        return;
    }
    if (!(in->aux & IR_FP_DEFNAN) || is_static(in->aux) ||
        looks_for_least(g, in)) { /* operands survive, for software */
        u32 x = use_reg(g, in->a), y = unary ? x : use_reg(g, in->b);
        u32 t = def_apart(g, i, x, y, NOREG), asking = asking_temp(g, in);
        struct cold *k = soft_later(g, x, y, NOREG, t);
        fp_check_round(g, in->aux, k);
        if (unary || copy_zeros(g, i, t, in->a, x))
            x_rr(c, op, t, y);
        else
            arith_into(g, op, type, t, x, o_reg(y));
        ask(g, k, type, t, asking);
        k->back = c->p;
        def_from(g, i, t);
        return;
    }
    if (unary) {
        struct opnd x = use_rm(g, in->a);
        u32 dst = def_reg(g, i, in->a);
        x_rm(c, op, dst, x, 0);
        canonical(g, i, in->a, 0, dst);
        def_done(g, i, dst);
        return;
    }
    u32 x = use_reg(g, in->a);
    struct opnd y = use_rm(g, in->b);
    u32 dst = def_reg(g, i, dies(g, in->a) && g->val[root_of(g, in->a)].reg != NOREG ? in->a : commutes ? in->b : 0);
    keeps_width(g, i, in->a);
    if (is_reg(y, dst) && dst != x && !have(FEAT_AVX)) {
        if (commutes) {
            keeps_width(g, i, in->b);
            x_rr(c, op, dst, x);
        } else {
            u32 t = temp_float(g);
            mov_rr(g, t, x, type);
            x_rm(c, op, t, y, 0);
            mov_rr(g, dst, t, type);
        }
    } else {
        arith_into(g, op, type, dst, x, y);
    }
    canonical(g, i, in->a, in->b, dst);
    def_done(g, i, dst);
}

/* The same of a * b + c. A quiet NaN c would have to win over the others, and over infinity times zero, and does not:
 * it is looked at. */
static void fma_trapping(struct gen *g, ir_ref i, u32 op)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c);
    const u32 dst = def_not_in(g, i, reg_bit(x) | reg_bit(y));
    struct cold *k = soft_later(g, x, y, z, dst);
    ucomis(g, in->type, z, o_reg(z));
    add_site(k, x_jcc(&g->c, CC_P));
    mov_rr(g, dst, z, in->type);
    x_vex(&g->c, op + 0xb9, dst, x, o_reg(y), 0);
    keeps_width(g, i, in->c);
    k->back = g->c.p;
    def_from(g, i, dst);
}

void emit_fma(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type;
    if (ir_flushes(in)) {
        emit_flush(g, i);
        return;
    }
    if ((in->aux & IR_FP_ROUND) == IR_RMM || !have(FEAT_FMA)) {
        fp_only_soft(g, i);
        return;
    }
    /* fmadd, fmsub, fnmadd, fnmsub follow each other; 213: first = second * first + third, 231: first += second * third
     */
    u32 op = ((in->aux & IR_FP_NEG_ADD ? 2 : 0) + (in->aux & IR_FP_NEG_MUL ? 4u : 0u)) | X_38 | X_66 |
             (type == IR_F64 ? X_W : 0);
    if (fp_traps(g, in) && !looks_for_least(g, in) && !(in->aux & IR_FP_NEG_MUL)) {
        fma_trapping(g, i, op);
        return;
    }
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c);
    u32 dst = def_hint(g, i);
    /* A NaN is looked at in software, which needs all three: the one that is overwritten is kept in t. */
    u32 t = temp_float(g),
        asking = dst != NOREG && dst != x && dst != y && dst != z && looks_for_least(g, in) ? t : asking_temp(g, in);
    struct cold *k;
    if (dst == NOREG || (dst != x && dst != y && dst != z)) {
        if (dst == NOREG)
            dst = t;
        k = soft_later(g, x, y, z, dst);
        fp_check_round(g, in->aux, k);
        copy_first(g, i, dst, in->a, x);
        x_vex(c, op + 0xa9, dst, y, o_reg(z), 0);
    } else if (dst == z) {
        mov_rr(g, t, z, type);
        k = soft_later(g, x == z ? t : x, y == z ? t : y, t, dst);
        fp_check_round(g, in->aux, k);
        x_vex(c, op + 0xb9, dst, x, o_reg(y), 0);
        keeps_width(g, i, in->c);
    } else {
        u32 other = dst == x ? y : x;
        mov_rr(g, t, dst, type);
        k = soft_later(g, dst == x ? t : x, dst == y ? t : y, z, dst);
        fp_check_round(g, in->aux, k);
        x_vex(c, op + 0xa9, dst, other, o_reg(z), 0);
        keeps_width(g, i, dst == x ? in->a : in->b);
    }
    ask(g, k, type, dst, asking);
    k->back = c->p;
    def_done(g, i, dst);
}

/* r[0]: the result, so far the first operand; r[1]: the second, equal to it. Zeros of different sign are. */
static void cold_equal(struct gen *g, const struct cold *k)
{
    x_rr(&g->c, ins_of(g, k->ins)->op == IR_OP_fmin ? SSE_ORPS : SSE_ANDPS, k->r[0], k->r[1]);
    x_jmp_back(&g->c, k->back);
}

void emit_fminmax(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b);
    u32 t = def_apart(g, i, x, y, NOREG);
    struct cold *k = soft_later(g, x, y, NOREG, t);
    ucomis(g, type, x, o_reg(y));
    add_site(k, x_jcc(c, CC_P));
    mov_rr(g, t, x, type);
    struct cold *eq = cold_new(g, cold_equal, x_jcc(c, CC_E));
    eq->r[0] = (u8)t;
    eq->r[1] = (u8)y;
    x_rr(c, (in->op == IR_OP_fmin ? 0x5d : 0x5f) | X_0F | scalar(type), t, y);
    eq->back = k->back = c->p;
    def_from(g, i, t);
}

/* Are the flags of comparisons put back before anybody can look, where they are made behind getflags g->own.flags and
 * no later than instruction i? That is what C's isless and the like become on riscv64, whose comparisons raise invalid
 * for a quiet NaN: flags are read, the comparison is made, they are written back. */
static bool is_unseen(const struct gen *g, ir_ref i)
{
    if (!g->own.flags || !have(FEAT_AVX512F) || ir_is_off(g->u, IR_PASS_FUSE))
        return false;
    for (ir_ref k = g->own.flags + 1; k < g->u->n; k++) {
        const struct ir_ins *in = ins_of(g, k);
        if (in->op == IR_OP_setflags)
            return k >= i && root_of(g, in->a) == g->own.flags;
        if (in->op != IR_OP_insn && in->op != IR_OP_get && in->op != IR_OP_put && ir_flags[in->op] != IR_PURE &&
            (in->op != IR_OP_fcmp || ins_of(g, in->a)->type == IR_F16))
            return false;
    }
    return false;
}

void emit_fcmp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = ins_of(g, in->a)->type, cc = in->aux & IR_FP_ROUND;
    if (type == IR_F16) {
        fp_only_soft(g, i);
        return;
    }
    const bool quiet = is_unseen(g, i);
    u32 op = (in->aux & IR_FCMP_SIGNAL ? 0x2f : 0x2e) | X_0F | packed(type); /* comis, ucomis */
    /* Unordered sets all of ZF, PF, CF. So less-than asks whether b is above a. */
    const bool eq = cc == IR_EQ;
    const u32 first = use_reg(g, eq ? in->a : in->b);
    const struct opnd second = quiet ? o_reg(use_reg(g, eq ? in->b : in->a)) : use_rm(g, eq ? in->b : in->a);
    const u32 dst = def_reg(g, i, 0), t = eq ? temp_int(g) : NOREG;
    x_rr(c, 0x33, dst, dst);
    if (quiet)
        x_quiet(c, op | (type == IR_F64 ? X_W : 0), first, second.reg);
    else
        x_rm(c, op, first, second, 0);
    if (eq) {
        x_setcc(c, CC_NP, dst);
        x_setcc(c, CC_E, t);
        x_alu(c, 0, ALU_AND, dst, o_reg(t));
    } else {
        x_setcc(c, cc == IR_LTS ? CC_A : CC_AE, dst);
    }
    def_done(g, i, dst);
}

u32 fcmp_flags(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 op = (in->aux & IR_FCMP_SIGNAL ? 0x2f : 0x2e) | X_0F | packed(ins_of(g, in->a)->type);
    const u32 first = use_reg(g, in->b);
    x_rm(&g->c, op, first, use_rm(g, in->a), 0);
    return (in->aux & IR_FP_ROUND) == IR_LTS ? CC_A : CC_AE;
}

/* 1 for less or unordered, which is what the carry says; 2 for greater or unordered, when ZF is what the carry is. */
void emit_ford(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 op = (in->aux & IR_FCMP_SIGNAL ? 0x2f : 0x2e) | X_0F | packed(ins_of(g, in->a)->type);
    u32 x = use_reg(g, in->a);
    struct opnd y = use_rm(g, in->b);
    u32 dst = def_reg(g, i, 0), t = temp_int(g);
    x_rr(c, 0x33, dst, dst);
    x_rr(c, 0x33, t, t);
    x_rm(c, op, x, y, 0);
    x_setcc(c, CC_B, dst);
    x_setcc(c, CC_NE, t);
    x_alu(c, 0, ALU_XOR, t, o_reg(dst));
    x_lea(c, 0, dst, o_sib(dst, t, 1, 0));
    def_done(g, i, dst);
}

/* --- conversions --- */

/* x, an f16, to f32 in t, which must not be x. */
static void half_to_single(struct gen *g, u32 t, u32 x)
{
    /* Other lanes would raise flags of their own. */
    u32 r = temp_int(g);
    x_rm(&g->c, 0xc5 | X_0F | X_66, r, o_reg(x), 1); /* pextrw */
    put8(&g->c, 0);
    x_rr(&g->c, SSE_MOVD_X_R, t, r);
    x_vex(&g->c, 0x13 | X_38 | X_66, t, 0, o_reg(t), 0); /* vcvtph2ps */
}

void emit_fcvt(struct gen *g, ir_ref i)
{
    static const u8 rc[] = {[IR_RNE] = 0, [IR_RDN] = 1, [IR_RUP] = 2, [IR_RTZ] = 3, [IR_RDYN] = 4};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 to = in->type, from = ins_of(g, in->a)->type, round = in->aux & IR_FP_ROUND;
    bool half = to == IR_F16 || from == IR_F16, widens = from == IR_F16 || to == IR_F64;
    if (ir_flushes(in)) {
        emit_flush(g, i);
        return;
    }
    if (to == from || (round == IR_RMM && !widens) || (to == IR_F16 && from == IR_F64) || (half && !have(FEAT_F16C))) {
        fp_only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a);
    u32 t = def_apart(g, i, x, NOREG, NOREG);
    const bool least = !widens && looks_for_least(g, in);
    bool redo = !(in->aux & IR_FP_DEFNAN) || least;
    u32 asking = !least ? NOREG : to == IR_F16 ? temp_int(g) : asking_temp(g, in);
    struct cold *k = NULL;
    if (redo || (to == IR_F32 && from == IR_F64 && is_static(in->aux)))
        k = soft_later(g, x, NOREG, NOREG, t);
    if (from == IR_F16) {
        half_to_single(g, t, x);
        if (to == IR_F64)
            x_rr(c, CVT_F32_F64, t, t);
    } else if (to == IR_F16) {
        x_rr(c, SSE_XORPS, t, t);
        x_rr(c, SSE_MOVSS_LD, t, x);
        x_vex(c, 0x1d | X_3A | X_66, t, 0, o_reg(t), 1); /* vcvtps2ph */
        put8(c, rc[round]);
        if (least) {
            x_rm(c, SSE_MOVD_R_X, t, o_reg(asking), 0);
            x_alu_imm(c, 0, ALU_AND, o_reg(asking), 0x7fff);
            x_alu_imm(c, 0, ALU_CMP, o_reg(asking), 0x0400);
            add_site(k, x_jcc(c, CC_E));
        }
    } else if (to == IR_F64) {
        x_rr(c, CVT_F32_F64, t, x);
    } else {
        if (k)
            fp_check_round(g, in->aux, k);
        x_rr(c, CVT_F64_F32, t, x);
    }
    /* The result is a NaN when the operand is; an f16 cannot be asked. */
    u32 asked = to == IR_F16 ? from : to, r = to == IR_F16 ? x : t;
    if (redo) {
        ask(g, k, asked, r, to == IR_F16 ? NOREG : asking);
        k->back = c->p;
        def_from(g, i, t);
        return;
    }
    ucomis(g, asked, r, o_reg(r));
    struct cold *n = cold_new(g, cold_nan, x_jcc(c, CC_P));
    n->r[0] = (u8)t;
    n->back = c->p;
    if (k)
        k->back = c->p;
    def_from(g, i, t);
}

/* r[0]: the float, r[3]: the integer, which is the least: either truly, or as the host says "out of range". */
static void cold_saturate(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    struct code *c = &g->c;
    ucomis(g, ins_of(g, in->a)->type, k->r[0], konst(g, K_ZERO));
    u8 *nan = x_jcc8(c, CC_P);
    u8 *positive = x_jcc8(c, CC_AE);
    x_jmp_back(c, k->back);
    x_here8(c, nan);
    if (in->aux & IR_F2I_NAN_ZERO) {
        x_mov_imm(c, k->r[3], 0, false);
        x_jmp_back(c, k->back);
    }
    x_here8(c, positive);
    x_alu_imm(c, type_w(in->type), ALU_SUB, o_reg(k->r[3]), 1); /* the largest */
    x_jmp_back(c, k->back);
}

static void saturate(struct gen *g, ir_ref i, u32 x, u32 dst)
{
    x_alu_imm(&g->c, type_w(ins_of(g, i)->type), ALU_CMP, o_reg(dst), 1); /* overflows for the least integer alone */
    struct cold *k = cold_new(g, cold_saturate, x_jcc(&g->c, CC_O));
    k->r[0] = (u8)x;
    k->r[3] = (u8)dst;
    k->back = g->c.p;
}

/* d, another register, = x rounded to an integral value, ties away from zero, with no flag at all, where a sum can be
 * had without: what is cut is x and, with x's sign, the last number before a half. (With a half itself, the one before
 * it would come to one.) */
static void away_quietly(struct gen *g, u32 type, u32 d, u32 x)
{
    const bool wide = type == IR_F64;
    mov_rr(g, d, x, type);
    x_rm(&g->c, SSE_ANDPS, d, konst(g, wide ? K_SIGN64 : K_SIGN32), 0);
    x_rm(&g->c, SSE_ORPS, d, konst(g, wide ? K_HALF_LESS64 : K_HALF_LESS32), 0);
    x_quiet3(&g->c, 0x58 | X_0F | scalar(type) | (wide ? X_W : 0), d, x, d);
    x_rm(&g->c, (wide ? 0x0b : 0x0a) | X_3A | X_66, d, o_reg(d), 1); /* rounds */
    put8(&g->c, 3 | 8);
}

/* t = x rounded to an integral value, in any mode but RDYN, with no flag but for what is no number. */
static void round_quietly(struct gen *g, u32 type, u32 round, u32 t, u32 x)
{
    static const u8 rc[] = {[IR_RNE] = 0, [IR_RDN] = 1, [IR_RUP] = 2, [IR_RTZ] = 3, [IR_RMM] = 3};
    struct code *c = &g->c;
    bool wide = type == IR_F64;
    if (round == IR_RMM && have(FEAT_AVX512F)) {
        away_quietly(g, type, t, x);
        return;
    }
    x_rm(c, (wide ? 0x0b : 0x0a) | X_3A | X_66, t, o_reg(x), 1); /* rounds */
    put8(c, rc[round] | 8u);
    if (round != IR_RMM)
        return;
    /* Where the fraction that was cut off is a half or more, a one with x's sign. All of it is exact. */
    u32 u = temp_float(g), mask = temp_float(g);
    mov_rr(g, u, x, type);
    x_rr(c, 0x5c | X_0F | scalar(type), u, t);
    x_rm(c, SSE_ANDPS, u, konst(g, wide ? K_ABS64 : K_ABS32), 0);
    x_rm(c, SSE_MOVAPS, mask, konst(g, wide ? K_HALF64 : K_HALF32), 0);
    x_rm(c, 0xc2 | X_0F | scalar(type), mask, o_reg(u), 1); /* compares */
    put8(c, 2);                                             /* less or equal */
    mov_rr(g, u, x, type);
    x_rm(c, SSE_ANDPS, u, konst(g, wide ? K_SIGN64 : K_SIGN32), 0);
    x_rm(c, SSE_ORPS, u, konst(g, wide ? K_ONE64 : K_ONE32), 0);
    x_rr(c, SSE_ANDPS, u, mask);
    x_rr(c, 0x58 | X_0F | scalar(type), t, u);
}

static void f2i_signed(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 from = ins_of(g, in->a)->type, round = in->aux & IR_FP_ROUND, w = type_w(in->type);
    u32 truncate = 0x2c | X_0F | scalar(from), convert = 0x2d | X_0F | scalar(from);
    u32 x = use_reg(g, in->a);
    if (round == IR_RTZ || round == IR_RDYN) {
        u32 dst = def_reg(g, i, 0);
        x_rr(c, (round == IR_RTZ ? truncate : convert) | w, dst, x);
        saturate(g, i, x, dst);
        def_done(g, i, dst);
        return;
    }
    if (!have(FEAT_SSE41)) {
        u32 dst = def_reg(g, i, 0);
        struct cold *k = soft_later(g, x, NOREG, NOREG, dst);
        fp_check_round(g, in->aux, k);
        x_rr(c, convert | w, dst, x);
        saturate(g, i, x, dst);
        k->back = c->p;
        def_done(g, i, dst);
        return;
    }
    /* Round quietly to an integral t, convert that, and convert x once more for its inexact flag: an x that does not
     * fit is integral already. */
    u32 t = temp_float(g), dst = def_reg(g, i, 0), r = temp_int(g);
    round_quietly(g, from, round, t, x);
    x_rr(c, truncate | X_W, dst, t);
    if (w) {
        x_rr(c, truncate | X_W, r, x);
        saturate(g, i, x, dst);
    } else {
        x_rr(c, 0x63 | X_W, r, dst);
        x_alu(c, X_W, ALU_CMP, r, o_reg(dst));
        struct cold *k = soft_later(g, x, NOREG, NOREG, dst);
        add_site(k, x_jcc(c, CC_NE));
        x_rr(c, truncate | X_W, r, x);
        k->back = c->p;
    }
    def_done(g, i, dst);
}

/* Unsigned: as a signed 64-bit conversion, for what is surely in its range and the result's; else in software. Patterns
 * of floats that are not negative are ordered as integers, and all others are above them. */
static void f2i_unsigned(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 from = ins_of(g, in->a)->type, round = in->aux & IR_FP_ROUND;
    bool wide = in->type == IR_I64;
    bool first =
        round != IR_RTZ && round != IR_RDYN && have(FEAT_SSE41); /* to an integral value, in the mode asked for */
    u32 x = use_reg(g, in->a), y = first ? temp_float(g) : x, dst = def_reg(g, i, 0);
    if (first)
        round_quietly(g, from, round, y, x);
    struct cold *k = soft_later(g, x, NOREG, NOREG, dst);
    if (!first && round != IR_RTZ)
        fp_check_round(g, in->aux, k);
    if (from == IR_F64) {
        x_rm(c, SSE_MOVQ_R_X, y, o_reg(dst), 0);
        x_alu(c, X_W, ALU_CMP, dst, konst(g, wide ? K_U63_64 : K_U32_64));
    } else {
        x_rm(c, SSE_MOVD_R_X, y, o_reg(dst), 0);
        x_alu_imm(c, 0, ALU_CMP, o_reg(dst), wide ? 0x5f000000 : 0x4f7fffff); /* 2^63; the last before 2^32 */
    }
    add_site(k, x_jcc(c, wide ? CC_AE : CC_A));
    x_rr(c, (round == IR_RTZ || first ? 0x2c : 0x2d) | X_0F | scalar(from) | X_W, dst, y);
    if (first) {                                                               /* x once more for its inexact flag */
        x_rm(c, (from == IR_F64 ? 0x0b : 0x0a) | X_3A | X_66, y, o_reg(x), 1); /* roundsd, roundss */
        put8(c, 3);
    }
    k->back = c->p;
    def_done(g, i, dst);
}

void emit_f2i(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    bool away = (in->aux & IR_FP_ROUND) == IR_RMM;
    if ((away && !have(FEAT_SSE41)) || ins_of(g, in->a)->type == IR_F16)
        fp_only_soft(g, i);
    else if (in->aux & IR_F2I_UNSIGNED)
        f2i_unsigned(g, i);
    else
        f2i_signed(g, i);
}

/* r[0]: a u64 with its top bit set, r[2]: a temp, r[3]: result. Half of it, with the bit shifted out kept sticky,
 * rounds alike. */
static void cold_large_u64(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    u32 type = ins_of(g, k->ins)->type, t = k->r[2];
    mov_rr(g, t, k->r[0], IR_I64);
    x_shift_imm(c, X_W, SH_SHR, o_reg(t), 1);
    u8 *even = x_jcc8(c, CC_AE);
    x_alu_imm(c, X_W, ALU_OR, o_reg(t), 1);
    x_here8(c, even);
    x_rr(c, 0x2a | X_0F | scalar(type) | X_W, k->r[3], t);
    x_rr(c, 0x58 | X_0F | scalar(type), k->r[3], k->r[3]);
    x_jmp_back(c, k->back);
}

void emit_i2f(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type, from = ins_of(g, in->a)->type;
    bool exact = from == IR_I32 && type == IR_F64, is_unsigned = in->aux & IR_F2I_UNSIGNED;
    bool other = !exact && is_static(in->aux); /* rounds otherwise, if it has to */
    u32 x = use_reg(g, in->a), t = NOREG;
    if (is_unsigned || other)
        t = temp_int(g);
    u32 dst = def_reg(g, i, 0);
    struct cold *k = NULL, *large = NULL;
    if (other) { /* what has no more bits than the result needs no rounding; from floor and its like most has not */
        u32 w = type_w(from);
        k = soft_later(g, x, NOREG, NOREG, dst);
        x_mov(c, w, t, x);
        x_shift_imm(c, w, is_unsigned ? SH_SHR : SH_SAR, o_reg(t), type == IR_F64 ? 53 : 24);
        if (!is_unsigned)
            x_alu_imm(c, w, ALU_ADD, o_reg(t), 1);
        x_alu_imm(c, w, ALU_CMP, o_reg(t), is_unsigned ? 0 : 1);
        add_site(k, x_jcc(c, CC_A));
    }
    x_rr(c, SSE_XORPS, dst, dst); /* the conversion writes only part of it */
    if (is_unsigned && from == IR_I32) {
        x_mov(c, 0, t, x);
        x_rr(c, 0x2a | X_0F | scalar(type) | X_W, dst, t);
    } else if (is_unsigned) {
        x_rr(c, 0x85 | X_W, x, x);
        large = cold_new(g, cold_large_u64, x_jcc(c, CC_S));
        large->r[0] = (u8)x;
        large->r[2] = (u8)t;
        large->r[3] = (u8)dst;
        x_rr(c, 0x2a | X_0F | scalar(type) | X_W, dst, x);
        large->back = c->p;
    } else {
        x_rr(c, 0x2a | X_0F | scalar(type) | type_w(from), dst, x);
    }
    if (k)
        k->back = c->p;
    g->val[i].width = (u8)ir_bits(type);
    def_done(g, i, dst);
}

void emit_fround(struct gen *g, ir_ref i)
{
    static const u8 rc[] = {[IR_RNE] = 0, [IR_RDN] = 1, [IR_RUP] = 2, [IR_RTZ] = 3, [IR_RDYN] = 4};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type, round = in->aux & IR_FP_ROUND;
    const bool away = round == IR_RMM;
    if (!have(FEAT_SSE41) || (away && (in->aux & IR_FP_EXACT || !have(FEAT_AVX)))) {
        fp_only_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a);
    if (away) { /* a NaN by software, whichever it is to be */
        const bool sum = have(FEAT_AVX512F);
        u32 d = def_apart(g, i, x, NOREG, NOREG), t1 = sum ? NOREG : temp_float(g), t2 = sum ? NOREG : temp_float(g);
        struct cold *k = soft_later(g, x, NOREG, NOREG, d);
        ucomis(g, type, x, o_reg(x));
        add_site(k, x_jcc(c, CC_P));
        if (sum)
            away_quietly(g, type, d, x);
        else
            vec_round_away(g, type == IR_F64, d, x, t1, t2);
        k->back = c->p;
        def_from(g, i, d);
        return;
    }
    bool redo = !(in->aux & IR_FP_DEFNAN);
    u32 t = redo ? def_apart(g, i, x, NOREG, NOREG) : def_reg(g, i, in->a);
    x_rm(c, (type == IR_F64 ? 0x0b : 0x0a) | X_3A | X_66, t, o_reg(x), 1);
    put8(c, rc[round] | (in->aux & IR_FP_EXACT ? 0u : 8u));
    if (!redo) {
        canonical(g, i, in->a, 0, t);
        def_done(g, i, t);
        return;
    }
    struct cold *k = soft_later(g, x, NOREG, NOREG, t);
    ucomis(g, type, t, o_reg(t));
    add_site(k, x_jcc(c, CC_P));
    k->back = c->p;
    def_from(g, i, t);
}

/* Normal numbers here, the rest in software. */
void emit_fclass(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 from = ins_of(g, in->a)->type;
    if (from == IR_F16) {
        fp_only_soft(g, i);
        return;
    }
    bool wide = from == IR_F64;
    u32 w = wide ? X_W : 0, exponents = wide ? 0x7ff : 0xff;
    u32 x = use_reg(g, in->a), t = temp_int(g), dst = def_reg(g, i, 0);
    x_rm(c, SSE_MOVD_R_X | w, x, o_reg(dst), 0);
    x_mov(c, w, t, dst);
    x_shift_imm(c, w, SH_SHR, o_reg(t), wide ? 52 : 23);
    x_alu_imm(c, 0, ALU_AND, o_reg(t), (s32)exponents);
    x_alu_imm(c, 0, ALU_SUB, o_reg(t), 1);
    x_alu_imm(c, 0, ALU_CMP, o_reg(t), (s32)exponents - 2);
    struct cold *k = soft_later(g, x, NOREG, NOREG, dst);
    add_site(k, x_jcc(c, CC_A));
    x_shift_imm(c, w, SH_SAR, o_reg(dst), wide ? 63 : 31);
    x_alu_imm(c, 0, ALU_AND, o_reg(dst), (1 << 1) - (1 << 6));
    x_alu_imm(c, 0, ALU_ADD, o_reg(dst), 1 << 6);
    k->back = c->p;
    def_done(g, i, dst);
}

/* --- bits --- */

void emit_fsign(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool wide = in->type == IR_F64;
    struct opnd sign = konst(g, wide ? K_SIGN64 : K_SIGN32), rest = konst(g, wide ? K_ABS64 : K_ABS32);
    u32 x = use_reg(g, in->a), t = NOREG;
    if (in->op == IR_OP_fcopysign) {
        u32 y = use_reg(g, in->b);
        t = temp_float(g);
        mov_rr(g, t, y, in->type);
        x_rm(c, SSE_ANDPS, t, sign, 0);
    }
    u32 dst = def_reg(g, i, in->a);
    mov_rr(g, dst, x, in->type);
    x_rm(c, in->op == IR_OP_fneg ? SSE_XORPS : SSE_ANDPS, dst, in->op == IR_OP_fneg ? sign : rest, 0);
    if (t != NOREG)
        x_rr(c, SSE_ORPS, dst, t);
    if (in->op == IR_OP_fneg)
        keeps_width(g, i, in->a);
    else
        g->val[i].width = (u8)ir_bits(in->type); /* the constants have zeros above */
    def_done(g, i, dst);
}

void emit_bitcast(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = ir_bits(in->type) == 64 ? X_W : 0;
    bool to_float = is_float_class(in->type), from_float = is_float_class(ins_of(g, in->a)->type);
    struct opnd x = use_rm(g, in->a);
    u32 dst = def_reg(g, i, to_float == from_float ? in->a : 0);
    if (to_float && from_float)
        load_into(g, dst, in->a);
    else if (to_float)
        x_rm(c, SSE_MOVD_X_R | w, dst, x, 0);
    else if (x.kind == O_MEM || !from_float)
        x_rm(c, 0x8b | w, dst, x, 0);
    else
        x_rm(c, SSE_MOVD_R_X | w, x.reg, o_reg(dst), 0);
    def_done(g, i, dst);
}

void emit_nanbox(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    mov_rr(g, dst, x, IR_F64);
    x_rm(&g->c, SSE_ORPS, dst, konst(g, ins_of(g, in->a)->type == IR_F32 ? K_BOX32 : K_BOX16), 0);
    if (g->val[root_of(g, in->a)].raw)
        raw_value(g, i, in->a, 0);
    def_done(g, i, dst);
}

void emit_nanunbox(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool single = in->type == IR_F32;
    u32 x = use_reg(g, in->a), t = have(FEAT_SSE41) ? NOREG : temp_int(g), dst = def_reg(g, i, in->a);
    mov_rr(g, dst, x, IR_F64);
    u32 cc;
    if (t == NOREG) { /* carry: all bits of the constant are set */
        x_rm(c, 0x17 | X_38 | X_66, dst, konst(g, single ? K_BOX32 : K_BOX16), 0);
        cc = CC_AE;
    } else {
        x_rm(c, SSE_MOVQ_R_X, dst, o_reg(t), 0);
        x_shift_imm(c, X_W, SH_SAR, o_reg(t), single ? 32 : 16);
        x_alu_imm(c, X_W, ALU_CMP, o_reg(t), -1);
        cc = CC_NE;
    }
    struct cold *k = cold_new(g, cold_nan, x_jcc(c, cc));
    k->r[0] = (u8)dst;
    k->back = c->p;
    def_done(g, i, dst);
}

/* --- flags --- */

/* r[0]: the result */
static void cold_getflags(struct gen *g, const struct cold *k)
{
    x_call_common(&g->c, g->common->off[C_GETFLAGS]);
    x_load(&g->c, 0, k->r[0], o_vcpu(VOFF(scratch[0])));
    x_jmp_back(&g->c, k->back);
}

/* Reading mxcsr waits for all arithmetic before it. Where flags trap that are not raised, fp_flags has them all. */
void emit_getflags(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    const u32 dst = def_reg(g, i, 0);
    x_alu_imm(c, 0, ALU_CMP, o_vcpu(VOFF(flags_trap)), 0);
    struct cold *k = cold_new(g, cold_getflags, x_jcc(c, CC_E));
    k->r[0] = (u8)dst;
    x_load(c, 0, dst, o_vcpu(VOFF(fp_flags)));
    k->back = c->p;
    g->own.flags = i;
    def_done(g, i, dst);
}

/* r[0]: the value, below 32 */
static void cold_setflags(struct gen *g, const struct cold *k)
{
    x_store(&g->c, 0, o_vcpu(VOFF(scratch[0])), k->r[0]);
    x_call_common(&g->c, g->common->off[C_SETFLAGS]);
    x_jmp_back(&g->c, k->back);
}

void emit_setflags(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    const bool unseen = is_unseen(g, i); /* nothing was raised */
    g->own.flags = 0;
    if (unseen)
        return;
    const u32 t = temp_int(g);
    g->changed = true;
    load_into(g, t, ins_of(g, i)->a);
    x_alu_imm(c, 0, ALU_AND, o_reg(t), 31);
    x_alu_imm(c, 0, ALU_CMP, o_vcpu(VOFF(flags_trap)), 0);
    struct cold *k = cold_new(g, cold_setflags, x_jcc(c, CC_E));
    k->r[0] = (u8)t;
    x_alu(c, 0, ALU_CMP, t, o_vcpu(VOFF(fp_flags)));
    add_site(k, x_jcc(c, CC_NE));
    k->back = c->p;
}

void emit_setround(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    struct opnd word = o_vcpu(VOFF(host_fp[1]));
    u32 t = temp_int(g), u = temp_int(g);
    g->changed = true;
    load_into(g, t, ins_of(g, i)->a);
    x_alu_imm(c, 0, ALU_AND, o_reg(t), 3);
    x_store(c, 0, o_vcpu(VOFF(fp_round)), t);
    /* The IR counts 0, 1, 2, 3 what mxcsr counts 0, 3, 1, 2: the negative of the Gray code, modulo 4. */
    x_mov(c, 0, u, t);
    x_shift_imm(c, 0, SH_SHR, o_reg(u), 1);
    x_alu(c, 0, ALU_XOR, t, o_reg(u));
    x_rm(c, 0xf7, 3, o_reg(t), 0);
    x_shift_imm(c, 0, SH_SHL, o_reg(t), 13);
    x_alu_imm(c, 0, ALU_AND, o_reg(t), 3 << 13);
    x_rm(c, X_STMXCSR, 3, word, 0);
    x_alu_imm(c, 0, ALU_AND, word, ~(3 << 13));
    x_alu_mem(c, 0, ALU_OR, word, o_reg(t));
    x_rm(c, X_LDMXCSR, 2, word, 0);
}
