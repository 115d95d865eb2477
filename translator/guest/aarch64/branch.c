/* aarch64: branches, exceptions, hints and barriers.
 *
 * All of these may leave the unit, so the flags are in their slots before, or are put there by a64_exit_cond. */
#include "translator/guest/aarch64/a64_int.h"

#include "lib/str.h"

static bool jump(struct a64_ctx *c, gva_t to)
{
    ir_exit(c->b, to);
    c->ended = true;
    return true;
}

/* A branch to where the unit begins is the bottom of a loop, and mostly taken. Is the unit to go round once more? Then
 * the branch leaves, by `exits` side exits, when it is not taken. */
static bool goes_round(struct a64_ctx *c, gva_t to, u32 exits)
{
    if (to != c->rq->pc || !guest_goes_round(c->rq, c->n + 1, c->exits + exits, c->rounds + 1))
        return false;
    c->rounds++;
    return true;
}

static bool went_round(struct a64_ctx *c, u32 exits)
{
    c->exits += exits;
    c->next = c->rq->pc;
    return true;
}

TR(b)
{
    const gva_t to = c->pc + (u64)(s64)i->imm;
    return goes_round(c, to, 0) ? went_round(c, 0) : jump(c, to);
}

TR(bl)
{
    a64_put_x(c, A64_LR, ir_const(c->b, IR_I64, c->next));
    ir_exit_call(c->b, c->pc + (u64)(s64)i->imm, c->next);
    c->ended = true;
    return true;
}

/* The destination may be known here: an address that was just made. */
TR(br)
{
    ir_ref to = a64_x(c, i->rn);
    u64 known;
    if (ir_is_const(c->b, to, &known))
        return jump(c, known);
    ir_exit_ind(c->b, to);
    c->ended = true;
    return true;
}

TR(blr)
{
    ir_ref to = a64_x(c, i->rn);
    u64 known;
    a64_put_x(c, A64_LR, ir_const(c->b, IR_I64, c->next));
    if (ir_is_const(c->b, to, &known))
        ir_exit_call(c->b, known, c->next);
    else
        ir_exit_ind_call(c->b, to, c->next);
    c->ended = true;
    return true;
}

TR(ret)
{
    ir_exit_ret(c->b, a64_x(c, i->rn));
    c->ended = true;
    return true;
}

/* Is what follows a branch or a choice by flags? A unit that began there would not know what made them. */
static bool wants_flags(const struct a64_ctx *c)
{
    const size_t at = c->next - c->rq->pc;
    u32 word = 0;
    if (at > c->rq->len || c->rq->len - at < 4)
        return false;
    memcpy(&word, c->rq->code + at, 4);
    return (word & 0xff000010) == 0x54000000 || (word & 0x1fe00000) == 0x1a800000 || (word & 0x3fe00410) == 0x3a400000;
}

/* After `exits` side exits: a forward branch that is not taken goes on in the same unit while side exits remain. A
 * backward branch ends the unit, if it does not go round, and flags are not wanted behind it. */
static bool not_taken(struct a64_ctx *c, s32 offset, u32 exits)
{
    c->exits += exits;
    const bool room = c->exits <= c->rq->max_exits * (c->rounds + 1);
    if ((offset > 0 && room) || ((room || c->rq->keep_flags) && wants_flags(c)))
        return true;
    if (c->rq->stop_after)
        return a64_trap(c, IR_TRAP_STOP, c->next);
    return jump(c, c->next);
}

TR(b_cond)
{
    const gva_t to = c->pc + (u64)(s64)i->imm;
    if (i->bcond >= 14)
        return jump(c, to);
    if (goes_round(c, to, 1))
        return went_round(c, a64_exit_cond(c, i->bcond ^ 1, c->next));
    if (!c->rq->stop_after && a64_exit_head(c, i->bcond, to, c->next)) {
        a64_exit_cond(c, i->bcond, to);
        return jump(c, c->next); /* where few come by this way */
    }
    return not_taken(c, i->imm, a64_exit_cond(c, i->bcond, to));
}

/* A branch by `offset` that is taken when v cc 0. */
static bool exit_or_round(struct a64_ctx *c, enum ir_cc cc, ir_ref v, s32 offset)
{
    const gva_t to = c->pc + (u64)(s64)offset;
    const ir_ref zero = ir_const(c->b, ir_type_of(c->b, v), 0);
    if (goes_round(c, to, 1)) {
        ir_exit_if(c->b, cc ^ 1, v, zero, c->next);
        return went_round(c, 1);
    }
    ir_exit_if(c->b, cc, v, zero, to);
    return not_taken(c, offset, 1);
}

/* The bit alone, or as the sign. */
static bool test_bit(struct a64_ctx *c, const struct a64_insn *i, bool set)
{
    enum ir_cc cc;
    ir_ref v;
    if (i->amount < 31) {
        cc = set ? IR_NE : IR_EQ;
        v = ir_op2i(c->b, IR_OP_and, a64_w(c, i->rd), 1ull << i->amount);
    } else {
        cc = set ? IR_LTS : IR_GES;
        v = i->amount == 31 ? a64_w(c, i->rd) : a64_x(c, i->rd);
        if (i->amount > 31 && i->amount < 63)
            v = ir_op2i(c->b, IR_OP_shl, v, 63u - i->amount);
    }
    return exit_or_round(c, cc, v, i->imm);
}

/* clang-format off */
TR(cbz)  { return exit_or_round(c, IR_EQ, a64_r(c, i->sf, i->rd), i->imm); }
TR(cbnz) { return exit_or_round(c, IR_NE, a64_r(c, i->sf, i->rd), i->imm); }
TR(tbz)  { return test_bit(c, i, false); }
TR(tbnz) { return test_bit(c, i, true); }

TR(svc) { return a64_trap(c, IR_TRAP_SYSCALL, c->next); }
TR(brk) { return a64_trap(c, IR_TRAP_BREAK, c->pc); }
/* clang-format on */

/* Yield and the waits for an event give way; all others do nothing here, pointer authentication in this space too. */
TR(hint)
{
    if (i->imm >= 1 && i->imm <= 3)
        ir_emit(c->b, IR_OP_pause, IR_VOID, 0, 0, 0, 0, 0, 0);
    return true;
}

/* Which accesses a barrier is about stands in the low bits of CRm; where (the domain) is one and the same here. */
TR(dmb)
{
    const u32 types = (u32)i->imm & 3;
    if (types == 1)
        ir_fence(c->b, IR_FENCE_PR | IR_FENCE_SR | IR_FENCE_SW);
    else if (types == 2)
        ir_fence(c->b, IR_FENCE_PW | IR_FENCE_SW);
    else
        ir_fence(c->b, IR_FENCE_PR | IR_FENCE_PW | IR_FENCE_SR | IR_FENCE_SW);
    return true;
}

TR(dsb)
{
    return a64_tr_dmb(c, i);
}

/* What was written before reaches instruction fetch by ic ivau; see system.c. As programs see it else, this makes later
 * loads wait for a branch or an address, and so for earlier loads. */
TR(isb)
{
    ir_fence(c->b, IR_FENCE_PR | IR_FENCE_SR);
    return true;
}
