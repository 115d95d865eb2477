/* What the unit tests of lib/ and mk/ share: cmocka with what it wants included first, and random numbers. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/hosted/hosted.h"
#include "lib/hash.h"
#include "lib/types.h"

/* ThreadSanitizer gives up on some of what the tests do. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN 1
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* The same sequence for the same start. */
static inline u64 rnd(u64 *state)
{
    return hash_u64(*state += 0x9e3779b97f4a7c15ull);
}
/* Below n. */
static inline u64 rnd_below(u64 *state, u64 n)
{
    return rnd(state) % n;
}

/* cmocka puts handlers of its own on the signals that faults are, before each test. A test that means to fault is
 * defined with FAULT_TEST(name) { body }, which takes them back first. */
#define FAULT_TEST(name)                                                                                               \
    static void name##_body(void **state);                                                                             \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        assert_int_equal(mk_hosted_take_signals(), 0);                                                                 \
        name##_body(state);                                                                                            \
    }                                                                                                                  \
    static void name##_body(void **state)
