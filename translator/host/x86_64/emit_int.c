/* Integer instructions: arithmetic, bits, comparison and choice.
 *
 * Most follow one shape: fetch the operands, ask for the result's place, then choose the form by what coincides:
 * in place (two addresses), `lea` (three), or a copy first. i32 ops are the 32-bit forms; nothing is said about the
 * upper halves of i32 values. */
#include "translator/host/x86_64/gen.h"

static const u8 host_cc[IR_NCC] = {CC_E, CC_NE, CC_L, CC_GE, CC_G, CC_LE, CC_B, CC_AE, CC_A, CC_BE}; /* ORDER CC */

/* dst = src, whatever kind of operand. */
static void load_opnd(struct gen *g, u32 w, u32 dst, struct opnd src)
{
    if (src.kind == O_IMM)
        x_mov_imm(&g->c, dst, w ? (u64)(s64)src.disp : (u32)src.disp, g->own.keep_flags);
    else if (!is_reg(src, dst))
        x_rm(&g->c, 0x8b | w, dst, src, 0);
}

/* --- add, sub, and, or, xor --- */

/* slot = slot op b, in memory, when nobody else wants the sum. */
static bool alu_in_memory(struct gen *g, ir_ref i, u32 w, u32 alu, ir_ref a, ir_ref b)
{
    const struct ir_ins *put = ins_of(g, i + 1);
    if (g->region || put->op != IR_OP_put || put->a != i || g->val[i].uses != 1 || !g->val[i + 1].live ||
        g->val[i + 1].late)
        return false;
    u32 s = put->aux;
    ir_ref v = root_of(g, a);
    if (g->slot_reg[s] != NOREG || g->slot_val[s] != v || reg_of(g, v) != NOREG || is_const(g, a) ||
        g->val[v].type != put->type || g->val[v].last > g->pos || g->val[v].waits)
        return false;
    struct opnd src = use_any(g, b);
    if (src.kind == O_MEM)
        src = o_reg(use_reg(g, b));
    if (reg_of(g, v) != NOREG)
        return false; /* b is a too */
    x_alu_mem(&g->c, w, alu, o_vcpu(SLOT_OFF(g->u->slots->slot[s].offset)), src);
    g->val[v].slot = NOSLOT;
    g->slot_val[s] = i;
    g->val[i].slot = (u16)s;
    return true;
}

/* a + (y << n), where the shift is fused. */
static void emit_add_shifted(struct gen *g, ir_ref i, ir_ref a, ir_ref shl)
{
    const struct ir_ins *sh = ins_of(g, shl);
    u64 n = 0;
    const_of(g, sh->b, &n);
    u32 y = use_reg(g, sh->a), base = use_reg(g, a);
    u32 dst = def_reg(g, i, dying_temp(g, a, sh->a));
    x_lea(&g->c, type_w(ins_of(g, i)->type), dst, o_sib(base, y, n & 3, 0));
    def_done(g, i, dst);
}

/* a & ~x, where the not is fused. */
static void emit_andn(struct gen *g, ir_ref i, ir_ref a, ir_ref not )
{
    ir_ref b = ins_of(g, not )->a;
    u32 x = use_reg(g, b);
    struct opnd y = use_rm(g, a);
    u32 dst = def_reg(g, i, dying_temp(g, a, b));
    x_vex(&g->c, 0xf2 | X_38 | type_w(ins_of(g, i)->type), dst, x, y, 0);
    def_done(g, i, dst);
}

/* a & mask by a move that extends, or a 32-bit and. */
static bool and_mask(struct gen *g, ir_ref i, ir_ref a, u64 mask)
{
    struct code *c = &g->c;
    if (mask != (u32)mask)
        return false;
    struct opnd src = use_rm(g, a);
    u32 dst = def_reg(g, i, a);
    if (mask == 0xff) {
        x_rm(c, 0xb6 | X_0F | X_BRM, dst, src, 0);
    } else if (mask == 0xffff) {
        x_rm(c, 0xb7 | X_0F, dst, src, 0);
    } else if (mask == 0xffffffff) {
        x_rm(c, 0x8b, dst, src, 0);
    } else {
        load_opnd(g, 0, dst, src);
        x_alu_imm(c, 0, ALU_AND, o_reg(dst), (s32)mask);
    }
    def_done(g, i, dst);
    return true;
}

