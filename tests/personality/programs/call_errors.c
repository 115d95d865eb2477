/* Errors and their order: what system calls say to bad descriptors, bad pointers and bad numbers. */
#include "call.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

static void *bad[4]; /* unmapped, kernel half, no access, read only */

#define E(name, ...)                                                                                                   \
    do {                                                                                                               \
        for (int i_ = 0; i_ < 4; i_++) {                                                                               \
            char *B = bad[i_];                                                                                         \
            (void)B;                                                                                                   \
            errno = 0;                                                                                                 \
            long r_ = syscall(SYS_##name, __VA_ARGS__);                                                                \
            printf("%s#%d(%s) = %ld %s\n", #name, i_, #__VA_ARGS__, r_ < 0 ? -1L : 0L,                                 \
                   r_ < 0 ? strerrorname_np(errno) : "");                                                              \
        }                                                                                                              \
        fflush(stdout);                                                                                                \
    } while (0)

int main(void)
{
    int p[2], fd, sv[2];
    enter_work_dir();
    bad[0] = (void *)16;
    bad[1] = (void *)0xfffffffffffff000ul;
    bad[2] = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0);
    bad[3] = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0);
    fd = open("file", O_RDWR | O_CREAT, 0644);
    (void)!write(fd, "0123456789", 10);
    (void)!pipe(p);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    struct iovec iov = {0, 4};
    struct timespec ts = {0, 0}, bad_ts = {0, 1000000000}, neg_ts = {-1, 0};
    (void)iov;

    E(read, -1L, B, 4);
    E(read, fd, B, 4);
    E(pread64, fd, B, 4, 0);
    E(pread64, fd, B, 4, -1L);
    E(write, -1L, B, 4);
    E(write, p[1], B, 4);
    E(write, p[0], B, 4);
    E(readv, -1L, B, 1);
    E(readv, fd, B, 1);
    E(readv, fd, B, 2000);
    E(readv, fd, B, -1L);
    E(writev, p[1], B, 1);
    for (int i = 0; i < 4; i++) {
        struct iovec v[2] = {{bad[i], 4}, {bad[i], (size_t)-1}};
        T(pread(fd, v[0].iov_base, 4, 0));
        T(readv(fd, v, 1));
        T(readv(fd, v, 2));
        struct iovec z[1] = {{0, 0}};
        T(readv(fd, z, 1));
        T(readv(-1, v, 1));
    }
    E(openat, AT_FDCWD, B, O_RDONLY, 0);
    E(openat, -1L, "file", O_RDONLY, 0);
    E(openat, fd, "file", O_RDONLY, 0);
    E(openat, AT_FDCWD, "", O_RDONLY, 0);
    E(openat, AT_FDCWD, "file/x", O_RDONLY, 0);
    E(openat, AT_FDCWD, "none/x", O_RDONLY | O_CREAT, 0);
    E(openat, AT_FDCWD, "file", O_RDONLY | O_DIRECTORY, 0);
    E(openat, AT_FDCWD, ".", O_RDWR, 0);
    E(openat2, AT_FDCWD, "file", B, 24);
    E(openat2, AT_FDCWD, "file", B, 8);
    E(close, -1L);
    E(close, 1000000);
    E(fstat, fd, B);
    E(fstat, -1L, B);
    E(newfstatat, AT_FDCWD, "file", B, 0);
    E(newfstatat, AT_FDCWD, B, B, 0);
    E(newfstatat, AT_FDCWD, "", B, 0);
    E(newfstatat, fd, "", B, AT_EMPTY_PATH);
    E(newfstatat, AT_FDCWD, "file", B, 0x80000);
    E(statx, AT_FDCWD, "file", 0, 0x7ff, B);
    E(statx, AT_FDCWD, "file", 0, 0x80000000, B);
    E(statfs, ".", B);
    E(statfs, B, B);
    E(fstatfs, fd, B);
    E(readlinkat, AT_FDCWD, "file", B, 10);
    E(readlinkat, AT_FDCWD, ".", B, 0);
    E(readlinkat, AT_FDCWD, B, B, -1L);
    E(getcwd, B, 4096);
    E(getcwd, B, 1);
    E(getdents64, fd, B, 100);
    E(getdents64, -1L, B, 100);
    E(mkdirat, AT_FDCWD, B, 0755);
    E(mkdirat, AT_FDCWD, "/", 0755);
    E(mkdirat, AT_FDCWD, "file", 0755);
    E(unlinkat, AT_FDCWD, "nothere", 0);
    E(unlinkat, AT_FDCWD, ".", AT_REMOVEDIR);
    E(unlinkat, AT_FDCWD, "file", 0x10);
    E(symlinkat, B, AT_FDCWD, "l");
    E(symlinkat, "x", AT_FDCWD, B);
    E(linkat, AT_FDCWD, "file", AT_FDCWD, B, 0);
    E(linkat, AT_FDCWD, "file", AT_FDCWD, "file", 0);
    E(renameat2, AT_FDCWD, "file", AT_FDCWD, "file", 0x80);
    E(renameat2, AT_FDCWD, "nothere", AT_FDCWD, B, 0);
    E(truncate, B, 0);
    E(truncate, "file", -1L);
    E(ftruncate, p[0], 0);
    E(lseek, p[0], 0, 0);
    E(lseek, fd, 0, 77);
    E(lseek, fd, -1L, SEEK_SET);
    E(fcntl, fd, 12345, 0);
    E(fcntl, -1L, F_GETFL, 0);
    E(fcntl, fd, F_GETLK, B);
    E(fcntl, fd, F_DUPFD, -1L);
    E(fcntl, fd, F_DUPFD, 100000000);
    E(ioctl, fd, 0x5401, B);
    E(ioctl, -1L, 0x5401, B);
    E(ioctl, p[0], 0x541b, B);
    E(ioctl, fd, 0x12345678, 0);
    E(pipe2, B, 0);
    E(pipe2, B, 1);
    E(dup3, fd, fd, 0);
    E(dup3, fd, 100000000, 0);
    E(dup3, -1L, 5, 0);
    E(dup, -1L);
    E(sendfile, p[1], fd, B, 1);
    E(copy_file_range, fd, B, fd, 0, 1, 0);
    E(splice, fd, B, p[1], 0, 1, 0);
    E(splice, fd, 0, fd, 0, 1, 0);
    E(tee, fd, fd, 1, 0);
    E(utimensat, AT_FDCWD, "file", B, 0);
    E(utimensat, AT_FDCWD, B, 0, 0);
    E(fallocate, fd, 0, -1L, 1);
    E(fadvise64, p[0], 0, 0, 0);
    E(fadvise64, fd, 0, 0, 99);
    E(epoll_create1, 1);
    int ep = epoll_create1(0);
    E(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], B);
    E(epoll_ctl, ep, 99, p[0], B);
    E(epoll_ctl, ep, EPOLL_CTL_ADD, ep, B);
    E(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], B);
    E(epoll_ctl, p[0], EPOLL_CTL_ADD, p[0], &iov);
    struct epoll_event ev = {EPOLLOUT, {.u64 = 1}};
    epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &ev);
    E(epoll_pwait, ep, B, 1, 0, 0, 8);
    E(epoll_pwait, ep, B, 0, 0, 0, 8);
    E(epoll_pwait, ep, B, -1L, 0, 0, 8);
    E(epoll_pwait, ep, B, 1, 0, B, 8);
    E(epoll_pwait, ep, &ev, 1, 0, B, 7);
    E(epoll_pwait, fd, &ev, 1, 0, 0, 8);
    E(ppoll, B, 1, &ts, 0, 8);
    E(ppoll, 0, 0, B, 0, 8);
    E(ppoll, 0, 0, &bad_ts, 0, 8);
    E(ppoll, 0, 0, &neg_ts, 0, 8);
    E(ppoll, 0, 0, &ts, B, 8);
    E(ppoll, 0, 0, &ts, B, 4);
    E(pselect6, 1, B, 0, 0, &ts, 0);
    E(pselect6, -1L, 0, 0, 0, &ts, 0);
    E(pselect6, 0, 0, 0, 0, B, 0);
    E(pselect6, 0, 0, 0, 0, &ts, B);
    E(eventfd2, 0, 0x1);
    E(inotify_init1, 1);
    E(inotify_add_watch, fd, ".", 1);
    E(inotify_add_watch, -1L, B, 1);
    E(timerfd_create, 99, 0);
    E(timerfd_settime, fd, 0, B, 0);
    E(timerfd_settime, -1L, 0, B, 0);
    E(signalfd4, -1L, B, 8, 0);
    E(signalfd4, -1L, B, 4, 0);
    E(signalfd4, fd, &ts, 8, 0);
    E(socket, 999, SOCK_STREAM, 0);
    E(socket, AF_INET, 99, 0);
    E(socketpair, AF_INET, SOCK_STREAM, 0, B);
    E(socketpair, AF_UNIX, SOCK_STREAM, 0, B);
    E(bind, sv[0], B, 4);
    E(bind, sv[0], B, 1000);
    E(bind, fd, B, 4);
    E(bind, -1L, B, 4);
    E(connect, sv[0], B, 4);
    E(connect, -1L, B, 4);
    E(listen, fd, 1);
    E(accept, fd, 0, 0);
    E(accept4, sv[0], 0, 0, 0x1);
    E(getsockname, sv[0], B, B);
    E(getsockname, fd, B, B);
    E(sendto, sv[0], B, 4, 0, 0, 0);
    E(sendto, -1L, B, 4, 0, 0, 0);
    E(sendto, fd, B, 4, 0, 0, 0);
    E(recvfrom, sv[0], B, 4, MSG_DONTWAIT, 0, 0);
    E(sendmsg, sv[0], B, 0);
    E(sendmsg, -1L, B, 0);
    E(sendmsg, fd, B, 0);
    E(recvmsg, sv[0], B, MSG_DONTWAIT);
    E(recvmsg, fd, B, MSG_DONTWAIT);
    E(recvmmsg, sv[0], B, 1, MSG_DONTWAIT, 0);
    E(recvmmsg, sv[0], 0, 1, MSG_DONTWAIT, B);
    E(sendmmsg, sv[0], B, 1, 0);
    E(sendmmsg, fd, B, 1, 0);
    E(setsockopt, sv[0], SOL_SOCKET, SO_RCVBUF, B, 4);
    E(setsockopt, sv[0], SOL_SOCKET, SO_RCVBUF, &fd, 1);
    E(setsockopt, sv[0], SOL_SOCKET, SO_RCVBUF, &fd, -1L);
    E(setsockopt, fd, SOL_SOCKET, SO_RCVBUF, B, 4);
    E(setsockopt, sv[0], 12345, 1, B, 4);
    E(getsockopt, sv[0], SOL_SOCKET, SO_RCVBUF, B, B);
    E(getsockopt, fd, SOL_SOCKET, SO_RCVBUF, B, B);
    E(shutdown, sv[0], 99);
    E(shutdown, fd, 0);
    E(clock_gettime, 0, B);
    E(clock_gettime, 99, B);
    E(clock_getres, 99, 0);
    E(clock_settime, 99, B);
    E(clock_nanosleep, 0, 0, B, 0);
    E(clock_nanosleep, 99, 0, B, 0);
    E(clock_nanosleep, 0, 0, &bad_ts, 0);
    E(nanosleep, B, 0);
    E(nanosleep, &neg_ts, 0);
    E(timer_create, 0, B, B);
    E(timer_create, 99, 0, B);
    E(timer_settime, 9999, 0, B, 0);
    E(timer_gettime, 9999, B);
    E(timer_delete, 9999);
    E(setitimer, 9, B, 0);
    E(setitimer, 0, B, B);
    E(getitimer, 0, B);
    E(gettimeofday, B, 0);
    E(times, B);
    E(getrusage, 5, B);
    E(getrusage, 0, B);
    E(prlimit64, 0, 99, 0, B);
    E(prlimit64, 0, RLIMIT_NOFILE, 0, B);
    E(prlimit64, 0, RLIMIT_CORE, B, 0);
    E(prlimit64, 0, RLIMIT_AS, 0, B);
    E(prlimit64, 99999999, RLIMIT_AS, 0, 0);
    struct rlimit wrong = {10, 5};
    E(prlimit64, 0, RLIMIT_STACK, &wrong, 0);
    E(prlimit64, 0, RLIMIT_CPU, &wrong, 0);
    E(uname, B);
    E(sysinfo, B);
    E(getrandom, B, 8, 0);
    E(getrandom, B, 8, 0x100);
    E(getgroups, -1L, B);
    E(getpriority, 9, 0);
    E(sched_getaffinity, 0, 128, B);
    E(sched_getaffinity, 0, 1, B);
    E(sched_setaffinity, 0, 128, bad[2]);
    E(sched_getparam, 0, B);
    E(sched_getscheduler, -5);
    E(sched_rr_get_interval, 0, B);
    E(getcpu, B, 0, 0);
    E(prctl, 15, B, 0, 0, 0);
    E(prctl, 16, B, 0, 0, 0);
    E(prctl, 2, B, 0, 0, 0);
    E(prctl, 99999, 0, 0, 0, 0);
    E(prctl, 1, 999, 0, 0, 0);
    E(wait4, -1L, B, 0, 0);
    E(wait4, 1, 0, 0x10000, 0);
    E(waitid, 99, 0, B, 4, 0);
    E(waitid, 0, 0, 0, 0, 0);
    E(kill, 0, 999);
    E(kill, 99999999, 0);
    E(tgkill, -1L, 1, 0);
    E(tkill, 99999999, 0);
    E(memfd_create, B, 0);
    E(memfd_create, "x", 0x1000);
    E(setxattr, "file", B, B, 1, 0);
    E(setxattr, "file", "user.x", B, 1, 0x10);
    E(flistxattr, fd, 0, 0);
    E(mq_open, B, 0, 0, 0);
    E(msgget, 12345678, 0);
    E(msgsnd, -1L, B, 4, 0);
    E(msgrcv, -1L, B, 4, 0, 0);
    E(semget, 12345678, 0, 0);
    E(semop, -1L, B, 1);
    E(semctl, -1L, 0, 12, 0);
    E(shmget, 12345678, 0, 0);
    E(shmctl, -1L, 2, B);
    E(close_range, 5, 4, 0);
    E(close_range, 1000, 1001, 0x100);
    E(pidfd_open, -1L, 0);
    E(pidfd_open, 99999999, 0);
    E(pidfd_send_signal, fd, 0, 0, 0);
    E(process_vm_readv, getpid(), B, 1, B, 1, 0);
    E(process_vm_readv, getpid(), 0, 0, 0, 0, 1);
    E(membarrier, 99999, 0, 0);
    E(mincore, 1, 4096, B);
    E(mincore, bad[3], 4096, B);
    E(msync, 1, 4096, MS_SYNC);
    E(msync, bad[3], 4096, 99);
    E(umount2, "nothere", 0);
    E(faccessat, AT_FDCWD, "file", 99);
    E(faccessat2, AT_FDCWD, "file", 0, 0x8000);
    E(fchmodat, AT_FDCWD, "nothere", 0);
    E(fchownat, AT_FDCWD, "file", -1L, -1, 0x1);
    E(personality, 0xffffffff);
    leave_work_dir();
    return 0;
}
