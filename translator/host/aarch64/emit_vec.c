/* Vectors: nearly every op of the IR is an instruction of Advanced SIMD, or two.
 *
 * What has none, or wants a feature that this CPU lacks, is done in software; so are floating-point lanes where the
 * host would raise other flags (see emit_fp.c: underflow of guests that detect tininess after rounding) or compare
 * otherwise.
 *
 * Opcodes are written as in the Arm ARM, C4.1.96 ("Data Processing -- Scalar Floating-Point and Advanced SIMD"): U is
 * bit 29, Q bit 30, the size bits 22 and 23. */
#include "translator/host/aarch64/gen.h"

#include "translator/ir/vec_eval.h"

#define Q (1u << 30)
#define U (1u << 29)

/* Three registers of the same lanes; two registers. The opcode field, and U. */
static u32 same3(u32 u, u32 lane, u32 opcode)
{
    return 0x4e200400 | (u ? U : 0) | lane << 22 | opcode << 11;
}
static u32 misc2(u32 u, u32 lane, u32 opcode)
{
    return 0x4e200800 | (u ? U : 0) | lane << 22 | opcode << 12;
}

static u32 lane_of(const struct ir_ins *in)
{
    return in->aux & IR_V_LANE;
}
static u32 index_of(const struct ir_ins *in)
{
    return (in->aux & IR_V_INDEX) >> IR_V_INDEX_SHIFT;
}
/* The field that names a lane. */
static u32 imm5(u32 lane, u32 index)
{
    return (index << (lane + 1) | 1u << lane) << 16;
}

/* --- shapes --- */

static void binary(struct gen *g, ir_ref i, u32 op)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    a_rrr(&g->c, op, dst, x, y);
    def_done(g, i, dst);
}

static void unary(struct gen *g, ir_ref i, u32 op)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    a_rr(&g->c, op, dst, x);
    def_done(g, i, dst);
}

/* d = number in every lane. */
static void splat(struct gen *g, u32 d, u32 lane, u32 number)
{
    a_mov_imm(&g->c, SCR, number);
    a_rr(&g->c, 0x4e000c00 | imm5(lane, 0), d, SCR);
}

/* --- between lanes and integers --- */

static void emit_vmake(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lo = use_zr(g, in->a), hi = use_zr(g, in->b), dst = def_reg(g, i, 0);
    a_rr(&g->c, A_FMOV_VR | A_SF | A_FTYPE_64, dst, lo);
    a_rr(&g->c, A_INS_D1, dst, hi);
    def_done(g, i, dst);
}

static void emit_vzext(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 type = ins_of(g, in->a)->type;
    bool is_int = !is_float_class(type);
    u32 x = is_int ? use_zr(g, in->a) : use_reg(g, in->a), dst = def_reg(g, i, is_int ? 0 : in->a);
    if (is_int)
        a_rr(&g->c, A_FMOV_VR | (type == IR_I64 ? A_SF | A_FTYPE_64 : 0), dst, x);
    else if (type == IR_F64)
        a_rr(&g->c, A_FMOV | A_FTYPE_64, dst, x);
    else
        a_rr(&g->c, 0x5e000400 | imm5(type == IR_F16 ? 1 : 2, 0), dst, x); /* mov of a scalar */
    def_done(g, i, dst);
}

static void emit_vlow(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    dgm_assert(!is_float_class(in->type), "the low bits of a vector as floating point are no work");
    a_rr(&g->c, A_FMOV_RV | (in->type == IR_I64 ? A_SF | A_FTYPE_64 : 0), dst, x);
    def_done(g, i, dst);
}

static void emit_vdup(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_zr(g, in->a), dst = def_reg(g, i, 0);
    a_rr(&g->c, 0x4e000c00 | imm5(lane_of(in), 0), dst, x);
    def_done(g, i, dst);
}

static void emit_vget(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lane = lane_of(in), x = use_reg(g, in->a), dst = def_reg(g, i, 0), bits = 8u << lane;
    u32 op = 0x0e003c00 | (lane == IR_V64 ? Q : 0); /* umov */
    if ((in->aux & IR_V_SIGNED) && bits < ir_bits(in->type))
        op = 0x0e002c00 | (in->type == IR_I64 ? Q : 0); /* smov */
    a_rr(&g->c, op | imm5(lane, index_of(in)), dst, x);
    def_done(g, i, dst);
}

