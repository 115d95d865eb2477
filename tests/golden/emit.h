/* What emit.c needs to know of a backend beyond its contract; one file per host in <isa>/. */
#pragma once

#include "lib/types.h"

/* Sets which optional features code selection may use, whatever this machine can do: the code is not run. */
void golden_features(u64 features);
/* The i-th entry or constant of the common code by name, and where it is; NULL after the last. */
const char *golden_common(const void *common, u32 i, u32 *off);
/* The i-th field of a vCPU that moves when something is added before it, and its offset in emitted code; NULL after the
 * last. */
const char *golden_field(u32 i, u32 *off);