void emit_alu(struct gen *g, ir_ref i)
{
    static const u8 number[] = {[IR_OP_add] = ALU_ADD,
                                [IR_OP_sub] = ALU_SUB,
                                [IR_OP_and] = ALU_AND,
                                [IR_OP_or] = ALU_OR,
                                [IR_OP_xor] = ALU_XOR};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type), alu = number[in->op];
    ir_ref a = in->a, b = in->b;
    bool commutes = alu != ALU_SUB;
    u64 k;

    if (alu == ALU_ADD && g->val[b].fused) {
        emit_add_shifted(g, i, a, b);
        return;
    }
    if (alu == ALU_ADD && g->val[a].fused) {
        emit_add_shifted(g, i, b, a);
        return;
    }
    if (alu == ALU_AND && (g->val[a].fused || g->val[b].fused)) {
        bool first = g->val[a].fused;
        emit_andn(g, i, first ? b : a, first ? a : b);
        return;
    }
    if (commutes && is_const(g, a)) {
        a = in->b;
        b = in->a;
    }
    if (alu_in_memory(g, i, w, alu, a, b) || (commutes && alu_in_memory(g, i, w, alu, b, a)))
        return;
    if (alu == ALU_AND && const_of(g, b, &k) && and_mask(g, i, a, w ? k : (u32)k))
        return;

    struct opnd y = use_any(g, b), x = use_any(g, a);
    u32 dst = def_reg(g, i, dying_temp(g, a, commutes ? b : 0));
    if (is_reg(y, dst) && !is_reg(x, dst)) {
        if (commutes) {
            x_alu(c, w, alu, dst, x);
        } else { /* x - y in y's place */
            x_rm(c, 0xf7 | w, 3, o_reg(dst), 0);
            x_alu(c, w, ALU_ADD, dst, x);
        }
    } else if (alu == ALU_ADD && x.kind == O_REG && x.reg != dst && y.kind == O_REG) {
        x_lea(c, w, dst, o_sib(x.reg, y.reg, 0, 0));
    } else if (alu == ALU_ADD && x.kind == O_REG && x.reg != dst && y.kind == O_IMM) {
        x_lea(c, w, dst, o_mem(x.reg, y.disp));
    } else if (alu == ALU_SUB && x.kind == O_REG && x.reg != dst && y.kind == O_IMM && y.disp != INT32_MIN) {
        x_lea(c, w, dst, o_mem(x.reg, -y.disp));
    } else {
        load_opnd(g, w, dst, x);
        x_alu(c, w, alu, dst, y);
    }
    def_done(g, i, dst);
}

void emit_unary(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 w = type_w(in->type);
    struct opnd x = use_any(g, in->a);
    u32 dst = def_reg(g, i, in->a);
    load_opnd(g, w, dst, x);
    x_rm(&g->c, 0xf7 | w, in->op == IR_OP_neg ? 3 : 2, o_reg(dst), 0);
    def_done(g, i, dst);
}

/* --- multiplication and division --- */

void emit_mul(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    ir_ref a = in->a, b = in->b;
    if (is_const(g, a)) {
        a = in->b;
        b = in->a;
    }
    struct opnd y = use_any(g, b), x = use_rm(g, a);
    u32 dst = def_reg(g, i, dying_temp(g, a, b));
    if (y.kind == O_IMM) {
        x_rm(c, (fits8(y.disp) ? 0x6b : 0x69) | w, dst, x, fits8(y.disp) ? 1 : 4);
        if (fits8(y.disp))
            put8(c, (u32)y.disp);
        else
            put32(c, (u32)y.disp);
    } else if (is_reg(y, dst)) {
        x_rm(c, 0xaf | X_0F | w, dst, x, 0);
    } else {
        load_opnd(g, w, dst, x);
        x_rm(c, 0xaf | X_0F | w, dst, y, 0);
    }
    def_done(g, i, dst);
}

/* Makes r ready to hold value i, as an instruction with a fixed operand wants: it stays when it is there and dies. */
static void fixed(struct gen *g, u32 r, ir_ref i, bool may_stay)
{
    if (may_stay && g->val[root_of(g, i)].reg == r && dies(g, i))
        g->locked |= 1u << r;
    else
        temp_take(g, r);
}

