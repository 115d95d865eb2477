/* Integer instructions: arithmetic, bits, comparison and choice.
 *
 * i32 ops are the word forms where there are such, which read the low halves of their operands and extend their result;
 * what needs extended operands (comparisons, and what Zbb lacks a word form of) asks use_sext for them. In that order
 * signed and unsigned comparisons of i32 are those of i64. */
#include "translator/host/riscv64/gen.h"

/* --- extensions --- */

static bool sext32(const struct gen *g, ir_ref i, u32 depth)
{
    const struct ir_ins *in = ins_of(g, i);
    u64 k;
    if (const_of(g, root_of(g, i), &k)) /* as a register has it, not a part of it */
        return fits32((s64)k);
    if (in->op == IR_OP_sext)
        return in->aux <= 32;
    if (in->op == IR_OP_cmp || in->op == IR_OP_clz || in->op == IR_OP_ctz || in->op == IR_OP_popcnt ||
        in->op == IR_OP_fcmp || in->op == IR_OP_ford || in->op == IR_OP_fclass)
        return true;
    if (in->op == IR_OP_ld)
        return in->type == IR_I32 || (in->aux & IR_MEM_SIZE) < 2 ||
               ((in->aux & IR_MEM_SIZE) == 2 && (in->aux & IR_MEM_SIGNED));
    if (in->type == IR_I64)
        return in->op == IR_OP_zext && in->aux < 32;
    switch (in->op) {
    case IR_OP_get:
    case IR_OP_add:
    case IR_OP_sub:
    case IR_OP_mul:
    case IR_OP_mulhu:
    case IR_OP_mulhs:
    case IR_OP_mulhsu:
    case IR_OP_divs:
    case IR_OP_divu:
    case IR_OP_rems:
    case IR_OP_remu:
    case IR_OP_neg:
    case IR_OP_mins:
    case IR_OP_maxs:
    case IR_OP_minu:
    case IR_OP_maxu:
    case IR_OP_shl:
    case IR_OP_shr:
    case IR_OP_sar:
    case IR_OP_rotl:
    case IR_OP_rotr:
    case IR_OP_bswap:
    case IR_OP_zext:
    case IR_OP_amo:
    case IR_OP_cas:
    case IR_OP_sc:
    case IR_OP_f2i:
    case IR_OP_vget:
    case IR_OP_vlow:
        return true;
    case IR_OP_trunc:
    case IR_OP_not:
        return depth && sext32(g, in->a, depth - 1);
    case IR_OP_and:
    case IR_OP_or:
    case IR_OP_xor:
        if (in->op == IR_OP_and && ((const_of(g, in->a, &k) && !(k >> 31)) || (const_of(g, in->b, &k) && !(k >> 31))))
            return true;
        return depth && sext32(g, in->a, depth - 1) && sext32(g, in->b, depth - 1);
    case IR_OP_select:
        return depth && sext32(g, in->c, depth - 1) && sext32(g, in->d, depth - 1);
    default:
        return false;
    }
}

bool is_sext32(const struct gen *g, ir_ref i)
{
    return sext32(g, i, 4);
}

u32 use_sext(struct gen *g, ir_ref i, u32 scratch)
{
    u32 r = use_reg(g, i);
    if (ins_of(g, i)->type == IR_I64 || is_sext32(g, i))
        return r;
    x_i(&g->c, ADDIW, scratch, r, 0);
    return scratch;
}

u32 use_zext(struct gen *g, ir_ref i, u32 scratch)
{
    u32 r = use_reg(g, i);
    if (ins_of(g, i)->type == IR_I64)
        return r;
    x_extend(g, scratch, r, 32, false);
    return scratch;
}

void x_extend(struct gen *g, u32 rd, u32 rs, u32 bits, bool sign)
{
    struct code *c = &g->c;
    bool zbb = have(FEAT_ZBB);
    if (sign && bits == 32) {
        x_i(c, ADDIW, rd, rs, 0);
    } else if (!sign && bits == 8) {
        x_i(c, ANDI, rd, rs, 255);
    } else if (!sign && bits == 32 && have(FEAT_ZBA)) {
        x_r(c, ADD_UW, rd, rs, ZERO);
    } else if (zbb && bits == 8) {
        x_r(c, SEXT_B, rd, rs, 0);
    } else if (zbb && bits == 16) {
        x_r(c, sign ? SEXT_H : ZEXT_H, rd, rs, 0);
    } else {
        x_i(c, SLLI, rd, rs, (s32)(64 - bits));
        x_i(c, sign ? SRAI : SRLI, rd, rd, (s32)(64 - bits));
    }
}

