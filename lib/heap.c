/* The general allocator: size classes, carved out of slabs, and whole pages for what is large.
 *
 * A block is preceded by a 16-byte header that tells its class, or its pages. Small sizes are rounded up
 * to one of four classes per power of two, so that at most a fifth of a block is wasted. Each class has a list of
 * free blocks; when it is empty, a block is cut from the current slab. What is left at the end of a slab that is too
 * small for the next block is cut into free blocks of smaller classes. Blocks never change class and slabs are never
 * given back: the core's small objects come and go in kinds, and what is sized by a guest is large.
 *
 * Concurrency: one lock. Large blocks go to the kernel without it, but for the counters. */
#include "lib/heap.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/str.h"
#include "mk/mk.h"

enum {
    UNIT = 16,        /* header, and alignment of blocks */
    SMALL_MAX = 8192, /* largest class, header included */
    SLAB = 64 << 10,
    CLASS_LARGE = 0xffff,
    NCLASSES = 4 + 4 * 7, /* 16 32 48 64, then four for each of 64..128, .., 4096..8192 */
};

enum { MAGIC_USED = 0xa110c8ed, MAGIC_FREE = 0xf4eeb10c };

struct header {
    u32 magic;
    u32 class;
    u64 size; /* large: bytes from the kernel, header included */
};
_Static_assert(sizeof(struct header) == UNIT, "blocks stay aligned behind their header");

struct free_block {
    struct header h;
    struct free_block *next;
};

static struct {
    struct mk_lock lock;
    struct free_block *free[NCLASSES];
    u8 *slab; /* rest of the slab that is being cut */
    size_t slab_left;
    struct heap_stats stats;
} heap;

/* Class of a block of n bytes, header included, 32 <= n <= SMALL_MAX. The classes: multiples of 16 up to 64; above,
 * four evenly spaced ones for each doubling. */
static u32 class_of(size_t n)
{
    if (n <= 64)
        return (u32)((n + 15) / 16 - 1);
    u32 log = 63 - clz64(n - 1); /* 2^log < n <= 2^(log + 1) */
    size_t quarter = (size_t)1 << (log - 2);
    size_t above = n - ((size_t)1 << log);
    return 4 + (log - 6) * 4 + (u32)((above + quarter - 1) / quarter - 1);
}

static size_t class_size(u32 c)
{
    if (c < 4)
        return (c + 1) * 16;
    dgm_assert(c < NCLASSES, "size class %u", c);
    u32 log = 6 + (c - 4) / 4;
    return ((size_t)1 << log) + ((c - 4) % 4 + 1) * ((size_t)1 << (log - 2));
}

static void push_free(u32 c, void *at)
{
    struct free_block *b = at;

    b->h = (struct header){.magic = MAGIC_FREE, .class = c};
    b->next = heap.free[c];
    heap.free[c] = b;
}

/* Turns the rest of the slab into free blocks, each of the largest class that fits. */
static void use_up_slab(void)
{
    while (heap.slab_left >= 2 * UNIT) {
        u32 c = class_of(heap.slab_left < SMALL_MAX ? heap.slab_left : SMALL_MAX);
        if (class_size(c) > heap.slab_left)
            c--;
        push_free(c, heap.slab);
        heap.slab += class_size(c);
        heap.slab_left -= class_size(c);
    }
}

static void *alloc_small_locked(u32 c, bool *zeroed)
{
    struct free_block *b = heap.free[c];

    *zeroed = false;
    if (b) {
        dgm_assert(b->h.magic == MAGIC_FREE, "heap: a free block at %p was written to", (void *)b);
        heap.free[c] = b->next;
    } else {
        if (heap.slab_left < class_size(c)) {
            void *slab;
            if (mk_pages_alloc(&slab, SLAB))
                return NULL;
            use_up_slab();
            heap.slab = slab;
            heap.slab_left = SLAB;
            heap.stats.bytes += SLAB;
        }
        b = (void *)heap.slab;
        heap.slab += class_size(c);
        heap.slab_left -= class_size(c);
        *zeroed = true;
    }
    b->h = (struct header){.magic = MAGIC_USED, .class = c};
    heap.stats.blocks++;
    return (u8 *)b + UNIT;
}

static void *alloc(size_t size, bool *zeroed)
{
    if (size <= SMALL_MAX - UNIT) {
        mk_lock(&heap.lock);
        void *p = alloc_small_locked(class_of(size < UNIT ? 2 * UNIT : size + UNIT), zeroed);
        mk_unlock(&heap.lock);
        return p;
    }

    size_t total = align_up(size + UNIT, mk_page_size());
    void *p;
    if (size > SIZE_MAX / 2 || mk_pages_alloc(&p, total))
        return NULL;
    *(struct header *)p = (struct header){.magic = MAGIC_USED, .class = CLASS_LARGE, .size = total};
    mk_lock(&heap.lock);
    heap.stats.bytes += total;
    heap.stats.blocks++;
    mk_unlock(&heap.lock);
    *zeroed = true;
    return (u8 *)p + UNIT;
}

static struct header *header_of(const void *p)
{
    struct header *h = (struct header *)((u8 *)p - UNIT);

    dgm_assert(h->magic == MAGIC_USED, "heap: %p %s", p,
               h->magic == MAGIC_FREE ? "was freed already" : "is not a block, or what lies before it was overwritten");
    return h;
}

static size_t room_of(const struct header *h)
{
    return (h->class == CLASS_LARGE ? h->size : class_size(h->class)) - UNIT;
}

void *heap_alloc(size_t size)
{
    bool zeroed;

    return alloc(size, &zeroed);
}

void *heap_calloc(size_t n, size_t size)
{
    size_t bytes;
    bool zeroed;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *p = alloc(bytes, &zeroed);
    if (p && !zeroed)
        memset(p, 0, bytes);
    return p;
}

void heap_free(void *p)
{
    if (!p)
        return;
    mk_lock(&heap.lock);
    struct header *h = header_of(p);
    size_t large = h->class == CLASS_LARGE ? h->size : 0;
    heap.stats.blocks--;
    heap.stats.bytes -= large;
    if (!large)
        push_free(h->class, h);
    mk_unlock(&heap.lock);
    if (large)
        mk_pages_free(h, large);
}

void *heap_realloc(void *p, size_t size)
{
    if (!p)
        return heap_alloc(size);

    struct header *h = header_of(p);
    size_t room = room_of(h);
    /* Stays where it is while it fits and is not a waste of more than half. */
    if (size <= room && (size >= room / 2 || room <= 64))
        return p;
    void *q = heap_alloc(size);
    if (!q)
        return size <= room ? p : NULL;
    memcpy(q, p, size < room ? size : room);
    heap_free(p);
    return q;
}

void heap_fork_before(void)
{
    mk_lock(&heap.lock);
}

void heap_fork_after(bool child)
{
    if (child)
        mk_lock_reset(&heap.lock);
    else
        mk_unlock(&heap.lock);
}

void heap_stats(struct heap_stats *out)
{
    mk_lock(&heap.lock);
    *out = heap.stats;
    mk_unlock(&heap.lock);
}
