/* Pages and address space, by mmap. */
#define _GNU_SOURCE
#include "mk/mk.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "lib/assert.h"
#include "lib/bits.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14; older headers lack it */
#endif

static _Atomic u32 fail_in; /* mk_hosted_fail_alloc */

void mk_hosted_fail_alloc(u32 nth)
{
    atomic_store(&fail_in, nth);
}

/* Counts an allocation; is it the one that is to fail? */
static bool must_fail(void)
{
    u32 n = atomic_load_explicit(&fail_in, memory_order_relaxed);

    while (UNLIKELY(n)) {
        if (atomic_compare_exchange_weak(&fail_in, &n, n - 1))
            return n == 1;
    }
    return false;
}

size_t mk_page_size(void)
{
    static _Atomic size_t size;
    size_t s = atomic_load_explicit(&size, memory_order_relaxed);

    if (UNLIKELY(!s)) {
        s = (size_t)sysconf(_SC_PAGESIZE);
        atomic_store_explicit(&size, s, memory_order_relaxed);
    }
    return s;
}

/* mmap's errors in the terms of the kernel interface: what is too much is -ENOMEM, however Linux puts it. */
static int map_error(void)
{
    return errno == EAGAIN || errno == EOVERFLOW ? -ENOMEM : -errno;
}

/* What a process allocates when it starts comes from one mapping: a mapping costs as much as several page faults, and
 * each adds to what ends with the process. Never from huge pages, which would be cleared whole for the few bytes that
 * are used of most. Pieces are given back one by one; what is left of it stays. */
#define POOL (32u << 20)

static struct {
    _Atomic u32 state; /* 0: not there yet, 1: somebody makes it, 2: it is there, or cannot be */
    _Atomic size_t used;
    u8 *base;
} pool;

static void *from_pool(size_t n)
{
    u32 none = 0;
    if (UNLIKELY(atomic_load_explicit(&pool.state, memory_order_acquire) != 2)) {
        if (!atomic_compare_exchange_strong(&pool.state, &none, 1))
            return NULL;
        void *p = mmap(NULL, POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pool.base = p == MAP_FAILED ? NULL : p;
        if (pool.base)
            (void)madvise(p, POOL, MADV_NOHUGEPAGE);
        atomic_store_explicit(&pool.state, 2, memory_order_release);
    }
    if (!pool.base || n > POOL)
        return NULL;
    size_t at = atomic_load_explicit(&pool.used, memory_order_relaxed);
    do {
        if (n > POOL - at)
            return NULL;
    } while (!atomic_compare_exchange_weak(&pool.used, &at, at + n));
    return pool.base + at;
}

static int alloc(void **out, size_t size, int how)
{
    size_t n = align_up(size, mk_page_size());

    if (!size)
        return -EINVAL;
    if (n < size || must_fail())
        return -ENOMEM;
    void *p = how == MAP_PRIVATE ? from_pool(n) : NULL;
    if (!p)
        p = mmap(NULL, n, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return map_error();
    *out = p;
    return 0;
}

int mk_pages_alloc(void **out, size_t size)
{
    return alloc(out, size, MAP_PRIVATE);
}

int mk_pages_shared(void **out, size_t size)
{
    return alloc(out, size, MAP_SHARED);
}

void mk_pages_free(void *p, size_t size)
{
    if (!p)
        return;
    int rc = munmap(p, align_up(size, mk_page_size()));
    dgm_assert(!rc, "mk_pages_free(%p, %zu): errno %d", p, size, errno);
}

void mk_pages_ready(void *p, size_t size)
{
    const hva_t start = align_down((hva_t)p, mk_page_size());
    (void)madvise((void *)start, (hva_t)p + size - start, MADV_POPULATE_WRITE); /* older kernels do not know it */
}

int mk_pages_guard(void *p, size_t size)
{
    if (size <= mk_page_size())
        return -EINVAL;
    return mprotect(p, mk_page_size(), PROT_NONE) ? map_error() : 0;
}

/* PROT_NONE of this size anywhere. */
static int reserve(hva_t *out, size_t size)
{
    void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        return map_error();
    *out = (hva_t)p;
    return 0;
}

int mk_reserve_at(hva_t at, size_t size)
{
    void *p =
        mmap((void *)at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (p == MAP_FAILED)
        return map_error();
    if ((hva_t)p == at)
        return 0;
    munmap(p, size); /* a kernel that takes the address for a hint */
    return -EEXIST;
}

int mk_reserve(hva_t *out, size_t size, size_t align)
{
    size_t page = mk_page_size();
    size_t n = align_up(size, page);
    size_t more;
    hva_t p = 0;
    int rc;

    if (!size || (align && !is_pow2(align)))
        return -EINVAL;
    if (n < size)
        return -ENOMEM;
    align = align < page ? page : align;

    /* As it comes first: for a size near to all there is, there is no room for more. */
    rc = reserve(&p, n);
    if (rc)
        return rc;
    if (is_aligned(p, align)) {
        *out = p;
        return 0;
    }
    mk_pages_free((void *)p, n);

    if (__builtin_add_overflow(n, align - page, &more))
        return -ENOMEM;
    rc = reserve(&p, more);
    if (rc)
        return rc;
    hva_t at = align_up(p, align);
    if (at > p)
        mk_pages_free((void *)p, at - p);
    if (p + more > at + n)
        mk_pages_free((void *)(at + n), p + more - (at + n));
    *out = at;
    return 0;
}
