/* Vectors of integers, and what moves vectors.
 *
 * A v128 is in an xmm register; its lanes are the ops' business. Each op has a function that emits it in a few
 * instructions and returns true, or finds that this CPU cannot and returns false, before anything is emitted. Then it
 * is done by C code (vec_soft), reached as software floating point is: C_SOFT keeps all registers.
 *
 * There are four temps for vectors and three operands at most. So an op whose operands may all be in temps has one more
 * besides its result's.
 *
 * Longer sequences are in emit_vseq.c. */
#include "translator/host/x86_64/vec.h"

#include "translator/ir/vec_eval.h"

/* --- in C --- */

static void soft_call(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u64 d = soft_desc(in->op, in->type, 0, in->aux);
    x_store_imm(c, 0, o_vcpu(VOFF(scratch[3])), (s32)d);
    x_store_imm(c, 0, o_vcpu(VOFF(scratch[3]) + 4), (s32)(d >> 32));
    x_store_imm(c, X_W, o_vcpu(VOFF(scratch[2])), (s32)in->imm);
    x_call_common(c, g->common->off[C_SOFT]);
}

static void store_arg(struct gen *g, u32 n, u32 r)
{
    if (r >= XMM0) {
        x_rm(&g->c, SSE_MOVUPS_ST, r, vec_cell(n), 0);
    } else {
        x_store(&g->c, X_W, vec_cell(n), r);
        x_store_imm(&g->c, X_W, upper(vec_cell(n)), 0);
    }
}

void vec_soft(struct gen *g, ir_ref i, const u8 *r, u32 dst)
{
    const struct ir_ins *in = ins_of(g, i);
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++)
        if (r[n] != NOREG)
            store_arg(g, n, r[n]);
    soft_call(g, i);
    load_vcpu(g, dst, SPILL_OFF(VEC_RESULT), in->type);
}

static void only_soft(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    for (u32 n = 0; n < 3 && ir_arg(in, n); n++) {
        store_arg(g, n, use_reg(g, ir_arg(in, n)));
        g->locked = 0;
    }
    soft_call(g, i);
    u32 dst = def_reg(g, i, 0);
    load_vcpu(g, dst, SPILL_OFF(VEC_RESULT), in->type);
    def_done(g, i, dst);
}

void emit_vcall(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    const struct ir_helper *h = &g->u->helpers[in->aux];
    g->changed = true;
    for (u32 n = 0; n < 3; n++) {
        if (ir_arg(in, n)) {
            store_arg(g, n, use_reg(g, ir_arg(in, n)));
            g->locked = 0;
        } else {
            x_store_imm(c, X_W, vec_cell(n), 0);
            x_store_imm(c, X_W, upper(vec_cell(n)), 0);
        }
    }
    temps_flush(g);
    if (g->out->count)
        count_call(g, in->aux);
    x_mov_own(c, RAX, (u64)(uintptr_t)h);
    x_store(c, X_W, o_vcpu(VOFF(scratch[0])), RAX);
    x_mov_imm(c, RAX, in->imm, false);
    x_store(c, X_W, o_vcpu(VOFF(scratch[1])), RAX);
    x_mov_own(c, RAX, (u64)(uintptr_t)x64_vcall);
    x_call_common(c, g->common->off[call_entry(g, h)]);
    u32 dst = def_reg(g, i, 0);
    load_vcpu(g, dst, SPILL_OFF(VEC_RESULT), IR_V128);
    def_done(g, i, dst);
}

/* --- shapes --- */

static u32 index_of(const struct ir_ins *in)
{
    return (in->aux & IR_V_INDEX) >> IR_V_INDEX_SHIFT;
}

static bool in_temp(const struct gen *g, ir_ref a)
{
    return dies(g, a) && g->val[root_of(g, a)].reg != NOREG;
}

/* i = a op b, one instruction; `imm` is its immediate, if any. */
static void one_of(struct gen *g, ir_ref i, u32 op, ir_ref a, ir_ref b, bool commutes, const u32 *imm)
{
    u32 x = use_reg(g, a);
    struct opnd y = use_rm(g, b);
    u32 dst = def_reg(g, i, in_temp(g, a) ? a : commutes || have(FEAT_AVX) ? b : 0), t = dst;
    if (!have(FEAT_AVX) && is_reg(y, dst) && dst != x) {
        if (commutes) {
            y = o_reg(x);
            x = dst;
        } else {
            t = temp_float(g);
        }
    }
    if (imm)
        v3i(g, op, t, x, y, *imm);
    else
        v3(g, op, t, x, y);
    mov_rr(g, dst, t, IR_V128);
    def_done(g, i, dst);
}

static bool one(struct gen *g, ir_ref i, u32 op, bool commutes)
{
    one_of(g, i, op, ins_of(g, i)->a, ins_of(g, i)->b, commutes, NULL);
    return true;
}

/* i = op a */
static bool unary(struct gen *g, ir_ref i, u32 op)
{
    struct opnd x = use_rm(g, ins_of(g, i)->a);
    u32 dst = def_reg(g, i, ins_of(g, i)->a);
    v2(g, op, dst, x);
    def_done(g, i, dst);
    return true;
}

