/* Faults inside translated code.
 *
 * The kernel interface calls up with the host's registers. When the host pc lies in the code cache, the block's marks
 * say which guest instruction it belongs to; the backend puts pinned registers back into the slots and lets the thread
 * leave translated code as if by an exit. All further thought happens outside of the upcall, in whoever called
 * vcpu_run. A fault in a library routine that translated code calls counts as one of the call; after one in
 * an access that stands for several of the guest's (IR_MEM_MERGED), these are run as they stand. Nothing here takes a
 * lock. */
#include "translator/engine/engine_int.h"

/* The block and the mark that host pc lies in; false if none. */
static bool locate(const struct engine *e, hva_t host_pc, struct block *b, struct host_mark *m)
{
    hva_t off = host_pc - (hva_t)e->code.rx;
    return e->host && cache_has(e, off) && block_at(e, (u32)off, b) &&
           marks_find(b->marks, b->marks_size, (u32)off - b->code_off, m);
}

static gva_t pc_of(const struct block *b, const struct host_mark *m)
{
    return b->pc + (u64)(s64)(s32)m->guest_off;
}

bool engine_locate(struct engine *e, hva_t host_pc, gva_t *guest_pc)
{
    struct block b;
    struct host_mark m;
    if (!locate(e, host_pc, &b, &m))
        return false;
    *guest_pc = pc_of(&b, &m);
    return true;
}

void fault_unwind(struct vcpu *v, const struct mk_fault *f)
{
    struct engine *e = v->engine;
    struct block b;
    struct host_mark m;
    const u32 state = locate(e, f->pc, &b, &m) ? m.state & ~HOST_MARK_OWN : 0;
    e->host->unwind(v, f->regs, e->common, &e->guest->slots, state ? b.state + state : NULL);
}

/* A routine of op `known` faulted: why will be seen when the guest's own code does it. */
static bool leave_to_own(struct vcpu *v, struct mk_fault *f)
{
    const struct engine *e = v->engine;
    gva_t pc;
    const uintptr_t call = e->host->routine_caller(f->regs);
    if (!call)
        return false;
    f->pc = call;
    if (!engine_locate(v->engine, call, &pc))
        return false;
    v->pc = pc;
    v->exit = VCPU_TRAP;
    v->trap = IR_TRAP_OWN;
    fault_unwind(v, f);
    return true;
}

/* A flag was raised for the first time; or arithmetic without a look at its result was invalid. Where that goes on, the
 * thread leaves for code that looks. */
static bool see_to_float(struct vcpu *v, struct mk_fault *f)
{
    const bool step = f->kind == MK_FAULT_TRAP;
    if (!step && v->flags_trap && v->engine->host->flag_fault(v, f->regs))
        return true;
    if (!v->nans_trap || !v->engine->host->nan_fault(v, f->regs, step))
        return false;
    if (!step && ++v->trapped == ENGINE_TRAPS)
        vcpu_kick(v);
    return true;
}

bool engine_fault(struct vcpu *v, struct mk_fault *f)
{
    struct engine *e = v->engine;
    if (e->host && e->host->known && leave_to_own(v, f))
        return true;
    if (!e->host || !cache_has(e, f->pc - (hva_t)e->code.rx))
        return false;
    if (f->kind == MK_FAULT_ARITH || f->kind == MK_FAULT_TRAP)
        return see_to_float(v, f);
    if (f->kind != MK_FAULT_UNMAPPED && f->kind != MK_FAULT_PROTECTION && f->kind != MK_FAULT_BUS)
        return false;
    if (e->host->own_fault(v, f->regs, f->addr))
        return true;
    struct block b;
    struct host_mark m;
    if (!locate(e, f->pc, &b, &m))
        return false;
    v->pc = pc_of(&b, &m);
    if (m.state & HOST_MARK_OWN) {
        v->exit = VCPU_TRAP;
        v->trap = IR_TRAP_OWN;
        fault_unwind(v, f);
        return true;
    }
    v->fault.addr = f->addr - v->mem_base;
    v->fault.access = f->exec ? VCPU_EXEC : f->write ? VCPU_WRITE : VCPU_READ;
    v->fault.kind = f->kind == MK_FAULT_BUS          ? VCPU_FAULT_BUS
                    : f->kind == MK_FAULT_PROTECTION ? VCPU_FAULT_PROTECTION
                                                     : VCPU_FAULT_UNMAPPED;
    v->exit = VCPU_FAULT;
    fault_unwind(v, f);
    return true;
}
