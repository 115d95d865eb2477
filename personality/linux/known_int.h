/* Finding library routines in a file: private to known.c and known_static.c. */
#pragma once

#include <elf.h>

#include "personality/linux/lx.h"

#define KNOWN_MAX 96 /* routines of a file */

struct known_routines {
    u32 n;
    struct {
        u32 off, known;
    } at[KNOWN_MAX];
};

/* A file being read: by descriptor, or, where that is -1, in guest memory that it is mapped to. */
struct known_reader {
    int fd;
    hva_t base;   /* of its beginning, were it mapped so far */
    u64 from, to; /* offsets that are mapped */
    u64 size;
    const struct lx_abi *abi;
    u8 head[4096]; /* its beginning: headers */
    Elf64_Ehdr eh;
    const Elf64_Phdr *ph;
    u32 nph;
    /* of .dynamic: file offsets; soname: of the name in names */
    u64 hash, symbols, names, names_size, soname;
    bool pie;
    u8 *tables; /* file contents from `lo` on */
    u64 lo, len;
    struct known_routines *out;
    u32 known; /* the routine that is being looked up */
};

/* n bytes at file offset off. */
bool known_get(const struct known_reader *r, void *to, u64 n, u64 off);
/* The file offset of what lies at addr, and how much of the segment follows; false when nothing does. */
bool known_offset(const struct known_reader *r, u64 addr, bool code, u64 *off, u64 *room);
/* The code at addr is that of r->known. */
void known_add(struct known_reader *r, u64 addr);
/* Calls `each` for every address that the function s computes. */
void known_resolved(const struct known_reader *r, const Elf64_Sym *s, void (*each)(void *cx, u64 addr), void *cx);

/* Finds the routines of a program that is linked statically. */
void known_find_static(struct known_reader *r);
