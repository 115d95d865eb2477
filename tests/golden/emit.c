/* Emits host code for guest code, without running it: `emit GUEST FEATURES BASE < CODE`. FEATURES are all or none; BASE
 * is flat0 or base (host_code.flat0). CODE is raw guest code, taken to lie at PC. Units are made one after the other
 * until it ends.
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
#include "translator/guest/guest.h"
#include "translator/host/host.h"

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

static void print_unit(const struct ir_unit *u, const u8 *code, const struct host_code *hc)
{
    printf("unit %lx: %u instructions\n", u->pc, u->guest_insns);
    u32 mark = 0;
    for (size_t off = 0; off < hc->size;) {
        for (; mark < hc->nmarks && hc->marks[mark].host_off <= off; mark++) {
            u32 at = hc->marks[mark].guest_off;
            print_insn(code + at, u->guest_bytes - at, u->pc + at, "  -- %lx: %0*x %s\n");
        }
        size_t end = mark < hc->nmarks && hc->marks[mark].host_off < hc->size ? hc->marks[mark].host_off : hc->size;
        printf("  %8lx: ", (u64)hc->rx + off);
        for (; off < end; off++)
            printf(" %02x", hc->rw[off]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static u8 code[16384];
    if (argc != 4)
        die("GUEST FEATURES BASE");
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
    while (at < len) {
        struct arena arena;
        struct ir_unit u;
        static struct host_mark marks[4096];
        static struct host_exit exits[64];
        arena_init(&arena);
        memset(&u, 0, sizeof u);
        u.arena = &arena;
        struct guest_request rq = {.pc = PC + at, .code = code + at, .len = len - at, .max_insns = 64, .max_exits = 4};
        if (guest->translate(&rq, &u))
            die("no memory");
        struct host_code hc = {.rw = mem + used,
                               .rx = mem + used,
                               .cap = SIZE - used,
                               .common = mem,
                               .flat0 = strcmp(argv[3], "flat0") == 0,
                               .marks = marks,
                               .nmarks_cap = ARRAY_LEN(marks),
                               .exits = exits,
                               .nexits_cap = ARRAY_LEN(exits)};
        if (host_native.emit(&u, &hc))
            die("emit");
        print_unit(&u, code + at, &hc);
        if (!u.guest_bytes)
            die("a unit of nothing");
        at += u.guest_bytes;
        used += 0x1000;
        arena_free(&arena);
    }
    return 0;
}
