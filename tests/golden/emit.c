/* Emits host code for guest code, without running it: `emit GUEST FEATURES BASE [region] < CODE`. FEATURES are all or
 * none; BASE is flat0 or base (host_code.flat0). CODE is raw guest code, taken to lie at PC. Units are made one after
 * the other until it ends; or, with `region`, the region whose entry is its beginning, as the optimising tier makes it
 * of a program in which all of CODE has run.
 *
 * Everything has a fixed address, so that the output is the same on every machine: the common code and then each unit,
 * at CODE_AT. Prints `common NAME ADDRESS` and `helper NAME ADDRESS` lines, then each unit as --dump=guest,host prints
 * it. */
#define _GNU_SOURCE
#include "tests/golden/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "translator/guest/guest.h"
#include "translator/host/host.h"
#include "translator/opt/opt.h"

#define PC      0x10000
#define CODE_AT ((u8 *)0x10000000)
#define SIZE    (1u << 20)

static const struct guest_isa *guest;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "emit: %s\n", what);
    exit(2);
}

static void print_insn(const u8 *code, size_t len, gva_t pc, const char *form)
{
    char text[120] = "";
    u32 w = 0;
    size_t n = guest->disasm(code, len, pc, text, sizeof text);
    memcpy(&w, code, n < 4 ? n : 4);
    printf(form, pc, (int)n * 2, w, text);
}

/* `code` is what lies at the unit's pc, `all` bytes of it. */
static void print_unit(const char *what, const struct ir_unit *u, const u8 *code, size_t all,
                       const struct host_code *hc)
{
    printf("%s %lx: %u instructions\n", what, u->pc, u->guest_insns);
    u32 mark = 0;
    for (size_t off = 0; off < hc->size;) {
        for (; mark < hc->nmarks && hc->marks[mark].host_off <= off; mark++) {
            u32 at = hc->marks[mark].guest_off;
            print_insn(code + at, all - at, u->pc + at, "  -- %lx: %0*x %s\n");
        }
        size_t end = mark < hc->nmarks && hc->marks[mark].host_off < hc->size ? hc->marks[mark].host_off : hc->size;
        printf("  %8lx: ", (u64)hc->rx + off);
        for (; off < end; off++)
            printf(" %02x", hc->rw[off]);
        printf("\n");
    }
}

static void emit(const char *what, const struct ir_unit *u, const u8 *code, size_t all, u8 *mem, size_t used,
                 bool flat0)
{
    static struct host_mark marks[16384];
    static struct host_exit exits[512];
    struct host_code hc = {.rw = mem + used,
                           .rx = mem + used,
                           .cap = SIZE - used,
                           .common = mem,
                           .flat0 = flat0,
                           .marks = marks,
                           .nmarks_cap = ARRAY_LEN(marks),
                           .exits = exits,
                           .nexits_cap = ARRAY_LEN(exits)};
    if (host_native.emit(u, &hc))
        die("emit");
    print_unit(what, u, code, all, &hc);
}

/* --- a region --- */

struct source {
    const u8 *code;
    size_t len;
    struct arena *arena;
    bool (*stop)(void *stop_cx, gva_t pc);
    void *stop_cx;
};

static bool stop_at(void *cx, gva_t pc)
{
    const struct source *s = cx;
    return s->stop(s->stop_cx, pc);
}

static int unit_at(void *cx, gva_t pc, bool (*stop)(void *stop_cx, gva_t pc), void *stop_cx, struct ir_unit *u)
{
    struct source *s = cx;
    if (pc < PC || pc - PC >= s->len)
        return -ENOENT;
    s->stop = stop;
    s->stop_cx = stop_cx;
    memset(u, 0, sizeof *u);
    u->arena = s->arena;
    struct guest_request rq = {.pc = pc,
                               .code = s->code + (pc - PC),
                               .len = s->len - (pc - PC),
                               .max_insns = 64,
                               .keep_flags = true,
                               .stop_at = stop_at,
                               .cx = s};
    return guest->translate(&rq, u);
}

static bool wanted(void *cx, gva_t pc)
{
    const struct source *s = cx;
    return pc >= PC && pc - PC < s->len;
}

static void emit_region(const u8 *code, size_t len, u8 *mem, size_t used, bool flat0)
{
    struct arena arena;
    struct ir_unit u;
    arena_init(&arena);
    struct source s = {.code = code, .len = len, .arena = &arena};
    struct opt_request rq = {
        .arena = &arena, .pc = PC, .max_insns = 400, .max_blocks = 64, .unit = unit_at, .wanted = wanted, .cx = &s};
    int rc = opt_region(&rq, &u);
    if (rc == -ENOENT)
        printf("no region\n");
    else if (rc)
        die("region");
    else
        emit("region", &u, code, len, mem, used, flat0);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    static u8 code[16384];
    if (argc != 4 && argc != 5)
        die("GUEST FEATURES BASE [region]");
    const bool flat0 = strcmp(argv[3], "flat0") == 0, region = argc == 5;
    if (region && !host_native.regions)
        return 0;
    guest = strcmp(argv[1], "aarch64") == 0 ? &guest_aarch64 : &guest_riscv64;
    golden_features(strcmp(argv[2], "all") == 0 ? ~0ull : 0);
    size_t len = fread(code, 1, sizeof code, stdin), at = 0;
    u8 *mem = mmap(CODE_AT, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (mem != CODE_AT)
        return 77;
    size_t used = host_native.common(mem, mem, SIZE, &guest->slots);
    const char *name;
    u32 off;
    for (u32 i = 0; (name = golden_common(mem, i, &off)); i++)
        printf("common %s %lx\n", name, (u64)mem + off);
    for (u32 i = 0; (name = golden_field(i, &off)); i++)
        printf("field %s %x\n", name, off);
    for (u32 i = 0; i < guest->nhelpers; i++) {
        const struct ir_helper *h = &guest->helpers[i];
        printf("helper %s %lx\n", h->name, h->fn ? (u64)h->fn : (u64)h);
    }

    used = 0x8000; /* past the common code, however long it is */
    if (region) {
        emit_region(code, len, mem, used, flat0);
        return 0;
    }
    while (at < len) {
        struct arena arena;
        struct ir_unit u;
        arena_init(&arena);
        memset(&u, 0, sizeof u);
        u.arena = &arena;
        struct guest_request rq = {
            .pc = PC + at, .code = code + at, .len = len - at, .max_insns = 64, .max_exits = 4, .max_rounds = 2};
        u.nans_trap = host_native.nans_trap && host_native.nans_trap() && guest->keeps_nans && guest->keeps_nans(0);
        if (guest->translate(&rq, &u))
            die("no memory");
        if ((host_native.merges && ir_merge(&u)) || ir_ahead(&u))
            die("no memory");
        emit("unit", &u, code + at, u.guest_bytes, mem, used, flat0);
        if (!u.guest_bytes)
            die("a unit of nothing");
        at += u.guest_bytes;
        used += 0x1000;
        arena_free(&arena);
    }
    return 0;
}
