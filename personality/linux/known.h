/* Where the C library's routines are that the translator does by itself. */
#pragma once

#include "personality/linux/lx.h"

struct lx_known;

/* Text of a file that the guest maps: is it a C library, and where are its routines? Gives a number for lx_vma.known,
 * or 0. The caller does not hold the map's lock. */
u32 lx_known_file(struct lx_mm *mm, const struct lx_abi *abi, int fd);
/* Which routine (enum guest_known) begins at offset `off` of file number `known`; 0: none. With the map's lock held. */
u32 lx_known_at(struct lx_mm *mm, u32 known, u64 off);
void lx_known_free(struct lx_mm *mm);
