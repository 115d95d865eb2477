/* Assertions: what can only be a bug of ours.
 *
 * dgm_assert(cond, "text", args...) ends everything through mk_panic with file, line, condition and text. It stays
 * in release builds: a wrong translation that goes on is worse than a stop. Nothing that a guest can cause may
 * reach one; that is data, and is returned. */
#pragma once

#include "lib/types.h"

_Noreturn void dgm_assert_fail(const char *file, int line, const char *cond, const char *text, ...) PRINTF_LIKE(4, 5);

#define dgm_assert(cond, ...) (LIKELY(cond) ? (void)0 : dgm_assert_fail(__FILE__, __LINE__, #cond, __VA_ARGS__))
