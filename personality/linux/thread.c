/* Guest threads: their beginning and their end.
 *
 * A guest thread runs on a host thread of its own and has its tid. It is made by its parent up to the point where it
 * can run, gets its tid on its own host thread, writes it where clone was told to, and only then lets the parent's call
 * return: so both sides find the words written, as they do under Linux.
 *
 * The end is told to the guest as the kernel tells it (robust futexes, then clear_child_tid) and after that nothing of
 * the guest's memory is touched: the guest may unmap the stack, or end. */
#define _GNU_SOURCE
#include "personality/linux/thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>

#include "lib/heap.h"
#include "personality/linux/abi.h"
#include "personality/linux/cache.h"
#include "personality/linux/gdb.h"
#include "personality/linux/mm.h"
#include "personality/linux/process.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscalls_gen.h"

#define HOST_STACK (256u << 10)

static __thread struct lx_thread *self;

struct lx_thread *lx_self(void)
{
    return self;
}

void lx_set_self(struct lx_thread *t)
{
    self = t;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

int lx_thread_create(struct lx_thread **out, struct lx_process *p, const struct lx_thread *from)
{
    struct lx_thread *t = heap_calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->proc = p;
    t->sigmask = from ? from->sigmask : 0;
    int rc = vcpu_create(&t->vcpu, p->engine, t);
    if (rc) {
        heap_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void lx_thread_free(struct lx_thread *t)
{
    vcpu_destroy(t->vcpu);
    heap_free(t);
}

void lx_thread_add(struct lx_thread *t)
{
    struct lx_process *p = t->proc;
    mk_lock(&p->threads_lock);
    t->next = p->threads;
    p->threads = t;
    p->nthreads++;
    mk_unlock(&p->threads_lock);
}

u32 lx_thread_remove(struct lx_thread *t)
{
    struct lx_process *p = t->proc;
    mk_lock(&p->threads_lock);
    for (struct lx_thread **q = &p->threads; *q; q = &(*q)->next) {
        if (*q == t) {
            *q = t->next;
            p->nthreads--;
            break;
        }
    }
    u32 left = p->nthreads;
    mk_unlock(&p->threads_lock);
    return left;
}

int lx_thread_attach(struct lx_thread *t)
{
    int rc = mk_thread_enter();
    if (rc)
        return rc;
    mk_thread_base(t->vcpu->mem_base); /* hosts that have no such register let the backend keep the base */
    t->tid = (int)prov_call_now(LX_NR_gettid, 0, 0, 0, 0, 0, 0);
    lx_set_self(t);
    return 0;
}

/* --- the beginning --- */

struct lx_start_args {
    struct lx_thread *child;
    const struct lx_clone *c;
    u32 done; /* bit 0: started or failed */
    s64 result;
};

void lx_clone_tids(struct lx_thread *child, const struct lx_clone *c)
{
    s32 tid = child->tid;
    /* What can't be written is not: the kernel says nothing of it either. */
    int ignored = 0;
    if (c->flags & CLONE_PARENT_SETTID)
        ignored |= lx_write(child, c->parent_tid, &tid, sizeof tid);
    if (c->flags & CLONE_CHILD_SETTID)
        ignored |= lx_write(child, c->child_tid, &tid, sizeof tid);
    (void)ignored;
}

static void thread_main(void *arg)
{
    struct lx_start_args *s = arg;
    struct lx_thread *t = s->child;
    u64 own = (CLONE_FS | CLONE_FILES | CLONE_SYSVSEM) & ~s->c->flags;
    s64 rc = lx_thread_attach(t);
    if (!rc && own)
        rc = prov_call_now(LX_NR_unshare, own, 0, 0, 0, 0, 0);
    if (rc) {
        if (t->tid)
            mk_thread_leave();
        lx_set_self(NULL);
        s->result = rc;
        mk_signal(&s->done, 1);
        return;
    }
    lx_clone_tids(t, s->c);
    s->result = t->tid;
    mk_signal(&s->done, 1); /* s is gone from here on */
    lx_signal_thread_start(t);
    lx_run(t);
    lx_thread_end(t);
}

s64 lx_thread_clone(struct lx_thread *t, const struct lx_clone *c)
{
    const struct lx_abi *abi = t->proc->abi;
    struct lx_thread *child;
    lx_cache_shared(t->proc);
    int rc = lx_thread_create(&child, t->proc, t);
    if (rc)
        return rc;
    abi->clone(child->vcpu, t->vcpu, c->stack, c->flags & CLONE_SETTLS ? &c->tls : NULL);
    if (c->flags & CLONE_CHILD_CLEARTID)
        child->clear_tid = c->child_tid;
    struct lx_start_args s = {.child = child, .c = c};
    lx_thread_add(child);
    /* Signals wait while the thread comes up, so that none finds it half made. */
    lx_signal_block_all();
    rc = mk_thread_start(thread_main, &s, HOST_STACK);
    if (!rc)
        rc = mk_wait(&s.done, 1, 0);
    lx_signal_reopen(t);
    s64 result = rc ? rc == -ENOMEM ? -EAGAIN : rc : s.result;
    if (result < 0) {
        lx_thread_remove(child);
        lx_thread_free(child);
    }
    return result;
}

/* --- the end --- */

/* Wakes one waiter as the kernel does for a dead thread: not private, for waiters of other processes. */
static void wake_one(struct lx_thread *t, gva_t word)
{
    prov_call_now(LX_NR_futex, (u64)lx_ptr(t, word), FUTEX_WAKE, 1, 0, 0, 0);
}

/* One robust futex that the thread may have held: marks it. False: its memory is broken. */
static bool release_futex(struct lx_thread *t, gva_t word, bool pi, bool pending)
{
    u32 val;
    if ((word & 3) || lx_read(t, &val, word, sizeof val))
        return false;
    /* Between its unlock and the kernel's wake the thread may have died: the wake is made up for. */
    if (pending && !pi && !val) {
        wake_one(t, word);
        return true;
    }
    for (;;) {
        if ((val & FUTEX_TID_MASK) != (u32)t->tid)
            return true;
        u32 dead = (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED, expect = val;
        lx_prepare_write(t, word, sizeof val);
        if (mk_cas((hva_t)lx_ptr(t, word), 4, &expect, &dead))
            return false;
        if (expect == val)
            break;
        val = expect;
    }
    if (!pi && (val & FUTEX_WAITERS))
        wake_one(t, word);
    return true;
}

/* An entry of the list: bit 0 of the link tells a priority-inheriting one. */
static bool read_link(struct lx_thread *t, gva_t at, gva_t *entry, bool *pi)
{
    u64 link;
    if (lx_read(t, &link, at, sizeof link))
        return false;
    *pi = link & 1;
    *entry = link & ~1ull;
    return true;
}

static void release_robust_list(struct lx_thread *t)
{
    gva_t head = t->robust_list, entry, next, pending;
    s64 offset;
    bool pi, next_pi = false, pending_pi;
    if (!head || !read_link(t, head, &entry, &pi) || lx_read(t, &offset, head + 8, sizeof offset) ||
        !read_link(t, head + 16, &pending, &pending_pi))
        return;
    for (int limit = 2048; entry != head && limit; limit--) {
        /* The next link first: who takes this futex may take its entry apart. */
        bool more = read_link(t, entry, &next, &next_pi);
        if (entry != pending && !release_futex(t, entry + (u64)offset, pi, false))
            return;
        if (!more)
            return;
        entry = next;
        pi = next_pi;
    }
    if (pending)
        release_futex(t, pending + (u64)offset, pending_pi, true);
}

/* Might t hold robust futexes? */
static bool holds_robust(struct lx_thread *t)
{
    gva_t entry, pending;
    bool pi;
    return t->robust_list && read_link(t, t->robust_list, &entry, &pi) &&
           read_link(t, t->robust_list + 16, &pending, &pi) && (entry != t->robust_list || pending);
}

void lx_thread_park(struct lx_thread *t)
{
    u32 never = 0;
    lx_signal_block_all();
    lx_thread_leave_memory(t);
    mk_signal(&t->parked, 1);
    for (;;)
        (void)mk_wait(&never, 1, 0);
}

void lx_threads_release_robust(struct lx_thread *t)
{
    struct lx_process *p = t->proc;
    u64 deadline = 0; /* nobody was asked */
    mk_lock(&p->threads_lock);
    for (struct lx_thread *o = p->threads; o; o = o->next)
        if (o != t && holds_robust(o)) {
            deadline = deadline ? deadline : mk_clock() + 200000000;
            lx_kick(o);
        }
    /* The lock keeps them from ending meanwhile. One that is stuck in the host kernel, or gets no time on a busy
     * machine, is not waited for long: nearly always it stands still, and what it would do is done for it. */
    for (struct lx_thread *o = p->threads; o; o = o->next)
        if (o != t && deadline && holds_robust(o) && mk_wait(&o->parked, 1, deadline))
            release_robust_list(o);
    mk_unlock(&p->threads_lock);
}

void lx_thread_leave_memory(struct lx_thread *t)
{
    release_robust_list(t);
    t->robust_list = 0;
    gva_t word = t->clear_tid;
    t->clear_tid = 0;
    if (!word)
        return;
    const u32 zero = 0;
    if (!lx_write(t, word, &zero, sizeof zero))
        wake_one(t, word);
}

void lx_thread_end(struct lx_thread *t)
{
    lx_signal_thread_stop(t);
    if (lx_gdb_on())
        lx_gdb_thread_exit(t);
    lx_thread_leave_memory(t);
    if (!lx_thread_remove(t)) /* host threads that are not the guest's may be left, and the last thread's code counts */
        lx_process_exit(t, t->exit_code);
    lx_set_self(NULL);
    lx_thread_free(t);
    mk_thread_leave();
}
