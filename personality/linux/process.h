/* Guest processes: fork, vfork, clone, clone3, exit, and what a process owns. */
#pragma once

#include "personality/linux/lx.h"

/* Runs t until it ends, on the host thread that it is attached to; run.c. */
void lx_run(struct lx_thread *t);

/* The guest process is about to end, by exit (code) or by a signal: tells gdb, prints --stats, lets go of robust
 * futexes. */
void lx_process_end(struct lx_thread *t, int code, int sig);

/* Ends the whole process with this exit status (0..255). */
_Noreturn void lx_process_exit(struct lx_thread *t, int code);

/* Does the process have one thread, and its memory for itself? What its only thread asks stays so. */
bool lx_process_alone(struct lx_process *p);

/* Functions to be called around every fork of the host process, so that locks are right in the child: `before` in the
 * order of registration, `parent` and `child` in the reverse order. At most 8; register before threads start. */
void lx_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void));
