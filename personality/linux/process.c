/* Guest processes: clone in all its forms, and the end.
 *
 * A guest process is a host process. Three kinds of clone:
 *
 * Threads (CLONE_THREAD) are thread.c's.
 *
 * Copies of the address space are forks of the host process. Every lock of ours is taken before, in the order engine,
 * map, thread list, limits, signals, heap, so that nothing is half done in the child; there they are reset, and what
 * belonged to other threads is dropped. The C library's fork is used where the guest asks for what it does; other flags
 * and exit signals need the bare call, after which the C library's own locks may be lost in the child when the process
 * had several threads.
 *
 * Children in the parent's memory (CLONE_VM without CLONE_THREAD: vfork, posix_spawn) really share it. Such a child is
 * a host process made by clone with CLONE_VM and CLONE_VFORK: it runs on a stack of its own, but as its parent's host
 * thread stands still, on that thread's thread-local storage. It has its own lx_process, lx_thread and vCPU, and uses
 * the engine and the map together with the parent's other threads; the locks work across the two. Where the guest does
 * not want the parent to wait, an extra host thread waits in its place.
 *
 * What this does not do: a child in its parent's memory that is killed by a signal in the very moment when it holds a
 * lock of the engine takes the lock along. posix_spawn and the shells block signals for that time. */
#define _GNU_SOURCE
#include "personality/linux/process.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/assert.h"
#include "lib/fmt.h"
#include "lib/heap.h"
#include "lib/log.h"
#include "personality/linux/abi.h"
#include "personality/linux/cache.h"
#include "personality/linux/fd.h"
#include "personality/linux/gdb.h"
#include "personality/linux/mm.h"
#include "personality/linux/path.h"
#include "personality/linux/provider.h"
#include "personality/linux/signal.h"
#include "personality/linux/strace.h"
#include "personality/linux/syscall.h"
#include "personality/linux/thread.h"
#include "sanitize.h"

#define CHILD_STACK (256u << 10)

#define LX_CLONE_CLEAR_SIGHAND 0x100000000ull
#define LX_CLONE_INTO_CGROUP   0x200000000ull
#define LX_CSIGNAL             0xffull

/* --- fork --- */

static struct {
    void (*before)(void), (*parent)(void), (*child)(void);
} hooks[8];
static u32 nhooks;

void lx_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    dgm_assert(nhooks < ARRAY_LEN(hooks), "too many fork hooks");
    hooks[nhooks].before = before;
    hooks[nhooks].parent = parent;
    hooks[nhooks].child = child;
    nhooks++;
}

static void fork_before(struct lx_thread *t)
{
    struct lx_process *p = t->proc;
    for (u32 i = 0; i < nhooks; i++)
        if (hooks[i].before)
            hooks[i].before();
    engine_fork_before(p->engine, t->vcpu);
    lx_mm_fork_before(p->mm);
    mk_lock(&p->threads_lock);
    mk_lock(&p->limits_lock);
    mk_lock(&p->signals->lock);
    heap_fork_before();
}

static void fork_parent(struct lx_process *p, bool failed)
{
    heap_fork_after(false);
    mk_unlock(&p->signals->lock);
    mk_unlock(&p->limits_lock);
    mk_unlock(&p->threads_lock);
    lx_mm_fork_after(p->mm, false);
    engine_fork_after(p->engine, failed ? ENGINE_FORK_FAILED : ENGINE_FORK_PARENT, NULL);
    for (u32 i = nhooks; i-- > 0;)
        if (hooks[i].parent)
            hooks[i].parent();
}

