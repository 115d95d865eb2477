/* The core's general allocator, for what lives long and is freed one by one.
 *
 * All functions may be called from any thread, but not from a fault upcall or a signal handler. NULL means
 * that there is no memory; nothing has changed then. Blocks are aligned to 16 bytes. */
#pragma once

#include "lib/types.h"

/* size 0 gives a block too. The contents are undefined. */
void *heap_alloc(size_t size) MUST_USE;
/* n * size zeroed bytes; NULL also when the product overflows. */
void *heap_calloc(size_t n, size_t size) MUST_USE;
/* Makes p's block at least `size` bytes, moving it when it must; on failure p stays valid and unchanged. p may be NULL;
 * size 0 does not free. */
void *heap_realloc(void *p, size_t size) MUST_USE;
/* p may be NULL. Freeing twice or what was not allocated here is a bug and asserted as far as it can be seen. */
void heap_free(void *p);

/* Around fork: _before takes the heap's lock, so that the child finds the heap whole; _after gives it back, in
 * the parent and in the child alike. Between them the calling thread must not allocate. */
void heap_fork_before(void);
void heap_fork_after(bool child);

struct heap_stats {
    u64 bytes;  /* held from the kernel */
    u64 blocks; /* allocated now */
};
void heap_stats(struct heap_stats *out);
