/* Code memory: shared anonymous memory, mapped twice.
 *
 * The first mapping is a plain shared anonymous one; the second is a duplicate of it, which mremap makes of a
 * shared mapping when told that its old size is 0. So there is no descriptor at any time that a guest could see, close
 * or write over, and none to keep for fork.
 *
 * Over fork both mappings go on showing the same memory to parent and child. A page behind what is executable, which
 * the first mapping alone has, holds the number of processes that use the object. Who finds itself alone there is
 * so for as long as it does not fork, as nobody else can count up; who is not makes a copy, complete at two addresses
 * of its own, moves its mappings over the old ones and counts itself out. So a child that executes another program
 * or ends at once copies nothing and lets nobody copy. The executable one is moved first, and the old writable one is
 * there until it was; threads that run meanwhile wait in a page fault at most, since mremap takes the old mapping away
 * and puts the new one there under one lock.
 *
 * What is executable may have room behind it, address space in which pages of a file are shown that somebody has
 * mapped, likewise by a duplicate, and private memory. To change what is shown there a private copy is made elsewhere,
 * and moved to the place when it cannot be written any more.
 *
 * A profiler that attributes samples by a perf map takes such memory for generated code, which it does not for a memfd.
 */
#define _GNU_SOURCE
#include "mk/mk.h"

#include <errno.h>
#include <string.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/hosted/arch.h"
#include "lib/assert.h"
#include "lib/bits.h"

/* The writable mapping: what is executable, and the page of the count. */
static size_t rw_size(size_t n)
{
    return n + mk_page_size();
}

static u32 *users(const struct mk_code *c)
{
    return (u32 *)(void *)(c->rw + c->size);
}

/* Maps fresh shared memory twice, what is to be executable in place of what is mapped at `at`, or anywhere (NULL). The
 * pages have no name and no descriptor stays; where one mapping cannot be made from the other (QEMU's user mode
 * refuses), they are those of a memory file that is closed at once. */