void emit_mulhi(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    ir_ref a = in->a, b = in->b;

    if (in->op == IR_OP_mulhu && have(FEAT_BMI2)) {
        if (reg_of(g, b) == RDX) {
            a = in->b;
            b = in->a;
        }
        if (reg_of(g, a) == RDX) {
            g->locked |= 1u << RDX;
        } else {
            temp_take(g, RDX);
            load_into(g, RDX, a);
        }
        struct opnd y = use_rm(g, b);
        u32 dst = def_reg(g, i, b);
        x_vex(c, 0xf6 | X_38 | X_F2 | w, dst, dst, y, 0); /* mulx */
        def_done(g, i, dst);
        return;
    }
    if (in->op == IR_OP_mulhsu) {
        temp_take(g, RAX);
        temp_take(g, RDX);
        u32 x = use_reg(g, a), y = use_reg(g, b);
        x_mov(c, w, RAX, x);
        x_rm(c, 0xf7 | w, 4, o_reg(y), 0); /* mul */
        /* As unsigned, a negative a was too large by 2^n, so the high half by b. */
        x_mov(c, w, RAX, x);
        x_shift_imm(c, w, SH_SAR, o_reg(RAX), w ? 63 : 31);
        x_alu(c, w, ALU_AND, RAX, o_reg(y));
        x_alu(c, w, ALU_SUB, RDX, o_reg(RAX));
        def_from(g, i, RDX);
        return;
    }
    temp_take(g, RDX);
    fixed(g, RAX, a, true);
    struct opnd y = use_rm(g, b);
    load_into(g, RAX, a);
    x_rm(c, 0xf7 | w, in->op == IR_OP_mulhu ? 4 : 5, y, 0);
    def_from(g, i, RDX);
}

/* The divisor in r[0] is 0 or, signed, -1; rax holds the dividend. */
static void cold_div(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    const struct ir_ins *in = ins_of(g, k->ins);
    u32 w = type_w(in->type);
    u8 *other;
    switch (in->op) {
    case IR_OP_divu:
        x_alu_imm(c, w, ALU_OR, o_reg(RAX), -1);
        break;
    case IR_OP_remu:
        x_mov(c, w, RDX, RAX);
        break;
    case IR_OP_divs: /* by 0: -1; by -1: the negative */
        x_rm(c, 0xf7 | w, 3, o_reg(RAX), 0);
        x_rr(c, 0x85 | w, k->r[0], k->r[0]);
        other = x_jcc8(c, CC_NE);
        x_alu_imm(c, w, ALU_OR, o_reg(RAX), -1);
        x_here8(c, other);
        break;
    default: /* rems: by 0: the dividend; by -1: 0 */
        x_mov(c, w, RDX, RAX);
        x_rr(c, 0x85 | w, k->r[0], k->r[0]);
        other = x_jcc8(c, CC_E);
        x_mov_imm(c, RDX, 0, false);
        x_here8(c, other);
        break;
    }
    x_jmp_back(c, k->back);
}

void emit_div(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    bool is_signed = in->op == IR_OP_divs || in->op == IR_OP_rems;
    bool rem = in->op == IR_OP_rems || in->op == IR_OP_remu;
    u64 k;
    bool safe = const_of(g, in->b, &k) && k != 0 && (!is_signed || k != ~0ull);

    temp_take(g, RDX);
    fixed(g, RAX, in->a, root_of(g, in->a) != root_of(g, in->b));
    u32 y = use_reg(g, in->b);
    load_into(g, RAX, in->a);
    struct cold *cold = NULL;
    if (!safe && is_signed) { /* y is -1 or 0 when y + 1 is 0 or 1 */
        x_lea(c, w, RDX, o_mem(y, 1));
        x_alu_imm(c, w, ALU_CMP, o_reg(RDX), 1);
        cold = cold_new(g, cold_div, x_jcc(c, CC_BE));
    } else if (!safe) {
        x_rr(c, 0x85 | w, y, y);
        cold = cold_new(g, cold_div, x_jcc(c, CC_E));
    }
    if (is_signed) {
        if (w)
            put8(c, 0x48);
        put8(c, 0x99); /* cqo, cdq */
    } else {
        x_rr(c, 0x33, RDX, RDX);
    }
    x_rm(c, 0xf7 | w, is_signed ? 7 : 6, o_reg(y), 0);
    if (cold) {
        cold->r[0] = (u8)y;
        cold->back = c->p;
    }
    def_from(g, i, rem ? RDX : RAX);
}

