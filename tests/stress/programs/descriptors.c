/* All descriptors: a guest may have as many as natively, may close them all, and may put its own at any number; what
 * the engine has open is not seen, not hit and not in the way. */
#include "stress.h"

#include <dirent.h>

static const char *self;

static int count_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}
static int count_listed(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d);
    if (d)
        closedir(d);
    return n;
}

static void *opener(void *arg)
{
    long bad = 0;
    for (int i = 0; i < 300; i++) {
        int fd = open("/dev/null", O_RDWR), fd2 = dup(fd);
        bad += fd < 3 || fd2 < 3 || write(fd2, "x", 1) != 1;
        close(fd);
        close(fd2);
    }
    return (void *)bad;
}

static void new_code(void)
{
    char *code = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    flush_code(code, code_sum(code, 20, 4));
    if (((code_fn *)code)() != 80)
        _exit(60);
    munmap(code, PAGE);
}

/* In a child. */
static void close_all(int how)
{
    pthread_t t;
    int st;
    for (int fd = 0; how == 0 && fd < 1100; fd++)
        close(fd);
    if (how == 1 && syscall(SYS_close_range, 0, ~0u, 0))
        _exit(61);
    if (how == 2) {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 1024; fd++)
            if (fd != null && dup2(null, fd) != fd)
                _exit(62);
        syscall(SYS_close_range, 0, 2000, 0);
    }
    if (count_open())
        _exit(63);
    new_code();
    if (open("/dev/null", O_RDWR) != 0 || open("/dev/null", O_RDWR) != 1)
        _exit(64);
    must_start(&t, opener, NULL);
    pthread_join(t, NULL);
    close(0);
    close(1);
    pid_t p = fork();
    if (!p) {
        new_code();
        _exit(5);
    }
    if (waitpid(p, &st, 0) != p || !WIFEXITED(st) || WEXITSTATUS(st) != 5)
        _exit(65);
    p = vfork();
    if (!p)
        _exit(6);
    if (waitpid(p, &st, 0) != p || !WIFEXITED(st) || WEXITSTATUS(st) != 6)
        _exit(66);
    execl("/proc/self/exe", self, "closed", NULL);
    _exit(67);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "closed")) {
        new_code();
        return count_open() == 0 ? 44 : 100 + count_open();
    }
    if (argc > 1 && !strcmp(argv[1], "limit")) {
        new_code();
        return 43;
    }
    struct rlimit rl = {1024, 1024};
    value("limit", setrlimit(RLIMIT_NOFILE, &rl));
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    printf("open %d, listed %d\n", count_open(), count_listed());
    int n = 0, last = -1, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0) {
        n++;
        last = fd;
    }
    printf("opened %d, last %d, then %s\n", n, last, strerrorname_np(errno));
    printf("open %d\n", count_open());
    new_code();
    int st;
    fflush(stdout);
    if (!fork()) {
        new_code();
        execl("/proc/self/exe", self, "limit", NULL);
        _exit(1);
    }
    wait(&st);
    status("exec with all in use", st);
    long bad = 0;
    for (fd = 3; fd < 1024; fd++)
        bad += close(fd) != 0;
    printf("closed, bad %ld; open %d, listed %d\n", bad, count_open(), count_listed());
    bad = 0;
    for (fd = 3; fd < 1024; fd++)
        bad += dup2(0, fd) != fd;
    printf("made by number, bad %ld; 1024: %s\n", bad, dup2(0, 1024) == -1 ? strerrorname_np(errno) : "?");
    result("close_range", syscall(SYS_close_range, 3, ~0u, 0));
    printf("open %d, listed %d\n", count_open(), count_listed());
    for (int how = 0; how < 3; how++) {
        fflush(stdout);
        if (!fork())
            close_all(how);
        wait(&st);
        status("all closed", st);
    }
    pthread_t t[4];
    bad = 0;
    for (int i = 0; i < 4; i++)
        must_start(&t[i], opener, NULL);
    for (int i = 0; i < 4; i++) {
        void *r;
        pthread_join(t[i], &r);
        bad += (long)r;
    }
    value("from threads, bad", bad);
    return 0;
}
