/* How translated code goes on: from unit to unit, into C and back to the engine.
 *
 * Direct exits are single jumps (jal), patched by one aligned store. A jump starts out leading to the exit's stub,
 * behind the unit's code, which leaves with VCPU_LINK; linking stores the way to the other unit, unlinking the way to
 * the stub. A unit that is further away than a jump reaches is gone to by the exit's far way: behind the stub lie a
 * literal and the few instructions that jump to what it says; the literal is stored first. It begins as the stub's
 * address, so that a hart which sees the new jump and not yet the new literal is still right. Where the far way is
 * stands in a word behind the jump that nobody runs.
 *
 * Other harts may run the old jump for as long as they like, since nothing makes instruction fetch look at memory anew
 * but fence.i; the engine has all of them do one when it has written a unit or unlinked one, and for a link only when
 * somebody comes by its stub again (host_isa.link_late), since that is a call of the kernel. Until then the old way is
 * as right as the new one: the stub leads to the engine, and an unlinked unit stays where it is.
 *
 * Calls and returns use the host's own prediction. s1 walks the vCPU's return-address stack, whose entries are two
 * words: the host address to return to, and above it the guest pc that it stands for. A guest call is
 *
 *         push    guest return pc, host address of the landing
 *         jal     ra, the callee's translation          (a patchable exit)
 *         jal     zero, the return pc's translation     (another one: the landing)
 *
 * and a guest return compares the pc on top with where it goes, takes the host address into ra, pops and jumps by ra:
 * so the host, which keeps a stack of what jal and jalr put into ra, predicts it. The comparison is what makes it
 * correct; the stacks only predict. So ours may overflow (own_fault, common.c, starts it afresh), be emptied at any
 * time, or be out of step after a guest's longjmp: a return that does not match looks a few entries deeper before it
 * goes to the look-up.
 *
 * Indirect exits look into the vCPU's jump cache, inline, so that each jump has a place of its own in the host's
 * predictor.
 *
 * Polls. A loop passes a direct exit that goes backward (IR_EXIT_POLL) or an indirect one. Side exits poll before their
 * condition, to go on from their own instruction, unless that has changed something already. */
#include "translator/host/common/late.h"
#include "translator/host/riscv64/gen.h"

#include "lib/err.h"

void store_pc(struct gen *g, gva_t pc)
{
    u32 r = ZERO;
    if (pc) {
        r = SCR;
        load_imm(g, SCR, pc);
    }
    x_store(&g->c, SD, r, VCPU, VOFF(pc));
}

/* --- direct exits --- */

/* Bytes from the jump to the word that says where its far way is. */
enum { FAR_OF_JUMP = 4, FAR_OF_CALL = 12 };
/* The far way: auipc, ld, jr, and the literal. */
#define FAR_LITERAL 12

static void exit_jmp(struct gen *g, gva_t pc)
{
    exit_at(g, g->c.p, pc);
    put32(&g->c, JAL);
    put32(&g->c, 0);
}

/* Pushes a call's return pc and its landing, `ahead` bytes behind the last instruction of this. Uses both scratch
 * registers. */
static u8 *push_call(struct gen *g, gva_t back)
{
    struct code *c = &g->c;
    load_imm(g, SCR, back);
    x_store(c, SD, SCR, RAS, -8);
    u8 *at = c->p;
    x_u(c, AUIPC, RA, 0);
    put32(c, 0); /* landing_here */
    x_store(c, SD, RA, RAS, -16);
    x_i(c, ADDI, RAS, RAS, -16);
    return at;
}
static void landing_here(struct gen *g, u8 *at)
{
    struct code was = g->c;
    was.p = at + 4;
    x_i(&was, ADDI, RA, RA, (s32)(g->c.p - at));
}

/* The call at the end of push_call was just written: its landing, and the words of both. */
static void landing(struct gen *g, u8 *push, gva_t back, bool direct)
{
    landing_here(g, push);
    exit_at(g, g->c.p, back);
    put32(&g->c, JAL);
    put32(&g->c, 0);
    if (direct)
        put32(&g->c, 0);
}

void emit_stubs(struct gen *g)
{
    struct code *c = &g->c;
    struct host_code *o = g->out;
    for (u32 n = 0; n < o->nexits; n++) {
        struct host_exit *x = &o->exits[n];
        if (c->end - c->p < 128) {
            g->err = -ENOSPC;
            return;
        }
        const u8 *stub = c->p, *stub_rx = code_rx(c);
        u8 *site = c->base + x->site_off;
        x->stub_off = code_off(c);
        x_here(c, site);
        x_li(c, A0, (s32)(o->exit_id + n));
        store_pc(g, x->pc);
        x_jmp_common(c, g->common->off[C_LINK]);
        if (!((uintptr_t)code_rx(c) & 4))
            put32(c, 0);
        s32 far = (s32)(c->p - site);
        u32 jump;
        memcpy(&jump, site, 4);
        memcpy(site + (jump >> 7 & 31 ? FAR_OF_CALL : FAR_OF_JUMP), &far, 4);
        x_u(c, AUIPC, SCR, 0);
        x_load(c, LD, SCR, SCR, FAR_LITERAL);
        x_i(c, JALR, ZERO, SCR, 0);
        put64(c, (u64)(uintptr_t)stub_rx);
        (void)stub;
    }
}

