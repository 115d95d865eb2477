/* The crash report: what is written when Dragoman itself is broken, so that it can be told from a crash of the guest,
 * and mended. A guest's own end by a signal writes nothing. */
#pragma once

#include "personality/linux/lx.h"

/* From now on reports tell of this process: its program and argv as the guest has them. Keeps copies. */
void lx_crash_start(const struct lx_process *p, const char *program, char *const *argv);