/* --- in and out of vectors --- */

/* Sixteen bytes of data. */
static void cold_constant(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    struct code *c = &g->c;
    u64 lo = 0, hi = 0;
    const_of(g, in->a, &lo);
    const_of(g, in->b, &hi);
    while ((uintptr_t)code_rx(c) & 15)
        put8(c, 0xcc);
    x_here(c, k->site[0]);
    put64(c, lo);
    put64(c, hi);
}

static void constant(struct gen *g, ir_ref i, u64 lo, u64 hi)
{
    struct code *c = &g->c;
    u32 dst = def_reg(g, i, 0);
    if (!(lo | hi)) {
        v3r(g, V_PXOR, dst, dst, dst);
    } else if (!~(lo & hi)) {
        v3r(g, P(0x76), dst, dst, dst); /* pcmpeqd */
    } else {
        x_rm(c, SSE_MOVAPS, dst, o_ahead(), 0);
        cold_new(g, cold_constant, c->p - 4);
    }
    def_done(g, i, dst);
}

static void emit_make(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u64 k, m;
    if (const_of(g, in->a, &k) && const_of(g, in->b, &m)) {
        constant(g, i, k, m);
        return;
    }
    u32 lo = use_reg(g, in->a), hi = use_reg(g, in->b), dst = def_reg(g, i, 0);
    x_rr(c, SSE_MOVQ_X_R, dst, lo);
    if (lo == hi) {
        v3r(g, V_PUNPCKLQDQ, dst, dst, dst);
    } else if (have(FEAT_SSE41)) {
        v3i(g, P3A(0x22) | X_W, dst, dst, o_reg(hi), 1); /* pinsrq */
    } else {
        u32 t = temp_float(g);
        x_rr(c, SSE_MOVQ_X_R, t, hi);
        v3r(g, V_PUNPCKLQDQ, dst, dst, t);
    }
    def_done(g, i, dst);
}

/* Has x's register zeros above x, and may its place hold a v128 from now on? */
static bool is_zext_already(const struct gen *g, ir_ref x)
{
    const struct val *v = &g->val[root_of(g, x)];
    return !g->region && v->width && v->width <= ir_bits(ins_of(g, x)->type) && v->spill == NOSPILL &&
           (v->type == IR_V128 || (v->reg != NOREG && v->slot == NOSLOT) ||
            (v->slot != NOSLOT && g->slot_reg[v->slot] != NOREG && g->u->slots->slot[v->slot].type == IR_V128));
}

/* v128 value i is x's register as a whole. */
static void share_whole(struct gen *g, ir_ref i, ir_ref x)
{
    ir_ref r = root_of(g, x);
    struct val *v = &g->val[r];
    v->type = IR_V128;
    if (v->last < g->val[i].last)
        v->last = g->val[i].last;
    g->val[i].root = r;
}

static void emit_zext(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = ins_of(g, in->a)->type, x, t = NOREG, dst;
    if (is_float_class(type) && is_zext_already(g, in->a)) {
        share_whole(g, i, in->a);
        return;
    }
    x = use_reg(g, in->a);
    g->val[i].width = (u8)ir_bits(type);
    const u32 width = g->val[root_of(g, in->a)].width;
    if (g->region && is_float_class(type) && width && width <= ir_bits(type)) { /* a place of its own, yet the same */
        dst = def_reg(g, i, in->a);
        mov_rr(g, dst, x, IR_V128);
        def_done(g, i, dst);
        return;
    }
    if (type == IR_F16 || (type == IR_F32 && !have(FEAT_SSE41)))
        t = temp_int(g);
    dst = def_reg(g, i, is_float_class(type) ? in->a : 0);
    switch (type) {
    case IR_F64:
        v2(g, P0(0x7e) | X_F3, dst, o_reg(x)); /* movq */
        break;
    case IR_F32:
        if (t == NOREG) {
            v3i(g, P3A(0x21), dst, x, o_reg(x), 0x0e); /* insertps */
        } else {
            x_rm(c, SSE_MOVD_R_X, x, o_reg(t), 0);
            x_rr(c, SSE_MOVD_X_R, dst, t);
        }
        break;
    case IR_F16:
        x_rm(c, P(0xc5), t, o_reg(x), 1); /* pextrw */
        put8(c, 0);
        x_rr(c, SSE_MOVD_X_R, dst, t);
        break;
    default:
        x_rr(c, SSE_MOVD_X_R | type_w(type), dst, x);
        break;
    }
    def_done(g, i, dst);
}

static void emit_low(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    struct opnd x = use_rm(g, in->a);
    u32 dst = def_reg(g, i, 0), w = type_w(in->type);
    if (x.kind == O_REG)
        x_rm(c, SSE_MOVD_R_X | w, x.reg, o_reg(dst), 0);
    else
        x_load(c, w, dst, x);
    def_done(g, i, dst);
}

