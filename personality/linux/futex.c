/* Futexes and what Linux ties to a thread by address: the calls that take addresses of guest words.
 *
 * The host kernel does all the work on the host's addresses of the words. Robust lists hold guest addresses, so the
 * host kernel can't walk them: thread.c does when a thread ends. When a process is killed from outside, nobody does. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>

#include "personality/linux/mm.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscall.h"

#define LX_FUTEX_LOCK_PI2 13

static u64 word_ptr(struct lx_thread *t, gva_t p, bool written)
{
    if (!lx_ok(t, p, 4))
        return CALL_BAD | (p & 3); /* misaligned is told before unreachable */
    if (written)
        lx_prepare_write(t, p, 4);
    return (u64)lx_ptr(t, p);
}

s64 sys_futex(struct lx_thread *t, const u64 *a)
{
    u32 cmd = (u32)a[1] & FUTEX_CMD_MASK;
    bool private = a[1] & FUTEX_PRIVATE_FLAG;
    bool timed = false, second = false, writes = !private, writes2 = !private;
    switch (cmd) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        timed = true;
        break;
    case FUTEX_LOCK_PI:
    case LX_FUTEX_LOCK_PI2:
        timed = writes = true;
        break;
    case FUTEX_TRYLOCK_PI:
    case FUTEX_UNLOCK_PI:
        writes = true;
        break;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        second = true;
        break;
    case FUTEX_WAKE_OP:
    case FUTEX_CMP_REQUEUE_PI:
        second = writes2 = true;
        break;
    case FUTEX_WAIT_REQUEUE_PI:
        timed = second = writes2 = true;
        break;
    default: /* FUTEX_WAKE, FUTEX_WAKE_BITSET; what is unknown the kernel refuses */
        break;
    }
    u64 timeout = timed ? call_in(t, a[3], LX_SIZE_timespec) : a[3];
    return prov_call(&t->vcpu->poll, LX_NR_futex, word_ptr(t, a[0], writes), a[1], a[2], timeout,
                     second ? word_ptr(t, a[4], writes2) : 0, a[5]);
}

s64 sys_futex_waitv(struct lx_thread *t, const u64 *a)
{
    struct futex_waitv {
        u64 val, uaddr;
        u32 flags, reserved;
    } v[128];
    u32 n = (u32)a[1];
    if (a[2] || !n || n > ARRAY_LEN(v) || !a[0])
        return -EINVAL;
    if (lx_read(t, v, a[0], n * sizeof v[0]))
        return -EFAULT;
    for (u32 i = 0; i < n; i++)
        v[i].uaddr = word_ptr(t, v[i].uaddr, !(v[i].flags & FUTEX_PRIVATE_FLAG));
    return prov_call(&t->vcpu->poll, LX_NR_futex_waitv, (u64)v, n, 0, call_in(t, a[3], LX_SIZE_timespec), a[4], 0);
}

s64 sys_set_tid_address(struct lx_thread *t, const u64 *a)
{
    t->clear_tid = a[0];
    return t->tid;
}

#define ROBUST_HEAD_SIZE 24

s64 sys_set_robust_list(struct lx_thread *t, const u64 *a)
{
    if (a[1] != ROBUST_HEAD_SIZE)
        return -EINVAL;
    t->robust_list = a[0];
    t->robust_len = a[1];
    return 0;
}

s64 sys_get_robust_list(struct lx_thread *t, const u64 *a)
{
    struct lx_process *p = t->proc;
    const u64 len = ROBUST_HEAD_SIZE;
    u64 head = t->robust_list;
    bool found = !a[0] || (int)a[0] == t->tid;
    mk_lock(&p->threads_lock);
    for (const struct lx_thread *o = p->threads; !found && o; o = o->next) {
        if (o->tid == (int)a[0]) {
            head = o->robust_list;
            found = true;
        }
    }
    mk_unlock(&p->threads_lock);
    if (!found) /* other processes' lists are theirs */
        return prov_call_now(LX_NR_kill, a[0], 0, 0, 0, 0, 0) == -ESRCH ? -ESRCH : -EPERM;
    return lx_write(t, a[2], &len, sizeof len) || lx_write(t, a[1], &head, sizeof head) ? -EFAULT : 0;
}
