/* Random programs that end, for differential tests of any guest ISA.
 *
 * A program (struct image) is a memory image: code and data at fixed guest addresses. It runs many snippets one
 * after the other and ends with write(1, data) and exit(0). A snippet is straight-line code with forward jumps. It has
 * a record of its own in the data: its code loads all registers from there, runs, and stores them back. So the
 * data after the run says everything about every snippet, and what ran it does not matter: the same image can be
 * an ELF file for another emulator, and the memory of one of our vCPUs.
 *
 * The whole may be run several times, each round with records of its own: translating costs more than running does.
 * A snippet may go round itself, each turn with what the one before left in the registers.
 *
 * One register of each snippet, its base, keeps pointing into the record; no instruction of the snippet writes
 * it. Memory operands lie in the record's sandbox.
 *
 * What is the ISA's own stands in struct gen_isa; an executable is linked with one. */
#pragma once

#include "lib/types.h"

struct guest_isa;
struct vcpu;

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

/* An integer: special, small, or any. */
u64 random_int(struct rng *r);

/* Bits of a number of `exp_bits` and `frac_bits`: specials, near specials, and the rest. */
u64 random_float(struct rng *r, u32 exp_bits, u32 frac_bits);

#define GEN_CODE  0x00100000ull
#define GEN_DATA  0x20000000ull
#define GEN_ROUND (GEN_DATA - 4096) /* mapped, too: 8 bytes, the address of this round's first record */
#define GEN_HOLE  0x60000000ull     /* never mapped; but a page before it is, when one of our vCPUs runs it */

/* What a record begins with. */
struct record_head {
    u64 fault_pc; /* 0, or where the snippet faulted; its run ends there */
    u64 fault_addr;
    u64 fault_kind; /* vcpu_fault's kind and access << 8 */
    u64 turns;      /* left of image.turns */
};

#define GEN_MAX_UNITS 64

/* One step of a snippet: an instruction with those that prepare its operands. Jumps lead from unit to unit. */
struct gen_unit {
    u32 offset; /* in the image's code */
    u16 len;    /* bytes */
    u16 op;     /* that it is about */
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
    u8 *data; /* records of gen_isa.record_size bytes: nrounds times nsnippets */
    u32 nsnippets, nrounds, turns;
    bool shared; /* run as if others saw its memory; every other seed */
    u64 off;     /* passes of the translator that are left out */
    struct snippet *snippets;
};

/* Instructions that are left out; lists of them end with op 0. */
struct gen_skip {
    u16 op;
    u16 until; /* QEMU's: the major version from which on it is right, or 0 */
    const char *why;
};

struct gen_options {
    u64 seed;
    u32 nsnippets;
    u32 nrounds; /* at least 1; 1 where the ISA has no `again` */
    u32 turns;   /* of each snippet, at least 1 */
    u32 nunits;  /* of each snippet, at most GEN_MAX_UNITS */
    u32 faults;  /* of 1000 memory operands so many are bad; a snippet ends at the first */
    u64 exts;    /* bits 1 << extension: instructions to use */
    u32 only;    /* if not 0, this instruction only */
    u32 qemu;    /* if not 0, its major version: what it gets wrong is left out */
    u64 off;     /* image.off */
};

/* A program in the making. */
struct gen {
    struct image *im;
    size_t cap;
    bool failed;
    struct rng r;
    const struct gen_options *o;
    struct snippet *s;
    u32 index;    /* of s */
    u32 fix_at;   /* offset of the jump that waits for its destination */
    u32 fix_base; /* offset of the instruction that makes its address, or 0 */
    u32 fix_left; /* units until then; 0: none waits */
    u32 reserved; /* ISA's own: of the snippet's load-reserveds so far; and, with turns, store-conditionals */
};

struct gen_isa {
    const struct guest_isa *guest;
    const char *qemu, *const *qemu_options; /* program; options, ended by NULL */
    u64 qemu_exts;                          /* extensions that it has */
    const struct gen_skip *qemu_skip;       /* instructions that it gets wrong */
    const struct gen_skip *never;           /* that have no place in a snippet */
    u16 elf_machine;
    u32 elf_flags;

    u32 nops, nexts; /* instructions are 1 .. nops - 1 */
    const char *(*op_name)(u32 op);
    u32 (*op_ext)(u32 op);
    const char *(*ext_name)(u32 ext);

    size_t record_size; /* a multiple of 64 */
    void (*random_record)(struct rng *r, void *record);
    void (*begin)(struct gen *g);            /* chooses the base; code that loads the registers */
    bool (*unit)(struct gen *g, u32 op);     /* a random instruction op; false: not this time */
    void (*land)(struct gen *g);             /* the jump that waits leads here */
    void (*turn)(struct gen *g, u32 to);     /* takes one from the record's turns: back to offset `to` if any is left */
    void (*end)(struct gen *g);              /* code that stores the registers */
    void (*again)(struct gen *g, u64 size);  /* the next round, `size` bytes on, from the code's begin; or NULL */
    void (*finish)(struct gen *g, u64 size); /* write(1, data, size), exit(0) */
    void (*blank)(u8 *code, u32 len);        /* fills with nops */
    void (*jump)(u8 *code, s32 offset);      /* puts a jump there */
    bool (*names)(const u8 *code, bool reg[32]); /* notes the numbers of registers; false: nothing to print (a nop) */

    bool (*wrote)(const struct vcpu *v);                  /* is it at its system call write? */
    void (*save)(struct vcpu *v, u32 base, void *record); /* registers as end()'s code stores them */
    /* Prints where a and b differ; of registers that are named what they were before. */
    void (*show)(const void *before, const void *a, const void *b, const bool named[32]);
};
extern const struct gen_isa gen_isa;

static inline u32 gen_nrecords(const struct image *im)
{
    return im->nsnippets * im->nrounds;
}

/* Record n; snippet n % nsnippets works on it. */
static inline struct record_head *gen_record(const struct image *im, u32 n)
{
    return (struct record_head *)(im->data + n * gen_isa.record_size);
}

/* Everything. */
#define GEN_ALL_EXTS (~0ull)

/* Makes a program. False when there is no memory. gen_free when done. */
bool gen_image(struct image *out, const struct gen_options *o);
void gen_free(struct image *im);

/* Appends `len` bytes of w to the code. */
void gen_bytes(struct gen *g, u32 w, u32 len);

/* Why gen_image does not use the instruction under these options, or NULL when it does. */
const char *gen_skips(u32 op, const struct gen_options *o);

/* Overwrites a unit with instructions that do nothing, and a whole snippet with a jump over it. */
void gen_blank_unit(struct image *im, u32 snippet, u32 unit);
void gen_blank_snippet(struct image *im, u32 snippet);

/* Writes a static ELF executable of the program. 0 or -errno. */
int gen_write_elf(const struct image *im, const char *path) MUST_USE;
