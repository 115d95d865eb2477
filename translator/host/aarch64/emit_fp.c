/* Floating point: the host's scalar instructions, with the guest's rules where they differ.
 *
 * Rounding. fpcr holds the guest's mode, so IR_RDYN needs nothing. Another mode is checked against vcpu.fp_round, and
 * only when it differs the operation is done in software; where an instruction carries its own mode that is used. Ties
 * away from zero exist in conversions to integers and in rounding to integral values; else software.
 *
 * NaNs. What the host does without FPCR.DN is what the IR says without IR_FP_DEFNAN. With it, a NaN result is replaced
 * (cold).
 *
 * Flags gather in fpsr; what software raises goes to vcpu.fp_flags. So nothing may raise a flag that the guest's
 * operation does not: comparisons of results with themselves raise none, as results are never signalling.
 *
 * Tininess is detected before rounding by the host. Guests that detect it after (no IR_FP_TINY_BEFORE) see no underflow
 * where the rounded result is the least normal number. So multiplications, divisions and conversions to a narrower
 * format look at the exponent of the result: of one that is no larger than that, software finds the flags, and
 * underflow is taken back from fpsr (a64_soft_tiny). It is never set there outside of this for such a guest, so nothing
 * is lost. Sums are exact where they are tiny.
 *
 * Software is reached by a call from emitted code that keeps all registers but scratch ones (C_SOFT). */
#include "translator/host/aarch64/gen.h"

#include "translator/ir/vec_eval.h"

/* The bits that tell f64 and f16 from f32. */
static u32 ftype(u32 type)
{
    return type == IR_F64 ? A_FTYPE_64 : type == IR_F16 ? A_FTYPE_16 : 0;
}

/* --- software --- */

typedef void soft_fn(struct vcpu *v);

/* Argument n, value a in register r, to where software looks for it. */
static void soft_arg(struct gen *g, u32 n, ir_ref a, u32 r)
{
    struct code *c = &g->c;
    u32 at = SPILL_OFF(SOFT_ARGS + 2 * n), type = ins_of(g, a)->type;
    switch (type) {
    case IR_I32:
        a_mov(c, 0, SCR, r);
        a_vcpu(c, a_str(3), SCR, at);
        break;
    case IR_I64:
        a_vcpu(c, a_str(3), r, at);
        break;
    case IR_F16:
    case IR_F32: /* mov of a scalar leaves zeros above */
        a_rr(c, type == IR_F16 ? 0x5e020400 : 0x5e040400, VSCR, r);
        a_vcpu(c, a_str_v(4), VSCR, at);
        return;
    case IR_F64:
        a_rr(c, A_FMOV | A_FTYPE_64, VSCR, r);
        a_vcpu(c, a_str_v(4), VSCR, at);
        return;
    default:
        a_vcpu(c, a_str_v(4), r, at);
        return;
    }
    a_vcpu(c, a_str(3), ZR, at + 8);
}

/* Calls `fn` for instruction i with its arguments in registers r; the result goes to dst, which may be one of them. */
static void soft(struct gen *g, ir_ref i, const u8 *r, u32 dst, soft_fn *fn)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++)
        soft_arg(g, n, ir_arg(in, n), r[n]);
    a_mov_imm(c, SCR, soft_desc(in->op, in->type, in->a ? ins_of(g, in->a)->type : IR_VOID, in->aux));
    a_vcpu(c, a_str(3), SCR, VOFF(scratch[0]));
    a_mov_imm(c, SCR, in->imm);
    a_vcpu(c, a_str(3), SCR, VOFF(scratch[1]));
    a_mov_imm(c, SCR, (u64)(uintptr_t)fn);
    a_common(c, A_BL, g->common->off[C_SOFT]);
    a_vcpu(c, load_op(in->type), dst, SPILL_OFF(SOFT_ARGS + 6));
}

void emit_soft(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u8 r[3] = {0};
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++)
        r[n] = (u8)use_reg(g, ir_arg(in, n));
    bool same = in->a && is_float_class(in->type) == is_float_class(ins_of(g, in->a)->type);
    u32 dst = def_reg(g, i, same ? in->a : 0);
    soft(g, i, r, dst, a64_soft);
    def_done(g, i, dst);
}

/* r[0..2]: arguments, r[3]: result. */
static void cold_soft(struct gen *g, const struct cold *k)
{
    soft(g, k->ins, k->r, k->r[3], a64_soft);
    a_b_back(&g->c, k->back);
}

