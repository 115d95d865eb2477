/* Runs a program of gen.h on one of our vCPUs, with nothing around it. */
#pragma once

#include "tests/guest/gen.h"

enum run_tier {
    RUN_IR,     /* translate and interpret, without the engine */
    RUN_STEP,   /* the same, an instruction at a time */
    RUN_INTERP, /* the engine's tiers */
    RUN_BASELINE,
    RUN_OPTIMISED, /* every second turn is a region's */
};

/* Runs im until it makes a system call (a snippet that faults is left where it faulted) and puts its records as they
 * then are into out. 0, or -1 with *why (static or in a static buffer) when it ended otherwise. */
int run_image(enum run_tier tier, const struct image *im, u8 *out, const char **why);
