/* Random units, compiled against interpreted.
 *
 *     test_random [--seed N] [--count N] [--mask M] [--flat0] [--keep]
 *
 * Each unit is run in the interpreter and, as written and as the builder folds it, compiled, from the same state.
 * Slots, memory, sticky flags, how and where it left, and what a fault was must be equal. On a difference the unit is
 * cut down as far as it goes on differing, and printed with what was wanted and what came; the host code goes to a file
 * for a disassembler. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "tests/host/harness.h"
#include "tests/host/random_unit.h"

#define UNITS_PER_GUEST 300
#define MAX_INPUTS      64
#define CODE_AWAY       (320u << 10)

static struct harness h;
static struct arena arena;
static struct ir_slot slot_table[RANDOM_SLOTS];
static struct ir_slots slots;

/* All that a unit may change. */
struct state {
    u8 slots[RANDOM_SLOT_BYTES];
    u8 mem[MEM_RW_SIZE];
    u32 fp_flags, exit, trap;
    gva_t pc;
    struct vcpu_fault fault;
    u64 ras[2]; /* guest pc on top of the return-address stack, and how many entries there are */
};

struct input {
    u8 slots[RANDOM_SLOT_BYTES];
    u8 mem[MEM_RW_SIZE];
    u32 fp_flags, fp_round;
    u32 flags_trap, flag_reads; /* as in struct vcpu */
};

static void load_state(const struct input *in)
{
    struct vcpu *v = h.v;
    memcpy(v->slots, in->slots, sizeof in->slots);
    memcpy(h.mem + MEM_RW, in->mem, sizeof in->mem);
    v->fp_flags = in->fp_flags;
    v->fp_round = in->fp_round;
    v->flags_trap = in->flags_trap;
    v->flag_reads = in->flag_reads;
    v->exit = v->trap = 0;
    v->pc = 0;
    v->poll = 0;
    memset(&v->fault, 0, sizeof v->fault);
}

static void save_state(struct state *s)
{
    struct vcpu *v = h.v;
    memset(s, 0, sizeof *s);
    memcpy(s->slots, v->slots, sizeof s->slots);
    memcpy(s->mem, h.mem + MEM_RW, sizeof s->mem);
    s->fp_flags = v->fp_flags;
    s->exit = v->exit == VCPU_LINK || v->exit == VCPU_LOOKUP ? VCPU_NONE : v->exit;
    s->trap = s->exit == VCPU_TRAP ? v->trap : 0;
    s->pc = v->pc;
    if (s->exit == VCPU_FAULT) {
        s->fault.addr = v->fault.addr;
        s->fault.kind = v->fault.kind;
        s->fault.access = v->fault.access;
    }
}

static struct emitted *code;

/* What the contract says of an emitted unit's tables. */
static void check_tables(const struct host_code *hc)
{
    bool ok = true;
    for (u32 i = 0; i < hc->nmarks; i++)
        ok = ok && hc->marks[i].host_off <= hc->size && (!i || hc->marks[i - 1].host_off <= hc->marks[i].host_off);
    for (u32 i = 0; i < hc->nexits; i++)
        ok = ok && hc->exits[i].site_off < hc->size && hc->exits[i].stub_off < hc->size &&
             (((uintptr_t)hc->rx + hc->exits[i].site_off) & 63) <= 60; /* patched by one store */
    if (!ok) {
        fprintf(stderr, "marks or exits are wrong\n");
        exit(1);
    }
}

/* What is emitted elsewhere, and moved, is what is emitted here; but for what the list of relocations names, nothing in
 * it points into this program. */
