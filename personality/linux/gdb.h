/* The gdb stub: `--gdb PORT`.
 *
 * gdb sees the guest program: its threads, registers, memory, signals. The stub is one host thread that owns the
 * socket; guest threads stop by parking in calls of this header. All-stop: while gdb looks, no guest thread runs guest
 * code.
 *
 * Nothing of this is for vfork children, which share the stub's memory and are not gdb's: lx_gdb_run and lx_gdb_signal
 * see to that themselves. */
#pragma once

#include "personality/linux/lx.h"

/* What gdb must know of a guest ISA's registers; one a frontend ABI (abi/<isa>_gdb.c). Numbers are gdb's, in the order
 * of the description. */
struct lx_gdb_regs {
    const char *description; /* the XML that gdb asks for */
    u32 n;
    u32 (*read)(struct vcpu *v, u32 reg, u8 *out); /* bytes written (at most 16); 0: no such register */
    bool (*write)(struct vcpu *v, u32 reg, const u8 *in, u32 len);
};
extern const struct lx_gdb_regs lx_gdb_regs_riscv64;
extern const struct lx_gdb_regs lx_gdb_regs_aarch64;

/* A connection that goes over to the successor of an execve. */
struct lx_gdb_handover {
    int fd; /* -1: none */
    bool ack;
    u64 pass;
};

/* Listens on loopback (port -1: any that is free) and waits for gdb; the guest starts stopped before its first
 * instruction. By the first thread, before it runs, with all host signals blocked. 0 or -errno. */
int lx_gdb_start(struct lx_process *p, int port) MUST_USE;
/* The same with the connection that an execve has left; closes fd on failure. */
int lx_gdb_adopt(struct lx_process *p, const struct lx_gdb_handover *h) MUST_USE;

/* Is a gdb attached? Cheap. */
bool lx_gdb_on(void);
/* Was one, ever, in this process image? */
bool lx_gdb_used(void);
/* Does gdb want to hear of this signal though the guest leaves it to its default action? Then the host's disposition is
 * not the default (lx_signal_mirror). */
bool lx_gdb_wants(int sig);

/* vcpu_run under gdb's eyes: parks while gdb has the guest stopped, steps when asked to, reports breakpoints and
 * watchpoints, and returns as vcpu_run would, never with IR_TRAP_STOP. The run loop calls it in place of vcpu_run when
 * lx_gdb_on. */
enum vcpu_exit lx_gdb_run(struct lx_thread *t);

/* The system call under way has given `result`, which is not yet in the registers: parks while gdb looks, so that
 * registers stay as gdb saw them. Returns what to go on with: `result`, or LX_NO_RESULT when gdb has sent the thread
 * elsewhere. */
s64 lx_gdb_call_done(struct lx_thread *t, s64 result);

/* The thread is about to be given signal info->si_signo (guest number). Stops all threads and waits for gdb's decision:
 * the signal to go on with, or 0 for none. forced: the thread's instruction raised it, and will again when the answer
 * is 0. */
int lx_gdb_signal(struct lx_thread *t, const siginfo_t *info, bool forced);

/* In the child of a fork: gdb stays with the parent. */
void lx_gdb_forked(struct lx_process *p);

/* A thread ends. */
void lx_gdb_thread_exit(struct lx_thread *t);
/* The process ends by exit(code), or by signal sig when it is not 0: returns when gdb was told. */
void lx_gdb_exit(int code, int sig);
/* The process ends by another thread's doing: waits for that. */
_Noreturn void lx_gdb_wait_for_end(void);
/* The process is about to be replaced by execve: stops when gdb wants that, and fills *h. */
void lx_gdb_exec(struct lx_thread *t, struct lx_gdb_handover *h);

/* engine_ops.stop_at */
bool lx_gdb_stop_at(void *cx, gva_t pc);
