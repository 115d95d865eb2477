/* Random units of IR that the verifier accepts, over all ops, and the guest that they are for. */
#pragma once

#include "translator/ir/ir.h"

struct rng {
    u64 state;
};
u64 rng_next(struct rng *r);
static inline u32 rng_below(struct rng *r, u32 n)
{
    return (u32)(rng_next(r) >> 33) % n;
}
static inline bool rng_chance(struct rng *r, u32 percent)
{
    return rng_below(r, 100) < percent;
}
/* A value with an interest in edges: small, large, powers of two, floating-point specials. */
u64 rng_value(struct rng *r);
/* Those edges. */
extern const u64 random_edges[];
extern const u32 random_nedges;

#define RANDOM_SLOTS      76
#define RANDOM_SLOT_BYTES 832
#define RANDOM_VMIX       4 /* the first of two helpers that take vectors; those before do not */
/* Fills `table` with slots of all types, ranked at random. */
void random_slots(struct rng *r, struct ir_slot table[RANDOM_SLOTS], struct ir_slots *slots);

extern const struct ir_helper random_helpers[];
extern const u32 random_nhelpers;

/* What kinds of things a unit may do, in percent or numbers. */
struct random_mix {
    u32 insns;      /* guest instructions, at most */
    u32 ops;        /* per instruction, at most */
    u32 bad;        /* accesses to where they fault */
    u32 exits;      /* side exits per instruction */
    u32 pressure;   /* instructions that make many values live at once */
    u32 fp, mem;    /* share of ops */
    u32 vec;        /* share of those that are vector ops */
    u32 guest;      /* instructions as a guest has them: slot = slot op slot or constant */
    u32 fresh;      /* operands that are read from slots anew */
    bool any_round; /* fp_round may be RMM, so no op uses IR_RDYN */
};

/* Makes u, whose arena, slots, helpers are set. False when memory ran out. */
bool random_unit(struct rng *r, const struct random_mix *mix, struct ir_unit *u);
