/* Processes: fork, vfork, clone in its forms, exec with all that is inherited. */
#include "util.h"

#include <linux/sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>

extern char **environ;
static const char *self;
static char dir[64];

static int child_main(int argc, char **argv);

static void forks(void)
{
    int st;
    volatile int x = 1;
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        x = 2;
        _exit(x + 40);
    }
    value("pid", waitpid(p, &st, 0) == p);
    status("child", st);
    value("x", x);
    result("no children", wait(&st));
    /* Shared and private memory. */
    int *sh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *pr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!fork()) {
        *sh = 5;
        *pr = 6;
        _exit(0);
    }
    wait(NULL);
    printf("shared %d private %d\n", *sh, *pr);
    /* Generations. */
    fflush(stdout);
    if (!fork()) {
        for (int i = 0; i < 5; i++) {
            pid_t q = fork();
            if (q) {
                waitpid(q, &st, 0);
                _exit(WEXITSTATUS(st) + 1);
            }
        }
        _exit(10);
    }
    wait(&st);
    status("generations", st);
    int n = 0;
    for (int i = 0; i < 100; i++) {
        if (!fork())
            _exit(i);
    }
    long sum = 0;
    while (wait(&st) > 0) {
        n++;
        sum += WEXITSTATUS(st);
    }
    printf("%d children %ld\n", n, sum);
}

static volatile int written;
static void vforks(void)
{
    int st;
    fflush(stdout);
    pid_t p = vfork();
    if (!p) {
        written = 77; /* the parent's memory */
        _exit(3);
    }
    value("written by the child", written);
    waitpid(p, &st, 0);
    status("vfork", st);
    p = vfork();
    if (!p) {
        execl("/nonexistent", "x", NULL);
        written = errno;
        execl(self, "procs", "child", "one", "two words", "", NULL);
        _exit(9);
    }
    waitpid(p, &st, 0);
    value("error was ENOENT", written == ENOENT);
    status("vfork and exec", st);
    /* A child of vfork that is killed lets the parent go on. */
    p = vfork();
    if (!p) {
        kill(getpid(), SIGKILL);
        _exit(1);
    }
    waitpid(p, &st, 0);
    status("vfork killed", st);
    for (int i = 0; i < 50; i++) {
        p = vfork();
        if (!p) {
            written++;
            _exit(0);
        }
        waitpid(p, &st, 0);
    }
    value("many", written - ENOENT);
}

static void spawns(void)
{
    int st;
    pid_t p;
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t at;
    char *const args[] = {"procs", "child", "spawned", NULL};
    char *const env[] = {"A=1", "B=two", NULL};
    fflush(stdout);
    posix_spawn_file_actions_init(&fa);
    posix_spawnattr_init(&at);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    posix_spawnattr_setsigmask(&at, &set);
    posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK);
    int made = posix_spawn(&p, self, &fa, &at, args, env);
    waitpid(p, &st, 0);
    value("spawn", made); /* after the child's own lines */
    status("spawned", st);
    value("spawn of nothing", posix_spawn(&p, "/nonexistent", NULL, NULL, args, env));
    int ok = 0;
    for (int i = 0; i < 30; i++) {
        char *const quiet[] = {"procs", "quiet", NULL};
        ok += posix_spawn(&p, self, NULL, NULL, quiet, env) == 0 && waitpid(p, &st, 0) == p && WEXITSTATUS(st) == 4;
    }
    value("spawned thirty", ok);
}

static int clone_body(void *arg)
{
    int *n = arg;
    *n = *n * 2 + 1;
    return 6;
}