static void check_moves(const struct ir_unit *u)
{
    static struct emitted one, other;
    extern const char __executable_start[], end[];
    const struct host_code *here = &one.hc, *there = &other.hc;
    const u64 own = (u64)(uintptr_t)__executable_start, own_size = (u64)(end - __executable_start);
    if (harness_emit(&h, u, CODE_AWAY, 7, &one) || harness_emit(&h, u, 2 * CODE_AWAY, 7, &other))
        return; /* no room */
    if (!there->movable && !here->movable && there->nrelocs == there->nrelocs_cap)
        return; /* likewise */
    u64 by[HOST_NRELOCS] = {[HOST_RELOC_COMMON] = (u64)(there->rx - here->rx), [HOST_RELOC_OWN] = -own};
    bool ok = there->size == here->size && there->movable && here->movable && there->nrelocs == here->nrelocs &&
              !memcmp(there->relocs, here->relocs, here->nrelocs * sizeof *here->relocs) &&
              there->nstate == here->nstate &&
              (!here->nstate || !memcmp(there->state + 1, here->state + 1, (here->nstate - 1) * sizeof *here->state));
    if (ok) {
        host_native.move(there->rw, there->relocs, there->nrelocs, by);
        for (size_t i = 0; i + 8 <= there->size; i++) {
            u64 x;
            memcpy(&x, there->rw + i, 8);
            ok = ok && x - own >= own_size;
        }
        by[HOST_RELOC_COMMON] = 0;
        by[HOST_RELOC_OWN] = own;
        host_native.move(there->rw, there->relocs, there->nrelocs, by);
        ok = ok && !memcmp(there->rw, here->rw, here->size);
    }
    if (!ok) {
        fprintf(stderr, "code that was moved is not what it should be\n");
        for (size_t i = 0, n = 0; i < here->size && i < there->size && n < 8; i++)
            if (here->rw[i] != there->rw[i] && ++n)
                fprintf(stderr, "  at %zx: %02x, wanted %02x\n", i, there->rw[i], here->rw[i]);
        exit(1);
    }
}

/* 0, or -errno of emitting. */
static int compile(const struct ir_unit *u)
{
    int e = harness_emit(&h, u, 0, 7, code);
    if (!e)
        check_tables(&code->hc);
    if (!e && host_native.move)
        check_moves(u);
    return e;
}

static void run_compiled(const struct input *in, struct state *out)
{
    load_state(in);
    struct vcpu *v = h.v;
    u8 *top = (u8 *)v->ras_sp;
    harness_enter(&h, code);
    save_state(out);
    out->ras[1] = (u64)(top - (u8 *)v->ras_sp) / 16;
    if (out->ras[1])
        out->ras[0] = ((const u64 *)v->ras_sp)[1];
    v->ras_sp = top;
}

static void run_interp(const struct ir_unit *u, const struct input *in, struct state *out)
{
    load_state(in);
    ir_interp(u, h.v);
    save_state(out);
    const struct ir_ins *end = &u->ins[u->n - 1];
    if (out->exit != VCPU_NONE || !(end->aux & IR_EXIT_CALL) || end->op == IR_OP_trap)
        return;
    /* The last instruction was reached unless a side exit was taken; that is told by the stack itself. */
    out->ras[0] = u->ins[end->op == IR_OP_exit ? end->a : end->b].imm;
    out->ras[1] = 1;
}

/* An access across the end of memory may touch either side first, and so may differ in the address by what is
 * accessible. */
static bool same_fault(const struct vcpu_fault *a, const struct vcpu_fault *b)
{
    return a->kind == b->kind && a->access == b->access && a->addr == b->addr;
}

static bool same(const struct state *want, const struct state *got)
{
    if (memcmp(want->slots, got->slots, sizeof want->slots) || memcmp(want->mem, got->mem, sizeof want->mem) ||
        want->fp_flags != got->fp_flags || want->exit != got->exit || want->trap != got->trap || want->pc != got->pc ||
        !same_fault(&want->fault, &got->fault))
        return false;
    /* A call that was not reached leaves nothing. */
    return !got->ras[1] || (want->ras[1] == got->ras[1] && want->ras[0] == got->ras[0]);
}

