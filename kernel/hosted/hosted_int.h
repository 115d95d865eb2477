/* What the files of the hosted kernel share. */
#pragma once

#include <signal.h>

#include "mk/mk.h"

/* Notes a fault of a guarded access, for mk_last_fault. Async-signal-safe. */
void hosted_guard_note(const struct mk_fault *f);

/* Has the crash report written, unless one is being written already; f is NULL for a panic. Async-signal-safe. */
void hosted_report(const struct mk_fault *f);

/* Is that signal a tick of this thread's (tick.c)? Then it was looked after. Async-signal-safe. */
bool hosted_tick(int sig, const siginfo_t *si, const void *uc);

/* Sends sig to the calling thread. Asks the kernel who that is: what libc remembers is wrong in some children. */
void hosted_raise(int sig);
