/* The guest's memory map: the list of mappings, how they lie on the host, and what the engine asks about them.
 *
 * The window. One range of host addresses is reserved for all that the guest can address, with guards below and above
 * it that catch addresses a little out of range. A guest mapping replaces reserved memory with MAP_FIXED; unmapping
 * leaves a hole where the window is the lowest of all and the host kernel searches for room above it, so that no
 * mapping of our own falls into it; to reserve the place again would cost the guest half as much again as its calls do.
 * Elsewhere unmapping puts reserved memory back in one step. Only mremap leaves a hole for a moment there; a larger
 * free gap is left above the window, where the host kernel (which searches from the top) finds room first.
 *
 * Host protections. Guest X becomes host R. A page that has translations is a *code page*: it loses host W whatever the
 * guest's protection is, so that a write faults; the write is then let through after the translations are dropped
 * (engine_unwatch). The bit map `code` belongs to the engine: it is set and cleared by its watch(). So whenever a
 * writable mapping comes to lie over code pages, mm_host_protect leaves those pages out. Not all pages with
 * translations are code pages (shared memory can't be watched, and the engine does not watch what is written too
 * often): so what was executable and goes away is always invalidated, whatever the bits say.
 *
 * Order of locks: the engine's lock, then mm->lock. Calls that change the map change it with the lock held, and tell
 * the engine after they let go; until then other threads may run stale translations, as real harts may run stale
 * instructions until a call that changes the map returns.
 *
 * The system calls are in mmcalls.c, copies from and to guest memory in mem.c. */
#define _GNU_SOURCE
#include "personality/linux/mm.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/heap.h"
#include "lib/str.h"
#include "personality/linux/cache.h"
#include "personality/linux/gdb.h"
#include "personality/linux/known.h"
#include "personality/linux/mm_int.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscalls_gen.h"

/* For a window of this size: inaccessible memory below and above it, and room left to the host's own mappings above
 * that. */
#define GUARD(size)    ((size) / 64)
#define HOST_GAP(size) ((size) / 4)
#define LEAST_WINDOW   (256ull << 20)
/* How many mappings the host kernel lets a process have, less what the engine needs. */
#define HOST_MAPS (65530 - 1500)

/* --- the host's side --- */

s64 mm_host_map(struct lx_mm *mm, gva_t at, u64 len, int prot, int flags, int fd, u64 off)
{
    s64 r = prov_call_now(LX_NR_mmap, mm->base + at, len, (u64)prot, (u64)flags, (u64)(s64)fd, off);
    dgm_assert(r < 0 || (hva_t)r == mm->base + at, "mmap at %lx of %lx gave %lx", at, len, (u64)r - mm->base);
    return r < 0 ? r : 0;
}