/* An integer of 2^l bytes in memory or in the low end of register `from`, extended to the type. */
static void extend(struct gen *g, u32 type, bool is_signed, u32 l, u32 dst, struct opnd from)
{
    u32 w = type_w(type);
    if (l == IR_V8)
        x_rm(&g->c, (is_signed ? 0xbe | w : 0xb6) | X_0F | X_BRM, dst, from, 0);
    else if (l == IR_V16)
        x_rm(&g->c, (is_signed ? 0xbf | w : 0xb7) | X_0F, dst, from, 0);
    else if (l == IR_V32)
        x_rm(&g->c, is_signed && w ? 0x63 | X_W : 0x8b, dst, from, 0);
    else
        x_rm(&g->c, 0x8b | X_W, dst, from, 0);
}

static bool vget(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 l = lane_of(in), n = index_of(in);
    bool is_signed = in->aux & IR_V_SIGNED;
    struct opnd x = use_rm(g, in->a);
    if (x.kind != O_REG) {
        u32 dst = def_reg(g, i, 0);
        x.disp += (s32)(n << l);
        extend(g, in->type, is_signed, l, dst, x);
        def_done(g, i, dst);
        return true;
    }
    u32 w = l == IR_V64 ? X_W : 0, t = NOREG;
    bool by_shuffle = !have(FEAT_SSE41) && l >= IR_V32 && n;
    if (by_shuffle)
        t = temp_float(g);
    u32 dst = def_reg(g, i, 0);
    bool extended = false; /* the rest of dst is zeros */
    if (l >= IR_V32 && !n) {
        x_rm(c, SSE_MOVD_R_X | w, x.reg, o_reg(dst), 0);
        extended = true;
    } else if (by_shuffle) {
        v2i(g, V_PSHUFD, t, x, l == IR_V32 ? n : 0xee);
        x_rm(c, SSE_MOVD_R_X | w, t, o_reg(dst), 0);
        extended = true;
    } else if (l >= IR_V32) {
        x_rm(c, P3A(0x16) | w, x.reg, o_reg(dst), 1); /* pextrd, pextrq */
        put8(c, n);
        extended = true;
    } else if (l == IR_V16) {
        x_rm(c, P(0xc5), dst, x, 1); /* pextrw */
        put8(c, n);
        extended = true;
    } else if (have(FEAT_SSE41)) {
        x_rm(c, P3A(0x14), x.reg, o_reg(dst), 1); /* pextrb */
        put8(c, n);
        extended = true;
    } else {
        x_rm(c, P(0xc5), dst, x, 1);
        put8(c, n / 2);
        if (n & 1)
            x_shift_imm(c, 0, SH_SHR, o_reg(dst), 8);
        extended = n & 1;
    }
    if (!extended || (is_signed && l < (in->type == IR_I64 ? IR_V64 : IR_V32)))
        extend(g, in->type, is_signed, l, dst, o_reg(dst));
    def_done(g, i, dst);
    return true;
}

static bool vset(struct gen *g, ir_ref i)
{
    static const u32 op[] = {P3A(0x20), P(0xc4), P3A(0x22), P3A(0x22) | X_W};
    const struct ir_ins *in = ins_of(g, i);
    u32 l = lane_of(in);
    if (l != IR_V16 && !have(FEAT_SSE41))
        return false;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    v3i(g, op[l], dst, x, o_reg(y), index_of(in));
    def_done(g, i, dst);
    return true;
}

/* dst = lane n of x in every lane. */
static void broadcast(struct gen *g, u32 l, u32 dst, u32 x, u32 n)
{
    static const u8 vex[] = {0x78, 0x79, 0x58, 0x59};
    if (avx2() && !n) {
        x_avx(&g->c, P38(vex[l]), dst, 0, o_reg(x), 0);
        return;
    }
    if (l == IR_V8) { /* twice the byte is a lane of 16 bits */
        v3r(g, P(n < 8 ? 0x60 : 0x68), dst, x, x);
        x = dst;
        n &= 7;
        l = IR_V16;
    }
    if (l == IR_V16) {
        v2i(g, P0(0x70) | (n < 4 ? X_F2 : X_F3), dst, o_reg(x), (n & 3) * 0x55); /* pshuflw, pshufhw */
        v2i(g, V_PSHUFD, dst, o_reg(dst), n < 4 ? 0 : 0xaa);
    } else if (l == IR_V32) {
        v2i(g, V_PSHUFD, dst, o_reg(x), n * 0x55);
    } else {
        v2i(g, V_PSHUFD, dst, o_reg(x), n ? 0xee : 0x44);
    }
}

static bool vdup(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 l = lane_of(in), x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    x_rr(&g->c, SSE_MOVD_X_R | (l == IR_V64 ? X_W : 0), dst, x);
    broadcast(g, l, dst, dst, 0);
    def_done(g, i, dst);
    return true;
}

static bool vdupl(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    if (lane_of(in) == IR_V8 && !have(FEAT_AVX) && dst != x) {
        mov_rr(g, dst, x, IR_V128);
        x = dst;
    }
    broadcast(g, lane_of(in), dst, x, index_of(in));
    def_done(g, i, dst);
    return true;
}

