/* Vectors. The base ISA has none, so they are in memory, as two words, and each op is one of three things: a few
 * instructions on integer registers, scalar floating-point instructions a lane at a time, or a call of the reference
 * semantics (translator/ir/vec_eval.h).
 *
 * A call hands over places: displacements of arguments and result from the vCPU, packed in one word, and the op in
 * another. So the result may be written where an argument is. */
#include "translator/host/riscv64/gen.h"

#include "lib/softfp/softfp.h"
#include "lib/str.h"
#include "translator/ir/vec_eval.h"

static void load2(struct gen *g, u32 rd, s32 off, u32 half)
{
    x_load(&g->c, LD, rd, VCPU, off + 8 * (s32)half);
}
static void store2(struct gen *g, u32 rs, s32 off, u32 half)
{
    x_store(&g->c, SD, rs, VCPU, off + 8 * (s32)half);
}

/* --- inline --- */

static void by_call(struct gen *g, ir_ref i);

static void vmake(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lo = use_reg(g, in->a), hi = use_reg(g, in->b);
    s32 dst = def_mem(g, i);
    store2(g, lo, dst, 0);
    store2(g, hi, dst, 1);
}

static void vzext(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 type = ins_of(g, in->a)->type, x = use_reg(g, in->a);
    s32 dst = def_mem(g, i);
    if (type == IR_F64) {
        x_store(c, FSD, x, VCPU, dst);
    } else {
        if (type != IR_I64) {
            if (is_float(type)) {
                x_r(c, (u32)FMV_X_W, SCR, x, 0);
                x = SCR;
            }
            x_extend(g, SCR, x, type == IR_F16 ? 16 : 32, false);
            x = SCR;
        }
        store2(g, x, dst, 0);
    }
    store2(g, ZERO, dst, 1);
}

static void vlow(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    s32 x = use_mem(g, in->a);
    u32 dst = def_reg(g, i, 0);
    load_vcpu(g, dst, x, in->type);
    def_done(g, i, dst);
}

static void vdup(struct gen *g, ir_ref i)
{
    static const u64 ones[3] = {0x0101010101010101, 0x0001000100010001, 0x0000000100000001};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 lane = in->aux & IR_V_LANE, x = use_reg(g, in->a);
    s32 dst = def_mem(g, i);
    if (lane != IR_V64) {
        x_extend(g, SCR, x, 8u << lane, false);
        load_imm(g, SCR2, ones[lane]);
        x_r(c, MUL, SCR, SCR, SCR2);
        x = SCR;
    }
    store2(g, x, dst, 0);
    store2(g, x, dst, 1);
}

static s32 lane_off(u32 aux)
{
    return (s32)(((aux & IR_V_INDEX) >> IR_V_INDEX_SHIFT) << (aux & IR_V_LANE));
}

static void vget(struct gen *g, ir_ref i)
{
    static const u32 op[4][2] = {{LBU, LB}, {LHU, LH}, {LWU, LW}, {LD, LD}};
    const struct ir_ins *in = ins_of(g, i);
    s32 x = use_mem(g, in->a);
    u32 lane = in->aux & IR_V_LANE, dst = def_reg(g, i, 0);
    bool sign = (in->aux & IR_V_SIGNED) || (in->type == IR_I32 && lane == IR_V32);
    x_load(&g->c, in->type == IR_I32 && lane == IR_V64 ? LW : op[lane][sign], dst, VCPU, x + lane_off(in->aux));
    def_done(g, i, dst);
}

static void vset(struct gen *g, ir_ref i)
{
    static const u32 op[4] = {SB, SH, SW, SD};
    const struct ir_ins *in = ins_of(g, i);
    s32 x = use_mem(g, in->a);
    u32 y = use_reg(g, in->b);
    s32 dst = def_mem(g, i);
    copy_vcpu(g, dst, x);
    x_store(&g->c, op[in->aux & IR_V_LANE], y, VCPU, dst + lane_off(in->aux));
}

static void vlogic(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 op = in->op;
    if ((op == IR_OP_vadd || op == IR_OP_vsub) && (in->aux & IR_V_LANE) != IR_V64) {
        by_call(g, i);
        return;
    }
    s32 x = use_mem(g, in->a), y = in->b ? use_mem(g, in->b) : 0, z = in->c ? use_mem(g, in->c) : 0;
    u32 t = op == IR_OP_vsel ? temp_int(g) : NOREG;
    s32 dst = def_mem(g, i);
    for (u32 h = 0; h < 2; h++) {
        load2(g, SCR, x, h);
        if (in->b)
            load2(g, SCR2, y, h);
        switch (op) {
        case IR_OP_vnot:
            x_i(c, XORI, SCR, SCR, -1);
            break;
        case IR_OP_vandn:
            x_i(c, XORI, SCR2, SCR2, -1);
            x_r(c, AND, SCR, SCR, SCR2);
            break;
        case IR_OP_vsel: /* ((b ^ c) & a) ^ c */
            load2(g, t, z, h);
            x_r(c, XOR, SCR2, SCR2, t);
            x_r(c, AND, SCR, SCR, SCR2);
            x_r(c, XOR, SCR, SCR, t);
            break;
        default:
            x_r(c,
                op == IR_OP_vand   ? AND
                : op == IR_OP_vor  ? OR
                : op == IR_OP_vxor ? XOR
                : op == IR_OP_vadd ? ADD
                                   : SUB,
                SCR, SCR, SCR2);
        }
        store2(g, SCR, dst, h);
    }
}

