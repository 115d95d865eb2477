/* Instruction words for comparing our disassembler with another: makes random ones, prints ours.
 *
 *     a64words make SEED COUNT   COUNT words for each instruction of the table, as many that differ from such a word in
 *                                a bit, and as many wholly random ones; 4 bytes each to standard output
 *     a64words print [aliases]   reads such words, and prints the text of each, or "illegal", a line each */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/guest/gen.h"
#include "translator/guest/aarch64/a64_int.h"

static void put(u32 w)
{
    const u8 bytes[4] = {(u8)w, (u8)(w >> 8), (u8)(w >> 16), (u8)(w >> 24)};
    fwrite(bytes, 1, 4, stdout);
}

static void make(u64 seed, u64 count)
{
    struct rng r = {seed};
    for (u64 n = 0; n < count; n++)
        for (u32 op = 1; op < A64_NOPS; op++) {
            const struct a64_op_bits *b = &a64_op_bits[op];
            put((rng_u32(&r) & ~b->mask) | b->value);
            /* a small step away from an instruction finds the edges better than chance does */
            put((rng_u32(&r) & ~b->mask) | (b->value ^ 1u << rng_below(&r, 32)));
            put(rng_u32(&r));
        }
}

static void print(bool aliases)
{
    u32 w;
    for (gva_t pc = 0; fread(&w, 4, 1, stdin) == 1; pc += 4) {
        struct a64_insn i;
        char text[128] = "illegal";
        if (a64_decode32(w, &i))
            a64_print(&i, pc, aliases, text, sizeof text);
        puts(text);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        make(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
    else if ((argc == 2 || argc == 3) && strcmp(argv[1], "print") == 0)
        print(argc == 3);
    else
        return 2;
    return 0;
}
