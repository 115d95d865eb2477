/* The system calls of the memory map: mmap, munmap, mprotect, mremap, brk, madvise and their kin.
 *
 * Each checks as Linux does and in Linux's order, so that the guest sees the same error; what only the host kernel
 * knows (is this descriptor a file that can be mapped?) it is asked. Then the host's mappings and the list change
 * together under the lock, and last the engine hears of it. */
#define _GNU_SOURCE
#include "personality/linux/mm.h"

#include <errno.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/hash.h"
#include "personality/linux/cache.h"
#include "personality/linux/fd.h"
#include "personality/linux/known.h"
#include "personality/linux/mm_int.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscall.h"

/* Linux values that libc's headers may lack. */
enum {
    LX_MADV_WIPEONFORK = 18,
    LX_MADV_COLLAPSE = 25,
    LX_MADV_POPULATE_WRITE = 23,
    LX_MADV_DONTNEED_LOCKED = 24,
    LX_MADV_GUARD_INSTALL = 102,
    LX_MADV_SOFT_OFFLINE = 101,
    LX_SHM_EXEC = 0100000,
};

/* Mappings from this to that many bytes are asked to be of large pages. */
#define LARGE_FROM (4ull << 20)
#define LARGE_TO   (256ull << 20)

static u64 page_up(const struct lx_mm *mm, u64 n)
{
    return (n + mm->page - 1) & ~(mm->page - 1);
}

/* Would `more` bytes break a limit? data: private writable memory. */
static bool over_limit(struct lx_process *p, u64 more, bool data)
{
    struct lx_mm *mm = p->mm;
    mk_lock(&p->limits_lock);
    u64 as = p->limits.as.cur, dat = p->limits.data.cur;
    mk_unlock(&p->limits_lock);
    return mm->total + more > as || mm->total + more < more || (data && mm->data + more > dat);
}

/* --- mmap --- */

/* May pages of fd be executed? The host is never asked for it, so the file system's noexec is looked up. */
static s64 check_noexec(int fd)
{
    struct statfs sf;
    s64 r = prov_call_now(LX_NR_fstatfs, (u64)fd, (u64)(hva_t)&sf, 0, 0, 0, 0);
    return r < 0 ? r : sf.f_flags & ST_NOEXEC ? -EPERM : 0;
}

/* The mapping was refused by the host after the place was chosen: makes sure that no hole stays. */
static void repair_locked(struct lx_mm *mm, gva_t at, u64 len)
{
    if (mm_host_fill_hole(mm, at, len) && !mm_is_free(mm, at, at + len))
        mm_remove(mm, at, at + len); /* the host had removed what was there */
}

/* By what it begins with, or else its length (a dynamic linker reserves room for what is to be aligned, before it maps
 * the file there), somewhere in a sixth of the address space that is far from heaps and stacks. Two files are rarely in
 * each other's way; the second then lies where there is room. */
gva_t lx_mm_home(const struct lx_mm *mm, int fd, u64 off, u64 len)
{
    const u64 step = 1 << 16, zone = mm->size / 3 & ~(step - 1), steps = mm->size / 6 / step;
    u8 head[4096];
    s64 n = 0;
    if (fd >= 0 && (n = prov_call_now(LX_NR_pread64, (u64)fd, (u64)(hva_t)head, sizeof head, off, 0, 0)) <= 0)
        return 0;
    return zone + hash_bytes(head, (size_t)n, len) % steps * step;
}

/* Is a mapping with these arguments given a home? */
static bool wants_home(u64 len, u32 prot, u32 flags)
{
    if (flags & MAP_ANONYMOUS)
        return !prot && (flags & ~(u32)MAP_DENYWRITE) == (MAP_PRIVATE | MAP_ANONYMOUS) && len > 1 << 16 &&
               len < 1 << 28;
    return (flags & MAP_TYPE) == MAP_PRIVATE && (prot & PROT_EXEC);
}

/* Is memory of this kind better had in large pages, where the host gives them to those who ask? It takes fewer
 * faults and far fewer entries of the TLB. Not where only a part may ever be touched, as of stacks, of what is set
 * aside first and of the largest arrays: a large page is given, and cleared, as a whole. */
static bool wants_large_pages(u64 len, u32 prot, u32 flags)
{
    const u32 kind = MAP_TYPE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_GROWSDOWN | MAP_HUGETLB;
    return (flags & kind) == (MAP_PRIVATE | MAP_ANONYMOUS) && (prot & PROT_WRITE) && len >= LARGE_FROM &&
           len < LARGE_TO;
}

