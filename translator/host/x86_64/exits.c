/* How translated code goes on: from unit to unit, into C and back to the engine.
 *
 * Direct exits are jumps whose 32-bit displacement is patched. It starts out leading to the exit's stub, behind the
 * unit's code, which leaves with VCPU_LINK; linking stores the way to the other unit, unlinking the way to the stub.
 * The displacement never crosses a cache line, so that the store is one for every thread that runs the jump.
 *
 * Calls and returns use the host's own prediction. rsp walks the vCPU's return-address stack, whose entries are two
 * words: the host address to return to, and above it the guest pc that it stands for. A guest call is
 *
 *         push    guest return pc
 *         call    the callee's translation          (a patchable exit)
 *         jmp     the return pc's translation       (another one: the landing)
 *
 * and a guest return
 *
 *         cmp     [rsp + 8], pc
 *         jne     to the ordinary look-up
 *         ret     8
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
#include "translator/host/common/late.h"
#include "translator/host/common/raw.h"
#include "translator/host/x86_64/gen.h"

#include "lib/err.h"

static void set_pc(struct code *c, gva_t pc)
{
    struct opnd at = o_vcpu(VOFF(pc));
    if (fits32((s64)pc)) {
        x_store_imm(c, X_W, at, (s32)pc);
        return;
    }
    x_mov_imm(c, RCX, pc, false);
    x_store(c, X_W, at, RCX);
}

void store_pc(struct gen *g, gva_t pc)
{
    set_pc(&g->c, pc);
}

/* --- direct exits --- */

/* Pads so that a rel32 behind `before` bytes of opcode lies within one cache line. */
static void align_rel32(struct gen *g, u32 before)
{
    u32 at = ((u32)(uintptr_t)code_rx(&g->c) + before) & 63;
    if (at > 60)
        x_nops(&g->c, 64 - at);
}

/* The rel32 just written is an exit to pc. */
static void exit_here(struct gen *g, gva_t pc)
{
    exit_at(g, g->c.p - 4, pc);
}

static void exit_jmp(struct gen *g, gva_t pc)
{
    align_rel32(g, 1);
    x_jmp(&g->c);
    exit_here(g, pc);
}

static void push_reg(struct gen *g, u32 r)
{
    if (r >= R8)
        put8(&g->c, 0x41);
    put8(&g->c, 0x50 | (r & 7));
}

static void push_pc(struct gen *g, gva_t pc, u32 scratch)
{
    if (fits32((s64)pc)) {
        put8(&g->c, 0x68);
        put32(&g->c, (u32)pc);
        return;
    }
    x_mov_imm(&g->c, scratch, pc, false);
    push_reg(g, scratch);
}

/* The same for `back`, the constant that a call has: as a rule a register has it, as the guest's link register does. */
static void push_back(struct gen *g, ir_ref back, u32 scratch)
{
    u64 pc = 0;
    const_of(g, back, &pc);
    const u32 r = g->region ? NOREG : reg_of(g, back);
    if (r != NOREG)
        push_reg(g, r);
    else
        push_pc(g, pc, scratch);
}

/* Leaves by the common code at `at`, or `far` where the pc is too large, with n in eax unless it is NONE. What follows
 * the call is read, not run: it has the form of instructions so that disassemblers find their way. */
#define NONE 0xffffffffu
static void leave_at(struct code *c, u32 at, u32 far, u32 n, gva_t pc)
{
    const struct common_head *h = (const void *)c->common;
    const bool is_near = pc >> 40 == 0;
    if (is_near)
        x_call_common(c, h->off[at]);
    if (n != NONE) {
        put8(c, is_near ? 0xa9 : 0xb8); /* test eax, imm32; mov eax, imm32 */
        put32(c, n);
    }
    if (!is_near) {
        set_pc(c, pc);
        x_jmp_common(c, h->off[far]);
        return;
    }
    put8(c, 0xa9);
    put32(c, (u32)pc);
    put8(c, 0xa8); /* test al, imm8 */
    put8(c, (u32)(pc >> 32));
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
        x->stub_off = code_off(c);
        x_here(c, c->base + x->site_off);
        leave_at(c, C_LINK_AT, C_LINK, o->exit_id + n, x->pc);
    }
}

void link_exit(u8 *rw_site, const u8 *rx_site, const void *to)
{
    /* Unaligned, but within a cache line, hence one store to all who look. */
    typedef u32 __attribute__((aligned(1), may_alias)) u32_any;
    *(volatile u32_any *)rw_site = (u32)((const u8 *)to - (rx_site + 4));
}