void x_add_imm(struct gen *g, u32 rd, u32 rs, u64 k)
{
    if (fits12((s64)k)) {
        x_i(&g->c, ADDI, rd, rs, (s32)k);
    } else {
        load_imm(g, rd, k);
        x_r(&g->c, ADD, rd, rd, rs);
    }
}

void emit_ext(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    /* An i32 is kept extended by its sign. */
    bool sign = in->op == IR_OP_sext || (in->type == IR_I32 && in->aux == 32);
    x_extend(g, dst, x, in->aux, sign);
    def_done(g, i, dst);
}

/* --- arithmetic --- */

void emit_alu(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    ir_ref a = in->a, b = in->b;
    bool word = in->type == IR_I32;
    u64 k = 0;
    s32 imm;

    if ((in->op == IR_OP_add || in->op == IR_OP_and) && (g->val[a].fused || g->val[b].fused)) {
        if (g->val[a].fused) {
            a = in->b;
            b = in->a;
        }
        const struct ir_ins *f = ins_of(g, b);
        u32 op = ANDN;
        if (in->op == IR_OP_add) {
            const_of(g, f->b, &k);
            op = (k & 3) == 1 ? SH1ADD : (k & 3) == 2 ? SH2ADD : SH3ADD;
        }
        u32 x = use_reg(g, a), y = use_reg(g, f->a), dst = def_reg(g, i, a);
        if (in->op == IR_OP_add)
            x_r(c, op, dst, y, x);
        else
            x_r(c, op, dst, x, y);
        def_done(g, i, dst);
        return;
    }
    if (in->op != IR_OP_sub && imm_of(g, a, &imm)) {
        a = in->b;
        b = in->a;
    }
    if (in->op == IR_OP_sub && const_of(g, b, &k) && fits12(-(s64)k)) {
        u32 x = use_reg(g, a), dst = def_reg(g, i, a);
        x_i(c, word ? ADDIW : ADDI, dst, x, (s32) - (s64)k);
        def_done(g, i, dst);
        return;
    }
    if (in->op != IR_OP_sub && imm_of(g, b, &imm)) {
        u32 op = in->op == IR_OP_add   ? (word ? ADDIW : ADDI)
                 : in->op == IR_OP_and ? ANDI
                 : in->op == IR_OP_or  ? ORI
                                       : XORI;
        u32 x = use_reg(g, a), dst = def_reg(g, i, a);
        x_i(c, op, dst, x, imm);
        def_done(g, i, dst);
        return;
    }
    if (in->op == IR_OP_and && !word &&
        ((const_of(g, b, &k) && (k == 0xffff || k == 0xffffffff)) ||
         (const_of(g, a, &k) && (k == 0xffff || k == 0xffffffff)))) {
        u64 of_b = 0;
        if (!const_of(g, b, &of_b) || of_b != k)
            a = b;
        u32 x = use_reg(g, a), dst = def_reg(g, i, a);
        x_extend(g, dst, x, k == 0xffff ? 16 : 32, false);
        def_done(g, i, dst);
        return;
    }
    static const u32 ops[][2] = {[IR_OP_add] = {ADD, ADDW},
                                 [IR_OP_sub] = {SUB, SUBW},
                                 [IR_OP_and] = {AND, AND},
                                 [IR_OP_or] = {OR, OR},
                                 [IR_OP_xor] = {XOR, XOR}};
    u32 x = use_reg(g, a), y = use_reg(g, b);
    u32 dst = def_reg(g, i, dies(g, a) && g->val[root_of(g, a)].reg != NOREG ? a : b);
    x_r(c, ops[in->op][word], dst, x, y);
    def_done(g, i, dst);
}

void emit_unary(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
    if (in->op == IR_OP_neg)
        x_r(&g->c, wide_or(in->type, SUB, SUBW), dst, ZERO, x);
    else
        x_i(&g->c, XORI, dst, x, -1);
    def_done(g, i, dst);
}

void emit_mul(struct gen *g, ir_ref i)
{
    static const u32 ops[][2] = {
        [IR_OP_mul] = {MUL, MULW},  [IR_OP_divs] = {DIV, DIVW},   [IR_OP_divu] = {DIVU, DIVUW},
        [IR_OP_rems] = {REM, REMW}, [IR_OP_remu] = {REMU, REMUW},
    };
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    x_r(&g->c, ops[in->op][in->type == IR_I32], dst, x, y);
    def_done(g, i, dst);
}

