/* What AddressSanitizer must be told when a stack of our own is used. The functions exist in such builds only. */
#pragma once

#include "lib/types.h"

void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom_old, size_t *size_old) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *p, size_t size) __attribute__((weak));

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
