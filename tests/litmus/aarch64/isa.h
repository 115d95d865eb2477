/* What litmus.c needs to know of aarch64: scratch registers are x4 to x11, of which pairs take an even one and the
 * next, and vector registers 16 and 17. Tests whose names begin with LSE2 are about that feature. */
#pragma once

#include <sys/auxv.h>

#define is_possible(name) (strncmp(name, "LSE2", 4) || (getauxval(AT_HWCAP) & HWCAP_USCAT))

#define FIXED(text)    ".arch armv8.2-a+lse+rcpc\n" text
#define FIXED_CLOBBERS "cc", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "v16", "v17"
