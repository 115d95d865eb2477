/* riscv64: the base integer instructions, and M.
 *
 * Word forms (…w) work on the low halves as i32, so that a host uses its 32-bit instructions, and extend the
 * result's sign. A result for x0 is not computed; loads to x0 still load, since they may fault. */
#include "translator/guest/riscv64/rv_int.h"

#include "lib/bits.h"

#define ALIGN_LEAST 8 /* bytes: of an alignment that is asked for, for fetch_ahead */
#define ALIGN_MOST  64

/* --- arithmetic and logic --- */

static bool reg_reg(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    return rv_put_x(c, i->rd, i->rd ? ir_op2(c->b, op, rv_x(c, i->rs1), rv_x(c, i->rs2)) : 0);
}

static bool reg_imm(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    return rv_put_x(c, i->rd, i->rd ? ir_op2i(c->b, op, rv_x(c, i->rs1), (u64)(s64)i->imm) : 0);
}

static bool reg_reg_w(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    return rv_put_w(c, i->rd, i->rd ? ir_op2(c->b, op, rv_w(c, i->rs1), rv_w(c, i->rs2)) : 0);
}

static bool reg_imm_w(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    return rv_put_w(c, i->rd, i->rd ? ir_op2i(c->b, op, rv_w(c, i->rs1), (u32)i->imm) : 0);
}

static void prefetch(struct rv_ctx *c, ir_ref at)
{
    ir_emit(c->b, IR_OP_prefetch, IR_VOID, 0, 0, at, 0, 0, 0);
}

/* To x0 with the low bits 1 or 3 it is a prefetch for reading or writing (Zicbop, "CMO Extensions" 2.6). */
static bool or_imm(struct rv_ctx *c, const struct rv_insn *i)
{
    if (!i->rd && ((i->imm & 31) == 1 || (i->imm & 31) == 3))
        prefetch(c, ir_op2i(c->b, IR_OP_add, rv_x(c, i->rs1), (u64)(s64)i->imm & ~31ull));
    return reg_imm(c, i, IR_OP_or);
}

static bool set_if(struct rv_ctx *c, const struct rv_insn *i, enum ir_cc cc, ir_ref y)
{
    return rv_put_x(c, i->rd, i->rd ? ir_cmp(c->b, IR_I64, cc, rv_x(c, i->rs1), y) : 0);
}

/* clang-format off */
TR(add)   { return reg_reg(c, i, IR_OP_add); }
TR(sub)   { return reg_reg(c, i, IR_OP_sub); }
TR(sll)   { return reg_reg(c, i, IR_OP_shl); }
TR(srl)   { return reg_reg(c, i, IR_OP_shr); }
TR(sra)   { return reg_reg(c, i, IR_OP_sar); }
TR(and)   { return reg_reg(c, i, IR_OP_and); }
TR(or)    { return reg_reg(c, i, IR_OP_or); }
TR(xor)   { return reg_reg(c, i, IR_OP_xor); }

TR(addi)  { return reg_imm(c, i, IR_OP_add); }
TR(slli)  { return reg_imm(c, i, IR_OP_shl); }
TR(srli)  { return reg_imm(c, i, IR_OP_shr); }
TR(srai)  { return reg_imm(c, i, IR_OP_sar); }
TR(andi)  { return reg_imm(c, i, IR_OP_and); }
TR(ori)   { return or_imm(c, i); }
TR(xori)  { return reg_imm(c, i, IR_OP_xor); }

TR(addw)  { return reg_reg_w(c, i, IR_OP_add); }
TR(subw)  { return reg_reg_w(c, i, IR_OP_sub); }
TR(sllw)  { return reg_reg_w(c, i, IR_OP_shl); }
TR(srlw)  { return reg_reg_w(c, i, IR_OP_shr); }
TR(sraw)  { return reg_reg_w(c, i, IR_OP_sar); }

TR(slliw) { return reg_imm_w(c, i, IR_OP_shl); }
TR(srliw) { return reg_imm_w(c, i, IR_OP_shr); }
TR(sraiw) { return reg_imm_w(c, i, IR_OP_sar); }

TR(slt)   { return set_if(c, i, IR_LTS, rv_x(c, i->rs2)); }
TR(sltu)  { return set_if(c, i, IR_LTU, rv_x(c, i->rs2)); }
TR(slti)  { return set_if(c, i, IR_LTS, ir_const(c->b, IR_I64, (u64)(s64)i->imm)); }
TR(sltiu) { return set_if(c, i, IR_LTU, ir_const(c->b, IR_I64, (u64)(s64)i->imm)); }
/* clang-format on */

TR(addiw)
{
    if (i->rd && i->imm == 0) /* sext.w */
        return rv_put_x(c, i->rd, ir_sext(c->b, IR_I64, rv_x(c, i->rs1), 32));
    return reg_imm_w(c, i, IR_OP_add);
}

TR(lui)
{
    return rv_put_x(c, i->rd, i->rd ? ir_const(c->b, IR_I64, (u64)(s64)i->imm) : 0);
}

