/* How translated code goes on: from unit to unit, into C and back to the engine.
 *
 * Direct exits are branches of 26 bits that are patched. One starts out leading to the exit's stub, behind the unit's
 * code, which leaves with VCPU_LINK; linking makes it lead to the other unit, unlinking back to the stub. The
 * architecture lets such a branch be replaced by another while other threads run it: they see the old one or the new
 * (Arm ARM, B2.2.5). A conditional exit branches to a patchable branch in front of its stub, so that going on costs
 * nothing.
 *
 * Calls and returns use the host's own prediction, which goes by `bl` and `ret`. x26 walks the vCPU's return-address
 * stack, whose entries are two words: the host address to return to, and above it the guest pc that it stands for. A
 * guest call is
 *
 *         adr     x16, the landing
 *         mov     x17, guest return pc
 *         stp     x16, x17, [x26, #-16]!
 *         bl      the callee's translation          (a patchable exit)
 *         b       the return pc's translation       (another one: the landing)
 *
 * and a guest return
 *
 *         ldp     x30, x17, [x26], #16
 *         cmp     x17, pc
 *         b.ne    to the ordinary look-up
 *         ret
 *
 * The comparison is what makes it correct; the stack only predicts. So it may overflow (own_fault, common.c, starts it
 * afresh), be emptied at any time, or be out of step after a guest's longjmp: a return that does not match looks a few
 * entries deeper before it goes to the look-up.
 *
 * Indirect exits look into the vCPU's jump cache, inline, so that each jump has a place of its own in the host's
 * predictor.
 *
 * Polls. A loop passes a direct exit that goes backward (IR_EXIT_POLL) or an indirect one. Side exits poll before their
 * condition, to go on from their own instruction, unless that has changed something already. */
#include "translator/host/aarch64/gen.h"
#include "translator/host/common/late.h"

#include "lib/err.h"

/* --- direct exits --- */

/* The branch just written is an exit to pc; or, if it is a conditional one, leads to one (emit_stubs). */
static void exit_here(struct gen *g, gva_t pc)
{
    exit_at(g, g->c.p - 4, pc);
}

static void exit_b(struct gen *g, u32 op, gva_t pc)
{
    put32(&g->c, op);
    exit_here(g, pc);
}

void emit_stubs(struct gen *g)
{
    struct code *c = &g->c;
    struct host_code *o = g->out;
    for (u32 n = 0; n < o->nexits; n++) {
        struct host_exit *x = &o->exits[n];
        if (c->end - c->p < 64) {
            g->err = -ENOSPC;
            return;
        }
        u32 branch;
        memcpy(&branch, c->base + x->site_off, 4);
        if ((branch & 0x7c000000) != A_B) { /* neither b nor bl */
            a_here(c, c->base + x->site_off);
            x->site_off = code_off(c);
            put32(c, A_B);
        }
        x->stub_off = code_off(c);
        a_here(c, c->base + x->site_off);
        a_mov_imm(c, X0, o->exit_id + n);
        a_mov_imm(c, X1, x->pc);
        a_common(c, A_B, g->common->off[C_LINK]);
    }
}

void link_exit(u8 *rw_site, const u8 *rx_site, const void *to)
{
    u32 w;
    memcpy(&w, rw_site, 4);
    s64 delta = (const u8 *)to - rx_site;
    dgm_assert(fits_signed(delta, 28), "a link over %ld bytes", (long)delta);
    w = (w & 0xfc000000) | ((u32)(delta >> 2) & 0x3ffffff);
    __atomic_store_n((u32 *)(void *)rw_site, w, __ATOMIC_RELAXED);
}

/* --- polls --- */

/* n: where to go on. */
static void cold_poll(struct gen *g, const struct cold *k)
{
    a_mov_imm(&g->c, X0, k->n);
    a_common(&g->c, A_B, g->common->off[C_POLL]);
}

/* r[0]: the pc. */
static void cold_poll_ind(struct gen *g, const struct cold *k)
{
    if (k->r[0] != X0)
        a_mov(&g->c, A_SF, X0, k->r[0]);
    a_common(&g->c, A_B, g->common->off[C_POLL]);
}

static struct cold *poll(struct gen *g, void (*leave)(struct gen *, const struct cold *))
{
    a_vcpu(&g->c, a_ldr(2), SCR, VOFF(poll));
    return cold_new(g, leave, a_cbz(&g->c, A_CBNZ, SCR));
}

/* --- ops --- */

/* Out of a unit in which puts wait. */
static void cold_late(struct gen *g, const struct cold *k)
{
    late_leave(g, k->late);
    exit_b(g, A_B, ins_of(g, k->ins)->imm);
}

/* Branches where a cc b holds (or, `inverse`, does not); gives the site. */
static u8 *branch_if(struct gen *g, const struct ir_ins *in, bool inverse)
{
    u32 cc = (in->aux & IR_EXIT_CC) ^ inverse; /* ORDER CC: pairs are inverse to each other */
    u32 w = type_w(ins_of(g, in->a)->type);
    u64 k;
    if (const_of(g, in->b, &k) && k == 0 && (cc == IR_EQ || cc == IR_NE))
        return a_cbz(&g->c, (cc == IR_EQ ? A_CBZ : A_CBNZ) | w, use_reg(g, in->a));
    return a_bcc(&g->c, compare(g, cc, in->a, in->b));
}

