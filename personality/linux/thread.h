/* Guest threads: a host thread each, with a vCPU of its own. */
#pragma once

#include "personality/linux/lx.h"

/* Makes the object of a guest thread, not yet running and in no list, with signal state as a new thread has it (mask of `from`, if given). */
int lx_thread_create(struct lx_thread **out, struct lx_process *p, const struct lx_thread *from) MUST_USE;
/* Frees it; it must not run. */
void lx_thread_free(struct lx_thread *t);
/* Into and out of its process's list. */
void lx_thread_add(struct lx_thread *t);
void lx_thread_remove(struct lx_thread *t);

/* The host thread that calls becomes t's: sets lx_self, tid, the host's mask. Host signals must be blocked. */
int lx_thread_attach(struct lx_thread *t) MUST_USE;

/* What a clone asks for. */
struct lx_clone {
    u64 flags;       /* CLONE_*, without the exit signal */
    u32 exit_signal;
    gva_t stack;     /* stack pointer of the child, or 0 */
    gva_t parent_tid, child_tid, pidfd;
    u64 tls;
};
/* CLONE_THREAD. The new thread's tid or -errno. */
s64 lx_thread_clone(struct lx_thread *t, const struct lx_clone *c);

/* The end of a thread as other threads see it: robust futexes, clear_child_tid. Reads and writes guest memory. */
void lx_thread_leave_memory(struct lx_thread *t);