/* Software for what the fast path finds it cannot do: add the sites, set `back`. */
static struct cold *soft_later(struct gen *g, u32 x, u32 y, u32 z, u32 dst)
{
    struct cold *k = cold_new(g, cold_soft, NULL);
    k->r[0] = (u8)x;
    k->r[1] = (u8)y;
    k->r[2] = (u8)z;
    k->r[3] = (u8)dst;
    return k;
}

static bool is_static(u32 aux)
{
    return (aux & IR_FP_ROUND) != IR_RDYN;
}

/* Where the mode in force is not the one that aux wants: software, by the cold code that this makes. NULL where that
 * cannot be. */
static struct cold *check_round(struct gen *g, u32 aux, u32 x, u32 y, u32 z, u32 dst)
{
    if (!is_static(aux))
        return NULL;
    struct code *c = &g->c;
    u32 round = aux & IR_FP_ROUND;
    a_vcpu(c, a_ldr(2), SCR, VOFF(fp_round));
    struct cold *k = soft_later(g, x, y, z, dst);
    if (round == 0) {
        add_site(k, a_cbz(c, A_CBNZ, SCR));
    } else {
        a_add_imm(c, A_SUBS_IMM, ZR, SCR, round);
        add_site(k, a_bcc(c, CC_NE));
    }
    return k;
}

static void comes_back(struct gen *g, struct cold *k)
{
    if (k)
        k->back = g->c.p;
}

/* --- results --- */

static u64 default_nan(u32 type)
{
    return type == IR_F64 ? 0x7ff8000000000000ull : type == IR_F32 ? 0x7fc00000 : 0x7e00;
}

/* r[0]: result */
static void cold_nan(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    a_mov_imm(c, SCR, default_nan(ins_of(g, k->ins)->type));
    a_rr(c, A_FMOV_VR | A_SF | A_FTYPE_64, k->r[0], SCR);
    a_b_back(c, k->back);
}

static void fcmp(struct gen *g, u32 op, u32 type, u32 x, u32 y)
{
    put32(&g->c, op | ftype(type) | (y & 31) << 16 | (x & 31) << 5);
}

/* With aux's IR_FP_DEFNAN, result r becomes the canonical NaN where `asked`, of type `type`, is a NaN. */
static void canonical(struct gen *g, u32 aux, u32 type, u32 r, u32 asked)
{
    if (!(aux & IR_FP_DEFNAN))
        return;
    fcmp(g, A_FCMP, type, asked, asked);
    struct cold *k = cold_new(g, cold_nan, a_bcc(&g->c, CC_VS));
    k->r[0] = (u8)r;
    k->back = g->c.p;
}

/* The result in r[3] is no larger than the least normal number. An operand that is zero makes it exact. */
static void cold_tiny(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    struct code *c = &g->c;
    u32 type = ins_of(g, in->a)->type, nzero = in->op == IR_OP_fmul || in->op == IR_OP_fma ? 2 : 1;
    u8 *exact[2];
    for (u32 n = 0; n < nzero; n++) {
        fcmp(g, A_FCMP | 8, type, k->r[n], 0); /* with 0.0 */
        exact[n] = a_bcc(c, CC_EQ);
    }
    soft(g, k->ins, k->r, k->r[3], a64_soft_tiny);
    for (u32 n = 0; n < nzero; n++)
        a_here(c, exact[n]);
    a_b_back(c, k->back);
}

static bool looks_for_tiny(u32 aux)
{
    return !(aux & IR_FP_TINY_BEFORE);
}

/* Looks at a result of `type` in dst; the operands are still in their registers. */
static void check_tiny(struct gen *g, u32 type, u32 x, u32 y, u32 z, u32 dst)
{
    struct code *c = &g->c;
    if (type == IR_F16)
        a_rr(c, 0x0e023c00, SCR, dst); /* umov w, v.h[0] */
    else
        a_rr(c, A_FMOV_RV | (type == IR_F64 ? A_SF | A_FTYPE_64 : 0), SCR, dst);
    u32 lo = type == IR_F64 ? 53 : type == IR_F32 ? 24 : 11, hi = ir_bits(type) - 2;
    a_bfm(c, A_UBFM | (type == IR_F64 ? A_SF : 0), SCR, SCR, lo, hi);
    struct cold *k = cold_new(g, cold_tiny, a_cbz(c, A_CBZ, SCR));
    k->r[0] = (u8)x;
    k->r[1] = (u8)y;
    k->r[2] = (u8)z;
    k->r[3] = (u8)dst;
    k->back = c->p;
}

/* --- arithmetic --- */