static int rebuild(const struct ir_unit *u, struct ir_unit *out)
{
    struct ir_builder b;
    ir_ref *to = arena_array(&arena, u->n, sizeof *to, _Alignof(ir_ref));
    *out = (struct ir_unit){.arena = &arena,
                            .slots = u->slots,
                            .helpers = u->helpers,
                            .nhelpers = u->nhelpers,
                            .code_key = u->code_key,
                            .alone = u->alone,
                            .nans_trap = u->nans_trap,
                            .off = u->off};
    ir_begin(&b, out, u->pc);
    to[0] = 0;
    for (ir_ref r = 1; r < u->n; r++) {
        const struct ir_ins *in = &u->ins[r];
        to[r] = ir_emit(&b, in->op, in->type, in->aux, in->imm, to[in->a], to[in->b], to[in->c], to[in->d]);
        if (ir_flags[out->ins[out->n - 1].op] & IR_END)
            break; /* an exit_if that folding made unconditional */
    }
    return ir_finish(&b);
}

/* Does `u` behave differently compiled? */
static bool differs(const struct ir_unit *u, const struct input *in, bool folded, struct state *want, struct state *got,
                    int *err)
{
    struct ir_unit f;
    const struct ir_unit *run = u;
    *err = 0;
    if (folded) {
        if (rebuild(u, &f))
            return false;
        run = &f;
    }
    *err = compile(run);
    if (*err)
        return true;
    run_interp(u, in, want);
    run_compiled(in, got);
    return !same(want, got);
}

/* Cuts u down while it goes on differing. */
static void shrink(struct ir_unit *u, const struct input *in, bool folded)
{
    struct state want, got;
    int err;
    bool progress = true;
    while (progress) {
        progress = false;
        for (ir_ref i = u->n - 2; i > 0; i--) {
            struct ir_ins *p = &u->ins[i], was = *p;
            if (was.op == IR_OP_nop || (was.op == IR_OP_insn && i == 1))
                continue;
            bool used = false;
            for (ir_ref j = i + 1; j < u->n; j++)
                for (u32 k = 0; k < 4; k++)
                    used |= ir_arg(&u->ins[j], k) == i;
            if (!used)
                *p = (struct ir_ins){.op = IR_OP_nop};
            else if (was.op != IR_OP_const && was.op != IR_OP_get && ir_bits(was.type) <= 64)
                *p = (struct ir_ins){.op = IR_OP_const, .type = was.type, .imm = was.type == IR_I64 ? 0x10010 : 0x10};
            else
                continue;
            if (differs(u, in, folded, &want, &got, &err))
                progress = true;
            else
                *p = was;
            arena_reset(&arena); /* u itself lies in memory of its own by now */
        }
    }
}

static void print_diff(const struct state *want, const struct state *got)
{
    static const char *const exits[] = {"none", "link", "lookup", "poll", "trap", "fault"};
    printf("  wanted exit=%s pc=0x%" PRIx64 " flags=0x%x fault=%u/%u@0x%" PRIx64 " ras=%" PRIu64 ":0x%" PRIx64 "\n",
           exits[want->exit], want->pc, want->fp_flags, want->fault.kind, want->fault.access, want->fault.addr,
           want->ras[1], want->ras[0]);
    printf("  got    exit=%s pc=0x%" PRIx64 " flags=0x%x fault=%u/%u@0x%" PRIx64 " ras=%" PRIu64 ":0x%" PRIx64 "\n",
           exits[got->exit], got->pc, got->fp_flags, got->fault.kind, got->fault.access, got->fault.addr, got->ras[1],
           got->ras[0]);
    for (u32 s = 0; s < RANDOM_SLOTS; s++) {
        u64 w[2] = {0}, g[2] = {0};
        size_t n = ir_bits(slot_table[s].type) / 8;
        memcpy(w, want->slots + slot_table[s].offset, n);
        memcpy(g, got->slots + slot_table[s].offset, n);
        if (memcmp(w, g, sizeof w))
            printf("  slot %u (%s, rank %u): wanted 0x%" PRIx64 " 0x%" PRIx64 ", got 0x%" PRIx64 " 0x%" PRIx64 "\n", s,
                   ir_type_names[slot_table[s].type], slot_table[s].rank, w[0], w[1], g[0], g[1]);
    }
    for (u32 i = 0; i < MEM_RW_SIZE; i++)
        if (want->mem[i] != got->mem[i])
            printf("  memory 0x%x: wanted 0x%02x, got 0x%02x\n", MEM_RW + i, want->mem[i], got->mem[i]);
}

