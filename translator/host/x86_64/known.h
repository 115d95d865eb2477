/* The routines of op `known` (known.S), as C sees them. */
#pragma once

#define KNOWN_SAVE (-208) /* vcpu.scratch[0] from rbp */

#ifndef __ASSEMBLER__
#include "lib/types.h"

/* By enum ir_known: for any CPU, and for one with AVX2. Not for C to call. */
extern const void *const known_sse2[];
extern const void *const known_avx2[];
/* Their code. */
extern const u8 known_begin[], known_end[];
#endif
