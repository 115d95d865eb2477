/* Integer instructions: arithmetic, bits, comparison and choice.
 *
 * Most are one instruction of three registers: fetch the operands, ask for the result's place, emit. Numbers go into
 * the instruction where it can hold them. i32 ops are the 32-bit forms, which leave zeros in the upper half of the
 * result's register; nothing is said about the upper halves of i32 operands. */
#include "translator/host/aarch64/gen.h"

static const u8 host_cc[IR_NCC] = {CC_EQ, CC_NE, CC_LT, CC_GE, CC_GT, CC_LE, CC_LO, CC_HS, CC_HI, CC_LS}; /* ORDER CC */

/* --- add, sub, and, or, xor --- */

void add_number(struct gen *g, u32 d, u32 n, u64 x)
{
    struct code *c = &g->c;
    if (fits_add(x)) {
        a_add_imm(c, A_ADD_IMM | A_SF, d, n, x);
    } else if (fits_add(-x)) {
        a_add_imm(c, A_SUB_IMM | A_SF, d, n, -x);
    } else if (x < 1 << 24) {
        a_add_imm(c, A_ADD_IMM | A_SF, d, n, x & ~4095ull);
        a_add_imm(c, A_ADD_IMM | A_SF, d, d, x & 4095);
    } else {
        a_mov_imm(c, SCR2, x);
        a_rrr(c, A_ADD | A_SF, d, n, SCR2);
    }
}

/* a op (y << n), where the shift is fused. */
static void emit_shifted(struct gen *g, ir_ref i, u32 op, ir_ref a, ir_ref shl)
{
    const struct ir_ins *sh = ins_of(g, shl);
    u32 bits = ir_bits(sh->type);
    u64 n = 0;
    const_of(g, sh->b, &n);
    u32 y = use_reg(g, sh->a), x = use_zr(g, a);
    u32 dst = def_reg(g, i, dying_temp(g, a, sh->a));
    a_rrr_lsl(&g->c, op, dst, x, y, (u32)n & (bits - 1));
    def_done(g, i, dst);
}

/* a op ~x, where the not is fused. */
static void emit_with_not(struct gen *g, ir_ref i, u32 op, ir_ref a, ir_ref not )
{
    ir_ref b = ins_of(g, not )->a;
    u32 x = use_reg(g, b), y = use_reg(g, a);
    u32 dst = def_reg(g, i, dying_temp(g, a, b));
    a_rrr(&g->c, op | 1u << 21, dst, y, x);
    def_done(g, i, dst);
}

/* a op number in one instruction; false when there is none. */
static bool alu_number(struct gen *g, ir_ref i, u32 op, ir_ref a, u64 k)
{
    struct code *c = &g->c;
    bool wide = op & A_SF;
    u32 field = 0, imm;
    u64 n = k;
    switch (op & ~A_SF) {
    case A_SUB:
    case A_ADD:
        if ((op & ~A_SF) == A_SUB)
            n = -n;
        if (!wide)
            n = (u64)(s64)(s32)n;
        if (!fits_add(n) && !fits_add(-n))
            return false;
        break;
    case A_AND:
        imm = A_AND_IMM;
        goto logic;
    case A_ORR:
        imm = A_ORR_IMM;
        goto logic;
    default:
        imm = A_EOR_IMM;
    logic:
        if (!logical_imm(k, wide, &field))
            return false;
        u32 x = use_reg(g, a), dst = def_reg(g, i, a);
        a_logic_imm(c, imm | (op & A_SF), dst, x, field);
        def_done(g, i, dst);
        return true;
    }
    u32 x = use_reg(g, a), dst = def_reg(g, i, a);
    if (fits_add(n))
        a_add_imm(c, A_ADD_IMM | (op & A_SF), dst, x, n);
    else
        a_add_imm(c, A_SUB_IMM | (op & A_SF), dst, x, -n);
    def_done(g, i, dst);
    return true;
}

void emit_alu(struct gen *g, ir_ref i)
{
    static const u32 number[] = {
        [IR_OP_add] = A_ADD, [IR_OP_sub] = A_SUB, [IR_OP_and] = A_AND, [IR_OP_or] = A_ORR, [IR_OP_xor] = A_EOR};
    const struct ir_ins *in = ins_of(g, i);
    u32 op = number[in->op] | type_w(in->type);
    ir_ref a = in->a, b = in->b;
    bool adds = in->op == IR_OP_add || in->op == IR_OP_sub, commutes = in->op != IR_OP_sub;
    u64 k;

    if (g->val[a].fused || g->val[b].fused) {
        bool first = g->val[a].fused;
        if (adds)
            emit_shifted(g, i, op, first ? b : a, first ? a : b);
        else
            emit_with_not(g, i, op, first ? b : a, first ? a : b);
        return;
    }
    if (commutes && is_const(g, a)) {
        a = in->b;
        b = in->a;
    }
    if (const_of(g, b, &k) && !is_const(g, a) && alu_number(g, i, op, a, k))
        return;
    u32 x = use_zr(g, a), y = use_zr(g, b);
    u32 dst = def_reg(g, i, dying_temp(g, a, b));
    a_rrr(&g->c, op, dst, x, y);
    def_done(g, i, dst);
}