static void emit_vset(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), y = use_zr(g, in->b), dst = def_reg(g, i, in->a);
    mov_rr(g, dst, x, IR_V128);
    a_rr(&g->c, 0x4e001c00 | imm5(lane_of(in), index_of(in)), dst, y);
    def_done(g, i, dst);
}

/* --- bits, shifts --- */

static void emit_vsel(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 m = use_reg(g, in->a), t = use_reg(g, in->b), f = use_reg(g, in->c), dst = def_reg(g, i, in->a);
    if (dst == f) {
        a_rrr(c, A_V_BIT, dst, t, m);
    } else if (dst == t) {
        a_rrr(c, A_V_BIF, dst, f, m);
    } else {
        mov_rr(g, dst, m, IR_V128);
        a_rrr(c, A_V_BSL, dst, t, f);
    }
    def_done(g, i, dst);
}

static void emit_vshift(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 bits = 8u << lane_of(in), n = (u32)in->imm;
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    if (in->op == IR_OP_vshl)
        a_rr(c, 0x4f005400 | (bits + n) << 16, dst, x);
    else if (n)
        a_rr(c, (in->op == IR_OP_vshr ? 0x6f000400 : 0x4f000400) | (2 * bits - n) << 16, dst, x);
    else
        mov_rr(g, dst, x, IR_V128);
    def_done(g, i, dst);
}

/* The host shifts by a signed byte of each lane, to the left where it is positive. */
static void emit_vshiftv(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 lane = lane_of(in), bits = 8u << lane;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_apart(g, i);
    splat(g, VSCR, lane, bits - 1);
    a_rrr(c, same3(1, lane, 6), VSCR2, y, VSCR); /* cmhi: too far */
    if (in->op == IR_OP_vsarv) {
        a_rrr(c, A_V_BSL, VSCR2, VSCR, y);
        a_rr(c, misc2(1, lane, 11), VSCR2, VSCR2);  /* neg */
        a_rrr(c, same3(0, lane, 8), dst, x, VSCR2); /* sshl */
    } else {
        u32 n = y;
        if (in->op == IR_OP_vshrv) {
            a_rr(c, misc2(1, lane, 11), VSCR, y);
            n = VSCR;
        }
        a_rrr(c, same3(1, lane, 8), dst, x, n); /* ushl */
        a_rrr(c, A_V_BIC, dst, dst, VSCR2);
    }
    if (TEMPS >> dst & 1)
        def_from(g, i, dst);
    else
        def_done(g, i, dst);
}

/* --- lanes of other sizes --- */

/* dst = op of a in the low half, of b in the high half. */
static void narrow(struct gen *g, ir_ref i, u32 op)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    u32 t = dst == y ? VSCR : dst;
    a_rr(c, op, t, x);
    a_rr(c, op | Q, t, y);
    mov_rr(g, dst, t, IR_V128);
    def_done(g, i, dst);
}

/* --- floating point --- */

