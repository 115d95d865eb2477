/* System V semaphores, message queues and shared memory segments (attaching is in mmcalls.c), and POSIX queues'
 * notification: calls whose pointer depends on the command. */
#include "personality/linux/syscall.h"

#include <errno.h>

#include "personality/linux/fd.h"
#include "personality/linux/provider.h"

enum { IPC_RMID_, IPC_SET_, IPC_STAT_, IPC_INFO_ };

/* Sizes in the generic ABI. */
enum { SEMID_DS = 88, SEMINFO = 40, MSQID_DS = 120, MSGINFO = 32, SHMID_DS = 112, SHMINFO = 72, SHM_INFO_SIZE = 48 };

s64 sys_semctl(struct lx_thread *t, const u64 *a)
{
    enum { GETALL = 13, SETVAL = 16, SETALL = 17, SEM_STAT = 18, SEM_INFO = 19, SEM_STAT_ANY = 20 };
    u64 arg = a[3], ds[SEMID_DS / 8];
    u32 cmd = (u32)a[2];
    switch (cmd) {
    case IPC_SET_:
        arg = call_in(t, arg, SEMID_DS);
        break;
    case IPC_STAT_:
    case SEM_STAT:
    case SEM_STAT_ANY:
        arg = call_out(t, arg, SEMID_DS);
        break;
    case IPC_INFO_:
    case SEM_INFO:
        arg = call_out(t, arg, SEMINFO);
        break;
    case GETALL:
    case SETALL: {
        s64 r = prov_call_now(LX_NR_semctl, a[0], 0, IPC_STAT_, (u64)ds, 0, 0);
        u64 bytes = r < 0 ? 1 : call_mul(ds[8], 2);
        arg = cmd == GETALL ? call_out(t, arg, bytes) : call_in(t, arg, bytes);
        break;
    }
    default: /* SETVAL's is a number, the others have none */
        break;
    }
    return prov_call(&t->vcpu->poll, LX_NR_semctl, a[0], a[1], cmd, arg, 0, 0);
}

s64 sys_msgctl(struct lx_thread *t, const u64 *a)
{
    enum { MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13 };
    u64 buf = 0;
    switch ((u32)a[1]) {
    case IPC_SET_:
        buf = call_in(t, a[2], MSQID_DS);
        break;
    case IPC_STAT_:
    case MSG_STAT:
    case MSG_STAT_ANY:
        buf = call_out(t, a[2], MSQID_DS);
        break;
    case IPC_INFO_:
    case MSG_INFO:
        buf = call_out(t, a[2], MSGINFO);
        break;
    default:
        break;
    }
    return prov_call(&t->vcpu->poll, LX_NR_msgctl, a[0], a[1], buf, 0, 0, 0);
}

s64 sys_shmctl(struct lx_thread *t, const u64 *a)
{
    enum { SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15 };
    u64 buf = 0;
    switch ((u32)a[1]) {
    case IPC_SET_:
        buf = call_in(t, a[2], SHMID_DS);
        break;
    case IPC_STAT_:
    case SHM_STAT:
    case SHM_STAT_ANY:
        buf = call_out(t, a[2], SHMID_DS);
        break;
    case IPC_INFO_:
        buf = call_out(t, a[2], SHMINFO);
        break;
    case SHM_INFO:
        buf = call_out(t, a[2], SHM_INFO_SIZE);
        break;
    default:
        break;
    }
    return prov_call(&t->vcpu->poll, LX_NR_shmctl, a[0], a[1], buf, 0, 0, 0);
}

s64 sys_mq_notify(struct lx_thread *t, const u64 *a)
{
    enum { SIGEV_THREAD_ = 2, COOKIE = 32 };
    union {
        u64 q[LX_SIZE_sigevent / 8];
        s32 w[LX_SIZE_sigevent / 4];
    } ev;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    if (!a[1])
        return prov_call(&t->vcpu->poll, LX_NR_mq_notify, a[0], 0, 0, 0, 0, 0);
    int r = lx_read(t, &ev, a[1], sizeof ev);
    if (r)
        return r;
    if (ev.w[3] == SIGEV_THREAD_) { /* the value is a cookie in memory, the signal a socket */
        ev.q[0] = call_in(t, ev.q[0], COOKIE);
        if (lx_fd_hidden((u32)ev.w[2]))
            return -EBADF;
    }
    return prov_call(&t->vcpu->poll, LX_NR_mq_notify, a[0], (u64)&ev, 0, 0, 0, 0);
}