void emit_unary(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    a_rrr(&g->c, (in->op == IR_OP_neg ? A_SUB : A_ORN) | type_w(in->type), dst, ZR, x);
    def_done(g, i, dst);
}

/* --- multiplication and division --- */

void emit_mul(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b);
    u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
    a_rrr(&g->c, A_MUL | type_w(in->type), dst, x, y);
    def_done(g, i, dst);
}

void emit_mulhi(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool wide = in->type == IR_I64;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b);
    if (wide && in->op == IR_OP_mulhsu) {
        /* As unsigned, a negative a was too large by 2^64, so the high half by b. */
        u32 dst = def_apart(g, i);
        a_asr(c, A_SF, SCR, x, 63);
        a_rrr(c, A_AND | A_SF, SCR, SCR, y);
        a_rrr(c, A_UMULH, dst, x, y);
        a_rrr(c, A_SUB | A_SF, dst, dst, SCR);
        def_done(g, i, dst);
        return;
    }
    u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
    if (wide) {
        a_rrr(c, in->op == IR_OP_mulhu ? A_UMULH : A_SMULH, dst, x, y);
    } else if (in->op == IR_OP_mulhsu) {
        a_bfm(c, A_SBFM | A_SF, SCR, x, 0, 31);
        a_mov(c, 0, SCR2, y);
        a_rrr(c, A_MUL | A_SF, dst, SCR, SCR2);
        a_lsr(c, A_SF, dst, dst, 32);
    } else {
        a_rrr(c, in->op == IR_OP_mulhu ? A_UMULL : A_SMULL, dst, x, y);
        a_lsr(c, A_SF, dst, dst, 32);
    }
    def_done(g, i, dst);
}

/* The host's division by 0 gives 0, and the least by -1 the least. */
void emit_div(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    bool is_signed = in->op == IR_OP_divs || in->op == IR_OP_rems;
    bool rem = in->op == IR_OP_rems || in->op == IR_OP_remu;
    u64 k;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b);
    if (rem) { /* a - a / b * b is right for both special cases */
        u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
        a_rrr(c, (is_signed ? A_SDIV : A_UDIV) | w, SCR, x, y);
        a_rrr(c, A_MSUB | w | x << 10, dst, SCR, y);
        def_done(g, i, dst);
        return;
    }
    u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
    if (const_of(g, in->b, &k) && k) {
        a_rrr(c, (is_signed ? A_SDIV : A_UDIV) | w, dst, x, y);
    } else {
        a_add_imm(c, A_SUBS_IMM | w, ZR, y, 0);
        a_rrr(c, (is_signed ? A_SDIV : A_UDIV) | w, dst, x, y);
        a_csel(c, A_CSINV | w, dst, dst, ZR, CC_NE);
    }
    def_done(g, i, dst);
}

/* --- smaller, larger --- */

void emit_minmax(struct gen *g, ir_ref i)
{
    /* Host condition under which a is the result. */
    static const u8 keep[] = {[IR_OP_mins] = CC_LT, [IR_OP_maxs] = CC_GT, [IR_OP_minu] = CC_LO, [IR_OP_maxu] = CC_HI};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    u32 x = use_zr(g, in->a), y = use_zr(g, in->b);
    u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
    a_rrr(c, A_SUBS | w, ZR, x, y);
    a_csel(c, A_CSEL | w, dst, x, y, keep[in->op]);
    def_done(g, i, dst);
}

/* --- extensions, shifts, rotations --- */

void emit_ext(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    bool sign = in->op == IR_OP_sext;
    /* To 64 bits, zeros come by themselves. */
    u32 w = sign ? type_w(in->type) : 0;
    a_bfm(&g->c, (sign ? A_SBFM : A_UBFM) | w, dst, x, 0, in->aux - 1u);
    def_done(g, i, dst);
}

static void shift_const(struct gen *g, ir_ref i, u32 n)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type), bits = w ? 64 : 32;
    n &= bits - 1;
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    switch (in->op) {
    case IR_OP_shl:
        a_lsl(c, w, dst, x, n);
        break;
    case IR_OP_shr:
        a_lsr(c, w, dst, x, n);
        break;
    case IR_OP_sar:
        a_asr(c, w, dst, x, n);
        break;
    default:
        a_extr(c, w, dst, x, x, in->op == IR_OP_rotr ? n : (bits - n) & (bits - 1));
    }
    def_done(g, i, dst);
}