static u32 fp_lane(const struct ir_ins *in)
{
    return (in->aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT;
}

/* The instruction for a floating-point op; 0 where there is none that does the same. */
static u32 fp_op(const struct ir_ins *in)
{
    static const u32 rounds[8] = {[IR_RNE] = 0x4e218800, [IR_RTZ] = 0x4ea19800, [IR_RDN] = 0x4e219800,
                                  [IR_RUP] = 0x4ea18800, [IR_RMM] = 0x6e218800, [IR_RDYN] = 0x6ea19800};
    static const u32 to_int[8] = {[IR_RNE] = 0x4e21a800,
                                  [IR_RTZ] = 0x4ea1b800,
                                  [IR_RDN] = 0x4e21b800,
                                  [IR_RUP] = 0x4ea1a800,
                                  [IR_RMM] = 0x4e21c800};
    u32 aux = in->aux, round = aux & IR_FP_ROUND, lane = fp_lane(in), sz = lane == IR_V64 ? 1u << 22 : 0;
    bool dynamic = round == IR_RDYN, before = aux & IR_FP_TINY_BEFORE;
    if (ir_flushes(in))
        return 0;
    switch (in->op) {
    case IR_OP_vfadd:
        return dynamic ? 0x4e20d400 | sz : 0;
    case IR_OP_vfsub:
        return dynamic ? 0x4ea0d400 | sz : 0;
    case IR_OP_vfmul:
        return dynamic && before ? 0x6e20dc00 | sz : 0;
    case IR_OP_vfdiv:
        return dynamic && before ? 0x6e20fc00 | sz : 0;
    case IR_OP_vfsqrt:
        return dynamic ? 0x6ea1f800 | sz : 0;
    case IR_OP_vfma:
        return dynamic && before ? (aux & IR_FP_NEG_MUL ? 0x4ea0cc00 : 0x4e20cc00) | sz : 0;
    case IR_OP_vfmin:
        return aux & IR_FP_NAN_WINS ? 0x4ea0f400 | sz : aux & IR_FP_SNAN_WINS ? 0x4ea0c400 | sz : 0;
    case IR_OP_vfmax:
        return aux & IR_FP_NAN_WINS ? 0x4e20f400 | sz : aux & IR_FP_SNAN_WINS ? 0x4e20c400 | sz : 0;
    case IR_OP_vfcmp: /* equal is quiet, the others are not */
        if ((round == IR_EQ) == !!(aux & IR_FCMP_SIGNAL))
            return 0;
        return (round == IR_EQ ? 0x4e20e400 : round == IR_LTS ? 0x6ea0e400 : 0x6e20e400) | sz;
    case IR_OP_vfround:
        if (aux & IR_FP_EXACT)
            return dynamic ? 0x6e219800 | sz : 0;
        return rounds[round] | sz;
    case IR_OP_vf2i:
        if (!to_int[round] || !(aux & IR_F2I_NAN_ZERO))
            return 0;
        return to_int[round] | sz | (aux & IR_F2I_UNSIGNED ? U : 0);
    case IR_OP_vi2f:
        return dynamic ? 0x4e21d800 | sz | (aux & IR_F2I_UNSIGNED ? U : 0) : 0;
    case IR_OP_vfwiden:
        return 0x0e217800 | (lane == IR_V32 ? 1u << 22 : 0) | (aux & IR_V_FP_HIGH ? Q : 0);
    case IR_OP_vfnarrow:
        return dynamic && before ? 0x0e216800 | (lane == IR_V32 ? 1u << 22 : 0) : 0;
    default:
        return 0;
    }
}

/* Lanes of r, results of f32 or f64, that are NaNs become the canonical one. */
static void canonical(struct gen *g, u32 r, u32 lane)
{
    struct code *c = &g->c;
    u64 nan = lane == IR_V64 ? 0x7ff8000000000000ull : 0x7fc00000;
    a_mov_imm(c, SCR, nan);
    a_rr(c, 0x4e000c00 | imm5(lane, 0), VSCR, SCR);
    a_rrr(c, 0x4e20e400 | (lane == IR_V64 ? 1u << 22 : 0), VSCR2, r, r); /* fcmeq */
    a_rrr(c, A_V_BIF, r, VSCR, VSCR2);
}

static void emit_vfp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 op = fp_op(in), lane = fp_lane(in);
    bool compares = in->op == IR_OP_vfcmp, to_int = in->op == IR_OP_vf2i;
    bool canon = (in->aux & IR_FP_DEFNAN) && !compares && !to_int && in->op != IR_OP_vi2f;
    u32 made = in->op == IR_OP_vfwiden ? lane + 1 : lane; /* lanes of the result */
    if (!op || (canon && made == IR_V16)) {
        emit_soft(g, i);
        return;
    }
    if (in->op == IR_OP_vfma) {
        u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c), dst = def_apart(g, i);
        if (in->aux & IR_FP_NEG_ADD)
            a_rr(c, 0x6ea0f800 | (lane == IR_V64 ? 1u << 22 : 0), dst, z); /* fneg */
        else
            mov_rr(g, dst, z, IR_V128);
        a_rrr(c, op, dst, x, y);
        if (canon)
            canonical(g, dst, made);
        if (TEMPS >> dst & 1)
            def_from(g, i, dst);
        else
            def_done(g, i, dst);
        return;
    }
    u32 x = use_reg(g, in->a), y = in->b ? use_reg(g, in->b) : 0, dst = def_reg(g, i, in->a);
    if (!in->b)
        a_rr(c, op, dst, x);
    else if (compares && (in->aux & IR_FP_ROUND) != IR_EQ)
        a_rrr(c, op, dst, y, x);
    else
        a_rrr(c, op, dst, x, y);
    if (canon)
        canonical(g, dst, made);
    def_done(g, i, dst);
}

/* --- the table --- */

