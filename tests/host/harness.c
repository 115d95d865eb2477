#define _GNU_SOURCE
#include "tests/host/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/err.h"
#include "mk/mk.h"

#define CODE_SIZE (1u << 20)
#define RAS_SIZE  (16u << 10)
#define WINDOW    (4ull << 30) /* on both sides of guest address 0 */
#define MAX_UNITS 64

static struct harness *active;
static bool inside;
static const struct emitted *units[MAX_UNITS];
static u32 nunits;

static _Noreturn void die(const char *what, int err)
{
    fprintf(stderr, "%s: %s\n", what, strerror(-err));
    exit(2);
}

static bool on_fault(struct mk_fault *f, void *cx)
{
    struct harness *h = active;
    struct vcpu *v = h->v;
    if (!inside || f->pc - (hva_t)h->rx >= h->code_size)
        return false;
    if (f->kind == MK_FAULT_ARITH && v->flags_trap && host_native.flag_fault(v, f->regs)) {
        h->flag_faults++;
        return true;
    }
    if (f->kind == MK_FAULT_ARITH || f->kind == MK_FAULT_TRAP) {
        h->nan_faults += f->kind == MK_FAULT_ARITH;
        return v->nans_trap && host_native.nan_fault && host_native.nan_fault(v, f->regs, f->kind == MK_FAULT_TRAP);
    }
    if (host_native.own_fault(v, f->regs, f->addr)) {
        h->own_faults++;
        return true;
    }
    for (u32 n = 0; n < nunits; n++) {
        const struct host_code *hc = &units[n]->hc;
        hva_t off = f->pc - (hva_t)hc->rx;
        if (off >= hc->size)
            continue;
        u32 i = 0;
        while (i < hc->nmarks && hc->marks[i].host_off <= off)
            i++;
        if (!i)
            return false;
        v->exit = VCPU_FAULT;
        v->pc = units[n]->unit->pc + hc->marks[i - 1].guest_off;
        v->fault = (struct vcpu_fault){
            .addr = f->addr - v->mem_base, .kind = f->kind, .access = f->write ? VCPU_WRITE : VCPU_READ};
        const u32 state = hc->marks[i - 1].state & ~HOST_MARK_OWN;
        host_native.unwind(v, f->regs, h->common, units[n]->unit->slots, state ? hc->state + state : NULL);
        return true;
    }
    return false;
}

void harness_start(struct harness *h, u64 mask)
{
    harness_start_at(h, mask, false);
}

/* Reserves the window; returns the host address of guest address 0. */
static hva_t window(bool flat0)
{
    hva_t at;
    if (flat0) {
        size_t size = MEM_NONE + 0x10000 - MEM_RW;
        if (mmap((void *)MEM_RW, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
            (void *)MEM_RW) {
            fprintf(stderr, "no memory at low addresses\n");
            exit(77);
        }
        return 0;
    }
    int e = mk_reserve(&at, 2 * WINDOW, 1 << 16);
    if (e)
        die("window", e);
    return at + WINDOW;
}

void harness_start_at(struct harness *h, u64 mask, bool flat0)
{
    int e;
    void *p;
    memset(h, 0, sizeof *h);
    active = h;
    host_native.probe(mask);
    if ((e = mk_thread_enter()) || (e = mk_fault_handler(on_fault, NULL)) || (e = mk_code_create(&h->code, CODE_SIZE)))
        die("harness", e);
    h->rw = h->code.rw;
    h->rx = h->code.rx;
    h->code_size = h->code.size;
    if ((e = mk_pages_alloc(&p, sizeof(struct vcpu))))
        die("vCPU", e);
    h->v = p;
    h->mem = (u8 *)window(flat0);
    if (mprotect(h->mem + MEM_RW, MEM_RW_SIZE, PROT_READ | PROT_WRITE) || mprotect(h->mem + MEM_RO, 4096, PROT_READ))
        die("guest memory", -ENOMEM);
    h->v->mem_base = (hva_t)h->mem;
    if ((e = mk_pages_alloc(&p, RAS_SIZE)) || (e = mk_pages_guard(p, RAS_SIZE)))
        die("return-address stack", e);
    h->v->ras_base = (u8 *)p + mk_page_size();
    h->v->ras_size = RAS_SIZE - mk_page_size();
    e = mk_thread_base(h->v->mem_base);
    if (e && e != -ENOSYS)
        die("base register", e);
}

void harness_slots(struct harness *h, const struct ir_slots *slots)
{
    h->slots = slots;
    h->common = h->rx;
    h->common_size = host_native.common(h->rw, h->rx, h->code_size, slots);
    mk_code_sync(&h->code, 0, h->common_size);
    nunits = 0;
    harness_forget(h);
}

void harness_forget(struct harness *h)
{
    struct vcpu *v = h->v;
    host_ras_empty(v, &host_native, h->common);
    v->jc_mask = VCPU_JC_MASK(VCPU_JC_BITS);
    for (u32 i = 0; i < ARRAY_LEN(v->jc); i++)
        v->jc[i].pc = vcpu_jc_none(i);
}

int harness_emit(struct harness *h, const struct ir_unit *u, size_t off, u32 exit_id, struct emitted *e)
{
    size_t align = host_native.code_align;
    off = (h->common_size + off + align - 1) / align * align;
    e->unit = u;
    e->hc = (struct host_code){.rw = h->rw + off,
                               .rx = h->rx + off,
                               .cap = h->code_size - off,
                               .exit_id = exit_id,
                               .common = h->common,
                               .flat0 = h->v->mem_base == 0,
                               .marks = e->marks,
                               .nmarks_cap = ARRAY_LEN(e->marks),
                               .exits = e->exits,
                               .nexits_cap = ARRAY_LEN(e->exits),
                               .relocs = e->relocs,
                               .nrelocs_cap = ARRAY_LEN(e->relocs)};
    int rc = host_native.emit(u, &e->hc);
    if (rc)
        return rc;
    mk_code_sync(&h->code, off, e->hc.size);
    for (u32 n = 0; n < nunits; n++) {
        if (units[n] == e || units[n]->hc.rx == e->hc.rx) {
            units[n] = e;
            return 0;
        }
    }
    if (nunits == MAX_UNITS)
        return -ENOSPC;
    units[nunits++] = e;
    return 0;
}

void harness_link(struct harness *h, const struct host_code *hc, const struct host_exit *x, const void *to)
{
    host_native.link(hc->rw + x->site_off, hc->rx + x->site_off, to);
    mk_code_sync(&h->code, (size_t)(hc->rw + x->site_off - h->rw), 4);
}

void harness_arm(struct harness *h, bool on)
{
    inside = on;
}

void harness_enter(struct harness *h, const struct emitted *e)
{
    inside = true;
    h->v->nans_trap = e->unit->nans_trap;
    if (h->v->nans_trap || !host_native.flag_fault)
        h->v->flags_trap = 0;
    host_native.enter(h->v, e->hc.rx, h->common);
    inside = false;
}
