/* Loading programs, and execve.
 *
 * A guest's execve replaces the host process by a fresh copy of ourselves, which is told by a memory file (its descriptor is an argument) what to
 * run: descriptor and guest path of the program, options, what the host kernel does not keep. Everything that can fail is checked before. */
#pragma once

#include "personality/linux/lx.h"

/* A program that was found and checked, not loaded yet. */
struct lx_program {
    int fd;                /* engine's range */
    char *path;            /* guest path of the file that is run (an interpreter of a script, for one) */
    char **argv;           /* NULL-terminated; of the heap */
    u32 argc;
    const struct lx_abi *abi;
};

/* Is this command line the start of a successor made by execve? */
bool lx_is_reexec(int argc, char **argv);
/* Then this runs it. Returns an exit status. */
int lx_reexec(int argc, char **argv);

/* Follows "#!" lines and checks the file. `argv` is the guest's, copied. 0 or -errno, with the reason in why (one line, no newline) for the user when
 * cap is not 0. */
int lx_program_open(struct lx_program *out, struct lx_process *p, int dirfd, const char *path, u32 flags, char *const *argv, char *why,
                    size_t cap) MUST_USE;
void lx_program_close(struct lx_program *prog);

/* Maps the program and its interpreter into t's empty address space, builds the stack, sets the registers. */
int lx_program_load(struct lx_thread *t, const struct lx_program *prog, char *const *envp, char *why, size_t cap) MUST_USE;

/* The auxiliary vector, as put on the stack. Bytes copied. */
size_t lx_auxv(struct lx_process *p, void *buf, size_t cap);