/* --- what the host has as it is --- */

/* The opcode of binary op `in`; 0 if this CPU has none. */
static u32 plain_op(const struct ir_ins *in, bool *commutes)
{
    const u32 l = lane_of(in);
    const bool is_signed = in->aux & IR_V_SIGNED, high = in->aux & IR_V_HIGH, sse41 = have(FEAT_SSE41);
    static const u8 add[] = {0xfc, 0xfd, 0xfe, 0xd4}, zip[] = {0x60, 0x61, 0x62, 0x6c},
                    zip_high[] = {0x68, 0x69, 0x6a, 0x6d};
    *commutes = true;
    switch (in->op) {
    case IR_OP_vand:
        return V_PAND;
    case IR_OP_vor:
        return V_POR;
    case IR_OP_vxor:
        return V_PXOR;
    case IR_OP_vadd:
        return P(add[l]);
    case IR_OP_vmul:
        return l == IR_V16 ? P(0xd5) : l == IR_V32 && sse41 ? P38(0x40) : 0;
    case IR_OP_vqadd:
        return l > IR_V16 ? 0 : P((is_signed ? 0xec : 0xdc) + l);
    case IR_OP_vavg:
        return P(l ? 0xe3 : 0xe0);
    case IR_OP_vmin:
    case IR_OP_vmax: {
        bool max = in->op == IR_OP_vmax;
        if (l == IR_V8 && !is_signed)
            return P(max ? 0xde : 0xda);
        if (l == IR_V16 && is_signed)
            return P(max ? 0xee : 0xea);
        if (l == IR_V64 || !sse41)
            return 0;
        return P38((max ? 0x3c : 0x38) + (is_signed ? (l == IR_V32) : l == IR_V32 ? 3u : 2u));
    }
    default:
        break;
    }
    *commutes = false;
    switch (in->op) {
    case IR_OP_vsub:
        return P(0xf8 + l);
    case IR_OP_vqsub:
        return l > IR_V16 ? 0 : P((is_signed ? 0xe8 : 0xd8) + l);
    case IR_OP_vqnarrow:
        if (!is_signed || l == IR_V32)
            return 0;
        if (!(in->aux & IR_V_TO_UNSIGNED))
            return P(l ? 0x6b : 0x63);
        return l == IR_V8 ? P(0x67) : sse41 ? P38(0x2b) : 0;
    case IR_OP_vshlv:
    case IR_OP_vshrv:
    case IR_OP_vsarv: {
        const u32 by = in->op == IR_OP_vshlv ? 0x47 : in->op == IR_OP_vshrv ? 0x45 : 0x46;
        if (!avx2() || l < IR_V32 || (l == IR_V64 && in->op == IR_OP_vsarv))
            return 0;
        return P38(by) | (l == IR_V64 ? X_W : 0);
    }
    case IR_OP_vzip:
        return P(high ? zip_high[l] : zip[l]);
    case IR_OP_vuzp:
    case IR_OP_vtrn:
        return l != IR_V64 ? 0 : high ? V_PUNPCKHQDQ : V_PUNPCKLQDQ;
    default:
        return 0;
    }
}

/* --- logic --- */

static bool vnot(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    v3(g, V_PXOR, dst, x, konst(g, K_ONES));
    def_done(g, i, dst);
    return true;
}

static bool vsel(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 m = use_reg(g, in->a), x = use_reg(g, in->b), y = use_reg(g, in->c);
    u32 d = def_apart(g, i, m, x, y);
    v3r(g, V_PXOR, d, x, y);
    v3r(g, V_PAND, d, d, m);
    v3r(g, V_PXOR, d, d, y);
    return done(g, i, d);
}

/* --- arithmetic --- */

static bool vabs(struct gen *g, ir_ref i)
{
    u32 l = lane_of(ins_of(g, i));
    if (l < IR_V64)
        return have(FEAT_SSSE3) && unary(g, i, P38(0x1c + l));
    struct regs r = regs2(g, i);
    vshift(g, vshift_op(IR_V32) + 0, VSH_SAR, r.t, r.x, 31);
    v2i(g, V_PSHUFD, r.t, o_reg(r.t), 0xf5);
    v3r(g, V_PXOR, r.d, r.x, r.t);
    v3r(g, P(0xfb), r.d, r.d, r.t);
    return done(g, i, r.d);
}

/* Products of bytes: of the odd ones and of the even ones. */
static bool vmul8(struct gen *g, ir_ref i)
{
    struct regs r = regs2(g, i);
    vshift(g, vshift_op(IR_V16), VSH_SHR, r.d, r.x, 8);
    vshift(g, vshift_op(IR_V16), VSH_SHR, r.t, r.y, 8);
    v3r(g, P(0xd5), r.d, r.d, r.t);
    vshift(g, vshift_op(IR_V16), VSH_SHL, r.d, r.d, 8);
    v3r(g, P(0xd5), r.t, r.x, r.y);
    v3(g, V_PAND, r.t, r.t, konst(g, K_EVEN8));
    v3r(g, V_POR, r.d, r.d, r.t);
    return done(g, i, r.d);
}