void move_code(u8 *rw, const u32 *relocs, u32 n, const u64 by[HOST_NRELOCS])
{
    for (u32 i = 0; i < n; i++) {
        u8 *at = rw + HOST_RELOC_OFF(relocs[i]);
        const u32 kind = HOST_RELOC_KIND(relocs[i]);
        u64 x = 0;
        const size_t size = kind == HOST_RELOC_OWN ? 8 : 4;
        memcpy(&x, at, size);
        x += by[kind];
        memcpy(at, &x, size);
    }
}

void jump_through(u8 *rw, const u8 *rx, const void *slot, u32 id)
{
    struct code c = {.p = rw, .base = rw, .rx = rx};
    put8(&c, 0xb8); /* mov eax, id */
    put32(&c, id);
    put8(&c, 0xff); /* jmp [rip + …] */
    put8(&c, 0x25);
    put32(&c, (u32)((const u8 *)slot - (rx + 11)));
    put8(&c, 0xcc);
    dgm_assert(c.p - rw == HOST_THROUGH, "a jump of %ld bytes", (long)(c.p - rw));
}

void stub_at(u8 *rw, const u8 *rx, const void *common, u32 id, gva_t pc)
{
    struct code c = {.p = rw, .base = rw, .rx = rx, .common = common};
    leave_at(&c, C_LINK_AT, C_LINK, id, pc);
    dgm_assert(c.p - rw <= HOST_STUB, "a stub of %ld bytes", (long)(c.p - rw));
}

/* --- polls --- */

/* n: go on at this side exit's own instruction, not where it leads. */
static void cold_poll(struct gen *g, const struct cold *k)
{
    leave_at(&g->c, C_POLL_AT, C_POLL, NONE, k->n ? g->u->pc + k->guest_off : ins_of(g, k->ins)->imm);
}

/* The pc of an indirect exit, into rax: what r[0] has, but for the lowest bit where r[1] says so. */
static void pc_in_rax(struct gen *g, const struct cold *k)
{
    if (k->r[0] != RAX)
        x_mov(&g->c, X_W, RAX, k->r[0]);
    if (k->r[1])
        x_alu_imm(&g->c, X_W, ALU_AND, o_reg(RAX), -2);
}

static void cold_poll_ind(struct gen *g, const struct cold *k)
{
    pc_in_rax(g, k);
    x_store(&g->c, X_W, o_vcpu(VOFF(pc)), RAX);
    x_jmp_common(&g->c, g->common->off[C_POLL]);
}

static struct cold *poll(struct gen *g, void (*leave)(struct gen *, const struct cold *))
{
    x_alu_mem(&g->c, 0, ALU_CMP, o_vcpu(VOFF(poll)), o_reg(RBP)); /* 0 or the greatest; one operation with the jump */
    return cold_new(g, leave, x_jcc(&g->c, CC_AE));
}

/* Looks at vcpu.poll. resume: go on at the exit's own instruction. */
static void poll_exit(struct gen *g, bool resume)
{
    poll(g, cold_poll)->n = resume;
}

/* --- ops --- */

u8 *branch_if(struct gen *g, u32 cc, ir_ref a, ir_ref b)
{
    if (g->val[a].fused && ins_of(g, a)->op == IR_OP_fcmp) /* with 0 (can_fuse) */
        return x_jcc(&g->c, fcmp_flags(g, a) ^ (cc == IR_EQ));
    struct compare cmp = compare_fetch(g, cc, a, b);
    compare_emit(g, &cmp);
    return x_jcc(&g->c, cmp.cc);
}

/* Out of a unit in which puts wait, or NaNs are raw. */
static void cold_late(struct gen *g, const struct cold *k)
{
    if (!k->late && !k->fix)
        return;
    raw_leave(g, k->fix);
    late_leave(g, k->late);
    exit_jmp(g, ins_of(g, k->ins)->imm);
}

/* Out of a region. */
static void cold_exit(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    if (!k->held)
        return;
    raw_leave(g, k->fix);
    region_leave(g, k->held, 0);
    if (in->op == IR_OP_poll) {
        store_pc(g, in->imm);
        x_jmp_common(&g->c, g->common->off[C_POLL]);
        return;
    }
    if (in->aux & IR_EXIT_POLL)
        poll(g, cold_poll);
    exit_jmp(g, in->imm);
}

