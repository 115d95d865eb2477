/* The gdb stub, guest threads' side: parking, stepping, breakpoints, watchpoints.
 *
 * Guest threads never touch the socket. Each has a record, and passes through here before it runs guest code
 * (lx_gdb_run), before it is given a signal (lx_gdb_signal), before a system call's result goes into its registers
 * (lx_gdb_call_done), and before it ends. To stop the guest, `stopped` is set and every vCPU that runs is kicked: it
 * leaves translated code at its next poll and parks at the next of these places.
 *
 * A thread that sleeps in a system call is left there, so that looking does not disturb the guest: its registers do not
 * change before lx_gdb_call_done, where it parks if the call ends meanwhile. Only when gdb writes its registers is it
 * driven out first (gdb_make_park), and makes the call anew afterwards: a sleep may become longer, no call fails. gdb
 * may have it run something else meanwhile, a function called by hand; the result of the call waits in the record until
 * the thread is back where it was.
 *
 * When a second thread has something to tell while gdb looks at the first, it parks, and finds out again once it
 * goes on: a breakpoint is hit again, a faulting instruction faults again. Only signals that were sent wait to be told.
 *
 * Breakpoints live in the translator: engine_ops.stop_at says where blocks must stop, and when the set changes the
 * blocks that cover the changed addresses are dropped. No guest memory is touched for them. The set that translations
 * know (`active`) follows gdb's only when a thread is to run freely: gdb takes all breakpoints out at each stop.
 *
 * While a watchpoint is set every thread is stepped, one at a time, and the watched bytes are compared after each
 * instruction; that is slow and exact, for writes. Read watchpoints are refused, so that gdb says so.
 *
 * Locks: gdb.lock guards all of `gdb` and the records but for what gdb_int.h gives to the stub's thread; it is never
 * held while guest code runs, and is taken before the engine's. step_lock makes stepped threads take turns. `active`
 * has its own lock, taken inside the engine's. */
#define _GNU_SOURCE
#include "personality/linux/gdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "lib/heap.h"
#include "personality/linux/abi.h"
#include "personality/linux/fd.h"
#include "personality/linux/gdb_int.h"
#include "personality/linux/provider.h"
#include "personality/linux/signal.h"
#include "personality/linux/syscalls_gen.h"

struct gdb gdb = {.lock = PTHREAD_MUTEX_INITIALIZER,
                  .go = PTHREAD_COND_INITIALIZER,
                  .rest = PTHREAD_COND_INITIALIZER,
                  .sock = -1,
                  .wake = -1};

static pthread_mutex_t step_lock = PTHREAD_MUTEX_INITIALIZER;

/* Breakpoints as translations have them. */
static struct {
    struct mk_lock lock;
    gva_t pc[GDB_MAX_BREAKS];
    u32 n; /* sorted */
} active;

bool lx_gdb_on(void)
{
    /* When it says no, what the stub read of a sleeping thread's registers was read before they change. */
    return __atomic_load_n(&gdb.on, __ATOMIC_ACQUIRE);
}

bool lx_gdb_used(void)
{
    return __atomic_load_n(&gdb.used, __ATOMIC_RELAXED);
}

bool lx_gdb_wants(int sig)
{
    const u64 left_alone = LX_SYNC_SIGNALS | LX_SIGBIT(SIGKILL) | LX_SIGBIT(SIGSTOP) | LX_SIGBIT(SIGTSTP) |
                           LX_SIGBIT(SIGTTIN) | LX_SIGBIT(SIGTTOU) | LX_SIGBIT(SIGCONT) | LX_SIGBIT(SIGCHLD) |
                           LX_SIGBIT(SIGURG) | LX_SIGBIT(SIGWINCH);
    return lx_gdb_on() && !(left_alone & LX_SIGBIT(sig));
}

/* --- records --- */

static struct gdb_record *record_of(struct lx_thread *t)
{
    if (t->gdb)
        return t->gdb;
    struct gdb_record *r = heap_calloc(1, sizeof *r), **end = &gdb.records;
    if (!r)
        mk_panic("gdb: no memory for a thread");
    r->t = t;
    t->gdb = r;
    while (*end)
        end = &(*end)->next;
    return *end = r;
}