/* --- calls --- */

#define NOWHERE 0xffff

/* Places of a vector instruction's arguments and result, from the vCPU's start, 16 bits each. */
static u64 places(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u64 at = 0;
    for (u32 n = 0; n < 3; n++) {
        ir_ref a = ir_arg(in, n);
        at |= (u64)(a ? (u32)(use_mem(g, a) + VBASE) : NOWHERE) << 16 * n;
    }
    return at;
}

static u128 place_read(const struct vcpu *v, u64 at, u32 n)
{
    u32 off = at >> 16 * n & 0xffff;
    u128 x = 0;
    if (off != NOWHERE)
        memcpy(&x, (const u8 *)v + off, sizeof x);
    return x;
}

static void place_write(struct vcpu *v, u64 at, u128 x)
{
    memcpy((u8 *)v + (at >> 48), &x, sizeof x);
}

u64 rv_vec_op(struct vcpu *v)
{
    u64 d = v->scratch[0], at = v->scratch[1];
    struct sfp env = {.round = (u8)v->fp_round};
    vcpu_count_soft(v, d & 0xff);
    u128 r = ir_eval_vec(d & 0xff, IR_V128, d >> 16 & 0xffff, d >> 32, place_read(v, at, 0), place_read(v, at, 1),
                         place_read(v, at, 2), &env);
    v->fp_flags |= env.flags;
    place_write(v, at, r);
    return 0;
}

/* C: helper in scratch[0], immediate in scratch[2]. */
static u64 vec_helper(struct vcpu *v)
{
    u64 at = v->scratch[1];
    u128 a = place_read(v, at, 0), b = place_read(v, at, 1), c = place_read(v, at, 2), r = 0;
    const struct ir_helper *h = (const struct ir_helper *)v->scratch[0];
    h->vfn(v, &r, &a, &b, &c, v->scratch[2]);
    place_write(v, at, r);
    return 0;
}

static u64 vec_desc(const struct ir_ins *in)
{
    return in->op | (u64)in->aux << 16 | in->imm << 32;
}

static void scratch_imm(struct gen *g, u32 n, u64 k)
{
    u32 r = ZERO;
    if (k) {
        r = SCR;
        load_imm(g, SCR, k);
    }
    x_store(&g->c, SD, r, VCPU, VOFF(scratch) + 8 * (s32)n);
}

static void call(struct gen *g, ir_ref i, u64 (*fn)(struct vcpu *), u64 what)
{
    u64 at = places(g, i);
    temps_flush(g);
    at |= (u64)(u32)(def_mem(g, i) + VBASE) << 48;
    scratch_imm(g, 0, what);
    scratch_imm(g, 1, at);
    load_imm(g, SCR, (u64)(uintptr_t)fn);
    x_call_common(&g->c, g->common->off[C_VCALL]);
}

/* Any op. */
static void by_call(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    dgm_assert(in->imm == (u8)in->imm, "a vector op with immediate %lu", (unsigned long)in->imm);
    call(g, i, rv_vec_op, vec_desc(in));
}

void emit_vcall(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    const struct ir_helper *h = &g->u->helpers[in->aux];
    g->changed = true;
    scratch_imm(g, 2, in->imm);
    if (h->flags & IR_HELPER_FP) { /* gather sticky flags */
        x_csr(c, CSRRW, SCR, CSR_FFLAGS, ZERO);
        x_load(c, LWU, SCR2, VCPU, VOFF(fp_flags));
        x_r(c, OR, SCR, SCR, SCR2);
        x_store(c, SW, SCR, VCPU, VOFF(fp_flags));
    }
    call(g, i, vec_helper, (u64)(uintptr_t)h);
}

/* --- floating point, lane by lane --- */

/* A lane's result is to be looked at by software, as in emit_fp.c: it does all of them again. */
static void cold_lanes(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    scratch_imm(g, 0, vec_desc(in));
    scratch_imm(g, 1, k->n);
    scratch_imm(g, 3, in->op);
    x_call_common(&g->c, g->common->off[C_SOFT]);
    x_j_back(&g->c, k->back);
}

