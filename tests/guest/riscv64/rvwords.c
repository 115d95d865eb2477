/* Instruction words for comparing our disassembler with another: makes random ones, prints ours.
 *
 *     rvwords make SEED COUNT   all 16-bit words, COUNT words for each instruction of the table, as many that differ
 * from such a word in a bit, and as many wholly random ones; 4 bytes each to standard output, a 16-bit one followed by
 * c.nop rvwords print             reads such words, and prints the plain text of each, or "illegal", a line each */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/guest/gen.h"
#include "translator/guest/riscv64/rv_int.h"

#define C_NOP 0x0001u

static void put(u32 w)
{
    if ((w & 3) != 3)
        w = (w & 0xffff) | C_NOP << 16;
    else if ((w & 31) == 31)
        return; /* longer than 32 bits */
    u8 bytes[4] = {(u8)w, (u8)(w >> 8), (u8)(w >> 16), (u8)(w >> 24)};
    fwrite(bytes, 1, 4, stdout);
}

static void make(u64 seed, u64 count)
{
    struct rng r = {seed};
    for (u32 w = 0; w < 0x10000; w++)
        if ((w & 3) != 3)
            put(w);
    for (u64 n = 0; n < count; n++)
        for (u32 op = 1; op < RV_NOPS; op++) {
            const struct rv_op_bits *b = &rv_op_bits[op];
            put((rng_u32(&r) & ~b->mask) | b->value);
            /* a small step away from an instruction finds the edges better than chance does */
            put((rng_u32(&r) & ~b->mask) | (b->value ^ 1u << rng_below(&r, b->width)));
            put(rng_u32(&r));
        }
}

static void print(void)
{
    u8 bytes[4];
    for (gva_t pc = 0; fread(bytes, 1, 4, stdin) == 4; pc += 4) {
        struct rv_insn i;
        char text[96] = "illegal";
        rv_fetch(bytes, 4, &i);
        if (i.op != RV_ILLEGAL)
            rv_print(&i, pc, false, text, sizeof text);
        puts(text);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        make(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
    else if (argc == 2 && strcmp(argv[1], "print") == 0)
        print();
    else
        return 2;
    return 0;
}