void emit_farith(struct gen *g, ir_ref i)
{
    static const u32 number[] = {[IR_OP_fadd] = A_FADD,
                                 [IR_OP_fsub] = A_FSUB,
                                 [IR_OP_fmul] = A_FMUL,
                                 [IR_OP_fdiv] = A_FDIV,
                                 [IR_OP_fsqrt] = A_FSQRT};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type, op = number[in->op] | ftype(type);
    bool unary = in->op == IR_OP_fsqrt;
    bool tiny = (in->op == IR_OP_fmul || in->op == IR_OP_fdiv) && looks_for_tiny(in->aux);
    if ((in->aux & IR_FP_ROUND) == IR_RMM || ir_flushes(in)) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), y = unary ? 0 : use_reg(g, in->b);
    u32 dst = tiny ? def_apart(g, i) : def_reg(g, i, in->a);
    struct cold *k = check_round(g, in->aux, x, y, 0, dst);
    if (unary)
        a_rr(c, op, dst, x);
    else
        a_rrr(c, op, dst, x, y);
    if (tiny)
        check_tiny(g, type, x, y, 0, dst);
    canonical(g, in->aux, type, dst, dst);
    comes_back(g, k);
    def_from(g, i, dst);
}

void emit_fma(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type;
    if ((in->aux & IR_FP_ROUND) == IR_RMM || ir_flushes(in)) {
        emit_soft(g, i);
        return;
    }
    /* fmadd a*b+c, fmsub -a*b+c, fnmadd -a*b-c, fnmsub a*b-c */
    bool mul = in->aux & IR_FP_NEG_MUL, add = in->aux & IR_FP_NEG_ADD, tiny = looks_for_tiny(in->aux);
    u32 op = A_FMADD | ftype(type) | (add ? 1u << 21 : 0) | (mul != add ? 1u << 15 : 0);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c);
    u32 dst = tiny ? def_apart(g, i) : def_reg(g, i, in->a);
    struct cold *k = check_round(g, in->aux, x, y, z, dst);
    a_rrr(c, op | (z & 31) << 10, dst, x, y);
    if (tiny)
        check_tiny(g, type, x, y, z, dst);
    canonical(g, in->aux, type, dst, dst);
    comes_back(g, k);
    def_from(g, i, dst);
}

void emit_fminmax(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = in->type;
    bool min = in->op == IR_OP_fmin;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b);
    u32 dst = def_reg(g, i, in->a);
    if (in->aux & (IR_FP_NAN_WINS | IR_FP_SNAN_WINS)) {
        bool nan = in->aux & IR_FP_NAN_WINS;
        a_rrr(c, (nan ? min ? A_FMIN : A_FMAX : min ? A_FMINNM : A_FMAXNM) | ftype(type), dst, x, y);
        canonical(g, in->aux, type, dst, dst);
    } else {
        struct cold *k = soft_later(g, x, y, 0, dst);
        fcmp(g, A_FCMP, type, x, y);
        add_site(k, a_bcc(c, CC_VS));
        a_rrr(c, (min ? A_FMINNM : A_FMAXNM) | ftype(type), dst, x, y);
        comes_back(g, k);
    }
    def_done(g, i, dst);
}

/* --- comparisons --- */

void emit_fcmp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 type = ins_of(g, in->a)->type, cc = in->aux & IR_FP_ROUND;
    if (type == IR_F16) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, 0);
    fcmp(g, in->aux & IR_FCMP_SIGNAL ? A_FCMPE : A_FCMP, type, x, y);
    a_cset(&g->c, dst, cc == IR_EQ ? CC_EQ : cc == IR_LTS ? CC_MI : CC_LS);
    def_done(g, i, dst);
}

void emit_ford(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = ins_of(g, in->a)->type;
    if (type == IR_F16) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, 0);
    fcmp(g, in->aux & IR_FCMP_SIGNAL ? A_FCMPE : A_FCMP, type, x, y);
    a_cset(c, dst, CC_NE);
    a_csel(c, A_CSINC, dst, dst, dst, CC_GT ^ 1); /* one more when greater, */
    a_csel(c, A_CSINC, dst, dst, dst, CC_VS ^ 1); /* two when unordered */
    a_csel(c, A_CSINC, dst, dst, dst, CC_VS ^ 1);
    def_done(g, i, dst);
}

/* --- conversions --- */

static u32 fcvt_op(u32 to, u32 from)
{
    return A_FCVT | ftype(from) | (to == IR_F64 ? 1u : to == IR_F16 ? 3u : 0u) << 15;
}