s64 lx_mm_map(struct lx_process *p, gva_t addr, u64 len, u32 prot, u32 flags, int fd, u64 off, u32 extra)
{
    struct lx_mm *mm = p->mm;
    u32 type = flags & MAP_TYPE;
    bool anon = flags & MAP_ANONYMOUS, fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if (off & (mm->page - 1))
        return -EINVAL;
    if (!len)
        return -EINVAL;
    if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (anon && type == MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (anon && (flags & MAP_GROWSDOWN) && type == MAP_SHARED)
        return -EINVAL;
    if (type != MAP_PRIVATE && (prot & PROT_WRITE))
        lx_cache_shared(p);
    u64 align = mm->page;
    if (flags & MAP_HUGETLB) {
        u32 shift = flags >> MAP_HUGE_SHIFT & 63;
        align = 1ull << (shift ? shift : 21);
        len = (len + align - 1) & ~(align - 1);
    }
    len = page_up(mm, len);
    if (!len || len > mm->size)
        return -ENOMEM;
    if (off + len < off)
        return -EOVERFLOW;
    if (fixed && (addr & (mm->page - 1)))
        return -EINVAL;
    if (fixed && addr > mm->size - len)
        return -ENOMEM;
    if (fixed && addr < mm->min_addr)
        return -EPERM;
    if (!anon && (prot & PROT_EXEC)) {
        s64 r = check_noexec(fd);
        if (r)
            return r;
    }
    if (!fixed && !addr && wants_home(len, prot, flags))
        addr = lx_mm_home(mm, anon ? -1 : fd, off, len);
    struct lx_vma v = {.prot = prot & (PROT_READ | PROT_WRITE | PROT_EXEC), .off = off, .flags = extra};
    v.flags |= type == MAP_PRIVATE ? 0 : VMA_SHARED;
    v.flags |= anon ? 0 : VMA_FILE;
    v.flags |= flags & MAP_GROWSDOWN ? VMA_GROWSDOWN : 0;
    v.flags |= flags & MAP_LOCKED ? VMA_LOCKED : 0;
    v.flags |= flags & MAP_NORESERVE ? VMA_NORESERVE : 0;
    if (anon)
        v.off = 0;
    else if (mm->want_known && type == MAP_PRIVATE && (prot & PROT_EXEC) && !(prot & PROT_WRITE))
        v.known = lx_known_file(mm, p->abi, fd, off, len);

    mk_lock(&mm->lock);
    s64 r = mm_room(mm, 3);
    if (!r && over_limit(p, len, type == MAP_PRIVATE && (prot & PROT_WRITE)))
        r = -ENOMEM;
    gva_t at = addr & ~(mm->page - 1);
    if (!r && !fixed) {
        if (at && at < mm->min_addr)
            at = mm->min_addr;
        at = mm_find_room(mm, at, len, align);
        r = at ? 0 : -ENOMEM;
    }
    if (!r && (flags & MAP_FIXED_NOREPLACE) && !mm_is_free(mm, at, at + len))
        r = -EEXIST;
    if (r) {
        mk_unlock(&mm->lock);
        return r;
    }
    bool replaces = !mm_is_free(mm, at, at + len), had_exec = mm_has_exec(mm, at, at + len);
    u32 hflags = (flags & ~(u32)(MAP_GROWSDOWN | MAP_FIXED_NOREPLACE | MAP_STACK | 0x40)) | MAP_FIXED;
    if (mm->lock_future) {
        hflags |= MAP_LOCKED;
        v.flags |= VMA_LOCKED;
    }
    const u32 reserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (replaces || v.prot || hflags != reserved || !mm->whole) /* else it is what is there */
        r = mm_host_map(mm, at, len, mm_host_prot(v.prot), (int)hflags, anon ? -1 : fd, off);
    if (!r && wants_large_pages(len, prot, flags))
        (void)prov_call_now(LX_NR_madvise, mm->base + at, len, MADV_HUGEPAGE, 0, 0, 0); /* a host may have none */
    if (r) {
        repair_locked(mm, at, len);
    } else {
        if (mm_has_code(mm, at, at + len))
            r = mm_host_protect(mm, at, at + len, v.prot);
        dgm_assert(!r, "mprotect of new memory at %lx: error %ld", at, -r);
        if (replaces)
            mm_remove(mm, at, at + len);
        v.start = at;
        v.end = at + len;
        v.id = mm->next_id++;
        mm_insert(mm, v);
    }
    mk_unlock(&mm->lock);
    mm_drop_code(p, at, at + len, had_exec);
    return r ? r : (s64)at;
}

s64 sys_mmap(struct lx_thread *t, const u64 *a)
{
    if (!((u32)a[3] & MAP_ANONYMOUS) && lx_fd_hidden(a[4]))
        return -EBADF;
    return lx_mm_map(t->proc, a[0], a[1], (u32)a[2], (u32)a[3], (int)a[4], a[5], 0);
}

/* --- munmap --- */

s64 lx_mm_unmap(struct lx_process *p, gva_t addr, u64 len)
{
    struct lx_mm *mm = p->mm;
    if ((addr & (mm->page - 1)) || addr > mm->size || len > mm->size - addr)
        return -EINVAL;
    len = page_up(mm, len);
    if (!len)
        return -EINVAL;
    gva_t end = addr + len;
    mk_lock(&mm->lock);
    bool had_exec = mm_has_exec(mm, addr, end);
    s64 r = mm_room(mm, 2);
    if (!r && !mm_is_free(mm, addr, end)) {
        /* The hull of what is mapped; the rest is reserved already. */
        u32 i = mm_index(mm, addr);
        gva_t from = mm->vma[i].start > addr ? mm->vma[i].start : addr, to = from;
        for (; i < mm->n && mm->vma[i].start < end; i++)
            to = mm->vma[i].end < end ? mm->vma[i].end : end;
        r = mm_host_unmap(mm, from, to - from);
        if (!r)
            mm_remove(mm, addr, end);
    }
    mk_unlock(&mm->lock);
    mm_drop_code(p, addr, end, had_exec);
    return r;
}

s64 sys_munmap(struct lx_thread *t, const u64 *a)
{
    return lx_mm_unmap(t->proc, a[0], a[1]);
}

/* --- mprotect --- */

#define LX_PROT_SEM       8u
#define LX_PROT_GROWSDOWN 0x01000000u
#define LX_PROT_GROWSUP   0x02000000u

s64 lx_mm_protect(struct lx_process *p, gva_t addr, u64 len, u32 prot)
{
    struct lx_mm *mm = p->mm;
    u32 grows = prot & (LX_PROT_GROWSDOWN | LX_PROT_GROWSUP);
    prot &= ~(LX_PROT_GROWSDOWN | LX_PROT_GROWSUP);
    if (grows == (LX_PROT_GROWSDOWN | LX_PROT_GROWSUP))
        return -EINVAL;
    if (addr & (mm->page - 1))
        return -EINVAL;
    if (!len)
        return 0;
    len = page_up(mm, len);
    if (!len || addr + len < addr)
        return -ENOMEM;
    if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | LX_PROT_SEM))
        return -EINVAL;
    prot &= ~LX_PROT_SEM;
    gva_t end = addr + len, at = addr;
    bool lost_exec = false, shared = false;
    mk_lock(&mm->lock);
    s64 r = mm_room(mm, 3);
    if (!r && grows) {
        const struct lx_vma *v = mm_vma_at(mm, addr);
        if (!v)
            r = -ENOMEM;
        else if (grows & LX_PROT_GROWSUP || !(v->flags & VMA_GROWSDOWN))
            r = -EINVAL;
        else
            at = addr = v->start;
    }
    /* As Linux: mapping by mapping, so that what lies below a hole is changed although the call fails. */
    while (!r && at < end) {
        const struct lx_vma *v = at < mm->size ? mm_vma_at(mm, at) : NULL;
        if (!v) {
            r = -ENOMEM;
            break;
        }
        gva_t stop = v->end < end ? v->end : end;
        bool grows_data = (prot & PROT_WRITE) && !(v->prot & PROT_WRITE) && !(v->flags & VMA_SHARED);
        if (grows_data && over_limit(p, 0, true)) {
            r = -ENOMEM;
            break;
        }
        r = mm_host_protect(mm, at, stop, prot);
        if (r)
            break;
        lost_exec |= (v->prot & PROT_EXEC) && (!(prot & PROT_EXEC) || (v->known && (prot & PROT_WRITE)));
        shared |= (v->flags & VMA_SHARED) && (prot & PROT_WRITE);
        mm_set_prot(mm, at, stop, prot);
        at = stop;
        r = mm_room(mm, 3);
    }
    mk_unlock(&mm->lock);
    if (shared)
        lx_cache_shared(p);
    if (lost_exec)
        mm_drop_code(p, addr, at, true);
    return r;
}