static bool vqdmulh(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    bool round = in->aux & IR_V_ROUND;
    if (lane_of(in) != IR_V16 || (round && !have(FEAT_SSSE3)))
        return false;
    struct regs r = regs2(g, i);
    if (round) {
        v3r(g, P38(0x0b), r.d, r.x, r.y); /* pmulhrsw */
    } else {
        v3r(g, P(0xe5), r.d, r.x, r.y);
        v3r(g, P(0xd5), r.t, r.x, r.y);
        vshift(g, vshift_op(IR_V16), VSH_SHL, r.d, r.d, 1);
        vshift(g, vshift_op(IR_V16), VSH_SHR, r.t, r.t, 15);
        v3r(g, V_POR, r.d, r.d, r.t);
    }
    /* Only the least times the least is -2^15, and should be one less than 2^15. */
    v3(g, P(0x75), r.t, r.d, konst(g, K_SIGN16_V));
    v3r(g, V_PXOR, r.d, r.d, r.t);
    return done(g, i, r.d);
}

static u32 bytes_of(struct gen *g, bool is_signed, bool odd, u32 dst, u32 x)
{
    if (odd) {
        vshift(g, vshift_op(IR_V16), is_signed ? VSH_SAR : VSH_SHR, dst, x, 8);
    } else if (is_signed) {
        vshift(g, vshift_op(IR_V16), VSH_SHL, dst, x, 8);
        vshift(g, vshift_op(IR_V16), VSH_SAR, dst, dst, 8);
    } else {
        v3(g, V_PAND, dst, x, konst(g, K_EVEN8));
    }
    return dst;
}

static bool vdot(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    bool is_signed = in->aux & IR_V_SIGNED;
    struct opnd cell = vec_cell(0);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), t = temp_float(g), d = temp_float(g);
    bytes_of(g, is_signed, false, d, x);
    bytes_of(g, is_signed, false, t, y);
    v3r(g, P(0xf5), d, d, t); /* pmaddwd: products of pairs, added */
    bytes_of(g, is_signed, true, t, y);
    x_rm(&g->c, SSE_MOVUPS_ST, t, cell, 0);
    bytes_of(g, is_signed, true, t, x);
    v3(g, P(0xf5), t, t, cell);
    v3r(g, P(0xfe), d, d, t);
    g->locked &= ~(1u << x | 1u << y | 1u << t);
    v3(g, P(0xfe), d, d, use_rm(g, in->c));
    def_from(g, i, d);
    return true;
}

static bool vmull(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in);
    const bool is_signed = in->aux & IR_V_SIGNED, high = in->aux & IR_V_HIGH;
    if (!have(FEAT_SSE41) && (l == IR_V8 || (l == IR_V32 && is_signed)))
        return false;
    struct regs r = regs2(g, i);
    if (l == IR_V16) {
        v3r(g, P(is_signed ? 0xe5 : 0xe4), r.t, r.x, r.y);
        v3r(g, P(0xd5), r.d, r.x, r.y);
        v3r(g, P(high ? 0x69 : 0x61), r.d, r.d, r.t);
    } else if (l == IR_V32) {
        v2i(g, V_PSHUFD, r.d, o_reg(r.x), high ? 0xfa : 0x50);
        v2i(g, V_PSHUFD, r.t, o_reg(r.y), high ? 0xfa : 0x50);
        v3r(g, is_signed ? P38(0x28) : P(0xf4), r.d, r.d, r.t);
    } else {
        u32 x = r.x, y = r.y;
        if (high) {
            v2i(g, V_PSHUFD, r.d, o_reg(r.x), 0xee);
            v2i(g, V_PSHUFD, r.t, o_reg(r.y), 0xee);
            x = r.d;
            y = r.t;
        }
        v2(g, P38(is_signed ? 0x20 : 0x30), r.d, o_reg(x));
        v2(g, P38(is_signed ? 0x20 : 0x30), r.t, o_reg(y));
        v3r(g, P(0xd5), r.d, r.d, r.t);
    }
    return done(g, i, r.d);
}

/* --- comparison --- */