void gdb_add_thread(struct lx_thread *t)
{
    record_of(t);
}

struct gdb_record *gdb_record_by_tid(int tid)
{
    struct gdb_record *r = gdb.records;
    while (r && r->t->tid != tid)
        r = r->next;
    return r;
}

/* --- stopping and parking --- */

static bool must_park(const struct gdb_record *r)
{
    return gdb.exited || (gdb.on && (gdb.stopped || r->held));
}

static void park(struct gdb_record *r)
{
    r->where = GDB_PARKED;
    pthread_cond_signal(&gdb.rest);
    while (must_park(r))
        pthread_cond_wait(&gdb.go, &gdb.lock);
    r->where = GDB_OUTSIDE;
}

static bool park_if_asked(struct gdb_record *r)
{
    bool asked = must_park(r);
    if (asked)
        park(r);
    return asked;
}

static void wake_stub(void)
{
    u64 one = 1;
    prov_call_now(LX_NR_write, (u64)gdb.wake, (u64)&one, sizeof one, 0, 0, 0);
}

void gdb_stop_all(void)
{
    gdb.stopped = true;
    for (struct gdb_record *r = gdb.records; r; r = r->next)
        if (r->where == GDB_RUNNING)
            vcpu_kick(r->t->vcpu);
    wake_stub();
}

/* Stops everything to tell gdb of this thread, and waits. False: gdb looks at something else just now, or is gone. */
static bool stop_for(struct gdb_record *r, enum gdb_stop why, int sig, const siginfo_t *info)
{
    if (!gdb.on || must_park(r))
        return false;
    gdb.stop = why;
    gdb.stop_signal = sig;
    gdb.stop_tid = r->t->tid;
    memset(&r->info, 0, sizeof r->info);
    r->info.si_signo = sig;
    r->info.si_code = SI_KERNEL;
    if (info)
        r->info = *info;
    gdb_stop_all();
    park(r);
    return true;
}

/* Does a thread of this process sleep? */
static bool sleeps(int tid)
{
    char text[256];
    fmt(text, sizeof text, "/proc/self/task/%d/stat", tid);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n < 0 ? 0 : n] = 0;
    const char *end = strrchr(text, ')'); /* the name before it may hold anything */
    return !end || end[1] != ' ' || end[2] != 'R';
}

static bool wait_rest_for(u64 ns)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ns += (u64)ts.tv_nsec;
    ts.tv_sec += (time_t)(ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    return pthread_cond_timedwait(&gdb.rest, &gdb.lock, &ts) == 0;
}

void gdb_wait_rest(void)
{
    for (;;) {
        bool busy = false;
        for (struct gdb_record *r = gdb.records; r; r = r->next)
            busy |= r->where == GDB_RUNNING || (r->where == GDB_OUTSIDE && !sleeps(r->t->tid));
        if (!busy)
            return;
        wait_rest_for(1000000);
    }
}

bool gdb_make_park(struct gdb_record *r)
{
    for (u32 tries = 0; r->where != GDB_PARKED && tries < 100; tries++) {
        if (tries % 10 == 0)
            lx_kick(r->t);
        r->kicked = true;
        wait_rest_for(10000000);
    }
    return r->where == GDB_PARKED;
}

/* --- breakpoints --- */

