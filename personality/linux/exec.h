/* Loading programs, and execve.
 *
 * A guest's execve replaces the host process by a fresh copy of ourselves, which is told by a memory file what to run:
 * descriptor of the program, options, environment, what the host kernel does not keep. Everything that can fail is
 * checked before. */
#pragma once

#include "personality/linux/lx.h"

/* A program that was found and checked, not loaded yet. */
struct lx_program {
    int fd;        /* open for reading, close-on-exec */
    int interp_fd; /* its interpreter, likewise, or -1: not opened yet, or none */
    bool script;   /* it is the interpreter of one */
    char **argv;   /* NULL-terminated, as the program gets it; with its strings in `mem` */
    u32 argc;
    char execfn[4096]; /* the path as it was given (AT_EXECFN) */
    const struct lx_abi *abi;
    void *mem; /* pages */
    size_t mem_size;
};

/* Is this command line the start of a successor made by execve? */
bool lx_is_reexec(int argc, char **argv);
/* Then this runs it. Returns an exit status. */
int lx_reexec(int argc, char **argv);

/* Finds the file, follows "#!" lines and checks what is found, its interpreter included. argv is copied. 0 or -errno
 * with the reason in why (no newline); prog needs lx_program_close after success only. */
int lx_program_open(struct lx_program *prog, struct lx_process *p, int dirfd, const char *path, u32 flags,
                    char *const *argv, char *why, size_t cap) MUST_USE;
void lx_program_close(struct lx_program *prog);

/* The guest path of the process's program, as /proc/self/exe shows it at this moment; "" if there is none. In buf, of
 * LX_PATH_MAX bytes, which it gives back. */
const char *lx_program_name(const struct lx_process *p, char *buf);
/* The name stays as it is now: before the process takes another root, from which the file may not be reached. */
void lx_program_name_stays(struct lx_process *p);

/* Maps the program and its interpreter into t's empty address space, builds the stack, sets the registers; exe_fd too
 * (prog->fd is taken over). */
int lx_program_load(struct lx_thread *t, struct lx_program *prog, char *const *envp, char *why, size_t cap) MUST_USE;

/* The auxiliary vector, as put on the stack. Bytes copied. */
size_t lx_auxv(struct lx_process *p, void *buf, size_t cap);