TR(auipc)
{
    return rv_put_x(c, i->rd, i->rd ? ir_const(c->b, IR_I64, c->pc + (u64)(s64)i->imm) : 0);
}

/* clang-format off */
TR(mul)    { return reg_reg(c, i, IR_OP_mul); }
TR(mulh)   { return reg_reg(c, i, IR_OP_mulhs); }
TR(mulhsu) { return reg_reg(c, i, IR_OP_mulhsu); }
TR(mulhu)  { return reg_reg(c, i, IR_OP_mulhu); }
TR(div)    { return reg_reg(c, i, IR_OP_divs); }
TR(divu)   { return reg_reg(c, i, IR_OP_divu); }
TR(rem)    { return reg_reg(c, i, IR_OP_rems); }
TR(remu)   { return reg_reg(c, i, IR_OP_remu); }
TR(mulw)   { return reg_reg_w(c, i, IR_OP_mul); }
TR(divw)   { return reg_reg_w(c, i, IR_OP_divs); }
TR(divuw)  { return reg_reg_w(c, i, IR_OP_divu); }
TR(remw)   { return reg_reg_w(c, i, IR_OP_rems); }
TR(remuw)  { return reg_reg_w(c, i, IR_OP_remu); }
/* clang-format on */

/* --- memory --- */

static bool load(struct rv_ctx *c, const struct rv_insn *i, u32 mem)
{
    return rv_put_x(c, i->rd, ir_ld(c->b, IR_I64, mem, rv_x(c, i->rs1), i->imm));
}

static bool store(struct rv_ctx *c, const struct rv_insn *i, u32 mem)
{
    ir_st(c->b, mem, rv_x(c, i->rs1), i->imm, rv_x(c, i->rs2));
    return true;
}

/* clang-format off */
TR(lb)  { return load(c, i, 0 | IR_MEM_SIGNED); }
TR(lh)  { return load(c, i, 1 | IR_MEM_SIGNED); }
TR(lw)  { return load(c, i, 2 | IR_MEM_SIGNED); }
TR(ld)  { return load(c, i, 3); }
TR(lbu) { return load(c, i, 0); }
TR(lhu) { return load(c, i, 1); }
TR(lwu) { return load(c, i, 2); }
TR(sb)  { return store(c, i, 0); }
TR(sh)  { return store(c, i, 1); }
TR(sw)  { return store(c, i, 2); }
TR(sd)  { return store(c, i, 3); }
/* clang-format on */

/* Zicboz. The block is 64 bytes long, the address any in it. */
TR(cbo_zero)
{
    ir_ref at = ir_op2i(c->b, IR_OP_and, rv_x(c, i->rs1), ~63ull);
    ir_ref zero = ir_const(c->b, IR_I64, 0);
    for (s64 off = 0; off < 64; off += 8)
        ir_st(c->b, 3, at, off, zero);
    return true;
}

/* fm, pred and succ: 4 bits each. Device accesses count as memory: there are none of which a program could tell. */
TR(fence)
{
    u32 pred = (u32)i->imm >> 4, succ = (u32)i->imm;
    u32 bits = 0;
    bits |= pred & 0xa ? IR_FENCE_PR : 0;
    bits |= pred & 0x5 ? IR_FENCE_PW : 0;
    bits |= succ & 0xa ? IR_FENCE_SR : 0;
    bits |= succ & 0x5 ? IR_FENCE_SW : 0;
    if ((pred & 15) && (succ & 15)) /* else a hint */
        ir_fence(c->b, bits);
    return true;
}

TR(fence_tso)
{
    ir_fence(c->b, IR_FENCE_PR | IR_FENCE_SR | IR_FENCE_SW);
    ir_fence(c->b, IR_FENCE_PW | IR_FENCE_SW);
    return true;
}

TR(pause)
{
    ir_emit(c->b, IR_OP_pause, IR_VOID, 0, 0, 0, 0, 0, 0);
    return true;
}

TR(fence_i)
{
    return rv_trap(c, IR_TRAP_SYNC, c->next);
}

/* --- control --- */

/* Is there no instruction at this distance from one? */
static bool misaligned(const struct rv_ctx *c, const struct rv_insn *i)
{
    return i->imm & 2 && c->rq->mode & RV_MODE_NO_C;
}

/* The registers that calls and returns use by convention (RAS hints). */
static bool is_link(u32 reg)
{
    return reg == 1 || reg == 5;
}

/* A branch to where the unit begins is the bottom of a loop, and mostly taken. Does the unit go round once more? Then
 * what follows is its first instruction. */
static bool goes_round(struct rv_ctx *c, gva_t to)
{
    if (to != c->rq->pc || !guest_goes_round(c->rq, c->n + 1, c->exits, c->rounds + 1))
        return false;
    c->rounds++;
    return true;
}

TR(jal)
{
    gva_t to = c->pc + (u64)(s64)i->imm;
    if (misaligned(c, i))
        return rv_trap(c, IR_TRAP_ALIGN, c->pc);
    rv_put_x(c, i->rd, i->rd ? ir_const(c->b, IR_I64, c->next) : 0);
    if (!i->rd && goes_round(c, to)) {
        c->next = to;
        return true;
    }
    if (is_link(i->rd))
        ir_exit_call(c->b, to, c->next);
    else
        ir_exit(c->b, to);
    c->ended = true;
    return true;
}