static int map_twice(size_t n, void *at, void **rw, void **rx)
{
    int rc = 0;
    *rw = mmap(NULL, rw_size(n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (*rw == MAP_FAILED)
        return -errno;
    *rx = mremap(*rw, 0, n, at ? MREMAP_MAYMOVE | MREMAP_FIXED : MREMAP_MAYMOVE, at);
    if (*rx != MAP_FAILED)
        return 0;
    rc = -errno;
    munmap(*rw, rw_size(n));
    int fd = memfd_create("code", MFD_CLOEXEC);
    if (fd < 0)
        return rc;
    if (ftruncate(fd, (off_t)rw_size(n)))
        goto out;
    *rw = mmap(NULL, rw_size(n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (*rw == MAP_FAILED)
        goto out;
    *rx = mmap(at, n, PROT_READ, MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0), fd, 0);
    if (*rx == MAP_FAILED)
        munmap(*rw, rw_size(n));
    else
        rc = 0;
out:
    close(fd);
    return rc;
}

static int map_code(struct mk_code *c, size_t n, void *at)
{
    void *rw = NULL, *rx = NULL;
    int rc = map_twice(n, at, &rw, &rx);
    if (!rc && mprotect(rx, n, PROT_READ | PROT_EXEC)) {
        rc = -errno;
        munmap(rx, n);
        munmap(rw, rw_size(n));
    }
    if (!rc)
        *c = (struct mk_code){.rw = rw, .rx = rx, .size = n};
    return rc;
}

static void sync_range(const struct mk_code *c, size_t off, size_t len)
{
    char *p = (char *)c->rx + off;
    __builtin___clear_cache(p, p + len);
}

/* Does this machine run what was written through the other mapping? An emulator may keep what it made of code by
 * address, and take no notice of the instructions that synchronise (QEMU's user mode before 8.1). It does when
 * protection changes; so there each mk_code_sync does that, for a moment with all three rights, as other threads go on
 * running there. */
static bool is_seen(void)
{
    u8 code[16];
    u32 n = hosted_code_return(code, 1);
    struct mk_code c = {0};
    if (!n || map_code(&c, mk_page_size(), NULL))
        return true;
    int (*fn)(void);
    memcpy(&fn, &(void *){c.rx}, sizeof fn);
    bool seen = true;
    for (u32 v = 1; v <= 3; v++) {
        hosted_code_return(c.rw, v);
        sync_range(&c, 0, n);
        seen &= fn() == (int)v;
    }
    mk_code_destroy(&c);
    return seen;
}

/* 0: not looked at yet, 1: seen, 2: not. */
static _Atomic int coherence;

/* The size of code memory that holds `size` bytes; 0: none does. */
static size_t whole_pages(size_t size)
{
    const size_t n = align_up(size, mk_page_size());
    return n < size ? 0 : n;
}

int mk_code_create_wide(struct mk_code *c, size_t size, size_t room)
{
    const size_t n = whole_pages(size), more = align_up(room, mk_page_size());
    if (!coherence)
        coherence = is_seen() ? 1 : 2;
    void *at = MAP_FAILED;
    if (n && coherence == 1)
        at = mmap(NULL, n + more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return mk_code_create(c, size);
    const int rc = map_code(c, n, at);
    if (rc)
        munmap(at, n + more);
    else
        c->room = more;
    return rc;
}

int mk_code_create(struct mk_code *c, size_t size)
{
    const size_t n = whole_pages(size);

    if (!n)
        return size ? -ENOMEM : -EINVAL;
    if (!coherence)
        coherence = is_seen() ? 1 : 2;
    return map_code(c, n, NULL);
}

void mk_code_destroy(struct mk_code *c)
{
    if (!c->rw)
        return;
    mk_pages_free(c->rw, rw_size(c->size));
    mk_pages_free(c->rx, c->size + c->room);
    *c = (struct mk_code){0};
}

void mk_code_sync(const struct mk_code *c, size_t off, size_t len)
{
    dgm_assert(off <= c->size && len <= c->size - off, "mk_code_sync(%zu, %zu) of %zu", off, len, c->size);
    sync_range(c, off, len);
    if (coherence == 2) {
        size_t page = mk_page_size(), start = align_down(off, page), end = align_up(off + len, page);
        int rc = mprotect(c->rx + start, end - start, PROT_READ | PROT_WRITE | PROT_EXEC);
        rc |= mprotect(c->rx + start, end - start, PROT_READ | PROT_EXEC);
        dgm_assert(!rc, "code memory cannot be protected");
    }
}

void mk_code_ready(const struct mk_code *c, size_t off, size_t len)
{
    enum { POPULATE_READ = 22 }; /* MADV_…, since Linux 5.14 */
    const size_t start = align_down(off, mk_page_size());
    const size_t end = off + len < c->size ? off + len : c->size;
    mk_pages_ready(c->rw + start, end - start);
    (void)madvise(c->rx + start, end - start, POPULATE_READ);
}

/* The count is of the others: 0 in fresh memory, whose page nobody then has to touch before it forks. */
void mk_code_share(const struct mk_code *c)
{
    __atomic_fetch_add(users(c), 1, __ATOMIC_SEQ_CST);
}

void mk_code_leave(const struct mk_code *c)
{
    __atomic_fetch_sub(users(c), 1, __ATOMIC_SEQ_CST);
}

/* After a fork, with nothing left that could be run or refused: as any failure of our own. `told`, which is shared by
 * all that use the object, or NULL: one of them says so. */
static _Noreturn void no_memory(u32 *told)
{
    static const char text[] = "dragoman: no memory for a copy of the code cache\n";
    if (!told || !__atomic_exchange_n(told, 1, __ATOMIC_RELAXED))
        mk_console(text, sizeof text - 1);
    _exit(125);
}

/* Puts the mappings of `n` in the place of c's, which it counts out where it was counted. */
static void replace(struct mk_code *c, struct mk_code *n, bool counted)
{
    void *rx = mremap(n->rx, c->size, c->size, MREMAP_MAYMOVE | MREMAP_FIXED, c->rx);
    if (rx == MAP_FAILED)
        no_memory(users(c) + 1);
    if (counted)
        mk_code_leave(c);
    void *rw = mremap(n->rw, rw_size(c->size), rw_size(c->size), MREMAP_MAYMOVE | MREMAP_FIXED, c->rw);
    if (rw == MAP_FAILED) {
        unsigned char resident;
        const bool there = !mincore(users(c), mk_page_size(), &resident); /* it may be half gone */
        no_memory(there ? users(c) + 1 : NULL);
    }
}

int mk_code_own(struct mk_code *c, size_t used)
{
    struct mk_code n = {0};
    dgm_assert(used <= c->size, "mk_code_own: %zu of %zu", used, c->size);
    if (!__atomic_load_n(users(c), __ATOMIC_SEQ_CST))
        return 0;
    if (map_code(&n, c->size, NULL))
        no_memory(users(c) + 1);
    if (used) {
        mk_pages_ready(n.rw, used);
        memcpy(n.rw, c->rw, used);
        mk_code_ready(&n, 0, used); /* the memory is there; the second mapping has no way to it yet */
    }
    replace(c, &n, true);
    mk_code_sync(c, 0, used);
    return 1;
}

int mk_code_renew(struct mk_code *c)
{
    struct mk_code n = {0};
    int rc = map_code(&n, c->size, NULL);
    if (!rc)
        replace(c, &n, false);
    return rc;
}

int mk_code_show(struct mk_code *c, size_t off, const void *data, size_t len)
{
    dgm_assert(off >= c->size && off + len <= c->size + c->room, "mk_code_show(%zu, %zu)", off, len);
    if (mremap((void *)(uintptr_t)data, 0, len, MREMAP_MAYMOVE | MREMAP_FIXED, c->rx + off) != MAP_FAILED)
        return 0;
    const int rc = -errno;
    /* What was reserved may be gone; if somebody else has taken it already, nothing goes there any more. */
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    if (mmap(c->rx + off, len, PROT_NONE, flags, -1, 0) == MAP_FAILED && errno != EEXIST)
        c->room = 0;
    return rc;
}

int mk_code_data(struct mk_code *c, size_t off, size_t len)
{
    dgm_assert(off >= c->size && off + len <= c->size + c->room, "mk_code_data(%zu, %zu)", off, len);
    return mprotect(c->rx + off, align_up(len, mk_page_size()), PROT_READ | PROT_WRITE) ? -errno : 0;
}

void mk_code_edit(struct mk_code *c, size_t off, size_t len, void (*fill)(void *cx, u8 *to), void *cx)
{
    u8 *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        no_memory(NULL);
    (void)madvise(p, len, MADV_NOHUGEPAGE); /* as a part of it may be written */
    fill(cx, p);
    if (mprotect(p, len, PROT_READ | PROT_EXEC) ||
        mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, c->rx + off) == MAP_FAILED)
        no_memory(NULL);
}