static void compare_lanes(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lane = lane_of(in);
    switch ((in->aux & IR_V_CC) >> IR_V_CC_SHIFT) {
    case IR_EQ:
        binary(g, i, same3(1, lane, 17));
        break;
    case IR_GTS:
        binary(g, i, same3(0, lane, 6));
        break;
    case IR_GES:
        binary(g, i, same3(0, lane, 7));
        break;
    case IR_GTU:
        binary(g, i, same3(1, lane, 6));
        break;
    default:
        binary(g, i, same3(1, lane, 7));
    }
}

/* Of 64-bit lanes: by a comparison. */
static void min_max_64(struct gen *g, ir_ref i, bool is_signed)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    a_rrr(c, same3(!is_signed, IR_V64, 6), VSCR, x, y); /* x above y */
    if (in->op == IR_OP_vmin)
        a_rrr(c, A_V_BSL, VSCR, y, x);
    else
        a_rrr(c, A_V_BSL, VSCR, x, y);
    mov_rr(g, dst, VSCR, IR_V128);
    def_done(g, i, dst);
}

static void emit_vrev(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lane = lane_of(in), group = index_of(in);
    if (group == 3 && lane < 3)
        unary(g, i, misc2(0, lane, 0));
    else if (group == 2 && lane < 2)
        unary(g, i, misc2(1, lane, 0));
    else if (group == 1 && lane < 1)
        unary(g, i, misc2(0, lane, 1));
    else
        emit_soft(g, i);
}

static void emit_aes(struct gen *g, ir_ref i)
{
    static const u32 op[] = {0x4e284800, 0x4e285800, 0x4e286800, 0x4e287800};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (!have(FEAT_AES) || in->imm > 3) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    if (in->imm < 2) { /* these add a key first: 0 */
        put32(c, A_MOVI_0 | (VSCR & 31));
        mov_rr(g, dst, x, IR_V128);
        a_rr(c, op[in->imm], dst, VSCR);
    } else {
        a_rr(c, op[in->imm], dst, x);
    }
    def_done(g, i, dst);
}

/* op writes over its first operand. */
static void accumulate(struct gen *g, ir_ref i, u32 op, ir_ref over, ir_ref b, ir_ref c)
{
    u32 x = use_reg(g, over), y = use_reg(g, b), z = c ? use_reg(g, c) : 0, dst = def_apart(g, i);
    mov_rr(g, dst, x, IR_V128);
    if (c)
        a_rrr(&g->c, op, dst, y, z);
    else
        a_rr(&g->c, op, dst, y);
    if (TEMPS >> dst & 1)
        def_from(g, i, dst);
    else
        def_done(g, i, dst);
}

static void emit_hash(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const bool first = in->op == IR_OP_vsha1;
    if (!have(first ? FEAT_SHA1 : FEAT_SHA2))
        emit_soft(g, i);
    else if (first)
        accumulate(g, i, 0x5e000000 | (u32)in->imm << 12, in->a, in->b, in->c);
    else if (in->imm == 0)
        accumulate(g, i, 0x5e004000, in->a, in->b, in->c);
    else if (in->imm == 1)
        accumulate(g, i, 0x5e005000, in->b, in->a, in->c);
    else if (in->imm == 2)
        accumulate(g, i, 0x5e282800, in->a, in->b, 0);
    else
        accumulate(g, i, 0x5e006000, in->a, in->b, in->c);
}

static void emit_vdot(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (!have(FEAT_DOTPROD)) {
        emit_soft(g, i);
        return;
    }
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c), dst = def_apart(g, i);
    mov_rr(g, dst, z, IR_V128);
    a_rrr(&g->c, 0x4e809400 | (in->aux & IR_V_SIGNED ? 0 : U), dst, x, y);
    if (TEMPS >> dst & 1)
        def_from(g, i, dst);
    else
        def_done(g, i, dst);
}

