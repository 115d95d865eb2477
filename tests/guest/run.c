/* Running a generated program; see run.h. Guest memory is a window of host memory in which only its code and data are
 * mapped. */
#include "tests/guest/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/arena.h"
#include "mk/mk.h"
#include "translator/engine/engine.h"
#include "translator/guest/guest.h"
#include "translator/host/host.h"

#define WINDOW   (1ull << 31)
#define MAX_UNIT 64 /* instructions */

static char why_text[200];

struct world {
    const struct image *im;
    u8 *base; /* host address of guest address 0 */
};

static bool open_world(struct world *w, const struct image *im)
{
    w->im = im;
    w->base = mmap(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (w->base == MAP_FAILED)
        return false;
    const size_t data_len = gen_nrecords(im) * gen_isa.record_size;
    const gva_t first = GEN_DATA;
    if (mprotect(w->base + GEN_CODE, im->code_len, PROT_READ | PROT_WRITE) ||
        mprotect(w->base + GEN_HOLE - 4096, 4096, PROT_READ | PROT_WRITE) ||
        mprotect(w->base + GEN_ROUND, GEN_DATA - GEN_ROUND + data_len, PROT_READ | PROT_WRITE)) {
        munmap(w->base, WINDOW);
        return false;
    }
    memcpy(w->base + GEN_CODE, im->code, im->code_len);
    memcpy(w->base + GEN_ROUND, &first, sizeof first);
    memcpy(w->base + GEN_DATA, im->data, data_len);
    return true;
}

static int done(struct world *w, struct vcpu *v, u8 *out, const char **why)
{
    *why = why_text;
    if (v->exit == VCPU_TRAP && v->trap == IR_TRAP_SYSCALL && gen_isa.wrote(v)) {
        memcpy(out, w->base + GEN_DATA, gen_nrecords(w->im) * gen_isa.record_size);
        munmap(w->base, WINDOW);
        return 0;
    }
    snprintf(why_text, sizeof why_text, "ended at pc 0x%llx: exit %u, trap %u, fault address 0x%llx",
             (unsigned long long)v->pc, v->exit, v->trap, (unsigned long long)v->fault.addr);
    munmap(w->base, WINDOW);
    return -1;
}

/* A snippet faulted: notes the state in its record as its own code would have, and lets the program go on after it. */
static bool skip_snippet(struct world *w, struct vcpu *v)
{
    const u64 offset = v->pc - GEN_CODE;
    u32 lo = 0, hi = w->im->nsnippets;
    while (hi - lo > 1) {
        const u32 mid = (lo + hi) / 2;
        *(w->im->snippets[mid].begin <= offset ? &lo : &hi) = mid;
    }
    if (!hi || offset >= w->im->snippets[lo].end)
        return false;
    gva_t round;
    memcpy(&round, w->base + GEN_ROUND, sizeof round);
    struct record_head *rec = (struct record_head *)(w->base + round + lo * gen_isa.record_size);
    gen_isa.save(v, w->im->snippets[lo].base, rec);
    rec->fault_pc = v->pc;
    rec->fault_addr = v->fault.addr;
    rec->fault_kind = v->fault.kind | v->fault.access << 8;
    v->pc = GEN_CODE + w->im->snippets[lo].end;
    return true;
}

/* All that this host can give. */
static u64 cpu(void)
{
    return host_native.granule() ? gen_isa.guest->cpu_granule : 0;
}

/* --- without the engine --- */

static bool run_unit(struct world *w, struct vcpu *v, struct arena *arena, u32 max_insns)
{
    struct ir_unit u = {.arena = arena, .alone = !w->im->shared};
    const u64 left = w->im->code_len - (v->pc - GEN_CODE);
    const struct guest_request rq = {
        .pc = v->pc,
        .code = w->im->code + (v->pc - GEN_CODE),
        .len = left,
        .mode = gen_isa.guest->mode(v),
        .max_insns = max_insns,
        .max_exits = 3,
        .max_rounds = 3,
    };
    char err[120];
    arena_reset(arena);
    if (gen_isa.guest->translate(&rq, &u) || ir_verify(&u, err, sizeof err)) {
        snprintf(why_text, sizeof why_text, "unit at pc 0x%llx: %s", (unsigned long long)v->pc, err);
        return false;
    }
    v->mode = rq.mode;
    v->exit = VCPU_NONE;
    ir_interp(&u, v);
    return true;
}

static int run_ir(struct world *w, u32 max_insns, u8 *out, const char **why)
{
    struct arena arena = {0};
    struct vcpu *v = aligned_alloc(64, (sizeof *v + 63) & ~63ull);
    *why = "no memory";
    if (!v)
        return -1;
    memset(v, 0, sizeof *v);
    v->jc_mask = VCPU_JC_MASK(VCPU_JC_BITS);
    for (u32 i = 0; i < ARRAY_LEN(v->jc); i++)
        v->jc[i].pc = vcpu_jc_none(i);
    v->cpu = cpu();
    gen_isa.guest->reset(v);
    v->mem_base = (hva_t)w->base;
    v->pc = GEN_CODE;
    int r;
    for (;;) {
        if (v->pc - GEN_CODE >= w->im->code_len) {
            r = done(w, v, out, why);
            break;
        }
        if (!run_unit(w, v, &arena, max_insns)) {
            *why = why_text;
            r = -1;
            break;
        }
        if (v->exit == VCPU_FAULT && skip_snippet(w, v))
            continue;
        if (v->exit == VCPU_FAULT || (v->exit == VCPU_TRAP && v->trap != IR_TRAP_MODE && v->trap != IR_TRAP_SYNC)) {
            r = done(w, v, out, why);
            break;
        }
    }
    arena_free(&arena);
    free(v);
    return r;
}

/* --- with it --- */

static size_t executable(void *cx, gva_t pc, size_t want, struct vcpu_fault *f)
{
    const struct world *w = cx;
    const gva_t end = GEN_CODE + w->im->code_len;
    if (pc >= GEN_CODE && pc < end)
        return end - pc < want ? end - pc : want;
    *f = (struct vcpu_fault){.addr = pc, .kind = VCPU_FAULT_UNMAPPED, .access = VCPU_EXEC};
    return 0;
}

static bool watch(void *cx, gva_t start, size_t len, bool on)
{
    return true; /* nothing writes to the code */
}

static struct vcpu *running;

static bool on_fault(struct mk_fault *f, void *cx)
{
    return running && engine_fault(running, f);
}

static int run_engine(struct world *w, enum engine_tier tier, u8 *out, const char **why)
{
    static const struct engine_ops ops = {.executable = executable, .watch = watch};
    const struct engine_config cfg = {
        .guest = gen_isa.guest,
        .ops = &ops,
        .cx = w,
        .mem_base = (hva_t)w->base,
        .mem_size = WINDOW,
        .cpu = cpu(),
        .tier = tier,
        .off =
            w->im->off | (tier == ENGINE_OPTIMISED ? IR_PASS_BIT(IR_PASS_TRIAL) | IR_PASS_BIT(IR_PASS_BACKGROUND) : 0),
        .hot = tier == ENGINE_OPTIMISED ? 2 : 0,
        .cache_size = 16 << 20,
    };
    struct engine *e;
    struct vcpu *v;
    *why = "no engine";
    if (engine_create(&e, &cfg))
        return -1;
    if (vcpu_create(&v, e, NULL)) {
        engine_destroy(e);
        return -1;
    }
    const int rc = mk_thread_base((u64)w->base);
    if (rc && rc != -ENOSYS)
        return -1;
    v->pc = GEN_CODE;
    if (w->im->shared)
        engine_shared(e);
    running = v;
    do {
        v->exit = vcpu_run(v);
        if (v->exit == VCPU_POLL) /* the engine's own: there were many invalid operations */
            v->poll = 0;
    } while (v->exit == VCPU_POLL || (v->exit == VCPU_FAULT && skip_snippet(w, v)));
    running = NULL;
    int r = done(w, v, out, why);
    vcpu_destroy(v);
    engine_destroy(e);
    return r;
}

/* Once for all. */
static bool prepare(void)
{
    static bool ready;
    if (!ready) {
        host_native.probe(0);
        ready = mk_fault_handler(on_fault, NULL) == 0 && mk_thread_enter() == 0;
    }
    return ready;
}

int run_image(enum run_tier tier, const struct image *im, u8 *out, const char **why)
{
    struct world w;
    *why = "no fault handler";
    if (!prepare())
        return -1;
    if (!open_world(&w, im)) {
        *why = "no memory";
        return -1;
    }
    switch (tier) {
    case RUN_IR:
        return run_ir(&w, MAX_UNIT, out, why);
    case RUN_STEP:
        return run_ir(&w, 1, out, why);
    case RUN_INTERP:
        return run_engine(&w, ENGINE_INTERP, out, why);
    case RUN_OPTIMISED:
        return run_engine(&w, ENGINE_OPTIMISED, out, why);
    default:
        return run_engine(&w, ENGINE_BASELINE, out, why);
    }
}
