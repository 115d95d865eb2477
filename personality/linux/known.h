/* Where the C library's routines are that the translator does by itself. */
#pragma once

#include "personality/linux/lx.h"

struct lx_known;
struct lx_vma;

/* Text of a file that the guest maps, `len` bytes from offset `off`: may it have a C library in it? Gives a number for
 * lx_vma.known, or 0. The caller does not hold the map's lock. */
u32 lx_known_file(struct lx_mm *mm, const struct lx_abi *abi, int fd, u64 off, u64 len);
/* Which routine (enum guest_known) begins at pc, which lies in v, of a file with a number; 0: none. With the map's lock
 * held. */
u32 lx_known_at(struct lx_mm *mm, const struct lx_vma *v, gva_t pc);
void lx_known_free(struct lx_mm *mm);