static void vfarith(struct gen *g, ir_ref i)
{
    static const u32 ops[] = {
        [IR_OP_vfadd] = FADD, [IR_OP_vfsub] = FSUB, [IR_OP_vfmul] = FMUL, [IR_OP_vfdiv] = FDIV, [IR_OP_vfsqrt] = FSQRT};
    static const u32 fma[4] = {FMADD, FMSUB, FNMSUB, FNMADD}; /* by the signs of product and addend */
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 lane = (in->aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT, rm = in->aux & IR_FP_ROUND;
    if ((lane != IR_V32 && lane != IR_V64) || ir_flushes(in)) {
        by_call(g, i);
        return;
    }
    bool wide = lane == IR_V64, three = in->op == IR_OP_vfma, redo = !(in->aux & IR_FP_DEFNAN);
    bool tiny =
        (in->aux & IR_FP_TINY_BEFORE) && !g->u->tiny_any && (in->op == IR_OP_vfmul || in->op == IR_OP_vfdiv || three);
    u32 load = wide ? FLD : FLW, store = wide ? FSD : FSW, format = wide ? FMT_D : 0, n = wide ? 2 : 4,
        size = wide ? 8 : 4;
    u32 op = three ? fma[(in->aux & IR_FP_NEG_MUL ? 2 : 0) + (in->aux & IR_FP_NEG_ADD ? 1 : 0)] : ops[in->op];
    u64 at = places(g, i);
    s32 arg[3], out = SPILL_OFF(VEC_ARGS); /* apart: where an argument is may be where the result goes */
    u32 nargs = 0;
    u32 f[3];
    while (nargs < 3 && ir_arg(in, nargs)) {
        arg[nargs] = use_mem(g, ir_arg(in, nargs));
        f[nargs++] = temp_float(g);
    }
    s32 dst = def_mem(g, i);
    u32 least = tiny ? temp_float(g) : NOREG, t = tiny ? temp_float(g) : NOREG;
    if (tiny) {
        x_u(c, LUI, SCR, 0x00800000);
        if (wide)
            x_i(c, SLLI, SCR, SCR, 52 - 23);
        x_r(c, (u32)FMV_W_X | format, least, SCR, 0);
    }
    if (tiny || redo) /* SCR2: all is well so far */
        x_i(c, ADDI, SCR2, ZERO, 1);
    for (u32 k = 0; k < n; k++) {
        for (u32 a = 0; a < nargs; a++)
            x_load(c, load, f[a], VCPU, arg[a] + (s32)(k * size));
        u32 second = nargs > 1 ? f[1] : 0;
        put32(c, op | format | rm << 12 | (FSCR & 31) << 7 | (f[0] & 31) << 15 | (second & 31) << 20 |
                     (three ? (f[2] & 31) << 27 : 0));
        x_store(c, store, FSCR, VCPU, out + (s32)(k * size));
        if (redo) {
            x_r(c, (u32)FEQ | format, SCR, FSCR, FSCR);
            x_r(c, AND, SCR2, SCR2, SCR);
        }
        if (tiny) {
            x_r(c, FSGNJX | format, t, FSCR, FSCR);
            x_r(c, (u32)FEQ | format, SCR, t, least);
            x_i(c, XORI, SCR, SCR, 1);
            x_r(c, AND, SCR2, SCR2, SCR);
        }
    }
    if (!redo && !tiny) {
        copy_vcpu(g, dst, out);
        return;
    }
    struct cold *nan = cold_if(g, cold_lanes, BEQ, SCR2, ZERO);
    nan->n = at | (u64)(u32)(dst + VBASE) << 48;
    copy_vcpu(g, dst, out);
    nan->back = c->p;
}

/* clang-format off */
static void (*const emitters[IR_NOPS])(struct gen *, ir_ref) = {
    [IR_OP_vmake] = vmake,    [IR_OP_vzext] = vzext,    [IR_OP_vlow] = vlow,      [IR_OP_vdup] = vdup,
    [IR_OP_vget] = vget,      [IR_OP_vset] = vset,
    [IR_OP_vand] = vlogic,    [IR_OP_vor] = vlogic,     [IR_OP_vxor] = vlogic,    [IR_OP_vandn] = vlogic,
    [IR_OP_vnot] = vlogic,    [IR_OP_vsel] = vlogic,    [IR_OP_vadd] = vlogic,    [IR_OP_vsub] = vlogic,
    [IR_OP_vfadd] = vfarith,  [IR_OP_vfsub] = vfarith,  [IR_OP_vfmul] = vfarith,  [IR_OP_vfdiv] = vfarith,
    [IR_OP_vfsqrt] = vfarith, [IR_OP_vfma] = vfarith,
};
/* clang-format on */

void emit_vec(struct gen *g, ir_ref i)
{
    u32 op = ins_of(g, i)->op;
    (emitters[op] ? emitters[op] : by_call)(g, i);
}
