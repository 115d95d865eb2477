/* Fuzzer of a guest's frontend, the interpreter and the backend: any bytes are code. What they make verifies, is
 * printed as IR text that parses, and does the same interpreted and compiled, from registers that the input begins
 * with.
 *
 * Input: 16 bytes (modes, what registers hold, a seed), then code. The unit that the first instructions make is run
 * once; it has no loops. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"
#include "tests/host/harness.h"
#include "translator/guest/guest.h"

#define PC       (MEM_RW + 0x800)
#define MAX_CODE 1024

static struct harness h;
static struct arena arena;
static struct emitted emitted;

struct outcome {
    u8 state[VCPU_SLOT_BYTES];
    u8 mem[MEM_RW_SIZE];
    u32 fp_flags, exit, trap;
    u64 pc, fault_addr;
    u8 fault_kind, fault_access;
};
static struct outcome want, got;

/* The vCPU and its memory as the input's first bytes say. Register values stay near guest memory, or small. */
static void load(const u8 *in)
{
    struct vcpu *v = h.v;
    u64 seed;
    memcpy(&seed, in + 8, sizeof seed);
    fuzz_guest.registers(v, in, &seed);
    u8 *mem = h.mem + MEM_RW;
    for (u32 i = 0; i < MEM_RW_SIZE; i += 8) {
        const u64 r = fuzz_next(&seed);
        memcpy(mem + i, &r, 8);
    }
    v->mode = fuzz_guest.isa->mode(v);
    v->pc = PC;
    v->poll = 0;
    v->exit = VCPU_NONE;
    v->trap = 0;
    memset(&v->fault, 0, sizeof v->fault);
}

u64 fuzz_next(u64 *s)
{
    *s = *s * 6364136223846793005ull + 1442695040888963407ull;
    return *s >> 29 ^ *s << 35;
}

u64 fuzz_int(u64 *seed, u32 how)
{
    static const u64 special[] = {0,          1,          2,          ~0ull,      1ull << 63,
                                  ~0ull >> 1, 0x80000000, 0xffffffff, 0x7fffffff, 0xffffffff80000000ull};
    const u64 r = fuzz_next(seed);
    switch (how % 5) {
    case 0:
        return MEM_RW + r % MEM_RW_SIZE;
    case 1:
        return (MEM_RW + r % MEM_RW_SIZE) & ~15ull;
    case 2:
        return special[r % ARRAY_LEN(special)];
    case 3:
        return r & 0xffff;
    default:
        return MEM_RO - 64 + r % 8192;
    }
}

static void save(struct outcome *o)
{
    const struct vcpu *v = h.v;
    memset(o, 0, sizeof *o);
    memcpy(o->state, v->slots, fuzz_guest.isa->state_size);
    memcpy(o->mem, h.mem + MEM_RW, sizeof o->mem);
    o->fp_flags = v->fp_flags;
    o->exit = v->exit == VCPU_LINK || v->exit == VCPU_LOOKUP ? VCPU_NONE : v->exit;
    o->trap = o->exit == VCPU_TRAP ? v->trap : 0;
    o->pc = v->pc;
    if (o->exit == VCPU_FAULT) {
        o->fault_addr = v->fault.addr;
        o->fault_kind = v->fault.kind;
        o->fault_access = v->fault.access;
    }
}

static _Noreturn void broken(const struct ir_unit *u, const u8 *code, const char *why)
{
    static char text[1 << 20];
    fprintf(stderr, "%s\n", why);
    for (u32 off = 0, n; u->guest_bytes && off < u->guest_bytes; off += n) {
        char line[120];
        n = (u32)fuzz_guest.isa->disasm(code + off, u->guest_bytes - off, u->pc + off, line, sizeof line);
        if (!n)
            break;
        fprintf(stderr, "  %" PRIx64 ": %s\n", u->pc + off, line);
    }
    ir_print(u, text, sizeof text);
    fprintf(stderr, "%s", text);
    abort();
}

