/* --strace: system calls and signals as strace prints them, a line each, on the engine's log.
 *
 * A line is built in one buffer and written at once, so lines of several threads and processes do not mix. What a call
 * reads is formatted before it is made, what it writes after. Guest memory is only ever read guarded. */
#pragma once

#include "lib/fmt.h"
#include "personality/linux/lx.h"

struct lx_call;

/* Names of constants, made from flags.tab. */
struct lx_name {
    u64 value;
    const char *name;
};
struct lx_set {
    const struct lx_name *v;
    u32 n;
    u64 mask; /* bits that are one value; the others are flags */
};
extern const struct lx_set lx_sets[];

/* A line under way. */
struct lx_strace {
    struct lx_strace *outer;
    const struct lx_call *call;
    u32 next; /* argument to be formatted next */
    struct strbuf text;
    char buf[2048];
};

/* Around a call; c is NULL for an unknown number. */
void lx_strace_enter(struct lx_thread *t, struct lx_strace *s, const struct lx_call *c);
void lx_strace_leave(struct lx_thread *t, struct lx_strace *s, s64 result);
/* The call under way will not come back (execve that is about to succeed): writes its line. */
void lx_strace_gone(struct lx_thread *t);

/* A signal is delivered; the thread's process ends by exit or by a signal. No-ops without --strace. */
void lx_strace_signal(const struct lx_thread *t, int sig, const siginfo_t *info);
void lx_strace_exit(const struct lx_thread *t, int code);
void lx_strace_killed(const struct lx_thread *t, int sig);

/* A line of the engine's own among them. */
void lx_strace_note(const struct lx_thread *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* Name of a signal ("SIGINT", "SIGRT_3"), of an errno ("ENOENT"). */
const char *lx_signal_name(int sig, char buf[16]);
const char *lx_errno_name(s64 err);
