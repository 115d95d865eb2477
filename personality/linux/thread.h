/* Guest threads: a host thread each, with a vCPU of its own. */
#pragma once

#include "personality/linux/lx.h"

/* Makes the object of a guest thread, not yet running and in no list, with signal state as a new thread has it (mask of
 * `from`, if given). */
int lx_thread_create(struct lx_thread **out, struct lx_process *p, const struct lx_thread *from) MUST_USE;
/* Frees it; it must not run. */
void lx_thread_free(struct lx_thread *t);
/* Into and out of its process's list; how many are left. */
void lx_thread_add(struct lx_thread *t);
u32 lx_thread_remove(struct lx_thread *t);

/* The host thread that calls becomes t's: sets tid and lx_self, gets ready for faults. Host signals must be blocked. */
int lx_thread_attach(struct lx_thread *t) MUST_USE;
/* What lx_self gives from now on. */
void lx_set_self(struct lx_thread *t);
/* The end of a thread that is not its process's first; frees t. The host thread then returns. */
void lx_thread_end(struct lx_thread *t);

/* What a clone asks for. */
struct lx_clone {
    u64 flags; /* CLONE_*, without the exit signal */
    u32 exit_signal;
    gva_t stack; /* stack pointer of the child, or 0 */
    gva_t parent_tid, child_tid, pidfd;
    u64 tls;
};
/* Writes the child's tid where the clone was told to; by the child. */
void lx_clone_tids(struct lx_thread *child, const struct lx_clone *c);
/* CLONE_THREAD. The new thread's tid or -errno. */
s64 lx_thread_clone(struct lx_thread *t, const struct lx_clone *c);

/* The end of a thread as other threads see it: robust futexes, clear_child_tid. Reads and writes guest memory. */
void lx_thread_leave_memory(struct lx_thread *t);

/* The process ends by t: makes the other threads that hold robust futexes stop and let go of them. lx_process.exiting
 * is set. */
void lx_threads_release_robust(struct lx_thread *t);
/* t stops for that, for ever. */
_Noreturn void lx_thread_park(struct lx_thread *t);