void emit_div(struct gen *g, ir_ref i)
{
    emit_mul(g, i);
}

void emit_mulhi(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (in->type == IR_I64) {
        u32 x = use_reg(g, in->a), y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
        x_r(c, in->op == IR_OP_mulhu ? MULHU : in->op == IR_OP_mulhs ? MULH : MULHSU, dst, x, y);
        def_done(g, i, dst);
        return;
    }
    u32 x = in->op == IR_OP_mulhu ? use_zext(g, in->a, SCR) : use_sext(g, in->a, SCR);
    u32 y = in->op == IR_OP_mulhs ? use_sext(g, in->b, SCR2) : use_zext(g, in->b, SCR2);
    u32 dst = def_reg(g, i, in->a);
    x_r(c, MUL, dst, x, y);
    x_i(c, SRAI, dst, dst, 32);
    def_done(g, i, dst);
}

/* --- smaller, larger --- */

void emit_minmax(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 x = use_sext(g, in->a, SCR), y = use_sext(g, in->b, SCR2);
    if (have(FEAT_ZBB)) {
        static const u32 ops[] = {
            [IR_OP_mins] = MINS_, [IR_OP_maxs] = MAXS_, [IR_OP_minu] = MINU_, [IR_OP_maxu] = MAXU_};
        u32 dst = def_reg(g, i, in->a);
        x_r(c, ops[in->op], dst, x, y);
        def_done(g, i, dst);
        return;
    }
    bool is_signed = in->op == IR_OP_mins || in->op == IR_OP_maxs, min = in->op == IR_OP_mins || in->op == IR_OP_minu;
    u32 dst = def_not_in(g, i, reg_bit(x) | reg_bit(y));
    mov_rr(g, dst, x, IR_I64);
    u8 *keep = min ? x_b(c, is_signed ? BLT : BLTU, x, y) : x_b(c, is_signed ? BLT : BLTU, y, x);
    mov_rr(g, dst, y, IR_I64);
    x_here(c, keep);
    def_from(g, i, dst);
}

/* --- shifts, rotations --- */

static void rotate(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool word = in->type == IR_I32, left = in->op == IR_OP_rotl, zbb = have(FEAT_ZBB);
    u32 bits = word ? 32 : 64;
    u64 k;
    u32 x = use_reg(g, in->a);
    if (const_of(g, in->b, &k)) {
        u32 n = (left ? bits - (u32)k : (u32)k) & (bits - 1);
        u32 dst = def_reg(g, i, in->a);
        if (zbb) {
            x_i(c, word ? RORIW : RORI, dst, x, (s32)n);
        } else if (!n) {
            x_i(c, word ? ADDIW : ADDI, dst, x, 0);
        } else {
            x_i(c, word ? SRLIW : SRLI, SCR, x, (s32)n);
            x_i(c, word ? SLLIW : SLLI, dst, x, (s32)(bits - n));
            x_r(c, OR, dst, dst, SCR);
        }
        def_done(g, i, dst);
        return;
    }
    u32 y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    if (zbb) {
        x_r(c, left ? (word ? ROLW : ROL) : (word ? RORW : ROR), dst, x, y);
    } else { /* amounts are taken modulo the width */
        u32 right = word ? SRLW : SRL, up = word ? SLLW : SLL;
        x_r(c, SUB, SCR2, ZERO, y);
        x_r(c, left ? right : up, SCR, x, SCR2);
        x_r(c, left ? up : right, dst, x, y);
        x_r(c, OR, dst, dst, SCR);
    }
    def_done(g, i, dst);
}

void emit_shift(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (in->op == IR_OP_rotl || in->op == IR_OP_rotr) {
        rotate(g, i);
        return;
    }
    static const u32 imm_ops[][2] = {
        [IR_OP_shl] = {SLLI, SLLIW}, [IR_OP_shr] = {SRLI, SRLIW}, [IR_OP_sar] = {SRAI, SRAIW}};
    static const u32 ops[][2] = {[IR_OP_shl] = {SLL, SLLW}, [IR_OP_shr] = {SRL, SRLW}, [IR_OP_sar] = {SRA, SRAW}};
    bool word = in->type == IR_I32;
    u64 k;
    u32 x = use_reg(g, in->a);
    if (const_of(g, in->b, &k)) {
        u32 dst = def_reg(g, i, in->a);
        x_i(c, imm_ops[in->op][word], dst, x, (s32)(k & (word ? 31 : 63)));
        def_done(g, i, dst);
        return;
    }
    u32 y = use_reg(g, in->b), dst = def_reg(g, i, in->a);
    x_r(c, ops[in->op][word], dst, x, y);
    def_done(g, i, dst);
}

