/* What a process asks about itself and the machine. */
#include "call.h"

#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>

int main(void)
{
    struct utsname u;
    char name[20], buf[256], buf2[256];
    struct rlimit rl, again;
    T(uname(&u));
    printf("%s %s %d\n", u.sysname, u.release, (int)strlen(u.machine) > 0);
    T(prctl(PR_SET_NAME, "a rather long name for this"));
    T(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    int v = -1;
    T(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    T(prctl(PR_GET_PDEATHSIG, &v));
    printf("%d\n", v);
    T(prctl(PR_GET_DUMPABLE));
    T(prctl(PR_SET_CHILD_SUBREAPER, 1));
    T(prctl(PR_GET_CHILD_SUBREAPER, &v));
    printf("%d\n", v);
    T(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    T(prctl(PR_GET_TIMERSLACK));
    T(prctl(PR_CAPBSET_READ, 0) >= 0);
    T(prctl(PR_GET_SECUREBITS));
    T(prctl(12345, 0, 0, 0, 0));
    const int res[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_FSIZE};
    for (unsigned i = 0; i < sizeof res / sizeof *res; i++) {
        getrlimit(res[i], &rl);
        printf("limit %d: %ld %ld\n", res[i], (long)rl.rlim_cur, (long)rl.rlim_max);
    }
    getrlimit(RLIMIT_STACK, &rl);
    rl.rlim_cur = 4 << 20;
    T(setrlimit(RLIMIT_STACK, &rl));
    T(getrlimit(RLIMIT_STACK, &again));
    printf("%ld\n", (long)again.rlim_cur);
    rl = (struct rlimit){2ul << 30, 2ul << 30};
    T(setrlimit(RLIMIT_AS, &rl));
    T(prlimit(0, RLIMIT_AS, 0, &again));
    printf("%ld %ld\n", (long)again.rlim_cur, (long)again.rlim_max);
    YES(mmap(0, 3ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    void *ok = mmap(0, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    YES(ok != MAP_FAILED);
    rl.rlim_cur = rl.rlim_max + 1;
    T(setrlimit(RLIMIT_AS, &rl));
    pid_t pid = fork();
    if (pid == 0) {
        getrlimit(RLIMIT_AS, &again);
        printf("child: %ld\n", (long)again.rlim_max);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, 0, 0);
    struct sysinfo si;
    T(sysinfo(&si));
    YES(si.totalram > 0 && si.mem_unit > 0 && si.uptime > 0);
    T(getrandom(buf, 100, 0));
    T(getrandom(buf2, 100, GRND_NONBLOCK));
    YES(memcmp(buf, buf2, 100) != 0);
    cpu_set_t set;
    YES(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
    T(sched_setaffinity(0, sizeof set, &set));
    unsigned cpu = 9999, node = 9999;
    T(getcpu(&cpu, &node));
    YES(cpu < 4096 && node < 4096);
    T(sched_getscheduler(0));
    T(sched_get_priority_max(SCHED_FIFO));
    T(sched_yield());
    T(getpriority(PRIO_PROCESS, 0));
    T(setpriority(PRIO_PROCESS, 0, 1));
    T(getpriority(PRIO_PROCESS, 0));
    T(umask(027));
    T(umask(022));
    T(personality(0xffffffff) & 0xff);
    T(personality(ADDR_NO_RANDOMIZE) & 0xff);
    printf("%x\n", personality(0xffffffff));
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    T(syscall(SYS_capget, &h, d));
    h.version = 1;
    T(syscall(SYS_capget, &h, d));
    printf("%x\n", h.version);
    T(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) > 0);
    T(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
    YES(getpid() == syscall(SYS_gettid) && getppid() > 0);
    T(getsid(0) > 0);
    T(setsid() > 0 || errno == EPERM);
    T(getgroups(0, 0) >= 0);
    uid_t r, e, s;
    T(getresuid(&r, &e, &s));
    YES(r == getuid() && e == geteuid());
    struct rusage ru;
    T(getrusage(RUSAGE_SELF, &ru));
    YES(ru.ru_maxrss > 0);
    strcpy(buf, "remote");
    struct iovec l = {buf2, 7}, rem = {buf, 7};
    T(process_vm_readv(getpid(), &l, 1, &rem, 1, 0));
    printf("%s\n", buf2);
    /* wait */
    int st;
    siginfo_t info = {0};
    pid = fork();
    if (pid == 0)
        _exit(7);
    T(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    printf("%d %d %d\n", info.si_code, info.si_status, info.si_pid == pid);
    T(wait4(pid, &st, 0, &ru) == pid);
    printf("%x\n", st);
    T(wait4(-1, &st, WNOHANG, 0));
    pid = fork();
    if (pid == 0) {
        raise(SIGKILL);
        _exit(0);
    }
    T(waitpid(pid, &st, 0) == pid);
    printf("%x\n", st);
    int pfd = syscall(SYS_pidfd_open, getpid(), 0);
    YES(pfd >= 0);
    T(syscall(SYS_pidfd_send_signal, pfd, 0, 0, 0));
    return 0;
}