static void clones(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int n = 10, st;
    int pid = clone(clone_body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &n);
    waitpid(pid, &st, 0);
    printf("vm, vfork: %d ", n);
    status("", st);
    pid = clone(clone_body, stack + sizeof stack, CLONE_VM | SIGCHLD, &n);
    waitpid(pid, &st, 0);
    printf("vm: %d ", n);
    status("", st);
    pid = clone(clone_body, stack + sizeof stack, SIGCHLD, &n);
    waitpid(pid, &st, 0);
    printf("copy: %d ", n);
    status("", st);
    pid = clone(clone_body, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, &n);
    waitpid(pid, &st, 0);
    printf("vm, all shared: %d ", n);
    status("", st);
    signal(SIGUSR1, SIG_IGN);
    pid = clone(clone_body, stack + sizeof stack, SIGUSR1, &n); /* another exit signal: wants __WCLONE */
    errno = 0;
    value("not a normal child", waitpid(pid, &st, 0) == -1 && errno == ECHILD);
    value("a clone", waitpid(pid, &st, __WCLONE) == pid);
    int ptid = 0, ctid = 0;
    pid = clone(clone_body, stack + sizeof stack,
                CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, &n,
                &ptid, NULL, &ctid);
    waitpid(pid, &st, 0);
    printf("tids %d %d\n", ptid == pid, ctid);
    /* Errors. */
    result("thread without sighand", syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0));
    result("sighand without vm", syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    result("newns and fs", syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    struct clone_args ca = {.exit_signal = SIGCHLD};
    result("clone3 small", syscall(SYS_clone3, &ca, 8));
    result("clone3 large", syscall(SYS_clone3, &ca, 5000));
    ca.exit_signal = 300;
    result("clone3 exit signal", syscall(SYS_clone3, &ca, sizeof ca));
    ca.exit_signal = SIGCHLD;
    ca.stack = 4096;
    result("clone3 stack without size", syscall(SYS_clone3, &ca, sizeof ca));
    ca.stack = 0;
    ca.flags = CLONE_DETACHED;
    result("clone3 detached", syscall(SYS_clone3, &ca, sizeof ca));
    result("clone3 nowhere", syscall(SYS_clone3, (void *)16, sizeof ca));
    int pidfd = -1;
    ca.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    ca.pidfd = (uintptr_t)&pidfd;
    on(SIGTERM, (void (*)(int, siginfo_t *, void *))exit, 0);
    fflush(stdout);
    pid = (int)syscall(SYS_clone3, &ca, sizeof ca);
    if (!pid) {
        struct sigaction sa;
        sigaction(SIGTERM, NULL, &sa);
        _exit(sa.sa_handler == SIG_DFL ? 21 : 22);
    }
    value("pidfd", pidfd >= 0);
    siginfo_t si;
    value("waitid", waitid(P_PIDFD, pidfd, &si, WEXITED));
    value("code", si.si_status);
    close(pidfd);
    signal(SIGTERM, SIG_DFL);
}

/* --- exec --- */

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    write(fd, text, strlen(text));
    fchmod(fd, mode);
    close(fd);
}

/* Runs path in a child and tells what became of it. */
static void try_exec(const char *what, const char *path, char *const argv[], char *const env[])
{
    int st;
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        execve(path, argv, env);
        printf("%s: %s\n", what, strerrorname_np(errno));
        fflush(stdout);
        _exit(99);
    }
    waitpid(p, &st, 0);
    if (!WIFEXITED(st) || WEXITSTATUS(st) != 99)
        status(what, st);
}

static void execs(void)
{
    char path[128], text[400];
    char *const args[] = {"name", "child", "a", "b c", NULL};
    char *const env[] = {"HELLO=world", "EMPTY=", NULL};
    char *const none[] = {NULL};
    try_exec("exec", self, args, env);
    try_exec("no environment", self, args, none);
    snprintf(path, sizeof path, "%s/script", dir);
    snprintf(text, sizeof text, "#! %s child  with one argument \nrest\n", self);
    write_file(path, text, 0755);
    try_exec("script", path, args, env);
    snprintf(text, sizeof text, "#!%s/script\n", dir);
    snprintf(path, sizeof path, "%s/script2", dir);
    write_file(path, text, 0755);
    try_exec("script of a script", path, args, env);
    snprintf(path, sizeof path, "%s/plain", dir);
    write_file(path, "no magic here\n", 0755);
    try_exec("no format", path, args, env);
    write_file(path, "", 0755);
    try_exec("empty", path, args, env);
    write_file(path, "#!\n", 0755);
    try_exec("no interpreter named", path, args, env);
    write_file(path, "#!/nonexistent/interpreter\n", 0755);
    try_exec("interpreter missing", path, args, env);
    write_file(path, "\177ELF\002\001\001", 0755);
    try_exec("short ELF", path, args, env);
    write_file(path, "#!/bin/sh\n", 0644);
    if (!getuid())
        printf("no permission: EACCES\n"); /* root needs one x bit too, but let it be said once */
    else
        try_exec("no permission", path, args, env);
    try_exec("directory", dir, args, env);
    try_exec("missing", "/nonexistent", args, env);
    try_exec("not a directory", "/proc/version/x", args, env);
    try_exec("empty path", "", args, env);
    try_exec("bad path", (const char *)8, args, env);
    try_exec("bad argv", self, (char *const *)8, env);
    char *loop = path;
    symlink(loop, loop);
    unlink(path);
    symlink(path, path);
    try_exec("loop", path, args, env);
    unlink(path);
    /* Too much. */
    char *big = malloc(200000);
    memset(big, 'x', 199999);
    big[199999] = 0;
    char *const too_long[] = {"name", big, NULL};
    try_exec("a string too long", self, too_long, env);
    free(big);
    char **lots = calloc(40001, sizeof *lots);
    char kilo[1024];
    memset(kilo, 'y', 1023);
    kilo[1023] = 0;
    for (int i = 0; i < 40000; i++)
        lots[i] = kilo;
    try_exec("too many", self, lots, env);
    lots[0] = "name";
    lots[1] = "count";
    lots[500] = NULL;
    try_exec("five hundred", self, lots, env);
    free(lots);
    /* By descriptor. */
    fflush(stdout);
    int st;
    if (!fork()) {
        int fd = open(self, O_RDONLY | O_CLOEXEC);
        fexecve(fd, args, env);
        _exit(98);
    }
    wait(&st);
    status("fexecve", st);
    if (!fork()) {
        execl("/proc/self/exe", "exe", "child", "through /proc/self/exe", NULL);
        _exit(98);
    }
    wait(&st);
    status("/proc/self/exe", st);
}