static void report(const struct ir_unit *u, const struct input *in, bool folded, u64 seed, u64 mask)
{
    struct ir_unit own = *u;
    own.ins = malloc(u->n * sizeof *own.ins);
    memcpy(own.ins, u->ins, u->n * sizeof *own.ins);
    struct state want, got;
    int err;
    arena_reset(&arena);
    shrink(&own, in, folded);
    if (!differs(&own, in, folded, &want, &got, &err))
        printf("the difference is gone\n");
    static char text[1 << 20];
    ir_print(&own, text, sizeof text);
    for (char *p; (p = strstr(text, "   nop\n"));)
        memmove(p, p + 7, strlen(p + 7) + 1);
    printf("seed %" PRIu64 " mask 0x%" PRIx64 ", %s, fp_round %u: ", seed, mask, folded ? "folded" : "as written",
           in->fp_round);
    if (err)
        printf("emit gives %d\n%s", err, text);
    else
        printf("differs\n%s", text);
    for (ir_ref i = 1; i < own.n; i++) {
        const struct ir_ins *p = &own.ins[i];
        if (p->op != IR_OP_get)
            continue;
        u64 x[2] = {0};
        memcpy(x, in->slots + slot_table[p->aux].offset, ir_bits(p->type) / 8);
        printf("  in: slot %u (%s, rank %u) = 0x%" PRIx64 " 0x%" PRIx64 "\n", p->aux, ir_type_names[p->type],
               slot_table[p->aux].rank, x[0], x[1]);
    }
    if (!err)
        print_diff(&want, &got);
    FILE *f = fopen("/tmp/dragoman-unit.bin", "wb");
    if (f) {
        fwrite(code->hc.rw, 1, code->hc.size, f);
        fclose(f);
        printf("host code is in /tmp/dragoman-unit.bin\n");
    }
    free(own.ins);
}

static void random_input(struct rng *r, struct input *in, const struct random_mix *mix)
{
    for (u32 s = 0; s < RANDOM_SLOTS; s++) {
        u64 x[2] = {rng_value(r), rng_value(r)};
        memcpy(in->slots + slot_table[s].offset, x, ir_bits(slot_table[s].type) / 8);
    }
    for (u32 i = 0; i < MEM_RW_SIZE; i += 8) {
        u64 x = rng_value(r);
        memcpy(in->mem + i, &x, 8);
    }
    in->fp_flags = rng_chance(r, 50) ? 0 : rng_below(r, 32);
    in->fp_round = mix->any_round ? IR_RMM : rng_chance(r, 40) ? IR_RNE : rng_below(r, 4);
    in->flags_trap = rng_chance(r, 30);
    in->flag_reads = rng_chance(r, 50) ? VCPU_FLAG_READS - 1 : 0; /* so that the next time they trap */
}

static struct random_mix random_mix(struct rng *r, u32 *inputs)
{
    struct random_mix m = {
        .insns = rng_chance(r, 80) ? 12 : 60,
        .ops = rng_chance(r, 70) ? 4 : 12,
        .bad = rng_chance(r, 70) ? 1 : 10,
        .exits = rng_chance(r, 50) ? 5 : 0,
        .pressure = rng_chance(r, 20) ? 20 : 1,
        .fp = rng_chance(r, 30) ? 80 : 25,
        .mem = rng_chance(r, 30) ? 50 : 12,
        .vec = rng_chance(r, 40)   ? 0
               : rng_chance(r, 50) ? 30
                                   : 90,
        .any_round = rng_chance(r, 10),
        .guest = rng_chance(r, 50)   ? 0
                 : rng_chance(r, 50) ? 50
                                     : 90,
        .fresh = 0,
    };
    *inputs = 3;
    if (rng_chance(r, 40)) { /* little code and much data: edges of single ops */
        m.insns = 3;
        m.ops = 3;
        m.pressure = 0;
        m.exits = 0;
        m.fresh = 70;
        *inputs = MAX_INPUTS;
    }
    return m;
}