s64 sys_mprotect(struct lx_thread *t, const u64 *a)
{
    return lx_mm_protect(t->proc, a[0], a[1], (u32)a[2]);
}

/* --- mremap --- */

#define LX_MREMAP_DONTUNMAP 4u

struct remap {
    gva_t from, to;
    u64 old_len, new_len;
    bool dont_unmap;
};

/* Moves host pages in one go or, when the host kernel has split what is one mapping here, page by page. The old place
 * is reserved memory after. */
static s64 move_host_locked(struct lx_mm *mm, const struct remap *m)
{
    u64 how = MREMAP_MAYMOVE | MREMAP_FIXED | (m->dont_unmap ? LX_MREMAP_DONTUNMAP : 0);
    s64 r = prov_call_now(LX_NR_mremap, mm->base + m->from, m->old_len, m->new_len, how, mm->base + m->to, 0);
    if (r < 0 && r != -EFAULT) {
        repair_locked(mm, m->to, m->new_len);
        return r;
    }
    if (r < 0) {
        if (!m->old_len || m->new_len > m->old_len || m->dont_unmap) {
            repair_locked(mm, m->to, m->new_len);
            return r;
        }
        for (u64 off = 0; off < m->new_len; off += mm->page) {
            r = prov_call_now(LX_NR_mremap, mm->base + m->from + off, mm->page, mm->page, how, mm->base + m->to + off,
                              0);
            dgm_assert(r >= 0, "mremap of the page at %lx: error %ld", m->from + off, -r);
        }
    }
    if (m->old_len && !m->dont_unmap)
        dgm_assert(mm_host_fill_hole(mm, m->from, m->old_len), "something took the place of guest memory at %lx",
                   m->from);
    return 0;
}

