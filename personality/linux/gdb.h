/* The gdb stub: `--gdb PORT`.
 *
 * gdb sees the guest program: its threads, registers, memory, signals. The stub is one host thread that owns the
 * socket; guest threads stop by parking in lx_gdb_point. All-stop: while gdb looks, no guest thread runs guest code. */
#pragma once

#include "personality/linux/lx.h"

/* What gdb must know of a guest ISA's registers; one a frontend ABI (abi/<isa>_gdb.c). Numbers are gdb's, in the order
 * of the description. */
struct lx_gdb_regs {
    const char *description; /* the XML that gdb asks for */
    u32 n;
    u32 (*read)(const struct vcpu *v, u32 reg, u8 *out); /* bytes written (at most 16); 0: no such register */
    bool (*write)(struct vcpu *v, u32 reg, const u8 *in, u32 len);
};
extern const struct lx_gdb_regs lx_gdb_regs_riscv64;

/* Listens on loopback and waits for gdb; the guest starts stopped before its first instruction. 0 or -errno. */
int lx_gdb_start(struct lx_process *p, int port) MUST_USE;

/* Is a gdb attached (or was one)? Cheap. */
bool lx_gdb_on(void);

/* vcpu_run under gdb's eyes: parks while gdb has the guest stopped, steps when asked to, reports breakpoints and
 * watchpoints, and returns as vcpu_run would, never with IR_TRAP_STOP. The run loop calls it in place of vcpu_run when
 * lx_gdb_on. */
enum vcpu_exit lx_gdb_run(struct lx_thread *t);

/* The thread is about to be given signal `sig` (guest number), or met a breakpoint instruction (SIGTRAP). Stops all
 * threads and waits for gdb's decision: the signal to go on with, or 0 for none. */
int lx_gdb_signal(struct lx_thread *t, int sig);

/* In the child of a fork: gdb stays with the parent. */
void lx_gdb_forked(struct lx_process *p);

/* A thread ends; the process ends (code, or signal when sig != 0). */
void lx_gdb_thread_exit(struct lx_thread *t);
void lx_gdb_exit(int code, int sig);

/* engine_ops.stop_at */
bool lx_gdb_stop_at(void *cx, gva_t pc);