int main(int argc, char **argv)
{
    u64 seed = 1, count = 10000, mask = 0;
    bool keep = false, flat0 = false;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && !strcmp(argv[i], "--seed"))
            seed = strtoull(argv[++i], NULL, 0);
        else if (i + 1 < argc && !strcmp(argv[i], "--count"))
            count = strtoull(argv[++i], NULL, 0);
        else if (i + 1 < argc && !strcmp(argv[i], "--mask"))
            mask = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--flat0"))
            flat0 = true;
        else if (!strcmp(argv[i], "--keep"))
            keep = true;
        else {
            fprintf(stderr, "usage: test_random [--seed N] [--count N] [--mask M] [--flat0] [--keep]\n");
            return 2;
        }
    }
    harness_start_at(&h, mask, flat0);
    code = malloc(sizeof *code);
    arena_init(&arena);
    u64 insns = 0, ops = 0, bytes = 0, runs = 0, failed = 0, left[6] = {0}, full = 0;
    static struct input in[MAX_INPUTS];
    static struct state want, got;
    for (u64 n = 0; n < count; n++) {
        struct rng r = {.state = (seed + n) * 0xd1342543de82ef95ull};
        struct rng guest = {.state = (seed + n) / UNITS_PER_GUEST + 77};
        if (n == 0 || (seed + n) % UNITS_PER_GUEST == 0) {
            random_slots(&guest, slot_table, &slots);
            harness_slots(&h, &slots);
        }
        arena_reset(&arena);
        struct ir_unit u = {.arena = &arena, .slots = &slots, .helpers = random_helpers, .nhelpers = random_nhelpers};
        u32 inputs;
        struct random_mix mix = random_mix(&r, &inputs);
        /* Every other unit is compiled with a pass left out, now and then all. */
        const u64 luck = (seed + n) * 0x9e3779b97f4a7c15ull >> 32;
        if (luck & 1)
            u.off = luck & 14 ? IR_PASS_BIT((luck >> 4) % IR_NPASSES) : ~0ull;
        char why[200];
        if (!random_unit(&r, &mix, &u)) {
            fprintf(stderr, "seed %" PRIu64 ": no unit\n", seed + n);
            return 2;
        }
        if (ir_verify(&u, why, sizeof why)) {
            static char text[1 << 20];
            ir_print(&u, text, sizeof text);
            fprintf(stderr, "seed %" PRIu64 ": %s\n%s", seed + n, why, text);
            return 2;
        }
        for (u32 k = 0; k < inputs; k++)
            random_input(&r, &in[k], &mix);
        bool bad = false;
        for (u32 folded = 0; folded < 2 && !bad; folded++) {
            struct ir_unit f;
            if (folded && rebuild(&u, &f))
                continue;
            int err = compile(folded ? &f : &u);
            if (err == -ENOSPC) { /* too many values at once: the engine would make a shorter unit */
                full++;
                continue;
            }
            insns += u.guest_insns;
            ops += u.n;
            bytes += code->hc.size;
            bad = err != 0;
            for (u32 k = 0; k < inputs && !bad; k++) {
                run_interp(&u, &in[k], &want);
                run_compiled(&in[k], &got);
                left[want.exit]++;
                runs++;
                bad = !same(&want, &got);
                if (bad)
                    in[0] = in[k];
            }
            if (bad) {
                failed++;
                report(&u, &in[0], folded, seed + n, mask);
                if (!keep)
                    return 1;
            }
        }
    }
    printf("%" PRIu64 " units in %" PRIu64 " runs, %" PRIu64 " failed; %" PRIu64 " guest instructions, %" PRIu64
           " ops, %" PRIu64 " bytes of code; left by exit %" PRIu64 ", trap %" PRIu64 ", fault %" PRIu64 "; %" PRIu64
           " too large\n",
           count, runs, failed, insns, ops, bytes, left[VCPU_NONE], left[VCPU_TRAP], left[VCPU_FAULT], full);
    return failed != 0;
}