/* Moves a mapping (part of v) to a place where nothing is mapped. */
static s64 move_locked(struct lx_mm *mm, const struct lx_vma *v, const struct remap *m)
{
    struct lx_vma moved = *v;
    s64 r = move_host_locked(mm, m);
    if (r)
        return r;
    moved.off = v->flags & (VMA_FILE | VMA_SHARED) ? v->off + (m->from - v->start) : 0;
    moved.start = m->to;
    moved.end = m->to + m->new_len;
    moved.flags &= ~(u32)(VMA_HEAP | VMA_STACK);
    if (m->old_len && !m->dont_unmap)
        mm_remove(mm, m->from, m->from + m->old_len);
    mm_insert(mm, moved);
    r = mm_host_protect(mm, moved.start, moved.end, moved.prot);
    dgm_assert(!r, "mprotect of moved memory: error %ld", -r);
    return 0;
}

/* Makes the mapping that ends at `end` longer where it is. False: the host has no room. */
static bool grow_locked(struct lx_mm *mm, gva_t start, gva_t end, u64 more)
{
    u64 len = end - start;
    prov_call_now(LX_NR_munmap, mm->base + end, more, 0, 0, 0, 0);
    s64 r = prov_call_now(LX_NR_mremap, mm->base + start, len, len + more, 0, 0, 0);
    if (r < 0) {
        dgm_assert(mm_host_fill_hole(mm, end, more), "something took the place of guest memory at %lx", end);
        return false;
    }
    struct lx_vma v = *mm_vma_at(mm, start);
    mm_remove(mm, v.start, v.end);
    v.end += more;
    mm_insert(mm, v);
    r = mm_host_protect(mm, end, end + more, v.prot);
    dgm_assert(!r, "mprotect of longer memory: error %ld", -r);
    return true;
}

/* The checks on the mapping to be moved or grown, as the kernel makes them. */
static s64 check_remap_locked(struct lx_process *p, const struct remap *m, u32 flags, struct lx_vma *out)
{
    const struct lx_vma *v = mm_vma_at(p->mm, m->from);
    if (!v)
        return -EFAULT;
    *out = *v;
    if (!m->old_len && !(v->flags & VMA_SHARED))
        return -EINVAL;
    if (m->old_len > v->end - m->from)
        return -EFAULT;
    if (m->new_len > m->old_len) {
        if (v->flags & VMA_FILE && v->off + (m->from - v->start) + m->new_len < m->new_len)
            return -EINVAL;
        if (over_limit(p, m->new_len - m->old_len, !(v->flags & VMA_SHARED) && (v->prot & PROT_WRITE)))
            return -ENOMEM;
    }
    if ((flags & LX_MREMAP_DONTUNMAP) && over_limit(p, m->new_len, false))
        return -ENOMEM;
    return 0;
}