static bool vcmp(struct gen *g, ir_ref i)
{
    static const u8 eq[] = {0x74, 0x75, 0x76}, gt[] = {0x64, 0x65, 0x66}, max[] = {0, 0x3e, 0x3f};
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in), cc = (in->aux & IR_V_CC) >> IR_V_CC_SHIFT;
    if (l == IR_V64 && !have(cc == IR_EQ ? FEAT_SSE41 : FEAT_SSE42))
        return false;
    const u32 op_eq = l == IR_V64 ? P38(0x29) : P(eq[l]), op_gt = l == IR_V64 ? P38(0x37) : P(gt[l]);
    if (cc == IR_EQ)
        return one(g, i, op_eq, true);
    if (cc == IR_GTS)
        return one(g, i, op_gt, false);
    struct regs r = regs2(g, i);
    if (cc == IR_GES) {
        v3r(g, op_gt, r.d, r.y, r.x);
        v3(g, V_PXOR, r.d, r.d, konst(g, K_ONES));
    } else if (l == IR_V8 || (l < IR_V64 && have(FEAT_SSE41))) { /* by what the larger is */
        v3r(g, l == IR_V8 ? P(0xde) : P38(max[l]), r.d, r.x, r.y);
        v3r(g, op_eq, r.d, r.d, cc == IR_GEU ? r.x : r.y);
        if (cc == IR_GTU)
            v3(g, V_PXOR, r.d, r.d, konst(g, K_ONES));
    } else { /* as signed ones, moved down by half the range */
        struct opnd sign = konst(g, K_SIGN8_V + l);
        bool gtu = cc == IR_GTU;
        v3(g, V_PXOR, r.d, gtu ? r.x : r.y, sign);
        v3(g, V_PXOR, r.t, gtu ? r.y : r.x, sign);
        v3r(g, op_gt, r.d, r.d, r.t);
        if (!gtu)
            v3(g, V_PXOR, r.d, r.d, konst(g, K_ONES));
    }
    return done(g, i, r.d);
}

/* --- shifts --- */

/* The table's entry for a shift of bytes by n. */
static struct opnd byte_mask(const struct gen *g, u32 table, u32 n)
{
    struct opnd o = konst(g, table);
    o.disp += (s32)(16 * n);
    return o;
}

static bool vshift_imm(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in), n = (u32)in->imm;
    const u32 how = in->op == IR_OP_vshl ? VSH_SHL : in->op == IR_OP_vshr ? VSH_SHR : VSH_SAR;
    if (l == IR_V64 && how == VSH_SAR) {
        struct regs r = regs2(g, i);
        vshift(g, vshift_op(IR_V32), VSH_SAR, r.t, r.x, 31);
        v2i(g, V_PSHUFD, r.t, o_reg(r.t), 0xf5);
        vshift(g, vshift_op(IR_V64), VSH_SHR, r.d, r.x, n);
        vshift(g, vshift_op(IR_V64), VSH_SHL, r.t, r.t, 64 - n);
        v3r(g, V_POR, r.d, r.d, r.t);
        return done(g, i, r.d);
    }
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    if (l != IR_V8) {
        vshift(g, vshift_op(l), how, dst, x, n);
    } else if (how == VSH_SHL) {
        vshift(g, vshift_op(IR_V16), how, dst, x, n);
        v3(g, V_PAND, dst, dst, byte_mask(g, K_SHL8, n));
    } else {
        vshift(g, vshift_op(IR_V16), VSH_SHR, dst, x, n);
        v3(g, V_PAND, dst, dst, byte_mask(g, K_SHR8, n));
        if (how == VSH_SAR) {
            v3(g, V_PXOR, dst, dst, byte_mask(g, K_SAR8, n));
            v3(g, P(0xf8), dst, dst, byte_mask(g, K_SAR8, n));
        }
    }
    def_done(g, i, dst);
    return true;
}

/* --- sizes --- */

static bool vwiden(struct gen *g, ir_ref i)
{
    static const u8 extend_by[] = {0x20, 0x23, 0x25}, zip[] = {0x60, 0x61, 0x62}, gt[] = {0x64, 0x65, 0x66};
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in);
    const bool is_signed = in->aux & IR_V_SIGNED, high = in->aux & IR_V_HIGH;
    if (have(FEAT_SSE41)) {
        struct opnd x = use_rm(g, in->a);
        u32 dst = def_reg(g, i, in->a);
        if (high && x.kind == O_REG) {
            v2i(g, V_PSHUFD, dst, x, 0xee);
            x = o_reg(dst);
        } else if (high) {
            x = upper(x);
        }
        v2(g, P38(extend_by[l] + (is_signed ? 0u : 0x10u)), dst, x);
        def_done(g, i, dst);
        return true;
    }
    struct regs r = regs2(g, i);
    v3r(g, V_PXOR, r.t, r.t, r.t);
    if (is_signed)
        v3r(g, P(gt[l]), r.t, r.t, r.x);
    v3r(g, P(zip[l] + (high ? 8u : 0u)), r.d, r.x, r.t);
    return done(g, i, r.d);
}

/* Lanes of twice size l in r.d and b, which fit as they are, together in r.d. */
static void pack(struct gen *g, const struct regs *r, u32 l, struct opnd b)
{
    v3(g, l == IR_V8 ? P(0x67) : P38(0x2b), r->d, r->d, b); /* packuswb, packusdw */
}

static bool is_zero(const struct gen *g, ir_ref a)
{
    const struct ir_ins *in = ins_of(g, root_of(g, a));
    u64 lo, hi;
    return in->op == IR_OP_vmake && const_of(g, in->a, &lo) && const_of(g, in->b, &hi) && !(lo | hi);
}