/* In the child: only t lives. */
static void fork_child(struct lx_thread *t)
{
    struct lx_process *p = t->proc;
    heap_fork_after(true);
    mk_lock_reset(&p->signals->lock);
    mk_lock_reset(&p->limits_lock);
    mk_lock_reset(&p->threads_lock);
    lx_fd_room_forked(p);
    lx_mm_fork_after(p->mm, true);
    engine_fork_after(p->engine, ENGINE_FORK_CHILD, t->vcpu);
    p->mm->users = 1;
    p->signals->users = 1;
    p->vfork_child = false;
    p->exiting = 0;
    for (struct lx_thread *o = p->threads, *next; o; o = next) {
        next = o->next;
        if (o != t)
            heap_free(o); /* its vCPU is gone with the engine's list */
    }
    p->threads = t;
    t->next = NULL;
    p->nthreads = 1;
    t->tid = (int)prov_call_now(LX_NR_gettid, 0, 0, 0, 0, 0, 0);
    t->held = 0;
    t->robust_list = 0;
    t->clear_tid = 0;
    for (u32 i = nhooks; i-- > 0;)
        if (hooks[i].child)
            hooks[i].child();
    lx_gdb_forked(p);
}

/* What the bare clone is needed for, besides unusual exit signals. */
#define PLAIN_FORK_FLAGS                                                                                               \
    (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS | CLONE_SYSVSEM | CLONE_DETACHED | \
     CLONE_UNTRACED)
/* What we do ourselves and the host must not see. */
#define OUR_FLAGS (PLAIN_FORK_FLAGS | LX_CLONE_CLEAR_SIGHAND)

static s64 clone_fork(struct lx_thread *t, const struct lx_clone *c)
{
    struct lx_process *p = t->proc;
    const u64 host_flags = c->flags & ~(u64)OUR_FLAGS;
    s32 pidfd = -1;
    lx_signal_block_all();
    if (t->taken)
        return -LX_ERESTARTNOINTR; /* fork begins only when no signal waits */
    fork_before(t);
    s64 pid;
    if (!host_flags && c->exit_signal == SIGCHLD) {
        pid = fork();
        if (pid < 0)
            pid = -errno;
    } else if (host_flags & CLONE_NEWTIME) { /* which clone has no bit for */
        struct clone_args args = {.flags = host_flags, .pidfd = (u64)&pidfd, .exit_signal = c->exit_signal};
        pid = prov_call_now(LX_NR_clone3, (u64)&args, sizeof args, 0, 0, 0, 0);
    } else {
        /* The generic order of arguments: flags, stack, parent_tid (here for the pidfd), tls, child_tid. */
        pid = prov_call_now(LX_NR_clone, host_flags | c->exit_signal, 0, (u64)&pidfd, 0, 0, 0);
    }
    if (pid) {
        fork_parent(p, pid < 0);
        lx_signal_reopen(t);
        if (pid > 0 && (c->flags & CLONE_PIDFD) && lx_write(t, c->pidfd, &pidfd, sizeof pidfd))
            prov_call_now(LX_NR_close, (u64)pidfd, 0, 0, 0, 0, 0);
        /* The kernel writes this before the child runs; nobody else can see it earlier than here but the child, which
         * has a copy. */
        s32 tid = (s32)pid;
        if (pid > 0 && (c->flags & CLONE_PARENT_SETTID) && lx_write(t, c->parent_tid, &tid, sizeof tid))
            log_debug("clone: parent_tid %lx is not writable", c->parent_tid);
        return pid;
    }
    fork_child(t);
    if (c->flags & CLONE_NEWNS)
        lx_path_renew(p);
    if (c->flags & LX_CLONE_CLEAR_SIGHAND)
        lx_signals_clear(p->signals);
    p->abi->clone(t->vcpu, t->vcpu, c->stack, c->flags & CLONE_SETTLS ? &c->tls : NULL);
    lx_clone_tids(t, c);
    if (c->flags & CLONE_CHILD_CLEARTID)
        t->clear_tid = c->child_tid;
    lx_signal_reopen(t);
    return 0;
}

/* --- children in the parent's memory --- */

struct vm_child {
    struct lx_process proc; /* the child's; freed with this */
    const struct lx_root *parent_root;
    struct lx_thread *t;
    const struct lx_clone *c;
    void *stack;
    struct sanitize_stack parent_stack;
    s32 pidfd;
    u32 started; /* bit 0: result is set; bit 1: and was read by a parent that does not wait */
    s64 result;
};

