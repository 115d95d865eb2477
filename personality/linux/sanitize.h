/* What sanitizers must be told: AddressSanitizer, when a stack of our own is used; ThreadSanitizer, when a read may
 * meet a write. The functions exist in such builds only. */
#pragma once

#include "lib/types.h"

void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom_old, size_t *size_old) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *p, size_t size) __attribute__((weak));

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
};

/* On the old stack, before the switch to [bottom, bottom + size). */
static inline void sanitize_leave(struct sanitize_stack *s, const void *bottom, size_t size)
{
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(bottom, size);
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&s->save, bottom, size);
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
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(bottom, size);
    if (!__sanitizer_start_switch_fiber || !__sanitizer_finish_switch_fiber)
        return;
    __sanitizer_start_switch_fiber(NULL, s->bottom, s->size);
    __sanitizer_finish_switch_fiber(s->save, NULL, NULL);
}