void emit_poll(struct gen *g, ir_ref i)
{
    if (g->out->fuel) {
        x_alu_imm(&g->c, 0, ALU_SUB, o_vcpu(VOFF(fuel)), 1);
        cold_new(g, cold_exit, x_jcc(&g->c, CC_B))->held = region_held(g);
        return;
    }
    poll(g, cold_exit)->held = region_held(g);
    if (g->out->tally) {
        x_alu_imm(&g->c, 0, ALU_CMP, o_vcpu(VOFF(tally)), 0);
        cold_new(g, cold_exit, x_jcc(&g->c, CC_S))->held = region_held(g);
    }
}

void emit_tally(struct gen *g, bool count, bool leave)
{
    x_alu_imm(&g->c, 0, count ? ALU_SUB : ALU_CMP, o_vcpu(VOFF(tally)), count);
    if (leave)
        cold_new(g, cold_poll, x_jcc(&g->c, CC_S))->n = true;
}

/* What is x, which was a comparison, to be compared with? Where others want it, too, it is a value. */
static struct compare compare_value(struct gen *g, ir_ref x, ir_ref zero)
{
    const struct ir_ins *in = ins_of(g, x);
    return g->val[x].fused ? compare_fetch(g, in->aux, in->a, in->b) : compare_fetch(g, IR_NE, x, zero);
}

/* The condition of a side exit, but for the jump by it. Two of which both have to hold (can_fuse): *on is a jump past
 * the exit where the first does not. */
static struct compare exit_compare(struct gen *g, const struct ir_ins *in, u8 **on)
{
    const struct ir_ins *a = ins_of(g, in->a);
    struct compare cmp;
    *on = NULL;
    if (g->val[in->a].fused && ins_of(g, a->b)->op == IR_OP_cmp) { /* else some bits of a value */
        const struct compare first = compare_value(g, a->a, in->b);
        cmp = compare_value(g, a->b, in->b);
        compare_emit(g, &first);
        *on = x_jcc(&g->c, first.cc ^ 1);
    } else {
        cmp = compare_fetch(g, in->aux & IR_EXIT_CC, in->a, in->b);
    }
    compare_emit(g, &cmp);
    return cmp;
}

void emit_exit_if(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    bool polls = in->aux & IR_EXIT_POLL;
    if (g->region) {
        struct cold *k = cold_new(g, cold_exit, branch_if(g, in->aux & IR_EXIT_CC, in->a, in->b));
        k->held = region_held(g);
        k->fix = raw_here(g);
        return;
    }
    if (polls && !g->changed)
        poll_exit(g, true);
    u8 *on;
    const struct compare cmp = exit_compare(g, in, &on);
    if (polls && g->changed) {
        on = x_jcc(c, cmp.cc ^ 1);
        poll_exit(g, false);
        exit_jmp(g, in->imm);
    } else if (g->nlate || raw_held(g)) {
        struct cold *k = cold_new(g, cold_late, x_jcc(c, cmp.cc));
        k->late = late_here(g);
        k->fix = raw_here(g);
    } else {
        align_rel32(g, 2);
        x_jcc(c, cmp.cc);
        exit_here(g, in->imm);
    }
    if (on)
        x_here(c, on);
}

void emit_exit(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (g->region)
        region_leave(g, region_held(g), 0);
    if (in->aux & IR_EXIT_POLL)
        poll_exit(g, false);
    if (!(in->aux & IR_EXIT_CALL)) {
        exit_jmp(g, in->imm);
        return;
    }
    u64 back = 0;
    const_of(g, in->a, &back);
    push_back(g, in->a, RAX);
    align_rel32(g, 1);
    put8(c, 0xe8);
    put32(c, 0);
    exit_here(g, in->imm);
    exit_jmp(g, back);
}

static void cold_return_miss(struct gen *g, const struct cold *k)
{
    pc_in_rax(g, k);
    x_jmp_common(&g->c, g->common->off[C_RETURN]);
}

/* k leaves for the pc in register pc, whose lowest bit may have to be cleared. */
static struct cold *with_pc(struct cold *k, u32 pc, bool odd)
{
    k->r[0] = (u8)pc;
    k->r[1] = odd;
    return k;
}

/* A call (back is its landing) leaves by one too, so that the stack is as if it had been found. */
static void cold_jump_miss(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    u64 back = 0;
    pc_in_rax(g, k);
    if (!k->back) {
        x_jmp_common(c, g->common->off[C_LOOKUP]);
        return;
    }
    const_of(g, ins_of(g, k->ins)->b, &back);
    push_pc(g, back, RCX);
    x_call_common(c, g->common->off[C_LOOKUP]);
    x_jmp_back(c, k->back);
}