void emit_exit_if(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool polls = in->aux & IR_EXIT_POLL;
    if (polls && !g->changed)
        poll(g, cold_poll)->n = g->insn_pc;
    if (polls && g->changed) {
        u8 *on = branch_if(g, in, true);
        poll(g, cold_poll)->n = in->imm;
        exit_b(g, A_B, in->imm);
        a_here(c, on);
        return;
    }
    u8 *site = branch_if(g, in, false);
    if (g->nlate)
        cold_new(g, cold_late, site)->late = late_here(g);
    else
        exit_here(g, in->imm);
}

/* Pushes the return pc and what is behind the next `behind` instructions. */
static void push_return(struct gen *g, gva_t back, u32 behind)
{
    struct code *c = &g->c;
    a_mov_imm(c, SCR2, back);
    put32(c, 0x10000000 | (behind + 2) << 5 | SCR); /* adr */
    a_pair(c, A_STP_PRE, SCR, SCR2, RAS, -16);
}

void emit_exit(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (in->aux & IR_EXIT_POLL)
        poll(g, cold_poll)->n = in->imm;
    if (!(in->aux & IR_EXIT_CALL)) {
        exit_b(g, A_B, in->imm);
        return;
    }
    u64 back = 0;
    const_of(g, in->a, &back);
    push_return(g, back, 1);
    exit_b(g, A_BL, in->imm);
    exit_b(g, A_B, back);
}

/* r[0]: the pc. */
static void cold_return_miss(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    a_add_imm(c, A_SUB_IMM | A_SF, RAS, RAS, 16);
    if (k->r[0] != X0)
        a_mov(c, A_SF, X0, k->r[0]);
    a_common(c, A_B, g->common->off[C_RETURN]);
}

/* r[0]: the pc. A call (back is its landing) leaves by one too, so that the stack is as if it had been found. */
static void cold_jump_miss(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    u64 back = 0;
    if (k->r[0] != X0)
        a_mov(c, A_SF, X0, k->r[0]);
    if (!k->back) {
        a_common(c, A_B, g->common->off[C_LOOKUP]);
        return;
    }
    const_of(g, ins_of(g, k->ins)->b, &back);
    push_return(g, back, 1);
    a_common(c, A_B, g->common->off[C_LOOKUP]);
    a_b_back(c, k->back);
}

void jump_cache_at(struct code *c, u32 to, u32 pc)
{
    /* ORDER vcpu_jc_index */
    a_rrr_lsl(c, A_EOR | A_SF | A_SHIFT_LSR, to, pc, pc, VCPU_JC_FOLD);
    a_bfm(c, A_UBFM | A_SF, to, to, 1, VCPU_JC_BITS);
    a_rrr_lsl(c, A_ADD | A_SF, to, VCPU, to, 4);
}

void emit_exit_ind(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 pc = use_reg(g, in->a);
    if (in->aux & IR_EXIT_RET) {
        a_pair(c, A_LDP_POST, LINK, SCR2, RAS, 16);
        a_rrr(c, A_SUBS | A_SF, ZR, SCR2, pc);
        cold_new(g, cold_return_miss, a_bcc(c, CC_NE))->r[0] = (u8)pc;
        put32(c, A_RET | LINK << 5);
        return;
    }
    poll(g, cold_poll_ind)->r[0] = (u8)pc;
    jump_cache_at(c, SCR, pc);
    add_number(g, SCR, SCR, VOFF(jc));
    a_pair(c, A_LDP, SCR2, SCR, SCR, 0);
    a_rrr(c, A_SUBS | A_SF, ZR, SCR2, pc);
    struct cold *k = cold_new(g, cold_jump_miss, a_bcc(c, CC_NE));
    k->r[0] = (u8)pc;
    if (!(in->aux & IR_EXIT_CALL)) {
        put32(c, A_BR | SCR << 5);
        return;
    }
    u64 back = 0;
    const_of(g, in->b, &back);
    a_mov(c, A_SF, LINK, SCR);
    push_return(g, back, 1);
    put32(c, A_BLR | LINK << 5);
    k->back = c->p;
    exit_b(g, A_B, back);
}

void emit_trap(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    a_mov_imm(&g->c, X0, in->aux);
    a_mov_imm(&g->c, X1, in->imm);
    a_common(&g->c, A_B, g->common->off[C_TRAP]);
}

/* --- calls into C --- */

void count_call(struct gen *g, u32 n)
{
}

void call_arg(struct gen *g, ir_ref a, u32 n)
{
    u32 r = a ? use_zr(g, a) : ZR;
    if (a && ins_of(g, a)->type == IR_I32) {
        a_mov(&g->c, 0, SCR, r);
        r = SCR;
    }
    a_vcpu(&g->c, a_str(3), r, (u32)VOFF(scratch) + 8 * n);
}

u32 call_c(struct gen *g, u64 fn, u32 entry)
{
    a_mov_imm(&g->c, SCR, fn);
    a_common(&g->c, A_BL, g->common->off[entry]);
    return X0;
}

void float_from(struct gen *g, u32 dst, u32 src, u32 type)
{
    a_rr(&g->c, A_FMOV_VR | A_SF | A_FTYPE_64, dst, src);
}
