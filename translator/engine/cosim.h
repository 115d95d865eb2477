/* Cosimulation's own structures; cosim.c and cosim_report.c share them. */
#pragma once

#include "lib/map.h"
#include "translator/engine/engine_int.h"
#include "translator/ir/ir_build.h"
#include "translator/ir/overlay.h"

/* A unit of guest code as the frontend makes it, with every technique left out. */
struct cosim_plain {
    struct cosim_plain *next;
    struct ir_unit *u;
};

/* What is kept of a block, in the epoch's arena. */
struct cosim_note {
    const struct block *b;
    struct ir_unit *given; /* what was compiled */
    const u8 *bytes;       /* what it was made from, extent after extent */
    struct cosim_plain *plain;
    bool varies; /* it reads a clock: cannot be run twice */
};

struct cosim {
    struct mk_lock
        lock;         /* held by whoever makes, checks and runs a translation, or flushes; taken before the engine's */
    struct map notes; /* by where a translation is in the code cache */
    /* Only their state counts. */
    struct vcpu *before, *given, *plain, *again, *after;
    struct ir_overlay given_mem, plain_mem;
    gva_t writer[IR_MAX_SLOTS]; /* who put to each slot last, in `plain` */
    u64 insns;                  /* how many guest instructions it took */
    bool told;                  /* something differed, and was told: nothing is checked any more */
};

enum cosim_result {
    COSIM_SAME,
    COSIM_DIFFERS,
    COSIM_UNTOLD, /* was run, but could not be checked */
    COSIM_FAILED  /* was not run */
};

/* Runs what c->before says by `note` and by `code`, which leaves v in the state that it comes to. */
enum cosim_result cosim_check(struct engine *e, struct vcpu *v, struct cosim_note *note, const void *code);
/* Memory that the last check wrote becomes what it was. */
void cosim_undo(const struct cosim *c);
/* Copies the guest's state, and where it is. */
void cosim_copy(const struct engine *e, struct vcpu *to, const struct vcpu *from);
/* Does it mean that the guest goes on at pc? */
bool cosim_goes_on(const struct vcpu *v);
/* Left in the same way, and in the same state? x may be neither c->given nor c->again. */
bool cosim_same_state(struct engine *e, const struct ir_unit *u, const struct vcpu *x, const struct vcpu *want);
/* Do these sticky flags differ, as far as the unit says that they count? */
u32 cosim_flags_differ(const struct ir_unit *u, const struct vcpu *x, const struct vcpu *y);
/* Slots of both in the form in which they can be compared. */
void cosim_settle(const struct engine *e, struct vcpu *x, struct vcpu *y);
/* The bytes of memory that differ from what the cell should hold, as bits 0 to 7; *found: what is there. */
u32 cosim_cell_differs(const struct ir_cell *cell, u64 *found);
/* A note about block b, not entered anywhere; code: its guest code, or NULL: as memory has it now. With the engine's
 * lock held. NULL: no memory. */
struct cosim_note *cosim_note_make(struct engine *e, const struct block *b, const struct ir_unit *u, const u8 *code);
/* Copies guest code from pc on out of what the note keeps; how many bytes there are, up to cap. */
size_t cosim_fetch(const struct cosim_note *note, gva_t pc, u8 *buf, size_t cap);

/* cosim_report.c: says what differs after a check of `note`, and which pass makes it so. */
void cosim_report(struct engine *e, struct vcpu *v, struct cosim_note *note);
