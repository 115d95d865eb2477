/* Reading and mapping ELF files; for exec.c. */
#pragma once

#include <elf.h>

#include "personality/linux/exec.h"

/* A checked file. All of it that is used later has been copied out of the file. */
struct lx_elf {
    Elf64_Ehdr eh;
    Elf64_Phdr *ph; /* of the heap */
    u64 lo, hi;     /* page-aligned bounds of what is to be mapped, before relocation */
    u64 align;      /* the largest that a segment asks for */
    bool exec_stack;
    const struct lx_abi *abi;
    char interp[4096]; /* "" if none */
};

/* Reads and checks; as_interp: the file is a program's interpreter and must be for `abi`. 0, -ENOEXEC or another
 * -errno, with text in why. */
int lx_elf_read(struct lx_elf *e, int fd, const struct lx_abi *abi, char *why, size_t cap) MUST_USE;
void lx_elf_free(struct lx_elf *e);

/* Maps it, at `base` or, where that is 0, at its home (lx_mm_home), if there is room, or else anywhere (files of type
 * ET_EXEC: where they say). *bias is what was added to its addresses. */
int lx_elf_map(struct lx_thread *t, const struct lx_elf *e, int fd, gva_t base, u64 *bias, char *why,
               size_t cap) MUST_USE;

/* Exactly n bytes at `off` of a file: 0, -EIO when it is too short, -errno. */
int lx_file_read(int fd, void *dst, u64 n, u64 off) MUST_USE;
