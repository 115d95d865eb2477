/* The gdb stub: `--gdb PORT`.
 *
 * gdb sees the guest program: its threads, registers, memory, signals. The stub is one host thread that owns the socket; guest
 * threads stop by parking in lx_gdb_point. All-stop: while gdb looks, no guest thread runs guest code. */
#pragma once

#include "personality/linux/lx.h"

/* Listens on loopback and waits for gdb; the guest starts stopped before its first instruction. 0 or -errno. */
int lx_gdb_start(struct lx_process *p, int port) MUST_USE;

/* Is a gdb attached (or was one)? Cheap. */
bool lx_gdb_on(void);

/* Called by a guest thread outside translated code, before it enters it: parks while gdb has the guest stopped. When gdb wants this
 * thread stepped, runs that step and stops again. Returns when the thread may run. */
void lx_gdb_point(struct lx_thread *t);

/* The thread met a breakpoint, a step's end or a trap instruction (sig SIGTRAP), or is about to be given `sig` (signal or fault). Stops all
 * and waits for gdb's decision: the signal to deliver, or 0 for none. */
int lx_gdb_stop(struct lx_thread *t, int sig);

/* A thread ends; the process ends (code, or signal when sig != 0). */
void lx_gdb_thread_exit(struct lx_thread *t);
void lx_gdb_exit(int code, int sig);

/* engine_ops.stop_at */
bool lx_gdb_stop_at(void *cx, gva_t pc);
