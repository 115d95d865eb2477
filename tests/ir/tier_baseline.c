/* Runs filetests through the backend of the machine that this was built for.
 *
 * Does what the engine does for one unit, and no more: the unit is emitted behind the common code, entered once, and
 * thrown away. All exits stay unlinked, and the jump cache is empty. */
#include "tests/ir/filetest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "mk/mk.h"
#include "translator/host/host.h"

#define CODE_SIZE (1u << 20)
#define RAS_SIZE  65536

static struct mk_code code;
static const void *common;
static size_t common_size;
static struct vcpu *running;
static const struct ir_unit *unit;
static struct host_code hc;

static bool on_fault(struct mk_fault *f, void *cx)
{
    struct vcpu *v = running;
    const uintptr_t call = v && host_native.known ? host_native.routine_caller(f->regs) : 0;
    if (call)
        f->pc = call;
    if (!v || f->pc - (hva_t)code.rx >= code.size)
        return false;
    if (f->kind == MK_FAULT_ARITH && v->flags_trap && host_native.flag_fault(v, f->regs))
        return true;
    if (host_native.own_fault(v, f->regs, f->addr))
        return true;
    const hva_t off = f->pc - (hva_t)hc.rx;
    u32 i = 0;
    while (i < hc.nmarks && hc.marks[i].host_off <= off)
        i++;
    if (!i)
        return false;
    const bool own = hc.marks[i - 1].state & HOST_MARK_OWN;
    v->exit = call || own ? VCPU_TRAP : VCPU_FAULT;
    v->trap = IR_TRAP_OWN;
    v->pc = unit->pc + (u64)(s64)(s32)hc.marks[i - 1].guest_off;
    v->fault = (struct vcpu_fault){
        .addr = f->addr - v->mem_base, .kind = f->kind, .access = f->write ? VCPU_WRITE : VCPU_READ};
    const u32 state = hc.marks[i - 1].state & ~HOST_MARK_OWN;
    host_native.unwind(v, f->regs, common, unit->slots, state ? hc.state + state : NULL);
    return true;
}

/* The common code depends on the slots, so it is made with the first unit. */
static int start(struct vcpu *v, const struct ir_slots *slots)
{
    void *ras;
    int e;
    const char *mask = getenv("DGM_TEST_HOST_MASK"); /* features of the host to do without */
    host_native.probe(mask ? strtoull(mask, NULL, 0) : 0);
    if ((e = mk_code_create(&code, CODE_SIZE)) || (e = mk_pages_alloc(&ras, RAS_SIZE)) ||
        (e = mk_pages_guard(ras, RAS_SIZE)) || (e = mk_fault_handler(on_fault, NULL)))
        return e;
    common = code.rx;
    common_size = host_native.common(code.rw, code.rx, code.size, slots);
    v->ras_base = (u8 *)ras + mk_page_size();
    v->ras_size = RAS_SIZE - mk_page_size();
    e = mk_thread_base(v->mem_base);
    return e == -ENOSYS ? 0 : e;
}

static void reset(struct vcpu *v)
{
    host_ras_empty(v, &host_native, common);
    v->jc_mask = VCPU_JC_MASK(VCPU_JC_BITS);
    for (u32 i = 0; i < ARRAY_LEN(v->jc); i++)
        v->jc[i].pc = vcpu_jc_none(i);
}

/* The region once more, by the plan that its emission has left: the same comes out. */
static int emit_again(const struct ir_unit *u)
{
    const size_t size = hc.size;
    u8 *const was = malloc(size);
    memcpy(was, hc.rw, size);
    int e = host_native.emit(u, &hc);
    if (!e && (hc.size != size || memcmp(was, hc.rw, size)))
        e = -EINVAL;
    free(was);
    return e;
}

static int run(const struct ir_unit *u, struct vcpu *v)
{
    int e;
    void *plan = NULL;
    for (ir_ref i = 1; i < u->n; i++)
        if (u->ins[i].op == IR_OP_known && !host_native.known)
            return -ENOSYS;
    unit = u;
    if (!common && (e = start(v, u->slots)))
        return e;
    if (!common_size)
        return -ENOSPC;
    const size_t align = host_native.code_align ? host_native.code_align : 16;
    const size_t off = (common_size + align - 1) / align * align;
    const u32 max_marks = 4 * (u->guest_insns + 2) + 16, max_exits = 2 * u->nexits + 2;
    struct host_mark *marks = calloc(max_marks, sizeof *marks);
    struct host_exit *exits = calloc(max_exits, sizeof *exits);
    hc = (struct host_code){.rw = code.rw + off,
                            .rx = code.rx + off,
                            .cap = code.size - off,
                            .common = common,
                            .plan = u->nlabels ? &plan : NULL,
                            .plan_arena = u->arena,
                            .marks = marks,
                            .nmarks_cap = max_marks,
                            .exits = exits,
                            .nexits_cap = max_exits};
    e = host_native.emit(u, &hc);
    if (!e && plan)
        e = emit_again(u);
    if (!e) {
        mk_code_sync(&code, 0, off + hc.size);
        reset(v);
        running = v;
        host_native.enter(v, hc.rx, common);
        running = NULL;
        if (v->exit == VCPU_LINK || v->exit == VCPU_LOOKUP)
            v->exit = VCPU_NONE;
    }
    free(marks);
    free(exits);
    return e;
}

const struct filetest_tier tier_baseline = {.name = "baseline", .folded = true, .run = run};
