/* What sanitizers must be told. Both AddressSanitizer and ThreadSanitizer: when a stack of our own is used, which for
 * the latter is a thread of its own (its record of calls would grow with each child that does not return from there).
 * ThreadSanitizer: when a read may meet a write; and that a child in our memory is no fork. Which of the functions
 * exist depends on the sanitizer. Builds without one have ../off. */
#pragma once

#include "lib/types.h"

void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom_old, size_t *size_old) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *p, size_t size) __attribute__((weak));

void *__tsan_get_current_fiber(void) __attribute__((weak));
void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
void __tsan_destroy_fiber(void *fiber) __attribute__((weak));
void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));

void AnnotateIgnoreReadsBegin(const char *file, int line) __attribute__((weak));
void AnnotateIgnoreReadsEnd(const char *file, int line) __attribute__((weak));

/* Between the two, what this thread reads is not looked at: it does not matter what it finds. */
static inline void sanitize_reads_begin(void)
{
    if (AnnotateIgnoreReadsBegin)
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
}
static inline void sanitize_reads_end(void)
{
    if (AnnotateIgnoreReadsEnd)
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

/* The stack that was left, to come back to. */
struct sanitize_stack {
    void *save;
    const void *bottom;
    size_t size;
    void *thread, *child; /* ThreadSanitizer's */
};

/* clone by its other name, where the C library has one: ThreadSanitizer puts itself before the usual one, takes every
 * child for a fork, and from then on neither looks at the parent nor lets it make threads. */
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...) __attribute__((weak));
#define sanitize_clone (__clone ? __clone : clone)

/* On the old stack, before the switch to [bottom, bottom + size). */
static inline void sanitize_leave(struct sanitize_stack *s, const void *bottom, size_t size)
{
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(bottom, size);
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&s->save, bottom, size);
    if (__tsan_create_fiber && __tsan_get_current_fiber && __tsan_switch_to_fiber) {
        s->thread = __tsan_get_current_fiber();
        s->child = __tsan_create_fiber(0);
        __tsan_switch_to_fiber(s->child, 0);
    }
}
/* On the new stack, first thing. */
static inline void sanitize_enter(struct sanitize_stack *s)
{
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(NULL, &s->bottom, &s->size);
}
/* On the old stack, when whoever ran on the new one is gone; what its frames left there must not be held against the
 * memory's next owner. */
static inline void sanitize_return(struct sanitize_stack *s, const void *bottom, size_t size)
{
    if (s->child && __tsan_switch_to_fiber && __tsan_destroy_fiber) {
        __tsan_switch_to_fiber(s->thread, 0);
        __tsan_destroy_fiber(s->child);
    }
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(bottom, size);
    if (!__sanitizer_start_switch_fiber || !__sanitizer_finish_switch_fiber)
        return;
    __sanitizer_start_switch_fiber(NULL, s->bottom, s->size);
    __sanitizer_finish_switch_fiber(s->save, NULL, NULL);
}