void emit_vec(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lane = lane_of(in), high = in->aux & IR_V_HIGH ? 1 : 0;
    bool is_signed = in->aux & IR_V_SIGNED;
    switch (in->op) {
    case IR_OP_vmake:
        emit_vmake(g, i);
        return;
    case IR_OP_vzext:
        emit_vzext(g, i);
        return;
    case IR_OP_vlow:
        emit_vlow(g, i);
        return;
    case IR_OP_vdup:
        emit_vdup(g, i);
        return;
    case IR_OP_vdupl:
        unary(g, i, 0x4e000400 | imm5(lane, index_of(in)));
        return;
    case IR_OP_vget:
        emit_vget(g, i);
        return;
    case IR_OP_vset:
        emit_vset(g, i);
        return;
    case IR_OP_vand:
        binary(g, i, A_V_AND);
        return;
    case IR_OP_vor:
        binary(g, i, A_V_ORR);
        return;
    case IR_OP_vxor:
        binary(g, i, A_V_EOR);
        return;
    case IR_OP_vandn:
        binary(g, i, A_V_BIC);
        return;
    case IR_OP_vnot:
        unary(g, i, A_V_NOT);
        return;
    case IR_OP_vsel:
        emit_vsel(g, i);
        return;
    case IR_OP_vadd:
        binary(g, i, same3(0, lane, 16));
        return;
    case IR_OP_vsub:
        binary(g, i, same3(1, lane, 16));
        return;
    case IR_OP_vmul:
        binary(g, i, same3(0, lane, 19));
        return;
    case IR_OP_vabs:
        unary(g, i, misc2(0, lane, 11));
        return;
    case IR_OP_vqadd:
        binary(g, i, same3(!is_signed, lane, 1));
        return;
    case IR_OP_vqsub:
        binary(g, i, same3(!is_signed, lane, 5));
        return;
    case IR_OP_vmin:
    case IR_OP_vmax:
        if (lane == IR_V64)
            min_max_64(g, i, is_signed);
        else
            binary(g, i, same3(!is_signed, lane, in->op == IR_OP_vmin ? 13 : 12));
        return;
    case IR_OP_vavg:
        binary(g, i, same3(1, lane, 2));
        return;
    case IR_OP_vcmp:
        compare_lanes(g, i);
        return;
    case IR_OP_vshl:
    case IR_OP_vshr:
    case IR_OP_vsar:
        emit_vshift(g, i);
        return;
    case IR_OP_vshlv:
    case IR_OP_vshrv:
    case IR_OP_vsarv:
        emit_vshiftv(g, i);
        return;
    case IR_OP_vwiden:
        unary(g, i, 0x0f00a400 | (is_signed ? 0 : U) | (high ? Q : 0) | (8u << lane) << 16);
        return;
    case IR_OP_vmull:
        binary(g, i, 0x0e20c000 | (is_signed ? 0 : U) | (high ? Q : 0) | lane << 22);
        return;
    case IR_OP_vnarrow:
        narrow(g, i, 0x0e212800 | lane << 22);
        return;
    case IR_OP_vqnarrow:
        if (in->aux & IR_V_TO_UNSIGNED)
            narrow(g, i, (is_signed ? 0x2e212800 : 0x2e214800) | lane << 22);
        else
            narrow(g, i, (is_signed ? 0x0e214800 : 0x2e214800) | lane << 22);
        return;
    case IR_OP_vzip:
        binary(g, i, (high ? 0x4e007800 : 0x4e003800) | lane << 22);
        return;
    case IR_OP_vuzp:
        binary(g, i, (high ? 0x4e005800 : 0x4e001800) | lane << 22);
        return;
    case IR_OP_vtrn:
        binary(g, i, (high ? 0x4e006800 : 0x4e002800) | lane << 22);
        return;
    case IR_OP_vext:
        binary(g, i, 0x6e000000 | (u32)(in->imm & 15) << 11);
        return;
    case IR_OP_vrev:
        emit_vrev(g, i);
        return;
    case IR_OP_vtbl:
        binary(g, i, 0x4e000000);
        return;
    case IR_OP_vpopcnt:
        unary(g, i, misc2(0, 0, 5));
        return;
    case IR_OP_vclz:
        unary(g, i, misc2(1, lane, 4));
        return;
    case IR_OP_vqdmulh:
        binary(g, i, same3(in->aux & IR_V_ROUND ? 1 : 0, lane, 22));
        return;
    case IR_OP_vdot:
        emit_vdot(g, i);
        return;
    case IR_OP_vpmul:
        binary(g, i, same3(1, 0, 19));
        return;
    case IR_OP_vpmull:
        if (lane == IR_V8 || (lane == IR_V64 && have(FEAT_PMULL)))
            binary(g, i, 0x0e20e000 | lane << 22 | (high ? Q : 0));
        else
            emit_soft(g, i);
        return;
    case IR_OP_vaes:
        emit_aes(g, i);
        return;
    case IR_OP_vest:
        unary(g, i, in->imm ? 0x6ea1c800 : 0x4ea1c800);
        return;
    case IR_OP_vsha1:
    case IR_OP_vsha256:
        emit_hash(g, i);
        return;
    default:
        emit_vfp(g, i);
    }
}
