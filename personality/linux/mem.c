/* Copies between the personality and guest memory.
 *
 * All go through the kernel interface's guarded copy, so memory that is not there, or goes away meanwhile, gives
 * -EFAULT. */
#include "personality/linux/mm.h"

#include <errno.h>

#include "lib/str.h"

bool lx_ok(const struct lx_thread *t, gva_t p, u64 n)
{
    u64 size = t->proc->mm->size;
    return n <= size && p <= size - n;
}

int lx_read(struct lx_thread *t, void *dst, gva_t src, size_t n)
{
    if (!lx_ok(t, src, n))
        return -EFAULT;
    return mk_copy(dst, lx_ptr(t, src), n);
}

int lx_write(struct lx_thread *t, gva_t dst, const void *src, size_t n)
{
    if (!lx_ok(t, dst, n))
        return -EFAULT;
    const struct lx_mm *mm = t->proc->mm;
    for (;;) {
        u64 seq = lx_watch_seq(mm);
        lx_prepare_write(t, dst, n);
        int rc = mk_copy(lx_ptr(t, dst), src, n);
        /* Another thread may have run code in the page between the two: then once more. */
        if (rc != -EFAULT || seq == lx_watch_seq(mm))
            return rc;
    }
}

s64 lx_read_str(struct lx_thread *t, char *dst, gva_t src, size_t cap)
{
    u64 page = t->proc->mm->page;
    size_t n = 0;
    while (n < cap) {
        size_t step = page - ((src + n) & (page - 1));
        if (step > cap - n)
            step = cap - n;
        int rc = lx_read(t, dst + n, src + n, step);
        if (rc)
            return rc;
        const char *end = memchr(dst + n, 0, step);
        if (end)
            return end - dst;
        n += step;
    }
    return -ENAMETOOLONG;
}
