/* Random riscv64 programs that end, for differential tests.
 *
 * A program (struct image) is a memory image: code and data at fixed guest addresses. It runs many snippets one
 * after the other and ends with write(1, data) and exit(0). A snippet is straight-line code with forward jumps. It has
 * a record of its own in the data (struct record): its code loads all registers from there, runs, and stores them back.
 * So the data after the run says everything about every snippet, and what ran it does not matter: the same image can be
 * an ELF file for another emulator, and the memory of one of our vCPUs.
 *
 * One register of each snippet, its base, keeps pointing at the record; no instruction of the snippet writes
 * it. Memory operands lie in the record's sandbox. */
#pragma once

#include "lib/types.h"
#include "translator/guest/riscv64/riscv64_insn.h"

struct rng {
    u64 s;
};

/* splitmix64 */
static inline u64 rng_u64(struct rng *r)
{
    u64 z = r->s += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline u32 rng_u32(struct rng *r)
{
    return (u32)(rng_u64(r) >> 32);
}

/* 0 .. n - 1 */
static inline u32 rng_below(struct rng *r, u32 n)
{
    return (u32)(((u64)rng_u32(r) * n) >> 32);
}

#define GEN_CODE 0x00100000ull
#define GEN_DATA 0x20000000ull
#define GEN_HOLE 0x60000000ull /* never mapped */

struct record {
    u64 x[32];
    u64 f[32];
    u64 fcsr;
    u64 fault_pc; /* 0, or where the snippet faulted; its run ends there */
    u64 fault_addr;
    u64 fault_kind; /* vcpu_fault's kind and access << 8 */
    u64 pad[4];
    u8 sandbox[448];
};
_Static_assert(sizeof(struct record) == 1024, "records keep the sandbox aligned");
#define GEN_BASE_OFFSET (offsetof(struct record, sandbox) + 192) /* where the base register points */

#define GEN_MAX_UNITS 64

/* One step of a snippet: an instruction with those that prepare its operands. Jumps lead from unit to unit. */
struct gen_unit {
    u32 offset; /* in the image's code */
    u16 len;    /* bytes */
    u16 op;     /* enum rv_op that it is about */
};

struct snippet {
    u32 begin, end; /* offsets in the image's code: loading registers; after storing them */
    u8 base;        /* register */
    u32 nunits;
    struct gen_unit units[GEN_MAX_UNITS];
};

struct image {
    u8 *code;
    size_t code_len;
    struct record *data;
    u32 nsnippets;
    struct snippet *snippets;
};

struct gen_options {
    u64 seed;
    u32 nsnippets;
    u32 nunits;      /* of each snippet, at most GEN_MAX_UNITS */
    u32 faults;      /* of 1000 memory operands so many are bad; a snippet ends at the first */
    u32 exts;        /* bits 1 << enum rv_ext: instructions to use */
    u32 only;        /* if not 0, this enum rv_op only */
    const u16 *skip; /* instructions not to use, ended by 0; or NULL */
};

/* Everything but what waits, or cannot be the same twice. */
#define GEN_ALL_EXTS ((1u << RV_NEXTS) - 1)

/* Makes a program. False when there is no memory. gen_free when done. */
bool gen_image(struct image *out, const struct gen_options *o);
void gen_free(struct image *im);

/* Is the instruction among those that gen_image uses under these options? */
bool gen_uses(u32 op, const struct gen_options *o);

/* Overwrites a unit with instructions that do nothing, and a whole snippet with a jump over it. */
void gen_blank_unit(struct image *im, u32 snippet, u32 unit);
void gen_blank_snippet(struct image *im, u32 snippet);

/* Writes a static ELF executable of the program. 0 or -errno. */
int gen_write_elf(const struct image *im, const char *path) MUST_USE;
