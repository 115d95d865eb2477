/* Running a program from its first instruction to its last. */
#pragma once

#include "personality/linux/gdb.h"
#include "personality/linux/lx.h"

/* Runs `program` with argv and envp (NULL-terminated) under the Linux personality. Returns the exit status of the
 * guest, or after one line on standard error 125 (our own error), 126 (cannot execute) or 127 (not found). */
int lx_start(const struct lx_options *opt, const char *program, char **argv, char **envp);

/* What execve hands to its successor besides options, arguments and environment. */
struct lx_inherited {
    int prog_fd;
    int self_fd; /* our own executable */
    const char *execfn;
    u64 ignored_sync;
    u64 sigmask; /* the host process comes with all signals blocked */
    const struct lx_limits *limits;
    struct lx_gdb_handover gdb;
    u64 nofile; /* the soft limit that the guest has; the host process comes with a higher one (fd.h) */
};
int lx_resume(const struct lx_options *opt, const struct lx_inherited *in, char **argv, char **envp);