static s64 remap_locked(struct lx_process *p, struct remap *m, u32 flags)
{
    struct lx_mm *mm = p->mm;
    struct lx_vma v;
    s64 r;
    if (flags & (MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) {
        if (flags & MREMAP_FIXED) {
            if (!mm_is_free(mm, m->to, m->to + m->new_len)) {
                mm_host_reserve(mm, m->to, m->new_len);
                mm_remove(mm, m->to, m->to + m->new_len);
            }
        }
        if (m->old_len > m->new_len) {
            mm_host_reserve(mm, m->from + m->new_len, m->old_len - m->new_len);
            mm_remove(mm, m->from + m->new_len, m->from + m->old_len);
            m->old_len = m->new_len;
        }
        r = check_remap_locked(p, m, flags, &v);
        if (!r && !(flags & MREMAP_FIXED)) {
            m->to = mm_find_room(mm, m->to, m->new_len, mm->page);
            r = m->to ? 0 : -ENOMEM;
        }
        return r ? r : move_locked(mm, &v, m);
    }
    if (!mm_vma_at(mm, m->from))
        return -EFAULT;
    m->to = m->from;
    if (m->old_len >= m->new_len) {
        if (m->old_len > m->new_len) {
            mm_host_reserve(mm, m->from + m->new_len, m->old_len - m->new_len);
            mm_remove(mm, m->from + m->new_len, m->from + m->old_len);
        }
        return 0;
    }
    r = check_remap_locked(p, m, flags, &v);
    if (r)
        return r;
    u64 more = m->new_len - m->old_len;
    gva_t end = m->from + m->old_len;
    if (m->old_len && v.end == end && end + more > end && end + more <= mm->size && mm_is_free(mm, end, end + more) &&
        grow_locked(mm, m->from, end, more))
        return 0;
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    m->to = mm_find_room(mm, 0, m->new_len, mm->page);
    return m->to ? move_locked(mm, &v, m) : -ENOMEM;
}

s64 sys_mremap(struct lx_thread *t, const u64 *a)
{
    struct lx_process *p = t->proc;
    struct lx_mm *mm = p->mm;
    u32 flags = (u32)a[3];
    struct remap m = {.from = a[0], .to = a[4], .old_len = page_up(mm, a[1]), .new_len = page_up(mm, a[2])};
    m.dont_unmap = flags & LX_MREMAP_DONTUNMAP;
    if (a[3] & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | LX_MREMAP_DONTUNMAP))
        return -EINVAL;
    if ((flags & (MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if (m.dont_unmap && m.old_len != m.new_len)
        return -EINVAL;
    if ((m.from & (mm->page - 1)) || !m.new_len)
        return -EINVAL;
    if (flags & (MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) {
        if (m.to & (mm->page - 1))
            return -EINVAL;
        if (m.new_len > mm->size || m.to > mm->size - m.new_len)
            return -EINVAL;
        if (m.from + m.old_len > m.to && m.to + m.new_len > m.from)
            return -EINVAL;
        if ((flags & MREMAP_FIXED) && m.to < mm->min_addr)
            return -EPERM;
    }
    if (m.new_len > mm->size)
        return -ENOMEM;
    if (m.from >= mm->size || m.old_len > mm->size - m.from)
        return -EFAULT;
    /* Code pages split host mappings, and what is moved must not be watched: translations go first. */
    struct remap asked = m;
    s64 r;
    for (;;) {
        mm_drop_code(p, m.from, m.from + m.old_len, false);
        mk_lock(&mm->lock);
        if (!mm_has_code(mm, m.from, m.from + m.old_len))
            break;
        mk_unlock(&mm->lock); /* another thread ran code there meanwhile */
    }
    bool from_exec = mm_has_exec(mm, m.from, m.from + m.old_len);
    bool to_exec = (flags & MREMAP_FIXED) && mm_has_exec(mm, m.to, m.to + m.new_len);
    r = mm_room(mm, 6);
    if (!r)
        r = remap_locked(p, &m, flags);
    mk_unlock(&mm->lock);
    mm_drop_code(p, asked.from, asked.from + asked.old_len, from_exec);
    if (m.to != asked.from)
        mm_drop_code(p, m.to, m.to + m.new_len, to_exec);
    return r ? r : (s64)m.to;
}

/* --- brk --- */

void lx_mm_set_brk(struct lx_mm *mm, gva_t at)
{
    mk_lock(&mm->lock);
    mm->start_brk = mm->brk = at;
    mk_unlock(&mm->lock);
}

s64 sys_brk(struct lx_thread *t, const u64 *a)
{
    struct lx_process *p = t->proc;
    struct lx_mm *mm = p->mm;
    gva_t want = a[0], drop = 0, drop_end = 0;
    bool had_exec = false;
    mk_lock(&mm->lock);
    gva_t now = mm->brk;
    gva_t old_end = page_up(mm, now), new_end = page_up(mm, want);
    mk_lock(&p->limits_lock);
    u64 data = p->limits.data.cur;
    mk_unlock(&p->limits_lock);
    bool ok = want >= mm->start_brk && want < mm->size && new_end >= want;
    if (ok && data != ~0ull && want - mm->start_brk + (mm->end_data - mm->start_data) > data)
        ok = false;
    if (ok && mm_room(mm, 3))
        ok = false;
    if (ok && new_end < old_end) {
        had_exec = mm_has_exec(mm, new_end, old_end);
        s64 r = mm_host_unmap(mm, new_end, old_end - new_end);
        dgm_assert(!r, "the heap cannot be made smaller: error %ld", -r);
        mm_remove(mm, new_end, old_end);
        drop = new_end;
        drop_end = old_end;
    } else if (ok && new_end > old_end) {
        u32 i = mm_index(mm, old_end);
        gva_t bound = i == mm->n                         ? mm->size
                      : mm->vma[i].flags & VMA_GROWSDOWN ? mm->vma[i].start - MM_STACK_GAP
                                                         : mm->vma[i].start;
        ok = new_end + mm->page <= bound && !over_limit(p, new_end - old_end, true);
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (mm->lock_future ? MAP_LOCKED : 0);
        if (ok && mm_host_map(mm, old_end, new_end - old_end, PROT_READ | PROT_WRITE, flags, -1, 0)) {
            repair_locked(mm, old_end, new_end - old_end);
            ok = false;
        }
        if (ok) {
            s64 r =
                mm_has_code(mm, old_end, new_end) ? mm_host_protect(mm, old_end, new_end, PROT_READ | PROT_WRITE) : 0;
            dgm_assert(!r, "mprotect of the heap: error %ld", -r);
            mm_insert(mm, (struct lx_vma){.start = old_end,
                                          .end = new_end,
                                          .prot = PROT_READ | PROT_WRITE,
                                          .id = mm->next_id++,
                                          .flags = VMA_HEAP | (mm->lock_future ? VMA_LOCKED : 0)});
            drop = old_end;
            drop_end = new_end;
        }
    }
    if (ok)
        mm->brk = now = want;
    mk_unlock(&mm->lock);
    if (drop_end > drop)
        mm_drop_code(p, drop, drop_end, had_exec);
    return (s64)now;
}

/* --- madvise, msync, mincore, mlock: calls on ranges --- */

/* Calls the host for each mapped piece of [start, end); holes are skipped. Gives the host's first error, else -ENOMEM
 * when there was a hole, else 0. */
static s64 on_pieces_locked(struct lx_mm *mm, u32 nr, gva_t start, gva_t end, u64 arg)
{
    bool hole = false;
    for (u32 i = mm_index(mm, start); start < end; i++) {
        if (i == mm->n || mm->vma[i].start >= end)
            return -ENOMEM;
        if (mm->vma[i].start > start) {
            hole = true;
            start = mm->vma[i].start;
        }
        gva_t stop = mm->vma[i].end < end ? mm->vma[i].end : end;
        s64 r = prov_call_now(nr, mm->base + start, stop - start, arg, 0, 0, 0);
        if (r < 0)
            return r;
        start = stop;
    }
    return hole ? -ENOMEM : 0;
}

s64 sys_madvise(struct lx_thread *t, const u64 *a)
{
    struct lx_mm *mm = t->proc->mm;
    gva_t start = a[0];
    int advice = (int)a[2];
    if (start & (mm->page - 1))
        return -EINVAL;
    if (advice == MADV_HWPOISON || advice == LX_MADV_SOFT_OFFLINE)
        return -EPERM; /* of the host */
    /* An empty range tells whether the advice is known. */
    s64 r = prov_call_now(LX_NR_madvise, mm->base, 0, (u64)advice, 0, 0, 0);
    if (r < 0)
        return r;
    u64 len = page_up(mm, a[1]);
    if ((a[1] && !len) || start + len < start)
        return -EINVAL;
    if (!len)
        return 0;
    if (start >= mm->size)
        return -ENOMEM;
    bool beyond = len > mm->size - start;
    gva_t end = beyond ? mm->size : start + len;
    bool changes = advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE ||
                   advice == LX_MADV_POPULATE_WRITE || advice == LX_MADV_DONTNEED_LOCKED ||
                   advice == LX_MADV_GUARD_INSTALL;
    if (changes)
        mm_drop_code(t->proc, start, end, false);
    mk_lock(&mm->lock);
    bool had_exec = changes && mm_has_exec(mm, start, end);
    r = mm_room(mm, 3);
    if (!r)
        r = on_pieces_locked(mm, LX_NR_madvise, start, end, (u64)advice);
    if ((!r || r == -ENOMEM) && (advice == MADV_DONTFORK || advice == MADV_DOFORK) && !mm_room(mm, 3))
        mm_set_flags(mm, start, end, advice == MADV_DONTFORK ? VMA_DONTFORK : 0,
                     advice == MADV_DOFORK ? VMA_DONTFORK : 0);
    mk_unlock(&mm->lock);
    if (changes)
        mm_drop_code(t->proc, start, end, had_exec);
    return r ? r : beyond ? -ENOMEM : 0;
}

s64 sys_msync(struct lx_thread *t, const u64 *a)
{
    struct lx_mm *mm = t->proc->mm;
    gva_t start = a[0];
    u32 flags = (u32)a[2];
    if ((flags & ~(u32)(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (start & (mm->page - 1)) ||
        (flags & MS_ASYNC && flags & MS_SYNC))
        return -EINVAL;
    u64 len = page_up(mm, a[1]);
    if (start + len < start)
        return -ENOMEM;
    if (!len)
        return 0;
    if (start >= mm->size || len > mm->size - start)
        return -ENOMEM;
    /* The host may write to a disk for long: piece by piece, and the lock is held only to find the next one. */
    gva_t end = start + len;
    bool hole = false;
    while (start < end) {
        mk_lock(&mm->lock);
        u32 i = mm_index(mm, start);
        struct lx_vma v = {.start = end, .end = end};
        if (i < mm->n && mm->vma[i].start < end)
            v = mm->vma[i];
        mk_unlock(&mm->lock);
        hole |= v.start > start;
        gva_t from = v.start > start ? v.start : start, to = v.end < end ? v.end : end;
        if (from < to) {
            s64 r = prov_call_now(LX_NR_msync, mm->base + from, to - from, flags, 0, 0, 0);
            if (r < 0)
                return r;
        }
        start = to;
    }
    return hole ? -ENOMEM : 0;
}

s64 sys_mincore(struct lx_thread *t, const u64 *a)
{
    struct lx_mm *mm = t->proc->mm;
    if (a[0] & (mm->page - 1))
        return -EINVAL;
    u64 len = page_up(mm, a[1]);
    if (a[0] > mm->size || a[1] > mm->size - a[0])
        return -ENOMEM;
    if (!lx_ok(t, a[2], len / mm->page))
        return -EFAULT;
    mk_lock(&mm->lock);
    bool mapped = mm_is_mapped(mm, a[0], a[0] + len);
    mk_unlock(&mm->lock);
    if (!mapped)
        return -ENOMEM;
    lx_prepare_write(t, a[2], len / mm->page);
    return prov_call_now(LX_NR_mincore, mm->base + a[0], len, (u64)(hva_t)lx_ptr(t, a[2]), 0, 0, 0);
}

static s64 do_lock(struct lx_thread *t, u64 addr, u64 size, u32 nr, u64 arg, bool on)
{
    struct lx_mm *mm = t->proc->mm;
    gva_t start = addr & ~(mm->page - 1);
    u64 len = page_up(mm, size + (addr - start));
    if (start + len < start)
        return -EINVAL;
    if (!len)
        return 0;
    if (start > mm->size || len > mm->size - start)
        return -ENOMEM;
    mk_lock(&mm->lock);
    s64 r = mm_room(mm, 3);
    if (!r)
        r = on_pieces_locked(mm, nr, start, start + len, arg);
    if (!r)
        mm_set_flags(mm, start, start + len, on ? VMA_LOCKED : 0, on ? 0 : VMA_LOCKED);
    mk_unlock(&mm->lock);
    return r;
}

s64 sys_mlock(struct lx_thread *t, const u64 *a)
{
    return do_lock(t, a[0], a[1], LX_NR_mlock, 0, true);
}

s64 sys_mlock2(struct lx_thread *t, const u64 *a)
{
    if (a[2] & ~1ull)
        return -EINVAL;
    return do_lock(t, a[0], a[1], LX_NR_mlock2, a[2], true);
}

s64 sys_munlock(struct lx_thread *t, const u64 *a)
{
    return do_lock(t, a[0], a[1], LX_NR_munlock, 0, false);
}

/* Locks or unlocks all that the guest has mapped; the engine's own memory is left alone. */
static s64 lock_all(struct lx_mm *mm, u32 nr, u64 arg, bool on)
{
    s64 r = 0;
    for (u32 i = 0; i < mm->n && !r; i++) {
        struct lx_vma *v = &mm->vma[i];
        r = prov_call_now(nr, mm->base + v->start, v->end - v->start, arg, 0, 0, 0);
        if (r == -ENOMEM && !v->prot)
            r = 0; /* inaccessible memory is locked in name only */
        if (!r)
            v->flags = on ? v->flags | VMA_LOCKED : v->flags & ~(u32)VMA_LOCKED;
    }
    return r < 0 ? r : 0;
}

s64 sys_mlockall(struct lx_thread *t, const u64 *a)
{
    struct lx_mm *mm = t->proc->mm;
    u32 flags = (u32)a[0];
    if (!flags || (flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
        return -EINVAL;
    mk_lock(&mm->lock);
    s64 r = 0;
    if (flags & MCL_CURRENT)
        r = lock_all(mm, LX_NR_mlock2, flags & MCL_ONFAULT ? 1 : 0, true);
    if (!r)
        mm->lock_future = flags & MCL_FUTURE;
    mk_unlock(&mm->lock);
    return r;
}

s64 sys_munlockall(struct lx_thread *t, const u64 *a)
{
    struct lx_mm *mm = t->proc->mm;
    mk_lock(&mm->lock);
    s64 r = lock_all(mm, LX_NR_munlock, 0, false);
    mm->lock_future = false;
    mk_unlock(&mm->lock);
    return r;
}

/* --- System V shared memory --- */

s64 sys_shmat(struct lx_thread *t, const u64 *a)
{
    struct lx_process *p = t->proc;
    struct lx_mm *mm = p->mm;
    lx_cache_shared(p);
    int flags = (int)a[2];
    gva_t at = a[1];
    if (at & (mm->page - 1)) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        at &= ~(mm->page - 1);
        if (!at && (flags & SHM_REMAP))
            return -EINVAL;
    } else if (!at && (flags & SHM_REMAP)) {
        return -EINVAL;
    }
    struct shmid_ds ds;
    s64 r = prov_call_now(LX_NR_shmctl, a[0], IPC_STAT, (u64)(hva_t)&ds, 0, 0, 0);
    if (r < 0)
        return r == -EIDRM ? -EINVAL : r;
    u64 len = page_up(mm, ds.shm_segsz);
    if (at && (at > mm->size || len > mm->size - at))
        return -EINVAL;
    mk_lock(&mm->lock);
    bool had_exec = at && mm_has_exec(mm, at, at + len);
    r = mm_room(mm, 3);
    if (!r && at && !(flags & SHM_REMAP) && !mm_is_free(mm, at, at + len))
        r = -EINVAL;
    if (!r && !at)
        r = (at = mm_find_room(mm, 0, len, mm->page)) ? 0 : -ENOMEM;
    if (!r && over_limit(p, len, false))
        r = -ENOMEM;
    if (!r) {
        u32 prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & LX_SHM_EXEC ? PROT_EXEC : 0);
        r = prov_call_now(LX_NR_shmat, a[0], mm->base + at, (u64)((flags & SHM_RDONLY) | SHM_REMAP), 0, 0, 0);
        if (r < 0) {
            repair_locked(mm, at, len);
        } else {
            mm_remove(mm, at, at + len);
            mm_insert(
                mm,
                (struct lx_vma){
                    .start = at, .end = at + len, .prot = prot, .flags = VMA_SHARED | VMA_SHM, .id = mm->next_id++});
            r = (s64)at;
        }
    }
    mk_unlock(&mm->lock);
    if (r >= 0)
        mm_drop_code(p, at, at + len, had_exec);
    return r;
}

s64 sys_shmdt(struct lx_thread *t, const u64 *a)
{
    struct lx_process *p = t->proc;
    struct lx_mm *mm = p->mm;
    gva_t at = a[0], end = at;
    if (at & (mm->page - 1))
        return -EINVAL;
    mk_lock(&mm->lock);
    s64 r = mm_room(mm, 2);
    const struct lx_vma *v = at < mm->size ? mm_vma_at(mm, at) : NULL;
    u64 id = v ? v->id : 0;
    if (!r && (!v || !(v->flags & VMA_SHM) || v->start != at || v->off))
        r = -EINVAL;
    /* All pieces of that attachment, wherever parts of it were unmapped or protected since. */
    for (u32 i = mm_index(mm, at); !r && i < mm->n;) {
        struct lx_vma w = mm->vma[i];
        if ((w.flags & VMA_SHM) && w.id == id && w.off == w.start - at) {
            mm_host_reserve(mm, w.start, w.end - w.start);
            mm_remove(mm, w.start, w.end);
            end = w.end;
        } else {
            i++;
        }
    }
    mk_unlock(&mm->lock);
    if (!r)
        mm_drop_code(p, at, end, true);
    return r;
}
