/* What the hosted kernel offers to those who know that they are on Linux: the personality, the command, tests.
 *
 * The core does not include this. */
#pragma once

#include <signal.h>

#include "lib/types.h"

struct mk_fault;

/* The hosted kernel owns the handlers of SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP. When such a signal was not
 * raised by an instruction but sent (kill, tgkill, sigqueue, a timer), it is given to fn instead of being taken for a
 * fault. fn runs on the thread's signal stack with the other signals blocked. Without one, the process ends by the
 * signal. */
void mk_hosted_foreign_signal(void (*fn)(int sig, siginfo_t *si, void *uc));

/* Makes the five signals the kernel's again, after something else (a test framework) has installed its own handlers.
 * -errno. */
int mk_hosted_take_signals(void) MUST_USE;

/* Does host pc lie in a routine of the guarded accesses? A signal handler that changes the interrupted context must let
 * these finish first. Async-signal-safe. */
bool mk_hosted_pc_guarded(hva_t pc);

/* Is that the number of a timer of this process that serves mk_tick? */
bool mk_hosted_is_tick(int number);

/* What adds to the crash report when the engine is broken, after the line that says what happened: called once, on the
 * thread concerned, with the fault or, for a panic, NULL. Async-signal-safe code only; should it fault itself, the
 * process ends there. */
void mk_hosted_crash_report(void (*fn)(const struct mk_fault *f));

/* Where mk_console writes, from now on; standard error at start. The descriptor stays the caller's. */
void mk_hosted_console_fd(int fd);

/* For tests: the nth mk_pages_alloc from now on fails with -ENOMEM (1: the next one; 0: none), those after it work
 * again. */
void mk_hosted_fail_alloc(u32 nth);
