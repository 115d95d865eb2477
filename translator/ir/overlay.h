/* Guest memory as a unit would leave it, without touching it: what the interpreter stores is kept aside, in cells, and
 * what it loads it sees through them. For cosimulation (translator/engine/cosim.c).
 *
 * An access fails where the guarded one of the kernel interface (mk_load, mk_store) would, and mk_last_fault then tells
 * how. Memory is read when it is needed, so it must not change meanwhile. An overlay belongs to one thread at a time.
 * All zero is an empty one. */
#pragma once

#include "lib/types.h"

/* Eight aligned bytes. */
struct ir_cell {
    hva_t at;
    u64 now;   /* what was stored: the bytes of `mask` */
    u64 was;   /* what memory held when this cell was made: all that could be read of it */
    u64 found; /* for who uses this */
    gva_t pc;  /* of the guest instruction that stored last */
    u32 age;   /* that of the overlay, or the cell is free */
    u8 mask;   /* a bit for each byte */
};

struct ir_overlay {
    struct ir_cell *cell; /* hashed */
    u32 *used;            /* the cells in use, in the order in which they were made */
    u32 n, cap;           /* in use; of both arrays, a power of two */
    u32 age;
    hva_t tried; /* page that is known to be writable, plus 1 */
    bool full;   /* no memory, or IR_OVERLAY_MOST was reached: stores were lost, and nothing can be told any more */
};
#define IR_OVERLAY_MOST (1u << 18)

void ir_overlay_clear(struct ir_overlay *o);
void ir_overlay_free(struct ir_overlay *o);
int ir_overlay_load(struct ir_overlay *o, hva_t at, u32 size, void *out) MUST_USE;
/* pc: the guest instruction's. */
int ir_overlay_store(struct ir_overlay *o, hva_t at, u32 size, const void *in, gva_t pc) MUST_USE;