static void compare(const struct ir_unit *u, const u8 *code)
{
    bool same = want.fp_flags == got.fp_flags && want.exit == got.exit && want.trap == got.trap && want.pc == got.pc &&
                want.fault_addr == got.fault_addr && want.fault_kind == got.fault_kind &&
                want.fault_access == got.fault_access && !memcmp(want.state, got.state, sizeof want.state) &&
                !memcmp(want.mem, got.mem, sizeof want.mem);
    if (same)
        return;
    fprintf(stderr, "interpreted: exit %u trap %u pc %" PRIx64 " flags %x fault %u/%u at %" PRIx64 "\n", want.exit,
            want.trap, want.pc, want.fp_flags, want.fault_kind, want.fault_access, want.fault_addr);
    fprintf(stderr, "compiled:    exit %u trap %u pc %" PRIx64 " flags %x fault %u/%u at %" PRIx64 "\n", got.exit,
            got.trap, got.pc, got.fp_flags, got.fault_kind, got.fault_access, got.fault_addr);
    for (u32 i = 0; i < sizeof want.state / 8; i++) {
        u64 a, b;
        memcpy(&a, want.state + 8 * i, 8);
        memcpy(&b, got.state + 8 * i, 8);
        if (a != b)
            fprintf(stderr, "slots + %u: %" PRIx64 " and %" PRIx64 "\n", 8 * i, a, b);
    }
    for (u32 i = 0; i < MEM_RW_SIZE; i++)
        if (want.mem[i] != got.mem[i])
            fprintf(stderr, "memory %x: %x and %x\n", MEM_RW + i, want.mem[i], got.mem[i]);
    broken(u, code, "interpreter and compiled code differ");
}

/* Clocks and counters are never the same twice. */
static bool tells_time(const struct ir_unit *u)
{
    for (ir_ref i = 1; i < u->n; i++)
        if (u->ins[i].op == IR_OP_call && fuzz_guest.tells_time(u->ins[i].aux))
            return true;
    return false;
}

static void round_trip(const struct ir_unit *u, const u8 *code)
{
    static char text[1 << 18], again[1 << 18];
    struct ir_unit p = {.arena = &arena, .slots = u->slots, .helpers = u->helpers, .nhelpers = u->nhelpers};
    char err[200];
    if (ir_print(u, text, sizeof text) >= sizeof text)
        return;
    if (ir_parse(&p, text, err, sizeof err))
        broken(u, code, err);
    ir_print(&p, again, sizeof again);
    if (strcmp(text, again))
        broken(u, code, "the text form does not round-trip");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ir_unit u = {.arena = &arena};
    u8 code[MAX_CODE];
    char err[200] = "";
    if (size < 18)
        return 0;
    if (!h.v) {
        harness_start(&h, 0);
        harness_slots(&h, &fuzz_guest.isa->slots);
    }
    const u8 *head = data;
    data += 16;
    size = size - 16 < sizeof code ? size - 16 : sizeof code;
    memcpy(code, data, size);
    load(head);
    arena_reset(&arena);
    u.alone = head[0] >> 7;
    const struct guest_request rq = {.pc = PC,
                                     .code = code,
                                     .len = size,
                                     .mode = h.v->mode,
                                     .max_insns = 64,
                                     .max_exits = 4,
                                     .max_rounds = 4,
                                     .stop_after = head[1] >> 7};
    if (fuzz_guest.isa->translate(&rq, &u))
        return 0;
    if (ir_verify(&u, err, sizeof err))
        broken(&u, code, err);
    round_trip(&u, code);
    harness_forget(&h);
    const int e = harness_emit(&h, &u, 0, 0, &emitted);
    if (e)
        broken(&u, code, "not emitted");
    load(head);
    ir_interp(&u, h.v);
    save(&want);
    load(head);
    harness_enter(&h, &emitted);
    save(&got);
    if (!tells_time(&u))
        compare(&u, code);
    return 0;
}