TR(jalr)
{
    ir_ref sum = ir_op2i(c->b, IR_OP_add, rv_x(c, i->rs1), (u64)(s64)i->imm);
    ir_ref to = ir_op2i(c->b, IR_OP_and, sum, ~1ull);
    u64 known;
    bool direct = ir_is_const(c->b, to, &known);

    /* Without compressed instructions, the middle of this one stands for its trap: nothing else leads there, as jumps
     * to such addresses trap themselves. */
    if (c->rq->mode & RV_MODE_NO_C)
        ir_exit_if(c->b, IR_NE, ir_op2i(c->b, IR_OP_and, to, 2), ir_const(c->b, IR_I64, 0), c->pc + 2);
    rv_put_x(c, i->rd, i->rd ? ir_const(c->b, IR_I64, c->next) : 0);
    if (is_link(i->rd)) {
        /* With rs1 another link register it is a return and a call, of which only the call is predicted. */
        if (direct)
            ir_exit_call(c->b, known, c->next);
        else
            ir_exit_ind_call(c->b, to, c->next);
    } else if (direct) {
        ir_exit(c->b, known);
    } else if (is_link(i->rs1)) {
        ir_exit_ret(c->b, to);
    } else {
        ir_exit_ind(c->b, to);
    }
    c->ended = true;
    return true;
}

static const struct ir_ins *made_by(const struct rv_ctx *c, ir_ref r, enum ir_op op)
{
    const struct ir_ins *in = &c->b->u->ins[r];
    return in->op == op ? in : NULL;
}

/* Code is behind a branch for where x is not 0. If x is the low bits of a place in a table, base and scaled index, then
 * an alignment has been asked for, and the table will be looked at there. Often not yet: a program that thinks of its
 * prefetches asserts what it knows of them, and for riscv64 the compiler has nothing to make of the prefetch itself. */
static void fetch_ahead(struct rv_ctx *c, ir_ref x)
{
    const struct ir_ins *low = made_by(c, x, IR_OP_and), *sum = low ? made_by(c, low->a, IR_OP_add) : NULL;
    u64 mask;
    if (sum && (made_by(c, sum->a, IR_OP_shl) || made_by(c, sum->b, IR_OP_shl)) && ir_is_const(c->b, low->b, &mask) &&
        is_pow2(mask + 1) && mask >= ALIGN_LEAST - 1 && mask < ALIGN_MOST && !ir_is_off(c->b->u, IR_PASS_AHEAD))
        prefetch(c, low->a);
}

/* A forward branch that is not taken goes on in the same unit while side exits remain. A backward branch is the bottom
 * of a loop and mostly taken: it ends the unit, or goes on where the unit begins. */
static bool branch(struct rv_ctx *c, const struct rv_insn *i, enum ir_cc cc)
{
    if (i->rs1 == i->rs2) { /* decided here: always, or never */
        if (cc == IR_EQ || cc == IR_GES || cc == IR_GEU) {
            if (misaligned(c, i))
                return rv_trap(c, IR_TRAP_ALIGN, c->pc);
            ir_exit(c->b, c->pc + (u64)(s64)i->imm);
            c->ended = true;
        }
        return true;
    }
    if (misaligned(c, i)) { /* the other way round: the trap is behind it */
        ir_exit_if(c->b, cc ^ 1, rv_x(c, i->rs1), rv_x(c, i->rs2), c->next);
        return rv_trap(c, IR_TRAP_ALIGN, c->pc);
    }
    const gva_t to = c->pc + (u64)(s64)i->imm;
    c->exits++;
    if (goes_round(c, to)) {
        ir_exit_if(c->b, cc ^ 1, rv_x(c, i->rs1), rv_x(c, i->rs2), c->next);
        c->next = to;
        return true;
    }
    ir_exit_if(c->b, cc, rv_x(c, i->rs1), rv_x(c, i->rs2), to);
    if (i->imm > 0 && cc == IR_NE && !i->rs2)
        fetch_ahead(c, rv_x(c, i->rs1));
    if (i->imm <= 0 || c->exits > c->rq->max_exits * (c->rounds + 1)) {
        if (c->rq->stop_after)
            return rv_trap(c, IR_TRAP_STOP, c->next);
        ir_exit(c->b, c->next);
        c->ended = true;
    }
    return true;
}

/* clang-format off */
TR(beq)  { return branch(c, i, IR_EQ); }
TR(bne)  { return branch(c, i, IR_NE); }
TR(blt)  { return branch(c, i, IR_LTS); }
TR(bge)  { return branch(c, i, IR_GES); }
TR(bltu) { return branch(c, i, IR_LTU); }
TR(bgeu) { return branch(c, i, IR_GEU); }

TR(ecall)  { return rv_trap(c, IR_TRAP_SYSCALL, c->next); }
TR(ebreak) { return rv_trap(c, IR_TRAP_BREAK, c->pc); }
/* clang-format on */