static void inherited(void)
{
    /* Descriptors, directory, mask, ignored and pending signals, limits, umask. */
    int st, p[2];
    fflush(stdout);
    if (!fork()) {
        pipe(p);
        int keep = dup2(p[1], 30), drop = fcntl(p[1], F_DUPFD_CLOEXEC, 40);
        (void)keep;
        (void)drop;
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGSEGV);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGHUP, SIG_IGN);
        signal(SIGFPE, SIG_IGN);
        on(SIGINT, (void (*)(int, siginfo_t *, void *))exit, 0);
        raise(SIGUSR1);
        chdir(dir);
        umask(027);
        struct rlimit r = {100, 200};
        setrlimit(RLIMIT_NOFILE, &r);
        r = (struct rlimit){64 << 20, 128 << 20};
        setrlimit(RLIMIT_STACK, &r);
        prctl(PR_SET_NAME, "renamed");
        execl(self, "procs", "inherited", NULL);
        _exit(97);
    }
    wait(&st);
    status("heir", st);
}

static int heir(void)
{
    sigset_t set, pend;
    struct sigaction a, b, c, d;
    char cwd[100], name[17] = "";
    struct rlimit r, s;
    sigprocmask(SIG_SETMASK, NULL, &set);
    sigpending(&pend);
    sigaction(SIGHUP, NULL, &a);
    sigaction(SIGINT, NULL, &b);
    sigaction(SIGFPE, NULL, &c);
    sigaction(SIGSEGV, NULL, &d);
    printf("fds %d %d\n", fcntl(30, F_GETFD) >= 0, fcntl(40, F_GETFD) >= 0);
    printf("mask %d %d %d %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGTERM), sigismember(&set, SIGINT),
           sigismember(&set, SIGSEGV));
    printf("pending %d %d\n", sigismember(&pend, SIGUSR1), sigismember(&pend, SIGTERM));
    printf("ignored %d %d %d %d\n", a.sa_handler == SIG_IGN, b.sa_handler == SIG_IGN, c.sa_handler == SIG_IGN,
           d.sa_handler == SIG_IGN);
    getcwd(cwd, sizeof cwd);
    printf("directory %d\n", strncmp(cwd, "/tmp/dgm-procs", 14) == 0);
    printf("umask %o\n", umask(0));
    getrlimit(RLIMIT_NOFILE, &r);
    getrlimit(RLIMIT_STACK, &s);
    printf("limits %ld %ld %ld %ld\n", (long)r.rlim_cur, (long)r.rlim_max, (long)s.rlim_cur, (long)s.rlim_max);
    prctl(PR_GET_NAME, name);
    printf("name %d\n", strncmp(name, "procs", 5) == 0);
    fflush(stdout);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 1;
}

static int child_main(int argc, char **argv)
{
    printf("child: argc %d", argc);
    for (int i = 1; i < argc; i++)
        printf(" [%s]", strncmp(argv[i], dir, strlen("/tmp/dgm-")) ? argv[i] : "PATH");
    int n = 0;
    bool tests = false;
    for (; environ[n]; n++)
        tests |= !strcmp(environ[n], "HELLO=world");
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    printf(" env %d usr2 %d\n", n < 4 ? n * 2 + tests : 9, sigismember(&set, SIGUSR2));
    return argc;
}

int main(int argc, char **argv)
{
    static char path[200];
    strcpy(dir, "/tmp/dgm-procs-XXXXXX");
    if (argc > 1 && !strncmp(argv[1], "child", 5))
        return child_main(argc, argv);
    if (argc > 1 && !strcmp(argv[1], "quiet"))
        return 4;
    if (argc > 1 && !strcmp(argv[1], "inherited"))
        return heir();
    if (argc > 1 && !strcmp(argv[1], "count")) {
        printf("count %d\n", argc);
        return 0;
    }
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    self = path;
    setenv("HELLO", "world", 1);
    mkdtemp(dir);
    forks();
    vforks();
    spawns();
    clones();
    execs();
    inherited();
    static const char *const files[] = {"script", "script2", "plain"};
    for (int i = 0; i < 3; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s/%s", dir, files[i]);
        unlink(file);
    }
    rmdir(dir);
    return 0;
}
