/* Names of guest code, from the symbol tables of the files that are mapped. */
#pragma once

#include "personality/linux/lx.h"

/* Writes the function that guest address pc lies in, as NAME or NAME+0xOFFSET; false when no name is known. Reads the
 * file's symbols the first time. For one thread at a time; takes the map's lock. */
bool lx_symbol(struct lx_mm *mm, gva_t pc, char *buf, size_t cap);

/* Writes the name of the ELF file that guest address pc is mapped from, without its folders and with _ for what is no
 * letter, digit or one of +-._ in it. *addr: pc as the file itself counts addresses. False when it is no such file.
 * Rules as above. */
bool lx_symbol_file(struct lx_mm *mm, gva_t pc, u64 *addr, char *buf, size_t cap) MUST_USE;