/* --- smaller, larger --- */

void emit_minmax(struct gen *g, ir_ref i)
{
    /* Host condition under which a is the result for certain. */
    static const u8 keep[] = {[IR_OP_mins] = CC_L, [IR_OP_maxs] = CC_G, [IR_OP_minu] = CC_B, [IR_OP_maxu] = CC_A};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type), cc = keep[in->op];
    u32 x = use_reg(g, in->a);
    struct opnd y = use_rm(g, in->b);
    u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
    x_alu(c, w, ALU_CMP, x, y);
    if (is_reg(y, dst)) {
        x_rm(c, 0x40 | cc | X_0F | w, dst, o_reg(x), 0);
    } else {
        if (dst != x)
            x_mov(c, w, dst, x);
        x_rm(c, 0x40 | (cc ^ 1) | X_0F | w, dst, y, 0);
    }
    def_done(g, i, dst);
}

/* --- extensions, shifts, rotations --- */

/* i: the low `bits` bits of a, extended. */
static void extend(struct gen *g, ir_ref i, ir_ref a, u32 bits, bool sign)
{
    u32 w = sign ? type_w(ins_of(g, i)->type) : 0, op;
    if (sign)
        op = bits == 8 ? 0xbe | X_0F | X_BRM : bits == 16 ? 0xbf | X_0F : w ? 0x63 : 0x8b;
    else
        op = bits == 8 ? 0xb6 | X_0F | X_BRM : bits == 16 ? 0xb7 | X_0F : 0x8b;
    struct opnd x = use_rm(g, a);
    u32 dst = def_reg(g, i, a);
    x_rm(&g->c, op | w, dst, x, 0);
    def_done(g, i, dst);
}

void emit_ext(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    extend(g, i, in->a, in->aux, in->op == IR_OP_sext);
}

static void shift_const(struct gen *g, ir_ref i, u32 n)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type), bits = w ? 64 : 32;
    n &= bits - 1;
    struct opnd x = use_rm(g, in->a);
    u32 dst = def_reg(g, i, in->a);
    bool rotates = in->op == IR_OP_rotl || in->op == IR_OP_rotr;
    if (n == 0) {
        x_rm(c, 0x8b | w, dst, x, 0); /* in place, too: it clears the upper half of an i32 */
    } else if (rotates && have(FEAT_BMI2) && !is_reg(x, dst)) {
        x_vex(c, 0xf0 | X_3A | X_F2 | w, dst, 0, x, 1); /* rorx */
        put8(c, in->op == IR_OP_rotr ? n : bits - n);
    } else if (in->op == IR_OP_shl && n <= 3 && x.kind == O_REG && x.reg != dst) {
        x_lea(c, w, dst, n == 1 ? o_sib(x.reg, x.reg, 0, 0) : o_sib(NOREG, x.reg, n, 0));
    } else {
        static const u8 number[] = {[IR_OP_shl] = SH_SHL,
                                    [IR_OP_shr] = SH_SHR,
                                    [IR_OP_sar] = SH_SAR,
                                    [IR_OP_rotl] = SH_ROL,
                                    [IR_OP_rotr] = SH_ROR};
        load_opnd(g, w, dst, x);
        x_shift_imm(c, w, number[in->op], o_reg(dst), n);
    }
    def_done(g, i, dst);
}