void emit_shift(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type), bits = w ? 64 : 32;
    u64 k = 0, n = 0;
    if (g->val[in->a].fused) { /* (a << n) >> m */
        const struct ir_ins *shl = ins_of(g, in->a);
        const_of(g, shl->b, &n);
        const_of(g, in->b, &k);
        n &= bits - 1;
        k &= bits - 1;
        u32 x = use_reg(g, shl->a), dst = def_reg(g, i, shl->a);
        a_bfm(c, (in->op == IR_OP_sar ? A_SBFM : A_UBFM) | w, dst, x, (u32)(k - n), bits - 1 - (u32)n);
        def_done(g, i, dst);
        return;
    }
    if (const_of(g, in->b, &k)) {
        shift_const(g, i, (u32)k);
        return;
    }
    static const u32 number[] = {
        [IR_OP_shl] = A_LSLV, [IR_OP_shr] = A_LSRV, [IR_OP_sar] = A_ASRV, [IR_OP_rotl] = A_RORV, [IR_OP_rotr] = A_RORV};
    u32 x = use_zr(g, in->a), y = use_reg(g, in->b);
    u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
    if (in->op == IR_OP_rotl) {
        a_rrr(c, A_SUB, SCR, ZR, y);
        y = SCR;
    }
    a_rrr(c, number[in->op] | w, dst, x, y);
    def_done(g, i, dst);
}

/* --- counting bits, order of bytes --- */

void emit_count(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    switch (in->op) {
    case IR_OP_clz:
        a_rr(c, A_CLZ | w, dst, x);
        break;
    case IR_OP_ctz:
        a_rr(c, A_RBIT | w, dst, x);
        a_rr(c, A_CLZ | w, dst, dst);
        break;
    default:
        a_rr(c, A_FMOV_VR | (w ? A_SF | A_FTYPE_64 : 0), VSCR, x);
        a_rr(c, 0x0e205800, VSCR, VSCR); /* cnt v.8b */
        a_rr(c, 0x0e31b800, VSCR, VSCR); /* addv b, v.8b: zeros above */
        a_rr(c, A_FMOV_RV, dst, VSCR);
    }
    def_done(g, i, dst);
}

void emit_bswap(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    a_rr(&g->c, in->type == IR_I64 ? A_REV_X : A_REV_W, dst, x);
    def_done(g, i, dst);
}

/* --- comparison and choice --- */

u32 compare(struct gen *g, u32 cc, ir_ref a, ir_ref b)
{
    struct code *c = &g->c;
    u32 w = type_w(ins_of(g, a)->type);
    u64 k;
    if (is_const(g, a) && !is_const(g, b)) {
        ir_ref t = a;
        a = b;
        b = t;
        cc = cc_swapped[cc];
    }
    u32 x = use_reg(g, a); /* not ZR, which is sp with a number */
    if (const_of(g, b, &k)) {
        u64 minus = w ? -k : (u64)(s64)(s32)-k;
        if (fits_add(k)) {
            a_add_imm(c, A_SUBS_IMM | w, ZR, x, k);
            return host_cc[cc];
        }
        if (fits_add(minus) && k != (w ? 1ull << 63 : ~0ull << 31)) {
            a_add_imm(c, A_ADDS_IMM | w, ZR, x, minus);
            return host_cc[cc];
        }
        if (reg_of(g, b) == NOREG) {
            a_mov_imm(c, SCR, w ? k : (u32)k);
            a_rrr(c, A_SUBS | w, ZR, x, SCR);
            return host_cc[cc];
        }
    }
    a_rrr(c, A_SUBS | w, ZR, x, use_reg(g, b));
    return host_cc[cc];
}

void emit_cmp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u64 k;
    u32 at = ins_of(g, in->a)->type;
    if (in->aux == IR_LTS && const_of(g, in->b, &k) && k == 0) { /* the sign */
        u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
        a_lsr(c, type_w(at), dst, x, ir_bits(at) - 1);
        def_done(g, i, dst);
        return;
    }
    u32 cc = compare(g, in->aux, in->a, in->b);
    u32 dst = def_reg(g, i, dying_temp(g, in->a, in->b));
    a_cset(c, dst, cc);
    def_done(g, i, dst);
}

void emit_select(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    /* Loads and moves leave the host's flags alone, so both arms may be fetched after the comparison. */
    u32 cc = compare(g, in->aux, in->a, in->b);
    g->locked = 0;
    u32 t = use_zr(g, in->c), f = use_zr(g, in->d);
    u32 dst = def_reg(g, i, dying_temp(g, in->c, in->d));
    a_csel(&g->c, A_CSEL | type_w(in->type), dst, t, f, cc);
    def_done(g, i, dst);
}