void emit_fcvt(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 to = in->type, from = ins_of(g, in->a)->type;
    bool narrows = ir_bits(to) < ir_bits(from), tiny = narrows && looks_for_tiny(in->aux);
    if (to == from || ir_flushes(in) || (narrows && (in->aux & IR_FP_ROUND) == IR_RMM)) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_apart(g, i);
    struct cold *k = narrows ? check_round(g, in->aux, x, 0, 0, dst) : NULL;
    a_rr(&g->c, fcvt_op(to, from), dst, x);
    if (tiny)
        check_tiny(g, to, x, 0, 0, dst);
    /* The result is a NaN when the operand is; an f16 cannot be asked. */
    if (to == IR_F16)
        canonical(g, in->aux, from, dst, x);
    else
        canonical(g, in->aux, to, dst, dst);
    comes_back(g, k);
    def_from(g, i, dst);
}

/* r[3]: the result, of a NaN: the largest. */
static void cold_largest(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    u32 bits = ir_bits(in->type);
    a_mov_imm(&g->c, k->r[3], bit_mask(in->aux & IR_F2I_UNSIGNED ? bits : bits - 1));
    a_b_back(&g->c, k->back);
}

void emit_f2i(struct gen *g, ir_ref i)
{
    static const u32 number[] = {
        [IR_RNE] = A_FCVTNS, [IR_RTZ] = A_FCVTZS, [IR_RDN] = A_FCVTMS, [IR_RUP] = A_FCVTPS, [IR_RMM] = A_FCVTAS};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 from = ins_of(g, in->a)->type, round = in->aux & IR_FP_ROUND;
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    struct cold *k = NULL;
    if (round == IR_RDYN) { /* no instruction takes the mode from fpcr */
        k = check_round(g, IR_RNE, x, 0, 0, dst);
        round = IR_RNE;
    }
    if (from == IR_F16) {
        a_rr(c, fcvt_op(IR_F32, IR_F16), VSCR, x);
        x = VSCR;
        from = IR_F32;
    }
    a_rr(c, number[round] | type_w(in->type) | ftype(from) | (in->aux & IR_F2I_UNSIGNED ? A_UNSIGNED : 0), dst, x);
    if (!(in->aux & IR_F2I_NAN_ZERO)) {
        fcmp(g, A_FCMP, from, x, x);
        struct cold *nan = cold_new(g, cold_largest, a_bcc(c, CC_VS));
        nan->r[3] = (u8)dst;
        nan->back = c->p;
    }
    comes_back(g, k);
    def_done(g, i, dst);
}

void emit_i2f(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 type = in->type, from = ins_of(g, in->a)->type;
    bool exact = from == IR_I32 && type == IR_F64;
    if (type == IR_F16 || (!exact && (in->aux & IR_FP_ROUND) == IR_RMM)) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    struct cold *k = exact ? NULL : check_round(g, in->aux, x, 0, 0, dst);
    a_rr(&g->c, A_SCVTF | type_w(from) | ftype(type) | (in->aux & IR_F2I_UNSIGNED ? A_UNSIGNED : 0), dst, x);
    comes_back(g, k);
    def_done(g, i, dst);
}

void emit_fround(struct gen *g, ir_ref i)
{
    static const u32 number[] = {[IR_RNE] = A_FRINTN, [IR_RTZ] = A_FRINTZ, [IR_RDN] = A_FRINTM,
                                 [IR_RUP] = A_FRINTP, [IR_RMM] = A_FRINTA, [IR_RDYN] = A_FRINTI};
    const struct ir_ins *in = ins_of(g, i);
    u32 type = in->type, round = in->aux & IR_FP_ROUND;
    bool exact = in->aux & IR_FP_EXACT;
    if (exact && round == IR_RMM) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    struct cold *k = exact ? check_round(g, in->aux, x, 0, 0, dst) : NULL;
    a_rr(&g->c, (exact ? A_FRINTX : number[round]) | ftype(type), dst, x);
    canonical(g, in->aux, type, dst, dst);
    comes_back(g, k);
    def_done(g, i, dst);
}

/* --- bits --- */

void emit_fsign(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 t = ftype(in->type), x = use_reg(g, in->a);
    if (in->op != IR_OP_fcopysign) {
        u32 dst = def_reg(g, i, in->a);
        a_rr(c, (in->op == IR_OP_fneg ? A_FNEG : A_FABS) | t, dst, x);
        def_done(g, i, dst);
        return;
    }
    u32 y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    put32(c, A_MOVI_0 | (VSCR & 31));
    a_rr(c, A_FNEG | t, VSCR, VSCR); /* the sign bit alone */
    if (dst == y && dst != x) {
        a_rrr(c, A_V_BIF, dst, x, VSCR);
    } else {
        mov_rr(g, dst, x, in->type);
        a_rrr(c, A_V_BIT, dst, y, VSCR);
    }
    def_done(g, i, dst);
}

