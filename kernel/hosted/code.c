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
#include <sys/mman.h>

#include "lib/assert.h"
#include "lib/bits.h"

int mk_code_create(struct mk_code *c, size_t size)
{
    size_t n = align_up(size, mk_page_size());
    int rc;

    if (!size)
        return -EINVAL;
    if (n < size)
        return -ENOMEM;
    void *rw = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (rw == MAP_FAILED)
        return -errno;
    void *rx = mremap(rw, 0, n, MREMAP_MAYMOVE);
    if (rx == MAP_FAILED) {
        rc = -errno;
        goto unmap_rw;
    }
    if (mprotect(rx, n, PROT_READ | PROT_EXEC)) {
        rc = -errno;
        goto unmap_rx;
    }
    *c = (struct mk_code){.rw = rw, .rx = rx, .size = n, .object = -1};
    return 0;

unmap_rx:
    munmap(rx, n);
unmap_rw:
    munmap(rw, n);
    return rc;
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
    char *p = (char *)c->rx + off;
    __builtin___clear_cache(p, p + len);
}

int mk_code_copy(const struct mk_code *c, size_t used, struct mk_code *copy)
{
    dgm_assert(used <= c->size, "mk_code_copy: %zu of %zu", used, c->size);
    int rc = mk_code_create(copy, c->size);
    if (rc)
        return rc;
    memcpy(copy->rw, c->rw, used);
    return 0;
}

int mk_code_adopt(struct mk_code *c, struct mk_code *copy)
{
    dgm_assert(copy->size == c->size, "mk_code_adopt: a copy of %zu for %zu", copy->size, c->size);
    if (mremap(copy->rw, c->size, c->size, MREMAP_MAYMOVE | MREMAP_FIXED, c->rw) == MAP_FAILED)
        return -errno;
    copy->rw = NULL;
    if (mremap(copy->rx, c->size, c->size, MREMAP_MAYMOVE | MREMAP_FIXED, c->rx) == MAP_FAILED)
        return -errno;
    *copy = (struct mk_code){.object = -1};
    mk_code_sync(c, 0, c->size);
    return 0;
}

void mk_code_drop(struct mk_code *copy)
{
    mk_code_destroy(copy);
}
