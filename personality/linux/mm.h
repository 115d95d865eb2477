/* The guest's memory map.
 *
 * The guest's address space is one reserved window of the host's; a guest mapping is a host mapping inside it, made
 * with MAP_FIXED, and a hole is inaccessible reserved memory. This file's owner is one lx_mm per address space: a
 * sorted list of what is mapped, with the protections that the guest asked for. What the host page tables hold differs
 * in two ways: guest-executable pages are readable and never executable, and pages that have translations are not
 * writable ("code pages", see lx_prepare_write). */
#pragma once

#include "personality/linux/lx.h"

/* lx_vma.prot: PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
enum {
    VMA_SHARED = 1 << 0,
    VMA_FILE = 1 << 1, /* a file's pages, at `off`; else anonymous */
    VMA_GROWSDOWN = 1 << 2,
    VMA_DONTFORK = 1 << 3, /* gone in a forked child */
    VMA_LOCKED = 1 << 4,
    VMA_HEAP = 1 << 5,  /* the brk area */
    VMA_STACK = 1 << 6, /* the first thread's stack */
    VMA_VDSO = 1 << 7,  /* the page that signal handlers return to */
    VMA_SHM = 1 << 8,   /* System V shared memory */
    VMA_NORESERVE = 1 << 9,
    VMA_SEALED = 1 << 10, /* mseal */
};

struct lx_vma {
    gva_t start, end;
    u32 prot;
    u32 flags;
    u64 off;   /* VMA_FILE: offset of start in the file */
    u64 id;    /* of the mmap call that made it; pieces of one mapping keep it */
    u32 known; /* known.h: text of a file that may have a C library in it, never writable since it was mapped; 0: not so
                */
};

struct lx_mm {
    struct mk_lock lock;    /* guards all below but `base`, `size`, `page`, `holes`. Taken inside the engine's lock, so
                             * the engine is never called with it held */
    hva_t base;             /* host address of guest address 0 */
    u64 size;               /* guest addresses are below this */
    u64 page;               /* page size of guest and host */
    struct lx_cache *cache; /* cache.h; or NULL. Guarded by the engine's lock */
    _Atomic u32 users;      /* processes that run in it: a parent and its vfork child */
    struct lx_vma *vma;     /* sorted, disjoint */
    u32 n, cap;
    u32 slack; /* mappings that the host certainly has room for, when there are many */
    u64 next_id;
    gva_t mmap_top;   /* where the search for free room begins, downwards */
    gva_t search_top; /* … and can begin, for more than `passed` bytes: no hole above is larger */
    u64 passed;
    u64 min_addr;     /* lowest address that may be mapped */
    u64 total, data;  /* bytes mapped in all; private writable ones, for RLIMIT_AS and RLIMIT_DATA */
    bool lock_future; /* mlockall(MCL_FUTURE) */
    u64 *code; /* code pages, a bit each: not writable on the host, whatever the guest's protection says. Written under
                * `lock`, read without */
    _Atomic u64 ncode;   /* bits set in `code` */
    _Atomic u64 watches; /* how often a bit was set in `code`; see lx_watch_seq */
    /* layout of the program, as /proc/self/stat and the like tell it; written by exec.c before the program starts */
    gva_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
    gva_t arg_start, arg_end, env_start, env_end, vdso;
    struct lx_known *known; /* files with C libraries, newest first */
    bool want_known;        /* look for them; before the program starts */
    u64 auxv[64];           /* as put on the stack, AT_NULL included */
    u32 auxv_len;           /* bytes */
    bool holes;             /* what the guest unmaps need not be reserved again */
    bool whole;             /* there is no hole yet: what is free is reserved */
};

/* A new address space of its own window, of `window` bytes or, where the host has no room for it, of a half, a quarter,
 * …. 0, -ENOMEM; -ENOTSUP when the host's pages are not 4 KiB. */
int lx_mm_create(struct lx_mm **out, u64 window) MUST_USE;
/* One user less; the last frees it. */
void lx_mm_release(struct lx_mm *mm);

extern const struct engine_ops lx_engine_ops;     /* cx is the lx_mm */
extern const struct engine_ops lx_engine_ops_gdb; /* with breakpoints */

/* Calls fn for each mapping, lowest first, with the lock held (so fn must not map, nor touch guest memory that is not
 * there). A nonzero result ends the walk and is returned. */
int lx_mm_each(struct lx_mm *mm, int (*fn)(void *cx, const struct lx_vma *v), void *cx);
/* The mapping that holds p; false if none. */
bool lx_mm_find(struct lx_mm *mm, gva_t p, struct lx_vma *out);

/* Maps; arguments and results as mmap's, with generic MAP_* and PROT_* values; flags may add VMA_* kinds in `extra`.
 * Gives the address or -errno. */
s64 lx_mm_map(struct lx_process *p, gva_t addr, u64 len, u32 prot, u32 flags, int fd, u64 off, u32 extra);
/* The address that executable pages of fd from `off` on, which take `len` bytes, ask for where the guest does not care:
 * always the same for the same file, so that translations of them can be used again (cache.c). 0: none. fd -1: room
 * that is reserved for a file which is not known yet. */
gva_t lx_mm_home(const struct lx_mm *mm, int fd, u64 off, u64 len);
s64 lx_mm_unmap(struct lx_process *p, gva_t addr, u64 len);
s64 lx_mm_protect(struct lx_process *p, gva_t addr, u64 len, u32 prot);
/* Sets where the heap begins; exec.c, before the program starts. */
void lx_mm_set_brk(struct lx_mm *mm, gva_t at);

/* How an access that faulted is to be seen. */
enum lx_fault_verdict {
    LX_FAULT_RETRY,  /* the map allows it (now): run the instruction again */
    LX_FAULT_MAPERR, /* nothing is mapped there */
    LX_FAULT_ACCERR, /* mapped, but not for this */
    LX_FAULT_BUS,    /* mapped, but no memory behind it */
};
/* For a fault of the thread's vCPU; undoes write watches, grows stacks. */
enum lx_fault_verdict lx_mm_fault(struct lx_thread *t, const struct vcpu_fault *f);

/* Bytes that the kernel moves in a call at most; what is behind need not be looked at. */
#define LX_MOVED_MAX 0x7ffff000ull

/* The host kernel is about to write [p, p+n) for a system call: makes code pages there writable again and drops their
 * translations. Call it before handing out a buffer to be written; free when there are no code pages in it. */
void lx_prepare_write_slow(struct lx_thread *t, gva_t p, u64 n);
static inline void lx_prepare_write(struct lx_thread *t, gva_t p, u64 n)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a thread has a process */
    if (n && atomic_load_explicit(&t->proc->mm->ncode, memory_order_relaxed))
        lx_prepare_write_slow(t, p, n);
}
/* Grows when a page becomes a code page. A system call that gave -EFAULT although its buffers are writable, and found
 * this changed, may be made again: another thread ran code in the page meanwhile. */
static inline u64 lx_watch_seq(const struct lx_mm *mm)
{
    return atomic_load_explicit(&mm->watches, memory_order_acquire);
}

/* fork: holds the map still before; after, in the parent and the child. In the child, drops what VMA_DONTFORK says. */
void lx_mm_fork_before(struct lx_mm *mm);
void lx_mm_fork_after(struct lx_mm *mm, bool child);