void emit_shift(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    u64 k = 0;
    if (g->val[in->a].fused) {
        const struct ir_ins *shl = ins_of(g, in->a);
        const_of(g, shl->b, &k);
        extend(g, i, shl->a, ir_bits(in->type) - (u32)k, in->op == IR_OP_sar);
        return;
    }
    if (const_of(g, in->b, &k)) {
        shift_const(g, i, (u32)k);
        return;
    }
    bool rotates = in->op == IR_OP_rotl || in->op == IR_OP_rotr;
    if (!rotates && have(FEAT_BMI2)) {
        u32 prefix = in->op == IR_OP_shl ? X_66 : in->op == IR_OP_sar ? X_F3 : X_F2;
        u32 n = use_reg(g, in->b);
        struct opnd x = use_rm(g, in->a);
        u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
        x_vex(c, 0xf7 | X_38 | prefix | w, dst, n, x, 0);
        def_done(g, i, dst);
        return;
    }
    static const u8 number[] = {
        [IR_OP_shl] = SH_SHL, [IR_OP_shr] = SH_SHR, [IR_OP_sar] = SH_SAR, [IR_OP_rotl] = SH_ROL, [IR_OP_rotr] = SH_ROR};
    if (reg_of(g, in->b) == RCX) {
        g->locked |= 1u << RCX;
    } else {
        temp_take(g, RCX);
        load_into(g, RCX, in->b);
    }
    struct opnd x = use_rm(g, in->a);
    u32 dst = def_reg(g, i, is_reg(x, RCX) ? 0 : in->a);
    load_opnd(g, w, dst, x);
    x_rm(c, 0xd3 | w, number[in->op], o_reg(dst), 0);
    def_done(g, i, dst);
}

/* --- counting bits, order of bytes --- */

static void popcnt_arith(struct gen *g, u32 w, u32 dst, u32 t)
{
    struct code *c = &g->c;
    const u32 *off = g->common->off;
    struct opnd fives = o_common(off[K_POP1]), threes = o_common(off[K_POP1] + 8);
    struct opnd fs = o_common(off[K_POP2]), ones = o_common(off[K_POP2] + 8);
    x_mov(c, w, t, dst);
    x_shift_imm(c, w, SH_SHR, o_reg(t), 1);
    x_alu(c, w, ALU_AND, t, fives);
    x_alu(c, w, ALU_SUB, dst, o_reg(t));
    x_mov(c, w, t, dst);
    x_alu(c, w, ALU_AND, dst, threes);
    x_shift_imm(c, w, SH_SHR, o_reg(t), 2);
    x_alu(c, w, ALU_AND, t, threes);
    x_alu(c, w, ALU_ADD, dst, o_reg(t));
    x_mov(c, w, t, dst);
    x_shift_imm(c, w, SH_SHR, o_reg(t), 4);
    x_alu(c, w, ALU_ADD, dst, o_reg(t));
    x_alu(c, w, ALU_AND, dst, fs);
    x_rm(c, 0xaf | X_0F | w, dst, ones, 0);
    x_shift_imm(c, w, SH_SHR, o_reg(dst), w ? 56 : 24);
}

void emit_count(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type), bits = w ? 64 : 32;
    u32 feat = in->op == IR_OP_clz ? FEAT_LZCNT : in->op == IR_OP_ctz ? FEAT_BMI1 : FEAT_POPCNT;
    u32 op = in->op == IR_OP_clz ? 0xbd : in->op == IR_OP_ctz ? 0xbc : 0xb8;
    if (have(feat)) {
        struct opnd x = use_rm(g, in->a);
        u32 dst = def_reg(g, i, in->a);
        x_rm(c, op | X_0F | X_F3 | w, dst, x, 0);
        def_done(g, i, dst);
        return;
    }
    struct opnd x = use_rm(g, in->a);
    u32 t = temp_int(g), dst = def_reg(g, i, in->a);
    if (in->op == IR_OP_popcnt) {
        load_opnd(g, w, dst, x);
        popcnt_arith(g, w, dst, t);
    } else {
        bool clz = in->op == IR_OP_clz;
        x_mov_imm(c, t, clz ? 2 * bits - 1 : bits, false);
        x_rm(c, op | X_0F | w, dst, x, 0); /* bsr, bsf: zero gives ZF and no result */
        x_rr(c, 0x40 | CC_E | X_0F | w, dst, t);
        if (clz)
            x_alu_imm(c, w, ALU_XOR, o_reg(dst), (s32)bits - 1);
    }
    def_done(g, i, dst);
}