/* --- counting bits, order of bytes --- */

/* r = ones of r. Both scratch registers change. */
static void popcnt_arith(struct gen *g, u32 r)
{
    struct code *c = &g->c;
    load_imm(g, SCR2, 0x5555555555555555);
    x_i(c, SRLI, SCR, r, 1);
    x_r(c, AND, SCR, SCR, SCR2);
    x_r(c, SUB, r, r, SCR);
    load_imm(g, SCR2, 0x3333333333333333);
    x_i(c, SRLI, SCR, r, 2);
    x_r(c, AND, SCR, SCR, SCR2);
    x_r(c, AND, r, r, SCR2);
    x_r(c, ADD, r, r, SCR);
    x_i(c, SRLI, SCR, r, 4);
    x_r(c, ADD, r, r, SCR);
    load_imm(g, SCR2, 0x0f0f0f0f0f0f0f0f);
    x_r(c, AND, r, r, SCR2);
    load_imm(g, SCR2, 0x0101010101010101);
    x_r(c, MUL, r, r, SCR2);
    x_i(c, SRLI, r, r, 56);
}

void emit_count(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool word = in->type == IR_I32;
    if (have(FEAT_ZBB)) {
        u32 x = use_reg(g, in->a), dst = def_reg(g, i, in->a);
        x_r(c,
            in->op == IR_OP_clz   ? (word ? CLZW : CLZ)
            : in->op == IR_OP_ctz ? (word ? CTZW : CTZ)
                                  : (word ? CPOPW : CPOP),
            dst, x, 0);
        def_done(g, i, dst);
        return;
    }
    u32 x = use_zext(g, in->a, SCR), dst = def_reg(g, i, in->a);
    if (in->op == IR_OP_ctz) { /* the ones below the lowest */
        mov_rr(g, dst, x, IR_I64);
        if (word) {
            x_i(c, ADDI, SCR2, ZERO, 1);
            x_i(c, SLLI, SCR2, SCR2, 32);
            x_r(c, OR, dst, dst, SCR2);
        }
        x_r(c, SUB, SCR, ZERO, dst);
        x_r(c, AND, dst, dst, SCR);
        x_i(c, ADDI, dst, dst, -1);
    } else if (in->op == IR_OP_clz) { /* those above the highest */
        mov_rr(g, dst, x, IR_I64);
        for (s32 n = 1; n < (word ? 32 : 64); n *= 2) {
            x_i(c, SRLI, SCR, dst, n);
            x_r(c, OR, dst, dst, SCR);
        }
        x_i(c, XORI, dst, dst, -1);
        if (word)
            x_extend(g, dst, dst, 32, false);
    } else {
        mov_rr(g, dst, x, IR_I64);
    }
    popcnt_arith(g, dst);
    def_done(g, i, dst);
}

void emit_bswap(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool word = in->type == IR_I32;
    u32 x = use_reg(g, in->a);
    u32 dst = def_reg(g, i, in->a);
    if (have(FEAT_ZBB)) {
        x_r(c, REV8, dst, x, 0);
    } else { /* bytes, then halves, then words */
        load_imm(g, SCR2, 0x00ff00ff00ff00ff);
        x_i(c, SRLI, SCR, x, 8);
        x_r(c, AND, SCR, SCR, SCR2);
        x_r(c, AND, dst, x, SCR2);
        x_i(c, SLLI, dst, dst, 8);
        x_r(c, OR, dst, dst, SCR);
        load_imm(g, SCR2, 0x0000ffff0000ffff);
        x_i(c, SRLI, SCR, dst, 16);
        x_r(c, AND, SCR, SCR, SCR2);
        x_r(c, AND, dst, dst, SCR2);
        x_i(c, SLLI, dst, dst, 16);
        x_r(c, OR, dst, dst, SCR);
        x_i(c, SRLI, SCR, dst, 32);
        x_i(c, SLLI, dst, dst, 32);
        x_r(c, OR, dst, dst, SCR);
    }
    if (word)
        x_i(c, SRAI, dst, dst, 32);
    def_done(g, i, dst);
}

/* --- comparison and choice --- */