static void vm_child_free(struct vm_child *v)
{
    if (v->t)
        lx_thread_free(v->t);
    mk_pages_free(v->stack, CHILD_STACK);
    if (v->proc.signals)
        lx_signals_release(v->proc.signals);
    if (v->proc.mm)
        lx_mm_release(v->proc.mm);
    for (u32 i = 0; i < ARRAY_LEN(v->proc.exec_mem); i++)
        mk_pages_free(v->proc.exec_mem[i].p, v->proc.exec_mem[i].size);
    heap_free(v->proc.exe);
    if (v->proc.root != v->parent_root)
        lx_path_root_free(v->proc.root);
    heap_free(v);
}

static int vm_child_create(struct vm_child **out, struct lx_thread *t, const struct lx_clone *c)
{
    struct lx_process *p = t->proc;
    struct vm_child *v = heap_calloc(1, sizeof *v);
    if (!v)
        return -ENOMEM;
    v->c = c;
    v->pidfd = -1;
    mk_lock(&p->threads_lock);
    mk_lock(&p->limits_lock);
    mk_lock(&p->fd_room.lock);
    sanitize_reads_begin(); /* the words of the locks are copied, too, and begin anew below */
    v->proc = *p;
    sanitize_reads_end();
    v->parent_root = p->root;
    mk_unlock(&p->fd_room.lock);
    mk_unlock(&p->limits_lock);
    mk_unlock(&p->threads_lock);
    v->proc.fd_room.lock = (struct mk_lock){0};
    v->proc.threads = NULL;
    v->proc.nthreads = 0;
    v->proc.threads_lock = v->proc.limits_lock = (struct mk_lock){0};
    v->proc.vfork_child = true;
    v->proc.fd_room = (struct lx_fd_room){0};
    v->proc.signals = NULL;
    v->proc.exe = NULL;
    memset(v->proc.exec_mem, 0, sizeof v->proc.exec_mem);
    atomic_fetch_add(&p->mm->users, 1);
    int rc = 0;
    if (p->exe) {
        v->proc.exe = heap_alloc(strlen(p->exe) + 1);
        if (v->proc.exe)
            strcpy(v->proc.exe, p->exe);
        else
            rc = -ENOMEM;
    }
    if (!rc && (c->flags & CLONE_SIGHAND)) {
        v->proc.signals = p->signals;
        atomic_fetch_add(&p->signals->users, 1);
    } else if (!rc) {
        rc = lx_signals_copy(&v->proc.signals, p->signals);
    }
    if (!rc)
        rc = mk_pages_alloc(&v->stack, CHILD_STACK);
    if (!rc)
        rc = mk_pages_guard(v->stack, CHILD_STACK);
    if (!rc)
        rc = lx_thread_create(&v->t, &v->proc, t);
    if (rc) {
        vm_child_free(v);
        return rc;
    }
    v->t->vcpu->visitor = true;
    p->abi->clone(v->t->vcpu, t->vcpu, c->stack, c->flags & CLONE_SETTLS ? &c->tls : NULL);
    if (c->flags & CLONE_VFORK)
        v->t->altstack = t->altstack;
    if (c->flags & CLONE_CHILD_CLEARTID)
        v->t->clear_tid = c->child_tid;
    lx_thread_add(v->t);
    *out = v;
    return 0;
}

/* The child, on its own stack and its parent's thread-local storage. */
static int vm_child_main(void *arg)
{
    struct vm_child *v = arg;
    struct lx_thread *t = v->t;
    sanitize_enter(&v->parent_stack);
    t->tid = (int)prov_call_now(LX_NR_gettid, 0, 0, 0, 0, 0, 0);
    lx_set_self(t);
    lx_fd_room_forked(&v->proc);
    if ((v->c->flags & (CLONE_NEWNS | CLONE_FILES)) == CLONE_NEWNS)
        lx_path_renew(&v->proc);
    if (v->c->flags & LX_CLONE_CLEAR_SIGHAND)
        lx_signals_clear(v->proc.signals);
    lx_clone_tids(t, v->c);
    v->result = t->tid;
    mk_signal(&v->started, 1);
    lx_signal_thread_start(t);
    lx_run(t);
    lx_process_exit(t, t->exit_code);
}