void emit_bswap(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 w = type_w(in->type);
    struct opnd x = use_any(g, in->a);
    u32 dst = def_reg(g, i, in->a);
    load_opnd(g, w, dst, x);
    if (w || dst >= R8)
        put8(&g->c, 0x40 | (w ? 8 : 0) | dst >> 3);
    put8(&g->c, 0x0f);
    put8(&g->c, 0xc8 | (dst & 7));
    def_done(g, i, dst);
}

/* --- comparison and choice --- */

struct compare compare_fetch(struct gen *g, u32 cc, ir_ref a, ir_ref b)
{
    struct compare k = {.w = type_w(ins_of(g, a)->type)};
    if (is_const(g, a) && !is_const(g, b)) {
        ir_ref t = a;
        a = b;
        b = t;
        cc = cc_swapped[cc];
    }
    k.cc = host_cc[cc];
    if (g->val[a].fused) { /* bits of a value, with 0 (can_fuse) */
        u64 bits = 0;
        const_of(g, ins_of(g, a)->b, &bits);
        k.w = 0;
        k.bits = true;
        k.b = o_imm((s32)bits);
        k.a = use_rm(g, ins_of(g, a)->a);
        return k;
    }
    k.b = use_any(g, b);
    k.a = k.b.kind == O_MEM ? o_reg(use_reg(g, a)) : use_rm(g, a);
    return k;
}

void compare_emit(struct gen *g, const struct compare *k)
{
    if (k->bits)
        x_test_imm(&g->c, 0, k->a, k->b.disp);
    else if (k->a.kind == O_REG && k->b.kind == O_IMM && k->b.disp == 0)
        x_rr(&g->c, 0x85 | k->w, k->a.reg, k->a.reg);
    else if (k->a.kind == O_REG)
        x_alu(&g->c, k->w, ALU_CMP, k->a.reg, k->b);
    else
        x_alu_mem(&g->c, k->w, ALU_CMP, k->a, k->b);
}

void emit_cmp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u64 k;
    u32 at = ins_of(g, in->a)->type;
    if (in->aux == IR_LTS && const_of(g, in->b, &k) && k == 0) { /* the sign */
        struct opnd x = use_rm(g, in->a);
        u32 dst = def_reg(g, i, in->a);
        load_opnd(g, type_w(at), dst, x);
        x_shift_imm(c, type_w(at), SH_SHR, o_reg(dst), ir_bits(at) - 1);
        def_done(g, i, dst);
        return;
    }
    struct compare cmp = compare_fetch(g, in->aux, in->a, in->b);
    /* In a register of its own by preference, which can be cleared before. */
    u32 dst = def_hint(g, i);
    if (dst == NOREG)
        dst = temp_free(g, TEMPS_INT) ? temp_int(g) : def_reg(g, i, dying_temp(g, in->a, in->b));
    bool apart = !is_reg(cmp.a, dst) && !is_reg(cmp.b, dst);
    if (apart)
        x_rr(c, 0x33, dst, dst);
    compare_emit(g, &cmp);
    if (!apart)
        x_mov_imm(c, dst, 0, true); /* nobody waits for it, as somebody would for an extension behind */
    x_setcc(c, cmp.cc, dst);
    def_done(g, i, dst);
}

void emit_select(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    struct opnd t = {0}, f = {0};
    bool t_const = is_const(g, in->c), f_const = is_const(g, in->d);
    if (t_const) /* before the flags are live: zero is shorter */
        t = use_rm(g, in->c);
    u32 arms = g->locked;
    struct compare cmp = compare_fetch(g, in->aux, in->a, in->b);
    compare_emit(g, &cmp);
    g->locked = arms;
    g->own.keep_flags = true;
    if (!t_const)
        t = use_rm(g, in->c);
    if (!f_const)
        f = use_rm(g, in->d);
    u32 dst = def_reg(g, i, dying_temp(g, in->d, in->c));
    if (is_reg(t, dst)) {
        if (f_const)
            f = use_rm(g, in->d);
        x_rm(c, 0x40 | (cmp.cc ^ 1) | X_0F | w, dst, f, 0);
    } else {
        if (f_const)
            load_into(g, dst, in->d);
        else
            load_opnd(g, w, dst, f);
        x_rm(c, 0x40 | cmp.cc | X_0F | w, dst, t, 0);
    }
    g->own.keep_flags = false;
    def_done(g, i, dst);
}