static bool vnarrow(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in);
    const bool odd = in->op == IR_OP_vuzp && in->aux & IR_V_HIGH;
    if (l == IR_V32) {
        u32 imm = odd ? 0xdd : 0x88;
        one_of(g, i, P0(0xc6), in->a, in->b, false, &imm); /* shufps */
        return true;
    }
    const bool half = in->op == IR_OP_vnarrow && is_zero(g, in->b);
    if (half && (l == IR_V8 || have(FEAT_SSE41))) { /* zeros above */
        struct regs r = {.x = use_reg(g, in->a)};
        r.d = def_reg(g, i, in->a);
        v3(g, V_PAND, r.d, r.x, konst(g, K_EVEN8 + l));
        pack(g, &r, l, konst(g, K_ZERO));
        def_done(g, i, r.d);
        return true;
    }
    struct regs r = regs2(g, i);
    if (l == IR_V16 && (odd || !have(FEAT_SSE41))) { /* signed saturation, of what fits */
        if (!odd) {
            vshift(g, vshift_op(IR_V32), VSH_SHL, r.d, r.x, 16);
            vshift(g, vshift_op(IR_V32), VSH_SHL, r.t, r.y, 16);
        }
        vshift(g, vshift_op(IR_V32), VSH_SAR, r.d, odd ? r.x : r.d, 16);
        vshift(g, vshift_op(IR_V32), VSH_SAR, r.t, odd ? r.y : r.t, 16);
        v3r(g, P(0x6b), r.d, r.d, r.t);
        return done(g, i, r.d);
    }
    if (odd) {
        vshift(g, vshift_op(IR_V16), VSH_SHR, r.d, r.x, 8);
        vshift(g, vshift_op(IR_V16), VSH_SHR, r.t, r.y, 8);
    } else {
        v3(g, V_PAND, r.d, r.x, konst(g, K_EVEN8 + l));
        v3(g, V_PAND, r.t, r.y, konst(g, K_EVEN8 + l));
    }
    pack(g, &r, l, o_reg(r.t));
    return done(g, i, r.d);
}

/* Of unsigned lanes; signed ones the host has. */
static bool vqnarrow(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in);
    if (in->aux & IR_V_SIGNED || l == IR_V32 || !have(FEAT_SSE41))
        return false;
    struct regs r = regs2(g, i);
    u32 min = P38(0x3a + l); /* pminuw, pminud */
    v3(g, min, r.d, r.x, konst(g, K_EVEN8 + l));
    v3(g, min, r.t, r.y, konst(g, K_EVEN8 + l));
    pack(g, &r, l, o_reg(r.t));
    return done(g, i, r.d);
}

/* --- order --- */

static bool vtrn(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in), op = vshift_op(l + 1), bits = 8u << l;
    struct regs r = regs2(g, i);
    if (in->aux & IR_V_HIGH) {
        vshift(g, op, VSH_SHR, r.t, r.y, bits);
        vshift(g, op, VSH_SHL, r.t, r.t, bits);
        vshift(g, op, VSH_SHR, r.d, r.x, bits);
    } else {
        vshift(g, op, VSH_SHL, r.t, r.y, bits);
        v3(g, V_PAND, r.d, r.x, konst(g, K_EVEN8 + l));
    }
    v3r(g, V_POR, r.d, r.d, r.t);
    return done(g, i, r.d);
}

static bool vext(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 n = (u32)in->imm;
    if (root_of(g, in->a) == root_of(g, in->b) && !(n & 3)) {
        struct opnd x = use_rm(g, in->a);
        u32 dst = def_reg(g, i, in->a), k = n / 4;
        v2i(g, V_PSHUFD, dst, x, ((k + 0) & 3) | ((k + 1) & 3) << 2 | ((k + 2) & 3) << 4 | ((k + 3) & 3) << 6);
        def_done(g, i, dst);
        return true;
    }
    if (have(FEAT_SSSE3)) {
        one_of(g, i, P3A(0x0f), in->b, in->a, false, &n); /* palignr */
        return true;
    }
    struct regs r = regs2(g, i);
    vshift(g, 0x73, VSH_BYTES_R, r.d, r.x, n);
    vshift(g, 0x73, VSH_BYTES_L, r.t, r.y, 16 - n);
    v3r(g, V_POR, r.d, r.d, r.t);
    return done(g, i, r.d);
}

static bool vrev(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in), group = index_of(in);
    if (l == IR_V8 && !have(FEAT_SSSE3))
        return false;
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    if (l == IR_V8) {
        v3(g, V_PSHUFB, dst, x, konst(g, K_REV2 + group - 1));
    } else if (l == IR_V16) {
        u32 imm = group == 2 ? 0xb1 : 0x1b;
        v2i(g, P0(0x70) | X_F2, dst, o_reg(x), imm);
        v2i(g, P0(0x70) | X_F3, dst, o_reg(dst), imm);
        if (group == 4)
            v2i(g, V_PSHUFD, dst, o_reg(dst), 0x4e);
    } else {
        v2i(g, V_PSHUFD, dst, o_reg(x), l == IR_V64 ? 0x4e : group == 3 ? 0xb1 : 0x1b);
    }
    def_done(g, i, dst);
    return true;
}