static u32 find(const gva_t *set, u32 n, gva_t pc)
{
    u32 lo = 0, hi = n;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (set[mid] < pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_break(gva_t pc)
{
    u32 i = find(gdb.breaks, gdb.nbreaks, pc);
    return i < gdb.nbreaks && gdb.breaks[i] == pc;
}

int gdb_break(gva_t pc, bool set)
{
    u32 i = find(gdb.breaks, gdb.nbreaks, pc);
    bool there = i < gdb.nbreaks && gdb.breaks[i] == pc;
    if (there == set)
        return 0;
    if (set && gdb.nbreaks == GDB_MAX_BREAKS)
        return -ENOSPC;
    gva_t *at = &gdb.breaks[i];
    if (set) {
        memmove(at + 1, at, (gdb.nbreaks++ - i) * sizeof *at);
        *at = pc;
    } else {
        memmove(at, at + 1, (--gdb.nbreaks - i) * sizeof *at);
    }
    return 0;
}

bool lx_gdb_stop_at(void *cx, gva_t pc)
{
    if (!__atomic_load_n(&active.n, __ATOMIC_RELAXED))
        return false;
    mk_lock(&active.lock);
    u32 i = find(active.pc, active.n, pc);
    bool there = i < active.n && active.pc[i] == pc;
    mk_unlock(&active.lock);
    return there;
}

/* Translations follow gdb's set. */
static void apply_breaks(void)
{
    static gva_t old[GDB_MAX_BREAKS];
    struct engine *e = gdb.proc->engine;
    const u64 insn = gdb.proc->abi->isa->min_insn;
    u32 nold = active.n;
    memcpy(old, active.pc, nold * sizeof old[0]);
    mk_lock(&active.lock);
    memcpy(active.pc, gdb.breaks, gdb.nbreaks * sizeof active.pc[0]);
    __atomic_store_n(&active.n, gdb.nbreaks, __ATOMIC_RELAXED);
    mk_unlock(&active.lock);
    for (u32 i = 0, k = 0; i < nold || k < active.n;) {
        if (i < nold && k < active.n && old[i] == active.pc[k]) {
            i++;
            k++;
        } else if (k == active.n || (i < nold && old[i] < active.pc[k])) {
            engine_invalidate(e, old[i++], insn);
        } else {
            engine_invalidate(e, active.pc[k++], insn);
        }
    }
}

/* --- watchpoints --- */

int gdb_watch(gva_t addr, u32 len, bool set)
{
    for (u32 i = 0; i < gdb.nwatches; i++) {
        struct gdb_watch *w = &gdb.watches[i];
        if (w->addr == addr && w->len == len) {
            if (!set) {
                heap_free(w->old);
                *w = gdb.watches[--gdb.nwatches];
            }
            return 0;
        }
    }
    if (!set)
        return 0;
    if (gdb.nwatches == GDB_MAX_WATCHES)
        return -ENOSPC;
    if (!len || len > GDB_MAX_WATCHED || !gdb.records || !lx_ok(gdb.records->t, addr, len))
        return -EINVAL;
    u8 *old = heap_calloc(1, len);
    if (!old)
        return -ENOMEM;
    gdb.watches[gdb.nwatches++] = (struct gdb_watch){addr, len, old};
    return 0;
}

/* Takes in what the watched bytes are now; the address of one that has changed, or 0. */
static gva_t compare_watches(struct lx_thread *t)
{
    gva_t hit = 0;
    for (u32 i = 0; i < gdb.nwatches; i++) {
        struct gdb_watch *w = &gdb.watches[i];
        u8 now[GDB_MAX_WATCHED];
        if (mk_copy(now, lx_ptr(t, w->addr), w->len))
            memset(now, 0, w->len);
        if (memcmp(now, w->old, w->len) != 0) {
            memcpy(w->old, now, w->len);
            hit = w->addr;
        }
    }
    return hit;
}

/* --- running --- */

/* One instruction, and what it did to watched memory. Watchpoints do not change while a thread is RUNNING. */
static enum vcpu_exit step(struct lx_thread *t, gva_t *hit)
{
    if (!gdb.nwatches)
        return vcpu_step(t->vcpu);
    pthread_mutex_lock(&step_lock);
    enum vcpu_exit exit = vcpu_step(t->vcpu);
    *hit = compare_watches(t);
    pthread_mutex_unlock(&step_lock);
    return exit;
}

static bool stopped_there(const struct vcpu *v, enum vcpu_exit exit)
{
    return exit == VCPU_TRAP && v->trap == IR_TRAP_STOP;
}

/* A vfork child runs its parent's translations; breakpoints in them are not for it. */
static enum vcpu_exit run_past_breaks(struct vcpu *v)
{
    enum vcpu_exit exit;
    do {
        exit = vcpu_run(v);
        if (stopped_there(v, exit))
            exit = vcpu_step(v);
    } while (stopped_there(v, exit));
    return exit;
}

/* A signal that gdb wants the thread to have: from here on it is one that was sent. */
static void inject(struct gdb_record *r, bool self)
{
    struct lx_thread *t = r->t;
    int sig = r->signal;
    siginfo_t si = r->info;
    if (si.si_signo != sig || !self) {
        memset(&si, 0, sizeof si);
        si.si_signo = sig;
        si.si_code = SI_QUEUE;
        si.si_pid = getpid();
        si.si_uid = getuid();
    }
    r->signal = 0;
    r->injected = sig;
    if (self && (LX_SIGBIT(sig) & LX_SYNC_SIGNALS)) {
        t->held_info[sig] = si;
        __atomic_fetch_or(&t->held, LX_SIGBIT(sig), __ATOMIC_RELEASE);
        vcpu_kick(t->vcpu);
    } else {
        prov_call_now(LX_NR_rt_tgsigqueueinfo, (u64)getpid(), (u64)t->tid, (u64)sig, (u64)&si, 0, 0);
    }
}

/* Is the thread back where a system call's result waits for it? */
static void settle_call(struct gdb_record *r)
{
    struct lx_thread *t = r->t;
    const struct lx_abi *abi = t->proc->abi;
    if (!r->call.waits || t->vcpu->pc != r->call.pc || abi->sp(t->vcpu) != r->call.sp)
        return;
    r->call.waits = false;
    if (r->call.result <= -LX_ERESTARTSYS && r->call.result >= -LX_ERESTART_RESTARTBLOCK) {
        t->call_pc = r->call.pc;
        t->call_arg[0] = r->call.arg0;
        abi->call_rewind(t);
    } else {
        abi->call_set(t, r->call.result);
    }
}

/* Has the thread something to tell before it runs? Tells it. */
static bool told_first(struct gdb_record *r)
{
    struct lx_thread *t = r->t;
    if (r->check) {
        r->check = false;
        pthread_mutex_lock(&step_lock);
        gva_t hit = compare_watches(t);
        pthread_mutex_unlock(&step_lock);
        if (hit)
            r->watch_hit = hit;
    }
    if (r->watch_hit && gdb.nwatches) {
        gdb.watch_hit = r->watch_hit;
        r->watch_hit = 0;
        stop_for(r, GDB_STOP_WATCH, SIGTRAP, NULL);
        return true;
    }
    r->watch_hit = 0;
    if (r->report || ((r->step || gdb.nwatches) && is_break(t->vcpu->pc))) {
        r->report = false;
        stop_for(r, GDB_STOP_SIGNAL, SIGTRAP, NULL);
        return true;
    }
    return false;
}

enum vcpu_exit lx_gdb_run(struct lx_thread *t)
{
    struct vcpu *v = t->vcpu;
    if (t->proc->vfork_child)
        return run_past_breaks(v);
    enum vcpu_exit exit = VCPU_POLL;
    bool over = false; /* go over a breakpoint that gdb has taken out and translations still have */
    pthread_mutex_lock(&gdb.lock);
    struct gdb_record *r = record_of(t);
    for (;;) {
        park_if_asked(r);
        settle_call(r);
        if (!gdb.on)
            break;
        if (r->signal) {
            inject(r, true);
            break;
        }
        if (told_first(r)) /* a step's end before a signal that waits: gdb takes that for one that the step met */
            continue;
        if (vcpu_kicked(v))
            break;
        bool single = r->step || gdb.nwatches || over;
        gva_t hit = 0;
        r->where = GDB_RUNNING;
        pthread_mutex_unlock(&gdb.lock);
        exit = single ? step(t, &hit) : vcpu_run(v);
        pthread_mutex_lock(&gdb.lock);
        r->where = GDB_OUTSIDE;
        if (gdb.stopped)
            pthread_cond_signal(&gdb.rest);
        if (hit)
            r->watch_hit = hit;
        if (!stopped_there(v, exit)) {
            bool call = exit == VCPU_TRAP && v->trap == IR_TRAP_SYSCALL;
            r->report = call && r->step;
            r->check = call && gdb.nwatches;
            break;
        }
        if (single)
            r->report = r->step && !(v->pc >= r->lo && v->pc < r->hi);
        else if (is_break(v->pc))
            stop_for(r, GDB_STOP_SIGNAL, SIGTRAP, NULL);
        over = !single && !gdb.stopped && !is_break(v->pc);
        exit = VCPU_POLL;
    }
    pthread_mutex_unlock(&gdb.lock);
    return exit;
}

s64 lx_gdb_call_done(struct lx_thread *t, s64 result)
{
    struct vcpu *v = t->vcpu;
    if (t->proc->vfork_child || result == LX_NO_RESULT)
        return result;
    gva_t pc = v->pc, sp = t->proc->abi->sp(v);
    pthread_mutex_lock(&gdb.lock);
    struct gdb_record *r = record_of(t);
    bool parked = park_if_asked(r);
    if (r->kicked && result == -EINTR && !lx_signal_pending(t))
        result = -LX_ERESTARTNOINTR;
    if (parked && gdb.on && (v->pc != pc || t->proc->abi->sp(v) != sp)) {
        r->call.waits = true;
        r->call.pc = pc;
        r->call.sp = sp;
        r->call.arg0 = t->call_arg[0];
        r->call.result = result;
        result = LX_NO_RESULT;
    }
    r->kicked = false;
    pthread_mutex_unlock(&gdb.lock);
    return result;
}

static bool has_handler(struct lx_thread *t, int sig)
{
    struct lx_signals *s = t->proc->signals;
    mk_lock(&s->lock);
    bool has = s->act[sig].handler > LX_SIG_IGN;
    mk_unlock(&s->lock);
    return has;
}

int lx_gdb_signal(struct lx_thread *t, const siginfo_t *info, bool forced)
{
    int sig = info->si_signo;
    if (t->proc->vfork_child)
        return sig;
    pthread_mutex_lock(&gdb.lock);
    struct gdb_record *r = record_of(t);
    if (r->injected == sig && !forced) {
        r->injected = 0;
    } else {
        bool parked = park_if_asked(r);
        if (forced && parked && gdb.on) {
            sig = 0; /* it comes again, if gdb has not moved the thread */
        } else if (gdb.on && (!(gdb.pass & LX_SIGBIT(sig)) || (forced && sig == SIGTRAP) || r->step)) {
            /* What a step meets it is told in any case, since it may have to get over the handler. */
            r->in_signal = true;
            r->signal = 0;
            stop_for(r, GDB_STOP_SIGNAL, sig, info);
            r->in_signal = false;
            if (gdb.on)
                sig = r->signal;
            r->signal = 0;
        }
    }
    /* A step into a handler ends at its first instruction. */
    if (sig && r->step)
        r->report = has_handler(t, sig);
    pthread_mutex_unlock(&gdb.lock);
    return sig;
}

/* --- letting it run --- */

/* What the actions of a vCont say about this thread: c, C, s, S, r; 0: nothing. */
static char action_for(const struct gdb_record *r, const char *actions, int *sig, gva_t *lo, gva_t *hi)
{
    *sig = 0;
    *lo = *hi = 0;
    for (const char *a = actions; a && *a; a = strchr(a, ';') ? strchr(a, ';') + 1 : NULL) {
        size_t len = strcspn(a, ";");
        const char *colon = memchr(a, ':', len);
        int tid = colon ? (int)strtol(colon + 1, NULL, 16) : -1;
        if (tid != -1 && tid != r->t->tid)
            continue;
        if (*a == 'C' || *a == 'S')
            *sig = gdb_signal_in((int)strtoul(a + 1, NULL, 16));
        if (*a == 'r') {
            char *end;
            *lo = strtoull(a + 1, &end, 16);
            *hi = *end == ',' ? strtoull(end + 1, NULL, 16) : 0;
        }
        return *a;
    }
    return 0;
}

void gdb_resume(const char *actions)
{
    bool freely = false;
    for (struct gdb_record *r = gdb.records; r; r = r->next) {
        int sig;
        char what = action_for(r, actions ? actions : "c", &sig, &r->lo, &r->hi);
        r->held = !what || what == 't';
        r->step = what == 's' || what == 'S' || what == 'r';
        r->report = false;
        r->signal = sig;
        freely |= !r->held && !r->step;
        if (sig && !r->in_signal && r->where != GDB_PARKED)
            inject(r, false);
    }
    if (freely && !gdb.nwatches)
        apply_breaks();
    if (gdb.records)
        compare_watches(gdb.records->t); /* gdb may have written there */
    gdb.stopped = false;
    pthread_cond_broadcast(&gdb.go);
}

void gdb_detach(void)
{
    __atomic_store_n(&gdb.on, false, __ATOMIC_RELEASE);
    gdb.nbreaks = 0;
    while (gdb.nwatches)
        heap_free(gdb.watches[--gdb.nwatches].old);
    gdb_resume(NULL);
    lx_signals_mirror(gdb.proc->signals);
}

/* --- ends and beginnings --- */

void lx_gdb_thread_exit(struct lx_thread *t)
{
    pthread_mutex_lock(&gdb.lock);
    struct gdb_record *r = record_of(t), **p = &gdb.records;
    park_if_asked(r);
    while (*p != r)
        p = &(*p)->next;
    *p = r->next;
    t->gdb = NULL;
    heap_free(r);
    bool left = !gdb.records;
    for (r = gdb.records; r; r = r->next)
        left |= !r->held;
    if (gdb.on && !gdb.stopped && !left) {
        gdb.stop = GDB_STOP_NONE_LEFT;
        gdb.stop_signal = 0;
        gdb_stop_all();
    }
    pthread_mutex_unlock(&gdb.lock);
}

void lx_gdb_exit(int code, int sig)
{
    struct lx_thread *t = lx_self();
    pthread_mutex_lock(&gdb.lock);
    if (t && t->gdb)
        park_if_asked(t->gdb); /* for good, when another thread ends the process */
    if (gdb.on) {
        gdb.exited = true;
        gdb.exit_code = code;
        gdb.exit_signal = sig;
        wake_stub();
        while (gdb.on)
            pthread_cond_wait(&gdb.go, &gdb.lock);
    }
    pthread_mutex_unlock(&gdb.lock);
}

_Noreturn void lx_gdb_wait_for_end(void)
{
    struct lx_thread *t = lx_self();
    pthread_mutex_lock(&gdb.lock);
    if (t && t->gdb)
        t->gdb->where = GDB_PARKED;
    for (;;)
        pthread_cond_wait(&gdb.go, &gdb.lock);
}

void lx_gdb_exec(struct lx_thread *t, struct lx_gdb_handover *h)
{
    h->fd = -1;
    if (!lx_gdb_on() || t->proc->vfork_child)
        return;
    pthread_mutex_lock(&gdb.lock);
    park_if_asked(record_of(t));
    if (gdb.on)
        *h = (struct lx_gdb_handover){.fd = gdb.sock, .ack = gdb.ack, .pass = gdb.pass};
    pthread_mutex_unlock(&gdb.lock);
}

void lx_gdb_forked(struct lx_process *p)
{
    if (!lx_gdb_used())
        return;
    pthread_mutex_init(&gdb.lock, NULL);
    pthread_mutex_init(&step_lock, NULL);
    pthread_cond_init(&gdb.go, NULL);
    pthread_cond_init(&gdb.rest, NULL);
    for (struct gdb_record *r = gdb.records, *next; r; r = next) {
        next = r->next;
        heap_free(r);
    }
    gdb.records = p->threads->gdb = NULL;
    gdb.on = gdb.stopped = gdb.exited = false;
    gdb.nbreaks = gdb.nwatches = 0;
    if (gdb.sock >= 0) {
        lx_fd_close(gdb.sock);
        lx_fd_close(gdb.wake);
        gdb_file_close_all();
    }
    gdb.sock = gdb.wake = -1;
    mk_lock_reset(&active.lock);
    if (active.n) {
        active.n = 0;
        engine_flush(p->engine);
    }
    lx_signals_mirror(p->signals);
}