struct compare compare_fetch(struct gen *g, u32 cc, ir_ref a, ir_ref b)
{
    static const u32 ops[IR_NCC] = {BEQ, BNE, BLT, BGE, BLT, BGE, BLTU, BGEU, BLTU, BGEU}; /* ORDER CC */
    u32 x = use_sext(g, a, SCR), y = use_sext(g, b, SCR2);
    bool swap = cc == IR_GTS || cc == IR_LES || cc == IR_GTU || cc == IR_LEU;
    return (struct compare){.op = ops[cc], .a = swap ? y : x, .b = swap ? x : y};
}

void emit_cmp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    s32 imm;
    u32 cc = in->aux;
    if (imm_of(g, in->b, &imm) && (cc == IR_LTS || cc == IR_GES || cc == IR_LTU || cc == IR_GEU)) {
        bool is_signed = cc == IR_LTS || cc == IR_GES;
        u32 x = use_sext(g, in->a, SCR), dst = def_reg(g, i, in->a);
        x_i(c, is_signed ? SLTI : SLTIU, dst, x, imm);
        if (cc == IR_GES || cc == IR_GEU)
            x_i(c, XORI, dst, dst, 1);
        def_done(g, i, dst);
        return;
    }
    if ((cc == IR_EQ || cc == IR_NE) && imm_of(g, in->b, &imm) && imm != -2048) {
        u32 x = use_sext(g, in->a, SCR), dst = def_reg(g, i, in->a);
        if (imm) {
            x_i(c, ADDI, dst, x, -imm);
            x = dst;
        }
        if (cc == IR_EQ)
            x_i(c, SLTIU, dst, x, 1);
        else
            x_r(c, SLTU, dst, ZERO, x);
        def_done(g, i, dst);
        return;
    }
    struct compare k = compare_fetch(g, cc, in->a, in->b);
    u32 dst = def_reg(g, i, in->a);
    if (cc == IR_EQ || cc == IR_NE) {
        x_r(c, XOR, dst, k.a, k.b);
        if (cc == IR_EQ)
            x_i(c, SLTIU, dst, dst, 1);
        else
            x_r(c, SLTU, dst, ZERO, dst);
    } else {
        bool is_signed = k.op == BLT || k.op == BGE;
        x_r(c, is_signed ? SLT : SLTU, dst, k.a, k.b);
        if (k.op & BRANCH_NOT)
            x_i(c, XORI, dst, dst, 1);
    }
    def_done(g, i, dst);
}

void emit_select(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 t = use_reg(g, in->c), f = use_reg(g, in->d);
    struct compare k = compare_fetch(g, in->aux, in->a, in->b);
    if (have(FEAT_ZICOND) && (k.op == BEQ || k.op == BNE) && (k.a == ZERO || k.b == ZERO)) {
        /* Both of czero's forms, or one of them when an arm is zero. */
        u32 x = k.a == ZERO ? k.b : k.a;
        u32 keep_t = k.op == BNE ? CZERO_EQZ : CZERO_NEZ, keep_f = k.op == BNE ? CZERO_NEZ : CZERO_EQZ;
        u32 dst = def_reg(g, i, in->c);
        if (f == ZERO) {
            x_r(c, keep_t, dst, t, x);
        } else if (t == ZERO) {
            x_r(c, keep_f, dst, f, x);
        } else {
            u32 u = x == SCR ? SCR2 : SCR;
            x_r(c, keep_f, u, f, x);
            x_r(c, keep_t, dst, t, x);
            x_r(c, OR, dst, dst, u);
        }
        def_done(g, i, dst);
        return;
    }
    u32 dst = def_hint(g, i);
    u64 compared = 1ull << k.a | 1ull << k.b;
    if (dst == NOREG && dies(g, in->c) && (TEMPS >> t & 1) && g->val[root_of(g, in->c)].reg == t)
        dst = t;
    else if (dst == NOREG && dies(g, in->d) && (TEMPS >> f & 1) && g->val[root_of(g, in->d)].reg == f)
        dst = f;
    if (dst == NOREG || (dst != t && dst != f && (compared >> dst & 1)))
        dst = temp_of(g, TEMPS_INT & ~compared);
    if (dst == f) {
        u8 *over = x_b(c, k.op ^ BRANCH_NOT, k.a, k.b);
        mov_rr(g, dst, t, IR_I64);
        x_here(c, over);
    } else {
        /* The move does not disturb the comparison, unless the result is where the true arm is already. */
        if (dst != t)
            mov_rr(g, dst, t, IR_I64);
        u8 *over = x_b(c, k.op, k.a, k.b);
        mov_rr(g, dst, f, IR_I64);
        x_here(c, over);
    }
    def_from(g, i, dst);
}