/* Whatever the guest asked for: it shares the memory, and its host parent waits. */
#define VM_CHILD_FLAGS (CLONE_VM | CLONE_VFORK)

/* Makes the child and waits until it has left the memory; on the host thread whose storage it uses. False: there is
 * none, v->result says why. */
static bool vm_child_run(struct vm_child *v, struct lx_thread *me)
{
    u64 flags = v->c->flags & ~(u64)OUR_FLAGS;
    char *top = (char *)v->stack + CHILD_STACK;
    sanitize_leave(&v->parent_stack, v->stack, CHILD_STACK);
    int pid = sanitize_clone(vm_child_main, top, (int)(u32)(flags | VM_CHILD_FLAGS | v->c->exit_signal), v, &v->pidfd,
                             NULL, NULL);
    int error = errno;
    if (pid < 0)
        sanitize_enter(&v->parent_stack);
    sanitize_return(&v->parent_stack, v->stack, CHILD_STACK);
    lx_set_self(me);
    if (pid >= 0)
        return true;
    v->result = -error;
    mk_signal(&v->started, 1); /* whoever waits for it may free v now */
    return false;
}

/* Stands in for a parent that does not wait. */
static void vm_child_minder(void *arg)
{
    struct vm_child *v = arg;
    if (mk_thread_enter()) {
        v->result = -ENOMEM;
        mk_signal(&v->started, 1);
        return;
    }
    bool made = vm_child_run(v, NULL);
    mk_thread_leave();
    if (made && !mk_wait(&v->started, 2, 0)) /* the caller has read the result */
        vm_child_free(v);
}

static s64 clone_vm(struct lx_thread *t, const struct lx_clone *c)
{
    struct vm_child *v;
    bool waits = c->flags & CLONE_VFORK;
    if (!waits)
        lx_cache_shared(t->proc);
    int rc = vm_child_create(&v, t, c);
    if (rc)
        return rc;
    lx_signal_block_all();
    struct lx_clone copy = *c; /* a child that is minded outlives this call's frame only after `started` */
    v->c = &copy;
    if (waits)
        (void)vm_child_run(v, t);
    else if (!(rc = mk_thread_start(vm_child_minder, v, CHILD_STACK)))
        rc = mk_wait(&v->started, 1, 0);
    lx_signal_reopen(t);
    s64 result = rc ? rc : v->result;
    s32 pidfd = v->pidfd;
    if (waits || result < 0)
        vm_child_free(v);
    else
        mk_signal(&v->started, 2); /* v is the minder's */
    if (result > 0 && (c->flags & CLONE_PIDFD) && lx_write(t, c->pidfd, &pidfd, sizeof pidfd))
        prov_call_now(LX_NR_close, (u64)pidfd, 0, 0, 0, 0, 0);
    return result;
}

/* --- clone --- */

/* The checks of Linux that concern flags against one another; the rest is the host kernel's. */
static int check_flags(u64 f)
{
    if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
        (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
        return -EINVAL;
    if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
        return -EINVAL;
    if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
        return -EINVAL;
    if ((f & CLONE_NEWTIME) && (f & CLONE_VM)) /* here even where the parent waits */
        return -EINVAL;
    if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID | CLONE_PIDFD)))
        return -EINVAL;
    return 0;
}

static s64 do_clone(struct lx_thread *t, const struct lx_clone *c)
{
    int rc = check_flags(c->flags);
    if (rc)
        return rc;
    if (c->flags & CLONE_THREAD)
        return lx_thread_clone(t, c);
    if (c->exit_signal && (LX_SIGBIT(c->exit_signal) & LX_SYNC_SIGNALS))
        return -EINVAL; /* it would tell of a child's end with the codes that tell of faults */
    return c->flags & CLONE_VM ? clone_vm(t, c) : clone_fork(t, c);
}

