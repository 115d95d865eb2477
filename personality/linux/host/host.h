/* What the personality's core needs of the host's ISA besides the provider: one folder each, chosen by the build. */
#pragma once

#include <signal.h>

#include "lib/types.h"

/* A disposition as the host kernel keeps it, for all 64 signals (libc keeps two to itself). */
struct host_sigaction {
    void *handler; /* SIG_DFL, SIG_IGN or a three-argument function (with SA_SIGINFO) */
    u64 flags;
    u64 mask;
};

/* Sets (act not NULL) and gives (old not NULL). 0 or -errno. */
int host_sigaction(int sig, const struct host_sigaction *act, struct host_sigaction *old) MUST_USE;