void emit_bitcast(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = ir_bits(in->type) == 64 ? A_SF | A_FTYPE_64 : 0;
    bool to_float = is_float_class(in->type), from_float = is_float_class(ins_of(g, in->a)->type);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, to_float == from_float ? in->a : 0);
    if (to_float == from_float)
        mov_rr(g, dst, x, in->type);
    else
        a_rr(c, (to_float ? A_FMOV_VR : A_FMOV_RV) | w, dst, x);
    def_done(g, i, dst);
}

void emit_nanbox(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    u32 t = dst == x ? VSCR : dst;
    put32(c, A_MOVI_1 | (t & 31));
    a_rr(c, ins_of(g, in->a)->type == IR_F32 ? 0x6e040400 : 0x6e020400, t, x); /* ins v.s[0] (v.h[0]) */
    mov_rr(g, dst, t, IR_F64);
    def_done(g, i, dst);
}

void emit_nanunbox(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    a_rr(c, A_FMOV_RV | A_SF | A_FTYPE_64, SCR, x);
    mov_rr(g, dst, x, IR_F64);
    a_asr(c, A_SF, SCR, SCR, in->type == IR_F32 ? 32 : 16);
    a_add_imm(c, A_ADDS_IMM | A_SF, ZR, SCR, 1);
    struct cold *k = cold_new(g, cold_nan, a_bcc(c, CC_NE));
    k->r[0] = (u8)dst;
    k->back = c->p;
    def_done(g, i, dst);
}

/* --- flags --- */

void emit_getflags(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    u32 dst = def_reg(g, i, 0);
    put32(c, A_MRS_FPSR | dst);
    a_rr(c, A_RBIT, dst, dst);
    a_lsr(c, 0, dst, dst, 27);
    a_vcpu(c, a_ldr(2), SCR, VOFF(fp_flags));
    a_rrr(c, A_ORR, dst, dst, SCR);
    def_done(g, i, dst);
}

void emit_setflags(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    g->changed = true;
    u32 x = use_zr(g, ins_of(g, i)->a);
    a_bfm(c, A_UBFM, SCR, x, 0, 4);
    a_vcpu(c, a_str(2), SCR, VOFF(fp_flags));
    put32(c, A_MSR_FPSR | ZR);
}

void emit_setround(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    g->changed = true;
    u32 x = use_zr(g, ins_of(g, i)->a);
    a_bfm(c, A_UBFM, SCR, x, 0, 1);
    a_vcpu(c, a_str(2), SCR, VOFF(fp_round));
    /* The IR counts 0, 1, 2, 3 what the host counts 0, 3, 2, 1: the negative. */
    a_rrr(c, A_SUB, SCR, ZR, SCR);
    a_bfm(c, A_UBFM, SCR, SCR, 10, 1); /* ubfiz: two bits to bit 22 */
    put32(c, A_MSR_FPCR | SCR);
}

/* --- vectors --- */

/* A call of vectors in C: fn knows what to do from scratch[0] and scratch[1]. */
void emit_vcall(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    g->changed = true;
    for (u32 n = 0; n < 3; n++) {
        ir_ref a = ir_arg(in, n);
        if (a) {
            soft_arg(g, n, a, use_reg(g, a));
            continue;
        }
        a_vcpu(c, a_str(3), ZR, SPILL_OFF(SOFT_ARGS + 2 * n));
        a_vcpu(c, a_str(3), ZR, SPILL_OFF(SOFT_ARGS + 2 * n + 1));
    }
    u32 dst = def_reg(g, i, 0);
    a_mov_imm(c, SCR, (u64)(uintptr_t)&g->u->helpers[in->aux]);
    a_vcpu(c, a_str(3), SCR, VOFF(scratch[0]));
    a_mov_imm(c, SCR, in->imm);
    a_vcpu(c, a_str(3), SCR, VOFF(scratch[1]));
    a_mov_imm(c, SCR, (u64)(uintptr_t)a64_vcall);
    a_common(c, A_BL, g->common->off[C_SOFT]);
    a_vcpu(c, A_LDR_Q, dst, SPILL_OFF(SOFT_ARGS + 6));
    def_done(g, i, dst);
}

void emit_fclass(struct gen *g, ir_ref i)
{
    emit_soft(g, i);
}