/* The pc of an indirect exit, in a register; a region is left. */
static u32 indirect_pc(struct gen *g, ir_ref pc)
{
    if (g->val[pc].fused) /* an `and` that clears the lowest bit (can_fuse) */
        pc = ins_of(g, pc)->a;
    if (!g->region)
        return use_reg(g, pc);
    if (reg_of(g, pc) != RAX) {
        temp_take(g, RAX);
        load_into(g, RAX, pc);
    }
    region_leave(g, region_held(g), 1u << RAX);
    g->locked = 1u << RAX;
    return RAX;
}

void jump_cache_at(struct code *c, u32 to, u32 pc)
{
    /* An entry's index times 16 is what remains times 8: ORDER vcpu_jc_index */
    if (have(FEAT_BMI2)) {
        x_vex(c, 0xf0 | X_3A | X_F2, to, 0, o_reg(pc), 1); /* rorx: the bits that are looked at are as shifted */
        put8(c, VCPU_JC_FOLD);
    } else {
        x_mov(c, 0, to, pc);
        x_shift_imm(c, 0, SH_SHR, o_reg(to), VCPU_JC_FOLD);
    }
    x_alu(c, 0, ALU_XOR, to, o_reg(pc));
    x_rm(c, 0x23, to, o_vcpu(VOFF(jc_mask)), 0); /* and */
}

void emit_exit_ind(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    const bool odd = g->val[in->a].fused;
    if (in->aux & IR_EXIT_RET) {
        u32 pc = indirect_pc(g, in->a);
        x_rm(c, 0x3b | X_W, pc, o_mem(RSP, 8), 0);
        with_pc(cold_new(g, cold_return_miss, x_jcc(c, CC_NE)), pc, odd);
        put8(c, 0xc2);
        put8(c, 8);
        put8(c, 0);
        return;
    }
    u32 pc = indirect_pc(g, in->a);
    u32 t = temp_int(g);
    with_pc(poll(g, cold_poll_ind), pc, odd);
    jump_cache_at(c, t, pc);
    x_rm(c, 0x3b | X_W, pc, o_sib(RBP, t, 3, VOFF(jc[0].pc)), 0);
    struct cold *k = with_pc(cold_new(g, cold_jump_miss, x_jcc(c, CC_NE)), pc, odd);
    if (!(in->aux & IR_EXIT_CALL)) {
        x_rm(c, 0xff, 4, o_sib(RBP, t, 3, VOFF(jc[0].code)), 0);
        return;
    }
    x_load(c, X_W, t, o_sib(RBP, t, 3, VOFF(jc[0].code)));
    u64 back = 0;
    const_of(g, in->b, &back);
    g->locked = reg_bit(t);
    if (g->region || reg_of(g, in->b) == NOREG)
        push_pc(g, back, temp_int(g));
    else
        push_back(g, in->b, t);
    x_rm(c, 0xff, 2, o_reg(t), 0);
    k->back = c->p;
    exit_jmp(g, back);
}

void emit_trap(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (g->region)
        region_leave(g, region_held(g), 0);
    if (in->aux == IR_TRAP_SYSCALL) {
        store_pc(g, in->imm);
        x_jmp_common(&g->c, g->common->off[C_SYSCALL]);
        return;
    }
    x_mov_imm(&g->c, RAX, in->aux, true);
    store_pc(g, in->imm);
    x_jmp_common(&g->c, g->common->off[C_TRAP]);
}

/* --- calls into C --- */

void count_call(struct gen *g, u32 n)
{
    x_load(&g->c, X_W, RAX, o_vcpu(VOFF(calls)));
    x_rm(&g->c, 0xff | X_W, 0, o_mem(RAX, 8 * (s32)(VCPU_CALLS_HELPER + n)), 0); /* inc */
}

void call_arg(struct gen *g, ir_ref a, u32 n)
{
    s32 at = VOFF(scratch) + 8 * (s32)n;
    if (!a) {
        x_store_imm(&g->c, X_W, o_vcpu(at), 0);
        return;
    }
    bool wide = ins_of(g, a)->type == IR_I64;
    x_store(&g->c, wide ? X_W : 0, o_vcpu(at), use_reg(g, a));
    if (!wide)
        x_store_imm(&g->c, 0, o_vcpu(at + 4), 0);
}

u32 call_c(struct gen *g, u64 fn, u32 entry)
{
    x_mov_own(&g->c, RAX, fn);
    x_call_common(&g->c, g->common->off[entry]);
    return RAX;
}

void float_from(struct gen *g, u32 dst, u32 src, u32 type)
{
    x_rr(&g->c, SSE_MOVQ_X_R, dst, src);
}