void mm_host_reserve(struct lx_mm *mm, gva_t at, u64 len)
{
    s64 r = mm_host_map(mm, at, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    dgm_assert(!r, "cannot reserve guest memory at %lx, %lx bytes: error %ld", at, len, -r);
}

s64 mm_host_unmap(struct lx_mm *mm, gva_t at, u64 len)
{
    if (LIKELY(mm->holes)) {
        mm->whole = false;
        return prov_call_now(LX_NR_munmap, mm->base + at, len, 0, 0, 0, 0);
    }
    return mm_host_map(mm, at, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

bool mm_host_fill_hole(struct lx_mm *mm, gva_t at, u64 len)
{
    s64 r = prov_call_now(LX_NR_mmap, mm->base + at, len, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, ~0ull, 0);
    dgm_assert(r < 0 || (hva_t)r == mm->base + at, "the host kernel does not know MAP_FIXED_NOREPLACE");
    return r >= 0;
}

int mm_host_prot(u32 prot)
{
    return (prot ? PROT_READ : PROT_NONE) | (prot & PROT_WRITE ? PROT_WRITE : 0);
}

/* The next page in [from, to) whose bit in `map` is `want`; `to` if none. Page numbers. */
static u64 next_bit(const u64 *map, u64 from, u64 to, bool want)
{
    while (from < to) {
        u64 w = __atomic_load_n(&map[from / 64], __ATOMIC_RELAXED);
        w = (want ? w : ~w) & (~0ull << from % 64);
        if (w) {
            u64 at = from / 64 * 64 + ctz64(w);
            return at < to ? at : to;
        }
        from = from / 64 * 64 + 64;
    }
    return to;
}

bool mm_has_code(const struct lx_mm *mm, gva_t start, gva_t end)
{
    return atomic_load_explicit(&mm->ncode, memory_order_relaxed) &&
           next_bit(mm->code, start / mm->page, end / mm->page, true) < end / mm->page;
}

s64 mm_host_protect(struct lx_mm *mm, gva_t start, gva_t end, u32 prot)
{
    int hp = mm_host_prot(prot);
    if (!(hp & PROT_WRITE) || !mm_has_code(mm, start, end))
        return prov_call_now(LX_NR_mprotect, mm->base + start, end - start, (u64)hp, 0, 0, 0);
    u64 to = end / mm->page;
    for (u64 n = start / mm->page, stop; n < to; n = stop) {
        bool code = mm->code[n / 64] >> n % 64 & 1;
        stop = next_bit(mm->code, n, to, !code);
        s64 r = prov_call_now(LX_NR_mprotect, mm->base + n * mm->page, (stop - n) * mm->page,
                              (u64)(code ? hp & ~PROT_WRITE : hp), 0, 0, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- the list --- */

u32 mm_index(const struct lx_mm *mm, gva_t p)
{
    u32 lo = 0, hi = mm->n;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (mm->vma[mid].end > p)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

struct lx_vma *mm_vma_at(struct lx_mm *mm, gva_t p)
{
    u32 i = mm_index(mm, p);
    return i < mm->n && mm->vma[i].start <= p ? &mm->vma[i] : NULL;
}

/* Would the host have too many mappings, were there `more`? Each hole is one for the host, too. They are counted when
 * those that were found free last are used up. */
static bool too_many(struct lx_mm *mm, u32 more)
{
    u32 holes = 1;
    if (LIKELY(2 * (mm->n + more) < HOST_MAPS))
        return false;
    if (mm->slack < 2 * more) {
        for (u32 i = 1; i < mm->n; i++)
            holes += mm->vma[i - 1].end != mm->vma[i].start;
        mm->slack = mm->n + holes < HOST_MAPS ? HOST_MAPS - mm->n - holes : 0;
    }
    if (mm->slack < 2 * more)
        return true;
    mm->slack -= 2 * more;
    return false;
}

int mm_room(struct lx_mm *mm, u32 more)
{
    if (too_many(mm, more))
        return -ENOMEM;
    if (mm->n + more <= mm->cap)
        return 0;
    u32 cap = mm->cap ? mm->cap * 2 : 64;
    while (cap < mm->n + more)
        cap *= 2;
    struct lx_vma *v = heap_realloc(mm->vma, cap * sizeof *v);
    if (!v)
        return -ENOMEM;
    mm->vma = v;
    mm->cap = cap;
    return 0;
}

static bool counts_as_data(const struct lx_vma *v)
{
    return (v->prot & PROT_WRITE) && !(v->flags & (VMA_SHARED | VMA_STACK | VMA_GROWSDOWN));
}

static void account(struct lx_mm *mm, const struct lx_vma *v, int sign)
{
    u64 len = v->end - v->start;
    mm->total += sign > 0 ? len : -len;
    if (counts_as_data(v))
        mm->data += sign > 0 ? len : -len;
}

static bool mergeable(const struct lx_vma *a, const struct lx_vma *b)
{
    if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->known != b->known)
        return false;
    if (a->flags & (VMA_FILE | VMA_SHARED))
        return a->id == b->id && a->off + (a->end - a->start) == b->off;
    return true;
}

/* Moves what is from i on up by one: from the end, in pieces, since there may be tens of thousands, and musl's memmove
 * goes backwards a word at a time (ten times as slow). */
static void make_room(struct lx_mm *mm, u32 i)
{
    struct lx_vma piece[64];
    for (u32 end = mm->n, n; end > i;) {
        n = end - i < ARRAY_LEN(piece) ? end - i : ARRAY_LEN(piece);
        end -= n;
        memcpy(piece, &mm->vma[end], n * sizeof *piece);
        memcpy(&mm->vma[end + 1], piece, n * sizeof *piece);
    }
}

static void raw_insert(struct lx_mm *mm, u32 i, struct lx_vma v)
{
    dgm_assert(mm->n < mm->cap, "no room in the list of mappings");
    make_room(mm, i);
    mm->vma[i] = v;
    mm->n++;
}

static void raw_remove(struct lx_mm *mm, u32 i, u32 count)
{
    memmove(&mm->vma[i], &mm->vma[i + count], (mm->n - i - count) * sizeof *mm->vma);
    mm->n -= count;
}

/* Merges i with its neighbour above; true when it did. */
static bool merge_up(struct lx_mm *mm, u32 i)
{
    if (i + 1 >= mm->n || !mergeable(&mm->vma[i], &mm->vma[i + 1]))
        return false;
    mm->vma[i].end = mm->vma[i + 1].end;
    raw_remove(mm, i + 1, 1);
    return true;
}

void mm_insert(struct lx_mm *mm, struct lx_vma v)
{
    u32 i = mm_index(mm, v.start);
    dgm_assert(i == mm->n || mm->vma[i].start >= v.end, "mapping %lx-%lx overlaps another", v.start, v.end);
    raw_insert(mm, i, v);
    account(mm, &v, 1);
    merge_up(mm, i);
    if (i)
        merge_up(mm, i - 1);
}

void mm_split(struct lx_mm *mm, gva_t p)
{
    u32 i = mm_index(mm, p);
    if (i == mm->n || mm->vma[i].start >= p)
        return;
    struct lx_vma hi = mm->vma[i];
    hi.off += p - hi.start;
    hi.start = p;
    mm->vma[i].end = p;
    raw_insert(mm, i + 1, hi);
}

/* Where a mapping begins as far as its neighbour below is concerned: a stack keeps a gap. */
static gva_t start_with_gap(const struct lx_mm *mm, const struct lx_vma *v)
{
    u64 gap = MM_STACK_GAP;
    if (!(v->flags & VMA_GROWSDOWN))
        return v->start;
    return v->start > gap ? v->start - gap : 0;
}

void mm_remove(struct lx_mm *mm, gva_t start, gva_t end)
{
    mm_split(mm, start);
    mm_split(mm, end);
    u32 i = mm_index(mm, start), n = 0;
    while (i + n < mm->n && mm->vma[i + n].start < end) {
        account(mm, &mm->vma[i + n], -1);
        n++;
    }
    raw_remove(mm, i, n);
    /* The hole that is here now may be the highest that is large enough for what comes. */
    gva_t top = i < mm->n ? start_with_gap(mm, &mm->vma[i]) : mm->size;
    if (top > mm->search_top)
        mm->search_top = top;
}

void mm_set_prot(struct lx_mm *mm, gva_t start, gva_t end, u32 prot)
{
    mm_split(mm, start);
    mm_split(mm, end);
    for (u32 i = mm_index(mm, start); i < mm->n && mm->vma[i].start < end; i++) {
        account(mm, &mm->vma[i], -1);
        mm->vma[i].prot = prot;
        if (prot & PROT_WRITE)
            mm->vma[i].known = 0;
        account(mm, &mm->vma[i], 1);
    }
    mm_merge(mm, start, end);
}

void mm_set_flags(struct lx_mm *mm, gva_t start, gva_t end, u32 set, u32 clear)
{
    mm_split(mm, start);
    mm_split(mm, end);
    for (u32 i = mm_index(mm, start); i < mm->n && mm->vma[i].start < end; i++)
        mm->vma[i].flags = (mm->vma[i].flags & ~clear) | set;
    mm_merge(mm, start, end);
}

void mm_merge(struct lx_mm *mm, gva_t start, gva_t end)
{
    u32 i = mm_index(mm, start);
    i -= i > 0;
    while (i < mm->n && mm->vma[i].start <= end)
        if (!merge_up(mm, i))
            i++;
}

bool mm_is_free(const struct lx_mm *mm, gva_t start, gva_t end)
{
    u32 i = mm_index(mm, start);
    return i == mm->n || mm->vma[i].start >= end;
}

bool mm_is_mapped(const struct lx_mm *mm, gva_t start, gva_t end)
{
    for (u32 i = mm_index(mm, start); start < end; i++) {
        if (i == mm->n || mm->vma[i].start > start)
            return false;
        start = mm->vma[i].end;
    }
    return true;
}

/* The highest place for len bytes that ends at or below `top`; 0 if none. *largest grows to the largest hole passed
 * over. */
static gva_t find_below(const struct lx_mm *mm, gva_t top, u64 len, u64 align, u64 *largest)
{
    u32 i = mm_index(mm, top - 1);
    /* vma[i] is the first that ends above top - 1: its start, if it is below, bounds us. */
    gva_t hi = top;
    if (i < mm->n && start_with_gap(mm, &mm->vma[i]) < hi)
        hi = start_with_gap(mm, &mm->vma[i]);
    for (;;) {
        gva_t lo = i ? mm->vma[i - 1].end : 0;
        if (lo < mm->min_addr)
            lo = mm->min_addr;
        if (hi >= len && hi > lo) {
            gva_t at = (hi - len) & ~(align - 1);
            if (at >= lo)
                return at;
        }
        if (hi > lo && hi - lo > *largest)
            *largest = hi - lo;
        if (!i || hi <= mm->min_addr)
            return 0;
        i--;
        hi = start_with_gap(mm, &mm->vma[i]);
    }
}

gva_t mm_find_room(struct lx_mm *mm, gva_t hint, u64 len, u64 align)
{
    if (len > mm->size)
        return 0;
    if (hint) {
        gva_t at = (hint + align - 1) & ~(align - 1);
        if (at >= mm->min_addr && at <= mm->size - len && mm_is_free(mm, at, at + len)) {
            u32 i = mm_index(mm, at + len - 1);
            if (i == mm->n || start_with_gap(mm, &mm->vma[i]) >= at + len)
                return at;
        }
    }
    /* Above search_top there is no hole larger than `passed`, so the search need not begin higher. */
    if (len <= mm->passed || mm->search_top > mm->mmap_top) {
        mm->search_top = mm->mmap_top;
        mm->passed = 0;
    }
    gva_t at = find_below(mm, mm->search_top, len, align, &mm->passed);
    u64 ignored = 0;
    if (!at)
        return find_below(mm, mm->size, len, align, &ignored);
    mm->search_top = at + len;
    return at;
}

/* --- code pages --- */

/* Calls fn for each run of set bits in [start, end). The bits may change under it. */
static void each_run(struct lx_mm *mm, const u64 *map, gva_t start, gva_t end,
                     void (*fn)(struct lx_process *p, gva_t start, u64 len), struct lx_process *p)
{
    u64 to = end / mm->page;
    for (u64 n = next_bit(map, start / mm->page, to, true); n < to;) {
        u64 stop = next_bit(map, n, to, false);
        fn(p, n * mm->page, (stop - n) * mm->page);
        n = next_bit(map, stop, to, true);
    }
}

static void unwatch(struct lx_process *p, gva_t start, u64 len)
{
    engine_unwatch(p->engine, start, len);
}

void mm_drop_code(struct lx_process *p, gva_t start, gva_t end, bool had_exec)
{
    struct lx_mm *mm = p->mm;
    if (had_exec)
        engine_invalidate(p->engine, start, end - start);
    if (mm_has_code(mm, start, end))
        each_run(mm, mm->code, start, end, unwatch, p);
}

bool mm_has_exec(const struct lx_mm *mm, gva_t start, gva_t end)
{
    for (u32 i = mm_index(mm, start); i < mm->n && mm->vma[i].start < end; i++)
        if (mm->vma[i].prot & PROT_EXEC)
            return true;
    return false;
}

/* Clears the bit of a code page whose host protection is put right by the caller. */
static void clear_code_locked(struct lx_mm *mm, u64 n)
{
    u64 bit = 1ull << n % 64;
    if (mm->code[n / 64] & bit) {
        __atomic_and_fetch(&mm->code[n / 64], ~bit, __ATOMIC_RELAXED);
        atomic_fetch_sub(&mm->ncode, 1);
    }
}

/* Gives page n its host protection as map and bits now say. */
static void refresh_page_locked(struct lx_mm *mm, u64 n)
{
    const struct lx_vma *v = mm_vma_at(mm, n * mm->page);
    if (v && (v->prot & PROT_WRITE)) {
        s64 r = mm_host_protect(mm, n * mm->page, (n + 1) * mm->page, v->prot);
        dgm_assert(!r, "mprotect of code page %lx: error %ld", n * mm->page, -r);
    }
}

static bool op_watch(void *cx, gva_t start, size_t len, bool on)
{
    struct lx_mm *mm = cx;
    bool seen = true;
    mk_lock(&mm->lock);
    for (u64 n = start / mm->page; n < (start + len) / mm->page; n++) {
        u64 bit = 1ull << n % 64;
        const struct lx_vma *v = mm_vma_at(mm, n * mm->page);
        if (!on) {
            clear_code_locked(mm, n);
        } else if (v && (v->flags & VMA_SHARED)) {
            seen = false; /* other mappings of the same memory may be written */
            if (!(mm->code[n / 64] & bit))
                continue;
            clear_code_locked(mm, n); /* of what was mapped here before */
        } else if (!(__atomic_fetch_or(&mm->code[n / 64], bit, __ATOMIC_RELAXED) & bit)) {
            atomic_fetch_add(&mm->ncode, 1);
            atomic_fetch_add(&mm->watches, 1);
        }
        refresh_page_locked(mm, n);
    }
    mk_unlock(&mm->lock);
    return seen;
}

static size_t op_executable(void *cx, gva_t pc, size_t want, struct vcpu_fault *fault)
{
    struct lx_mm *mm = cx;
    size_t n = 0;
    *fault = (struct vcpu_fault){.addr = pc, .kind = VCPU_FAULT_UNMAPPED, .access = VCPU_EXEC};
    mk_lock(&mm->lock);
    for (u32 i = mm_index(mm, pc); i < mm->n && mm->vma[i].start <= pc + n && n < want; i++) {
        if (!(mm->vma[i].prot & PROT_EXEC)) {
            if (!n)
                fault->kind = VCPU_FAULT_PROTECTION;
            break;
        }
        n = mm->vma[i].end - pc;
    }
    mk_unlock(&mm->lock);
    return n < want ? n : want;
}

static u32 op_known(void *cx, gva_t pc)
{
    struct lx_mm *mm = cx;
    u32 known = 0;
    mk_lock(&mm->lock);
    const struct lx_vma *v = mm_vma_at(mm, pc);
    if (v && v->known && (v->prot & PROT_EXEC))
        known = lx_known_at(mm, v, pc);
    mk_unlock(&mm->lock);
    return known;
}

const struct engine_ops lx_engine_ops = {
    .executable = op_executable, .watch = op_watch, .known = op_known, .image = lx_cache_image};
const struct engine_ops lx_engine_ops_gdb = {.executable = op_executable, .watch = op_watch, .stop_at = lx_gdb_stop_at};

void lx_prepare_write_slow(struct lx_thread *t, gva_t p, u64 n)
{
    struct lx_mm *mm = t->proc->mm;
    if (p >= mm->size)
        return;
    if (n > mm->size - p)
        n = mm->size - p;
    if (n > LX_MOVED_MAX)
        n = LX_MOVED_MAX;
    gva_t start = p & ~(mm->page - 1), end = (p + n + mm->page - 1) & ~(mm->page - 1);
    if (mm_has_code(mm, start, end))
        each_run(mm, mm->code, start, end, unwatch, t->proc);
}

/* --- faults --- */

/* A stack mapping above addr that may grow down to it: grows it. */
static bool grow_down_locked(struct lx_process *p, struct lx_mm *mm, gva_t addr)
{
    u32 i = mm_index(mm, addr);
    gva_t start = addr & ~(mm->page - 1);
    if (i == mm->n || !(mm->vma[i].flags & VMA_GROWSDOWN) || start < mm->min_addr)
        return false;
    struct lx_vma *v = &mm->vma[i];
    mk_lock(&p->limits_lock);
    u64 limit = p->limits.stack.cur;
    mk_unlock(&p->limits_lock);
    if (v->end - start > limit)
        return false;
    if (i && !(mm->vma[i - 1].flags & VMA_GROWSDOWN) && mm->vma[i - 1].prot &&
        mm->vma[i - 1].end + MM_STACK_GAP > start)
        return false;
    if (mm_host_map(mm, start, v->start - start, mm_host_prot(v->prot), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))
        return false;
    struct lx_vma was = *v;
    account(mm, &was, -1);
    v->start = start;
    account(mm, v, 1);
    s64 r = mm_host_protect(mm, start, was.start, v->prot);
    dgm_assert(!r, "mprotect of a stack: error %ld", -r);
    return true;
}

enum lx_fault_verdict lx_mm_fault(struct lx_thread *t, const struct vcpu_fault *f)
{
    struct lx_mm *mm = t->proc->mm;
    static const u32 need[] = {
        [VCPU_READ] = PROT_READ | PROT_WRITE | PROT_EXEC, [VCPU_WRITE] = PROT_WRITE, [VCPU_EXEC] = PROT_EXEC};
    if (f->addr >= mm->size)
        return LX_FAULT_MAPERR;
    enum lx_fault_verdict verdict = LX_FAULT_RETRY;
    bool code = false;
    mk_lock(&mm->lock);
    const struct lx_vma *v = mm_vma_at(mm, f->addr);
    u64 n = f->addr / mm->page;
    if (!v)
        verdict = grow_down_locked(t->proc, mm, f->addr) ? LX_FAULT_RETRY : LX_FAULT_MAPERR;
    else if (!(v->prot & need[f->access]))
        verdict = LX_FAULT_ACCERR;
    else if (f->kind == VCPU_FAULT_BUS)
        verdict = LX_FAULT_BUS;
    else
        code = f->access == VCPU_WRITE && (mm->code[n / 64] >> n % 64 & 1);
    mk_unlock(&mm->lock);
    /* When the engine does not watch the page, another thread's write or a flush came first. It is not for us to make
     * the page writable then: a third thread may have it watched again already. */
    for (bool watched = code; watched && !engine_unwatch(t->proc->engine, f->addr, 1);)
        watched = __atomic_load_n(&mm->code[n / 64], __ATOMIC_ACQUIRE) >> n % 64 & 1;

    /* A fault that the map does not explain is a race with another thread's change of the map. When it comes again and
     * again it is not: memory that the host refuses for a reason of its own (a guard made by madvise). */
    if (verdict != LX_FAULT_RETRY || code || t->fault_addr != f->addr || t->fault_pc != t->vcpu->pc) {
        t->fault_addr = f->addr;
        t->fault_pc = t->vcpu->pc;
        t->fault_count = 0;
    } else if (++t->fault_count > 100) {
        t->fault_count = 0;
        return LX_FAULT_MAPERR;
    }
    return verdict;
}

/* --- life --- */

/* The window at host address 0, where guest addresses are host addresses and reaching them costs nothing: host programs
 * live far above. Not where something of the host's lies there (a sanitizer's shadow). What the host never gives out at
 * its lowest end, the guest does not get either. */
static int reserve_low_window(struct lx_mm *mm, u64 size)
{
    u64 low = mm->min_addr;
    int rc = mk_reserve_at(low, size + GUARD(size) - low);
    if (rc && low < 0x10000) {
        low = 0x10000;
        rc = mk_reserve_at(low, size + GUARD(size) - low);
    }
    if (!rc) {
        mm->min_addr = low;
        mm->base = 0;
        mm->size = size;
    }
    return rc;
}

static void free_window(struct lx_mm *mm)
{
    hva_t start = mm->base ? mm->base - GUARD(mm->size) : mm->min_addr;
    prov_call_now(LX_NR_munmap, start, mm->base + mm->size + GUARD(mm->size) - start, 0, 0, 0, 0);
}

static int reserve_window(struct lx_mm *mm, u64 size)
{
    hva_t at;
    if (!reserve_low_window(mm, size))
        return 0;
    int rc = mk_reserve(&at, size + 2 * GUARD(size) + HOST_GAP(size), 2 << 20);
    if (!rc) {
        prov_call_now(LX_NR_munmap, at + size + 2 * GUARD(size), HOST_GAP(size), 0, 0, 0, 0);
        mm->base = at + GUARD(size);
        mm->size = size;
    }
    return rc;
}

/* Would the host kernel choose a place in the window for a mapping only when there is no other? It searches from the
 * top, or, as some have it set up, upwards from a third of its address space; `at` is what it has chosen. */
static bool leaves_holes(const struct lx_mm *mm, hva_t at)
{
    return !mm->base && at >= mm->size + GUARD(mm->size);
}

int lx_mm_create(struct lx_mm **out, u64 window)
{
    if (mk_page_size() != 4096)
        return -ENOTSUP;
    struct lx_mm *mm = heap_calloc(1, sizeof *mm);
    if (!mm)
        return -ENOMEM;
    mm->page = mk_page_size();
    mm->users = 1;
    mm->next_id = 1;
    mm->min_addr = geteuid() ? 0x10000 : mm->page;
    int rc = -ENOMEM;
    while (rc && window >= LEAST_WINDOW) {
        rc = reserve_window(mm, window);
        if (rc)
            window /= 2;
    }
    mm->whole = !rc;
    u64 bitmap = mm->size / mm->page / 8;
    void *code = NULL;
    if (!rc)
        rc = mk_pages_alloc(&code, bitmap);
    if (rc) {
        if (mm->size)
            free_window(mm);
        heap_free(mm);
        return rc;
    }
    mm->code = code;
    mm->holes = leaves_holes(mm, (hva_t)code);
    mm->mmap_top = mm->search_top = mm->size;
    *out = mm;
    return 0;
}

void lx_mm_release(struct lx_mm *mm)
{
    if (atomic_fetch_sub(&mm->users, 1) > 1)
        return;
    mk_pages_free(mm->code, mm->size / mm->page / 8);
    free_window(mm);
    heap_free(mm->vma);
    lx_known_free(mm);
    heap_free(mm);
}

int lx_mm_each(struct lx_mm *mm, int (*fn)(void *cx, const struct lx_vma *v), void *cx)
{
    int rc = 0;
    mk_lock(&mm->lock);
    for (u32 i = 0; i < mm->n && !rc; i++)
        rc = fn(cx, &mm->vma[i]);
    mk_unlock(&mm->lock);
    return rc;
}

bool lx_mm_find(struct lx_mm *mm, gva_t p, struct lx_vma *out)
{
    mk_lock(&mm->lock);
    const struct lx_vma *v = mm_vma_at(mm, p);
    if (v)
        *out = *v;
    mk_unlock(&mm->lock);
    return v != NULL;
}

void lx_mm_fork_before(struct lx_mm *mm)
{
    mk_lock(&mm->lock);
}

void lx_mm_fork_after(struct lx_mm *mm, bool child)
{
    if (!child) {
        mk_unlock(&mm->lock);
        return;
    }
    mk_lock_reset(&mm->lock);
    for (u32 i = 0; i < mm->n;) {
        struct lx_vma v = mm->vma[i];
        if (v.flags & VMA_DONTFORK) {
            mm_host_reserve(mm, v.start, v.end - v.start);
            mm_remove(mm, v.start, v.end);
        } else {
            if (v.flags & VMA_LOCKED) /* which is not inherited; and most pages of the list need not be copied */
                mm->vma[i].flags &= ~VMA_LOCKED;
            i++;
        }
    }
    mm->lock_future = false;
}
