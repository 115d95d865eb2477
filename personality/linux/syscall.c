/* The entry of system calls: looks up the table, carries the call out, and shows it (--strace).
 *
 * Refused and unknown calls are told once a number when somebody looks (--strace or a log file). */
#include "personality/linux/syscall.h"

#include <errno.h>
#include <string.h>

#include "personality/linux/provider.h"
#include "personality/linux/strace.h"

u64 call_bad_ptr(const struct lx_thread *t, gva_t p, u64 n)
{
    if (p == 0)
        return 0;
    if (n > LX_MOVED_MAX && lx_ok(t, p, LX_MOVED_MAX))
        return (u64)lx_ptr(t, p);
    return CALL_BAD;
}

s64 call_fd_first(u64 fd, s64 error)
{
    return prov_call_now(LX_NR_fcntl, fd, 1 /* F_GETFD */, 0, 0, 0, 0) == -EBADF ? -EBADF : error;
}

static void tell_once(const struct lx_thread *t, const struct lx_call *c)
{
    static _Atomic u64 told[LX_NCALLS / 64 + 1];
    const struct lx_options *opt = t->proc->opt;
    if (!opt->strace && !opt->log_file)
        return;
    u64 nr = t->call_nr < LX_NCALLS ? t->call_nr : LX_NCALLS;
    u64 bit = 1ull << (nr % 64);
    if (!(atomic_fetch_or_explicit(&told[nr / 64], bit, memory_order_relaxed) & bit))
        lx_strace_note(t, c ? "dragoman: system call %s (%lu) is refused\n" : "dragoman: no system call %s%lu\n",
                       c ? c->name : "", t->call_nr);
}

static s64 pass(struct lx_thread *t, const struct lx_call *c)
{
    u64 h[6];
    const s64 rc = c->ready(t, t->call_arg, h);
    return rc ? rc : prov_call(&t->vcpu->poll, (u32)t->call_nr, h[0], h[1], h[2], h[3], h[4], h[5]);
}

static s64 carry_out(struct lx_thread *t, const struct lx_call *c)
{
    if (UNLIKELY(!c || (!c->fn && !c->ready))) {
        tell_once(t, c);
        return c ? -c->error : -ENOSYS;
    }
    for (u32 tries = 0;; tries++) {
        u64 seq = lx_watch_seq(t->proc->mm);
        s64 r = c->ready ? pass(t, c) : c->fn(t, t->call_arg);
        /* Another thread ran code in a page that was to be written. */
        if (LIKELY(r != -EFAULT) || tries == 8 || seq == lx_watch_seq(t->proc->mm))
            return r;
    }
}

s64 lx_syscall(struct lx_thread *t)
{
    u64 nr = t->call_nr;
    const struct lx_call *c = nr < LX_NCALLS && lx_calls[nr].name ? &lx_calls[nr] : NULL;
    if (UNLIKELY(c && c->isa) && strcmp(c->isa, t->proc->abi->name) != 0)
        c = NULL;
    if (LIKELY(!t->proc->opt->strace))
        return carry_out(t, c);
    struct lx_strace s;
    lx_strace_enter(t, &s, c);
    s64 r = carry_out(t, c);
    lx_strace_leave(t, &s, r);
    return r;
}

/* --- from within translated code --- */

/* What lx_run does with a result, if nothing else is to be seen to; else it is kept for it. */
static enum prov_how done(struct lx_thread *t, s64 r)
{
    struct vcpu *v = t->vcpu;
    if (UNLIKELY(vcpu_kicked(v) || (r <= -LX_ERESTARTSYS && r >= -LX_ERESTART_RESTARTBLOCK))) {
        t->call_made = true;
        t->call_result = r;
        v->exit = VCPU_TRAP;
        v->trap = IR_TRAP_SYSCALL;
        return PROV_LEAVE;
    }
    t->proc->abi->call_set(t, r);
    return vcpu_inside(v) ? PROV_GO_ON : PROV_LEAVE;
}

static enum prov_how leave(struct vcpu *v)
{
    v->exit = VCPU_TRAP;
    v->trap = IR_TRAP_SYSCALL;
    return PROV_LEAVE;
}

enum prov_how prov_begin(struct vcpu *v, struct prov_ready *r)
{
    struct lx_thread *t = v->owner;
    t->proc->abi->call_get(t);
    const u64 nr = t->call_nr;
    if (UNLIKELY(nr >= LX_NCALLS || !lx_calls[nr].stays))
        return leave(v);
    const struct lx_call *c = &lx_calls[nr];
    const s32 plain = c->ready ? prov_plain((u32)nr) : -1;
    vcpu_outside(v);
    if (plain < 0)
        return done(t, carry_out(t, c));
    t->call_seq = lx_watch_seq(t->proc->mm);
    const s64 rc = c->ready(t, t->call_arg, r->arg);
    if (UNLIKELY(rc))
        return done(t, rc);
    r->nr = (u64)plain;
    r->flag = &v->poll;
    return PROV_ENTER;
}

enum prov_how prov_end(struct vcpu *v, s64 r)
{
    struct lx_thread *t = v->owner;
    if (UNLIKELY(r == -EFAULT) && t->call_seq != lx_watch_seq(t->proc->mm))
        return leave(v); /* as in carry_out: once more */
    return done(t, r);
}
