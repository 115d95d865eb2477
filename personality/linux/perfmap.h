/* /tmp/perf-PID.map (--perf-map): by it perf names what it finds in translated code. */
#pragma once

#include "personality/linux/lx.h"

/* Begins the file of this process; children of fork begin their own. Once. */
void lx_perf_start(struct lx_process *p);
/* engine_config.made; cx is the lx_mm. */
void lx_perf_made(void *cx, hva_t code, size_t size, gva_t pc);
