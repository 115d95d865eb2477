/* What sanitizers must be told, where there is none: see ../on. */
#pragma once

#include "lib/types.h"

struct sanitize_stack {
    u8 unused;
};

#define sanitize_clone clone

static inline void sanitize_reads_begin(void)
{
}
static inline void sanitize_reads_end(void)
{
}
static inline void sanitize_leave(struct sanitize_stack *s, const void *bottom, size_t size)
{
}
static inline void sanitize_enter(struct sanitize_stack *s)
{
}
static inline void sanitize_return(struct sanitize_stack *s, const void *bottom, size_t size)
{
}