void link_exit(u8 *rw_site, const u8 *rx_site, const void *to)
{
    s64 d = (const u8 *)to - rx_site;
    u32 rd = *(volatile u32 *)(void *)rw_site >> 7 & 31;
    if (!fits21(d)) {
        s32 far;
        memcpy(&far, rw_site + (rd ? FAR_OF_CALL : FAR_OF_JUMP), 4);
        __atomic_store_n((u64 *)(void *)(rw_site + far + FAR_LITERAL), (u64)(uintptr_t)to, __ATOMIC_RELEASE);
        d = far;
    }
    __atomic_store_n((u32 *)(void *)rw_site, JAL | rd << 7 | j_imm((s32)d), __ATOMIC_RELEASE);
}

/* --- polls --- */

/* n: go on at this side exit's own instruction, not where it leads. */
static void cold_poll(struct gen *g, const struct cold *k)
{
    store_pc(g, k->n ? g->u->pc + k->guest_off : ins_of(g, k->ins)->imm);
    x_jmp_common(&g->c, g->common->off[C_POLL]);
}

/* r[0]: the pc. */
static void cold_poll_ind(struct gen *g, const struct cold *k)
{
    x_store(&g->c, SD, k->r[0], VCPU, VOFF(pc));
    x_jmp_common(&g->c, g->common->off[C_POLL]);
}

static struct cold *poll(struct gen *g, void (*leave)(struct gen *, const struct cold *))
{
    x_load(&g->c, LW, SCR, VCPU, VOFF(poll));
    return cold_if(g, leave, BNE, SCR, ZERO);
}

/* --- ops --- */

void emit_exit_if(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool polls = in->aux & IR_EXIT_POLL;
    if (polls && !g->changed)
        poll(g, cold_poll)->n = 1;
    struct compare k = compare_fetch(g, in->aux & IR_EXIT_CC, in->a, in->b);
    u8 *on = x_b(c, k.op ^ BRANCH_NOT, k.a, k.b);
    if (polls && g->changed)
        poll(g, cold_poll);
    late_leave(g, late_here(g));
    exit_jmp(g, in->imm);
    x_here(c, on);
}

void emit_exit(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (in->aux & IR_EXIT_POLL)
        poll(g, cold_poll);
    if (!(in->aux & IR_EXIT_CALL)) {
        exit_jmp(g, in->imm);
        return;
    }
    u64 back = 0;
    const_of(g, in->a, &back);
    u8 *push = push_call(g, back);
    exit_at(g, c->p, in->imm);
    put32(c, JAL | RA << 7);
    landing(g, push, back, true);
}

/* r[0]: the pc. */
static void cold_return_miss(struct gen *g, const struct cold *k)
{
    mov_rr(g, A0, k->r[0], IR_I64);
    x_jmp_common(&g->c, g->common->off[C_RETURN]);
}

/* r[0]: the pc. A call has pushed already, so the stack is as if it had been found. */
static void cold_jump_miss(struct gen *g, const struct cold *k)
{
    mov_rr(g, A0, k->r[0], IR_I64);
    x_jmp_common(&g->c, g->common->off[C_LOOKUP]);
}

void jump_cache_at(struct code *c, u32 to, u32 pc)
{
    /* ORDER vcpu_jc_index */
    x_i(c, SRLI, to, pc, VCPU_JC_FOLD);
    x_r(c, XOR, to, to, pc);
    x_i(c, SLLI, to, to, 63 - VCPU_JC_BITS);
    x_i(c, SRLI, to, to, 63 - VCPU_JC_BITS - 3);
    x_r(c, ADD, to, to, VCPU);
}

void emit_exit_ind(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 pc = use_reg(g, in->a);
    if (in->aux & IR_EXIT_RET) {
        x_load(c, LD, SCR, RAS, 8);
        cold_if(g, cold_return_miss, BNE, SCR, pc)->r[0] = (u8)pc;
        x_load(c, LD, RA, RAS, 0);
        x_i(c, ADDI, RAS, RAS, 16);
        x_i(c, JALR, ZERO, RA, 0);
        return;
    }
    u32 t = temp_int(g);
    poll(g, cold_poll_ind)->r[0] = (u8)pc;
    bool calls = in->aux & IR_EXIT_CALL;
    u64 back = 0;
    u8 *push = NULL;
    if (calls) {
        const_of(g, in->b, &back);
        push = push_call(g, back);
    }
    jump_cache_at(c, t, pc);
    x_load(c, LD, SCR, t, VOFF(jc[0].pc));
    cold_if(g, cold_jump_miss, BNE, SCR, pc)->r[0] = (u8)pc;
    x_load(c, LD, SCR, t, VOFF(jc[0].code));
    x_i(c, JALR, calls ? RA : ZERO, SCR, 0);
    if (calls)
        landing(g, push, back, false);
}

void emit_trap(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    x_li(&g->c, A0, in->aux);
    store_pc(g, in->imm);
    x_jmp_common(&g->c, g->common->off[C_TRAP]);
}

/* --- calls into C --- */

void count_call(struct gen *g, u32 n)
{
}

void call_arg(struct gen *g, ir_ref a, u32 n)
{
    x_store(&g->c, SD, a ? use_zext(g, a, SCR) : ZERO, VCPU, VOFF(scratch) + 8 * (s32)n);
}

u32 call_c(struct gen *g, u64 fn, u32 entry)
{
    load_imm(g, SCR, fn);
    x_call_common(&g->c, g->common->off[entry]);
    return A0;
}

void float_from(struct gen *g, u32 dst, u32 src, u32 type)
{
    if (type == IR_F16)
        half_from(g, dst, src);
    else
        x_r(&g->c, (u32)FMV_W_X | (type == IR_F64 ? FMT_D : 0), dst, src, 0);
}
