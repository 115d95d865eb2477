/* Arenas: memory that is given back all at once.
 *
 * An arena hands out pieces of larger chunks by moving a pointer. Pieces are never freed one by one. After
 * arena_reset everything is free again and the chunks are used once more, so that an arena that served one
 * translation serves the next without a call to the kernel.
 *
 * An arena that is all zero is a valid, empty one. It belongs to one thread at a time. */
#pragma once

#include "lib/types.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *first; /* all chunks, in the order in which they are used */
    struct arena_chunk *cur;   /* the one that is being filled; NULL before the first allocation */
    size_t used;               /* bytes of cur in use, its header included */
};

/* `size` bytes aligned to `align` (a power of two), not zeroed; NULL when there is no memory, and the arena is then
 * as it was. size 0 gives a valid address that must not be accessed. */
void *arena_alloc(struct arena *a, size_t size, size_t align) MUST_USE;
/* An array of n pieces of `size` bytes each, checked for overflow. */
void *arena_array(struct arena *a, size_t n, size_t size, size_t align) MUST_USE;
/* One object, or an array of n, of a type. */
#define ARENA_NEW(a, T)      ((T *)arena_alloc((a), sizeof(T), _Alignof(T)))
#define ARENA_NEW_N(a, T, n) ((T *)arena_array((a), (n), sizeof(T), _Alignof(T)))

/* Of the piece that was handed out last, which ends at `end`, what lies behind `from` is not needed: it is handed out
 * again. Nothing happens if it is not the last. */
void arena_cut(struct arena *a, const void *from, const void *end);

/* A place to go back to, which lasts until the arena goes back to one before it. */
struct arena_mark {
    struct arena_chunk *cur;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *a);
/* What was handed out since then is void, but for the `size` bytes at p, which are moved to where it was: there they
 * lie from now on. NULL when there is no memory. */
void *arena_keep(struct arena *a, struct arena_mark since, const void *p, size_t size, size_t align) MUST_USE;

/* Makes *a an empty arena. For memory that is not known to be zero. */
void arena_init(struct arena *a);
/* Everything handed out is void from now on; the chunks stay for reuse. */
void arena_reset(struct arena *a);
/* How many bytes it holds, in use or not. */
size_t arena_held(const struct arena *a);
/* Gives all memory back. The arena is empty and may be used again. */
void arena_free(struct arena *a);
