/* What runs a unit in a filetest. A tier is one of these. */
#pragma once

#include "translator/ir/ir.h"
#include "translator/vcpu.h"

struct filetest_tier {
    const char *name;
    bool folded; /* wants units as the builder makes them, and not as they are written */
    /* Runs u on v's state; v->exit is VCPU_NONE for every way to go on at v->pc. 0 or -errno. */
    int (*run)(const struct ir_unit *u, struct vcpu *v);
};

extern const struct filetest_tier tier_interp;   /* tier_interp.c */
extern const struct filetest_tier tier_baseline; /* tier_baseline.c */