s64 sys_clone(struct lx_thread *t, const u64 *a)
{
    struct lx_clone c = {
        .flags = (u32)a[0] & ~LX_CSIGNAL,
        .exit_signal = (u32)(a[0] & LX_CSIGNAL),
        .stack = a[1],
        .parent_tid = a[2],
        .pidfd = a[2],
        .tls = a[3],
        .child_tid = a[4],
    };
    if ((c.flags & CLONE_PIDFD) && (c.flags & (CLONE_PARENT_SETTID | CLONE_DETACHED)))
        return -EINVAL;
    return do_clone(t, &c);
}

s64 sys_clone3(struct lx_thread *t, const u64 *a)
{
    struct {
        u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
    } g = {0};
    const u64 known = sizeof g, least = 64;
    u64 size = a[1];
    if (size > 4096)
        return -E2BIG;
    if (size < least)
        return -EINVAL;
    if (lx_read(t, &g, a[0], size < known ? size : known))
        return -EFAULT;
    for (u64 i = known; i < size; i++) {
        u8 byte;
        if (lx_read(t, &byte, a[0] + i, 1))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    if (g.set_tid_size > 32 || !g.set_tid != !g.set_tid_size)
        return -EINVAL;
    if ((g.exit_signal & ~LX_CSIGNAL) || g.exit_signal > LX_NSIG)
        return -EINVAL;
    if ((g.flags & LX_CLONE_INTO_CGROUP) && (g.cgroup > 0x7fffffff || size < known))
        return -EINVAL;
    if (g.flags & ~(0xffffffffull | LX_CLONE_CLEAR_SIGHAND | LX_CLONE_INTO_CGROUP))
        return -EINVAL;
    if (g.flags & (CLONE_DETACHED | (LX_CSIGNAL & ~(u64)CLONE_NEWTIME)))
        return -EINVAL;
    if ((g.flags & CLONE_SIGHAND) && (g.flags & LX_CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((g.flags & (CLONE_THREAD | CLONE_PARENT)) && g.exit_signal)
        return -EINVAL;
    if (!g.stack != !g.stack_size || (g.stack && !lx_ok(t, g.stack, g.stack_size)))
        return -EINVAL;
    if (g.set_tid)
        return -EPERM; /* wants a privilege over the pid namespace */
    if (g.flags & LX_CLONE_INTO_CGROUP)
        return -EOPNOTSUPP;
    struct lx_clone c = {
        .flags = g.flags,
        .exit_signal = (u32)g.exit_signal,
        .stack = g.stack ? g.stack + g.stack_size : 0,
        .parent_tid = g.parent_tid,
        .child_tid = g.child_tid,
        .pidfd = g.pidfd,
        .tls = g.tls,
    };
    return do_clone(t, &c);
}

/* --- namespaces --- */

/* A call that the kernel refuses to processes with threads (EINVAL). That of the engine does not count. */
static s64 call_alone(struct lx_thread *t, u32 nr, u64 a0, u64 a1)
{
    bool had = t->proc->nthreads == 1 && engine_quiet(t->proc->engine);
    for (u32 n = 0;; n++) {
        s64 r = prov_call(&t->vcpu->poll, nr, a0, a1, 0, 0, 0, 0);
        if (r != -EINVAL || !had || n == 100)
            return r;
        usleep(100); /* it has ended, but the kernel is not done with it yet */
    }
}

s64 sys_unshare(struct lx_thread *t, const u64 *a)
{
    s64 r = call_alone(t, LX_NR_unshare, a[0], 0);
    if (!r && a[0] & CLONE_NEWNS)
        lx_path_renew(t->proc);
    return r;
}

s64 sys_setns(struct lx_thread *t, const u64 *a)
{
    s64 r = call_alone(t, LX_NR_setns, a[0], a[1]);
    if (!r)
        lx_path_renew(t->proc);
    return r;
}

/* --- the end --- */

static void print_call(void *cx, const char *name, bool helper, u64 count)
{
    char text[80];
    size_t n = fmt(text, sizeof text, "  done in C          %s %s: %lu\n", helper ? "helper" : "op", name, count);
    mk_console(text, n < sizeof text ? n : sizeof text - 1);
}

static void print_stats(struct lx_process *p)
{
    struct engine_stats s;
    char text[2048];
    engine_stats(p->engine, &s);
    const u64 memory = s.memory_code + s.memory_blocks + s.memory_tables + s.memory_vcpus + s.memory_work;
    size_t n = fmt(
        text, sizeof text,
        "dragoman: stats: pid %d\n"
        "  blocks translated  %lu (%lu guest instructions, %lu guest bytes, %lu host bytes)\n"
        "  translation time   %lu us (%lu ns a guest instruction)\n"
        "  regions            %lu (%lu guest instructions compiled, %lu us, %lu ns a guest instruction); %lu trials, "
        "%lu lost\n"
        "  samples            %lu, of them %lu in regions, %lu outside of translations; %lu hot loops\n"
        "  places looked at   %lu by the engine's own thread, %lu while the guest's waited; %lu had changed by then\n"
        "  stored before      %lu (%lu host bytes) of %lu pages in %lu images, %lu us; %lu pages do not fit; "
        "stored now: %lu\n"
        "  library routines   %lu as host code, %lu calls left to the guest's own\n"
        "  engine's memory    %lu KiB: host code %lu, blocks %lu, tables %lu, vCPUs %lu, space to work %lu\n"
        "  links %lu, slow look-ups %lu, entries %lu, flushes %lu, invalidated %lu\n",
        (int)getpid(), s.blocks, s.guest_insns, s.guest_bytes, s.host_bytes, s.translate_ns / 1000,
        s.translate_ns / (s.guest_insns + !s.guest_insns), s.regions, s.region_insns, s.region_ns / 1000,
        s.region_ns / (s.region_insns + !s.region_insns), s.trials, s.trials_lost, s.samples, s.samples_regions,
        s.samples_away, s.heads, s.background, s.foreground, s.regions_void, s.image_blocks, s.image_bytes,
        s.image_pages, s.images, s.image_ns / 1000, s.image_misses, s.image_saved, s.known, s.own, memory >> 10,
        s.memory_code >> 10, s.memory_blocks >> 10, s.memory_tables >> 10, s.memory_vcpus >> 10, s.memory_work >> 10,
        s.links, s.lookups, s.entries, s.flushes, s.invalidated);
    mk_console(text, n < sizeof text ? n : sizeof text - 1);
    if (p->opt->cosim) {
        n = fmt(text, sizeof text, "  cosimulation       %lu entries compared, %lu not\n", s.cosim_checked,
                s.cosim_unchecked);
        mk_console(text, n);
    }
    engine_calls(p->engine, print_call, NULL);
}

bool lx_process_alone(struct lx_process *p)
{
    mk_lock(&p->threads_lock);
    const bool alone = p->nthreads <= 1 && !p->vfork_child && atomic_load(&p->mm->users) == 1;
    mk_unlock(&p->threads_lock);
    return alone;
}

void lx_process_end(struct lx_thread *t, int code, int sig)
{
    struct lx_process *p = t->proc;
    if (atomic_exchange(&p->exiting, 1)) {
        if (lx_gdb_on() && !p->vfork_child)
            lx_gdb_wait_for_end();
        return;
    }
    lx_thread_leave_memory(t);
    lx_threads_release_robust(t);
    if (p->vfork_child)
        return;
    if (sig)
        lx_strace_killed(t, sig);
    else
        lx_strace_exit(t, code);
    if (lx_gdb_on())
        lx_gdb_exit(code, sig);
    lx_cache_save(p);
    if (p->opt->stats)
        print_stats(p);
}

void lx_process_exit(struct lx_thread *t, int code)
{
    lx_signal_block_all();
    lx_process_end(t, code, 0);
    if (lx_process_alone(t->proc))
        (void)engine_leave(t->proc->engine);
    prov_call_now(LX_NR_exit_group, (u64)code, 0, 0, 0, 0, 0);
    mk_panic("the process does not end");
}

s64 sys_exit(struct lx_thread *t, const u64 *a)
{
    t->ending = true;
    t->exit_code = (int)(a[0] & 0xff);
    return LX_NO_RESULT;
}

s64 sys_exit_group(struct lx_thread *t, const u64 *a)
{
    lx_process_exit(t, (int)(a[0] & 0xff));
}
