/* Code memory: shared anonymous memory, mapped twice.
 *
 * The first mapping is a plain shared anonymous one; the second is a duplicate of it, which mremap makes of a
 * shared mapping when told that its old size is 0. So there is no descriptor at any time that a guest could see, close
 * or write over, and none to keep for fork: the private copy for a child is made complete, at two addresses of its own,
 * and the child moves both mappings over the old ones.
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

/* Maps fresh shared memory twice. The pages have no name and no descriptor stays; where one mapping cannot be made from
 * the other (QEMU's user mode refuses), they are those of a memory file that is closed at once. */
static int map_twice(size_t n, void **rw, void **rx)
{
    int rc = 0;
    *rw = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (*rw == MAP_FAILED)
        return -errno;
    *rx = mremap(*rw, 0, n, MREMAP_MAYMOVE);
    if (*rx != MAP_FAILED)
        return 0;
    rc = -errno;
    munmap(*rw, n);
    int fd = memfd_create("code", MFD_CLOEXEC);
    if (fd < 0)
        return rc;
    if (ftruncate(fd, (off_t)n))
        goto out;
    *rw = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (*rw == MAP_FAILED)
        goto out;
    *rx = mmap(NULL, n, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (*rx == MAP_FAILED)
        munmap(*rw, n);
    else
        rc = 0;
out:
    close(fd);
    return rc;
}

static int map_code(struct mk_code *c, size_t n)
{
    void *rw = NULL, *rx = NULL;
    int rc = map_twice(n, &rw, &rx);
    if (rc)
        return rc;
    if (mprotect(rx, n, PROT_READ | PROT_EXEC)) {
        rc = -errno;
        munmap(rx, n);
        munmap(rw, n);
        return rc;
    }
    *c = (struct mk_code){.rw = rw, .rx = rx, .size = n, .object = -1};
    return 0;
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
    if (!n || map_code(&c, mk_page_size()))
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

int mk_code_create(struct mk_code *c, size_t size)
{
    size_t n = align_up(size, mk_page_size());

    if (!size)
        return -EINVAL;
    if (n < size)
        return -ENOMEM;
    if (!coherence)
        coherence = is_seen() ? 1 : 2;
    return map_code(c, n);
}

void mk_code_destroy(struct mk_code *c)
{
    if (!c->rw)
        return;
    mk_pages_free(c->rw, c->size);
    mk_pages_free(c->rx, c->size);
    *c = (struct mk_code){.object = -1};
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

int mk_code_copy(const struct mk_code *c, size_t used, struct mk_code *copy)
{
    dgm_assert(used <= c->size, "mk_code_copy: %zu of %zu", used, c->size);
    int rc = mk_code_create(copy, c->size);
    if (rc)
        return rc;
    mk_pages_ready(copy->rw, used);
    memcpy(copy->rw, c->rw, used);
    return 0;
}

int mk_code_adopt(struct mk_code *c, struct mk_code *copy, size_t used)
{
    dgm_assert(copy->size == c->size, "mk_code_adopt: a copy of %zu for %zu", copy->size, c->size);
    if (mremap(copy->rw, c->size, c->size, MREMAP_MAYMOVE | MREMAP_FIXED, c->rw) == MAP_FAILED)
        return -errno;
    copy->rw = NULL;
    if (mremap(copy->rx, c->size, c->size, MREMAP_MAYMOVE | MREMAP_FIXED, c->rx) == MAP_FAILED)
        return -errno;
    *copy = (struct mk_code){.object = -1};
    if (used)
        mk_code_ready(c, 0, used); /* the memory is there; only this process has no way to it yet */
    mk_code_sync(c, 0, c->size);
    return 0;
}

void mk_code_drop(struct mk_code *copy)
{
    mk_code_destroy(copy);
}