static bool vtbl(struct gen *g, ir_ref i)
{
    if (!have(FEAT_SSSE3))
        return false;
    struct regs r = regs2(g, i);
    v3(g, P(0xdc), r.t, r.y, konst(g, K_PAST15));
    v3r(g, V_PSHUFB, r.d, r.x, r.t);
    return done(g, i, r.d);
}

/* --- bits --- */

static bool vpopcnt(struct gen *g, ir_ref i)
{
    if (!have(FEAT_SSSE3))
        return false;
    struct regs r = regs2(g, i);
    u32 u = temp_float(g);
    v3(g, V_PAND, r.t, r.x, konst(g, K_NIBBLE));
    x_rm(&g->c, SSE_MOVAPS, r.d, konst(g, K_POPS), 0);
    v3r(g, V_PSHUFB, r.d, r.d, r.t);
    vshift(g, vshift_op(IR_V16), VSH_SHR, r.t, r.x, 4);
    v3(g, V_PAND, r.t, r.t, konst(g, K_NIBBLE));
    x_rm(&g->c, SSE_MOVAPS, u, konst(g, K_POPS), 0);
    v3r(g, V_PSHUFB, u, u, r.t);
    v3r(g, P(0xfc), r.d, r.d, u);
    return done(g, i, r.d);
}

static bool vpmull(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (lane_of(in) != IR_V64 || !have(FEAT_PCLMUL))
        return false;
    u32 imm = in->aux & IR_V_HIGH ? 0x11 : 0;
    one_of(g, i, P3A(0x44), in->a, in->b, true, &imm);
    return true;
}

static bool vaes(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (!have(FEAT_AES))
        return false;
    struct opnd no_key = konst(g, K_ZERO);
    if (g->val[in->a].fused) {
        ir_ref a = ins_of(g, in->a)->a;
        u32 x = use_reg(g, a), dst = def_reg(g, i, a);
        v3(g, P38(in->imm == 2 ? 0xdc : 0xde), dst, x, no_key); /* aesenc, aesdec */
        def_done(g, i, dst);
        return true;
    }
    if (in->imm == 3)
        return unary(g, i, P38(0xdb));
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    v3(g, P38(in->imm == 0 ? 0xdd : 0xdf), dst, x, no_key); /* aesenclast, aesdeclast */
    if (in->imm == 2)
        v3(g, P38(0xdc), dst, dst, no_key); /* aesenc does again what has just been undone, and mixes */
    def_done(g, i, dst);
    return true;
}

/* --- all --- */

static bool inlined(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    bool commutes;
    u32 op = plain_op(in, &commutes);
    if (op)
        return one(g, i, op, commutes);
    switch (in->op) {
    case IR_OP_vmake:
        emit_make(g, i);
        return true;
    case IR_OP_vzext:
        emit_zext(g, i);
        return true;
    case IR_OP_vlow:
        emit_low(g, i);
        return true;
    case IR_OP_vget:
        return vget(g, i);
    case IR_OP_vset:
        return vset(g, i);
    case IR_OP_vdup:
        return vdup(g, i);
    case IR_OP_vdupl:
        return vdupl(g, i);
    case IR_OP_vandn:
        one_of(g, i, V_PANDN, in->b, in->a, false, NULL);
        return true;
    case IR_OP_vnot:
        return vnot(g, i);
    case IR_OP_vsel:
        return vsel(g, i);
    case IR_OP_vabs:
        return vabs(g, i);
    case IR_OP_vmul:
        return lane_of(in) == IR_V8 && vmul8(g, i);
    case IR_OP_vcmp:
        return vcmp(g, i);
    case IR_OP_vshl:
    case IR_OP_vshr:
    case IR_OP_vsar:
        return vshift_imm(g, i);
    case IR_OP_vwiden:
        return vwiden(g, i);
    case IR_OP_vmull:
        return vmull(g, i);
    case IR_OP_vnarrow:
    case IR_OP_vuzp:
        return vnarrow(g, i);
    case IR_OP_vqnarrow:
        return vqnarrow(g, i);
    case IR_OP_vtrn:
        return vtrn(g, i);
    case IR_OP_vext:
        return vext(g, i);
    case IR_OP_vrev:
        return vrev(g, i);
    case IR_OP_vtbl:
        return vtbl(g, i);
    case IR_OP_vpopcnt:
        return vpopcnt(g, i);
    case IR_OP_vqdmulh:
        return vqdmulh(g, i);
    case IR_OP_vdot:
        return vdot(g, i);
    case IR_OP_vpmull:
        return vpmull(g, i);
    case IR_OP_vaes:
        return vaes(g, i);
    default:
        return ir_ops[in->op].aux == IR_AUX_VFP && emit_vfp(g, i);
    }
}

void emit_vec(struct gen *g, ir_ref i)
{
    dgm_assert(ir_is_vec_op(ins_of(g, i)->op), "this backend does not know %s", ir_ops[ins_of(g, i)->op].name);
    if (!inlined(g, i) && !emit_vseq(g, i))
        only_soft(g, i);
}
