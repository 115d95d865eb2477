/* Names of guest code, from the symbol tables of the files that are mapped. */
#pragma once

#include "personality/linux/lx.h"

/* Writes the function that guest address pc lies in, as NAME or NAME+0xOFFSET; false when no name is known. Reads the
 * file's symbols the first time. For one thread at a time; takes the map's lock. */
bool lx_symbol(struct lx_mm *mm, gva_t pc, char *buf, size_t cap);
