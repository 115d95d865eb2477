/* Arenas: chunks from mk_pages_alloc in a list, filled in order.
 *
 * Each chunk begins with its header. `cur` is the chunk being filled, those behind it are free (kept
 * by a reset). A piece that does not fit into what is left of cur goes to the next free chunk that can
 * hold it; when none can, a new chunk is put in right behind cur. Chunks that are skipped because they are too
 * small stay behind the new one and are used later. A new chunk doubles the last one, up to a limit, so that a
 * small arena stays small and a large one makes few calls. Its pages are asked for in pieces (`ready`), which costs
 * less than a fault each. */
#include "lib/arena.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/str.h"
#include "mk/mk.h"

enum { CHUNK_MIN = 16 << 10, CHUNK_MAX = 1 << 20, CHUNK_READY = 32 << 10 /* bytes at a time */ };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;  /* header included */
    size_t ready; /* bytes from the start that pages have been asked for */
};

/* Where a piece would lie in chunk c of which `used` bytes are in use; 0 when it does not fit. */
static size_t place(const struct arena_chunk *c, size_t used, size_t size, size_t align)
{
    uintptr_t base = (uintptr_t)c;
    size_t off = align_up(base + used, align) - base;

    return off >= used && off <= c->size && size <= c->size - off ? off : 0;
}

static struct arena_chunk *new_chunk(const struct arena_chunk *last, size_t size, size_t align)
{
    size_t want = CHUNK_MIN;
    size_t need;
    void *p;

    if (last)
        want = last->size < CHUNK_MAX / 2 ? last->size * 2 : CHUNK_MAX;
    if (__builtin_add_overflow(size, sizeof(struct arena_chunk) + align, &need))
        return NULL;
    if (want < need)
        want = align_up(need, mk_page_size());
    if (want < need || mk_pages_alloc(&p, want))
        return NULL;
    struct arena_chunk *c = p;
    const size_t ready = want < CHUNK_READY ? want : CHUNK_READY;
    if (size <= CHUNK_READY)
        mk_pages_ready(c, ready);
    c->size = want;
    c->ready = ready;
    return c;
}

/* A piece ends at `end`. A large one gets its pages as it is used. */
static void make_ready(struct arena_chunk *c, size_t size, size_t end)
{
    size_t n = c->size - c->ready < CHUNK_READY ? c->size - c->ready : CHUNK_READY;
    if (size <= CHUNK_READY)
        mk_pages_ready((u8 *)c + c->ready, n);
    c->ready = c->ready + n < end ? end : c->ready + n;
}

/* The first free chunk that can hold the piece, or a new one, put right behind cur; NULL when there is no memory. */
static struct arena_chunk *next_chunk(struct arena *a, size_t size, size_t align)
{
    struct arena_chunk **at = a->cur ? &a->cur->next : &a->first;
    struct arena_chunk **link = at;

    while (*link && !place(*link, sizeof(**link), size, align))
        link = &(*link)->next;
    struct arena_chunk *c = *link;
    if (c)
        *link = c->next;
    else
        c = new_chunk(a->cur, size, align);
    if (c) {
        c->next = *at;
        *at = c;
    }
    return c;
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
    dgm_assert(is_pow2(align), "arena_alloc: alignment %zu", align);

    struct arena_chunk *c = a->cur;
    size_t off = c ? place(c, a->used, size, align) : 0;

    if (UNLIKELY(!off)) {
        c = next_chunk(a, size, align);
        if (!c)
            return NULL;
        a->cur = c;
        off = place(c, sizeof(*c), size, align);
        dgm_assert(off, "arena: a chunk does not hold what it was chosen for");
    }
    a->used = off + size;
    if (UNLIKELY(a->used > c->ready))
        make_ready(c, size, a->used);
    return (u8 *)c + off;
}

void *arena_array(struct arena *a, size_t n, size_t size, size_t align)
{
    size_t bytes;

    return __builtin_mul_overflow(n, size, &bytes) ? NULL : arena_alloc(a, bytes, align);
}

void arena_cut(struct arena *a, const void *from, const void *end)
{
    if (a->cur && (const u8 *)a->cur + a->used == end)
        a->used = (size_t)((const u8 *)from - (const u8 *)a->cur);
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->cur, a->used};
}

void *arena_keep(struct arena *a, struct arena_mark since, const void *p, size_t size, size_t align)
{
    a->cur = since.cur;
    a->used = since.used;
    void *to = arena_alloc(a, size, align);
    if (to)
        memmove(to, p, size);
    return to;
}

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    a->cur = NULL;
    a->used = 0;
}

void arena_free(struct arena *a)
{
    for (struct arena_chunk *c = a->first, *next; c; c = next) {
        next = c->next;
        mk_pages_free(c, c->size);
    }
    arena_init(a);
}

size_t arena_held(const struct arena *a)
{
    size_t n = 0;
    for (const struct arena_chunk *c = a->first; c; c = c->next)
        n += c->size;
    return n;
}
