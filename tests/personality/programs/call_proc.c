/* /proc as a program sees itself in it. */
#include "call.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

extern char **environ;
static char big[1 << 20];

static long slurp(const char *path)
{
    long n = 0, r;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    while ((r = read(fd, big + n, sizeof big - 1 - n)) > 0)
        n += r;
    close(fd);
    big[n] = 0;
    return n;
}

static int mapped(const void *p, const char *perms, const char *name)
{
    char *line = big;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        unsigned long lo, hi;
        char pr[8], path[300] = "";
        *end = 0;
        int n = sscanf(line, "%lx-%lx %7s %*s %*s %*s %299s", &lo, &hi, pr, path);
        *end = '\n';
        if (n >= 3 && (unsigned long)p >= lo && (unsigned long)p < hi)
            return strcmp(pr, perms) == 0 && (!name || strstr(path, name) != NULL);
    }
    return 0;
}

/* A copy of us that is renamed while it runs, before it asks for its name. */
static void renamed(const char *from, const char *as)
{
    char name[300];
    YES(rename(from, as) == 0);
    long n = readlink("/proc/self/exe", name, sizeof name - 1);
    name[n > 0 ? n : 0] = 0;
    const char *base = strrchr(name, '/');
    YES(base && strcmp(base + 1, as) == 0);
    YES(unlink(as) == 0);
}

static void rename_copy(void)
{
    char part[4096], from[40], as[40];
    snprintf(from, sizeof from, "proc-copy-%d", getpid());
    snprintf(as, sizeof as, "proc-moved-%d", getpid());
    int in = open("/proc/self/exe", O_RDONLY), out = open(from, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    for (long n; (n = read(in, part, sizeof part)) > 0;)
        write(out, part, (size_t)n);
    close(in);
    close(out);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        execl(from, from, as, NULL);
        _exit(99);
    }
    int st;
    YES(waitpid(pid, &st, 0) == pid && st == 0);
}

int main(int argc, char **argv)
{
    char link[300], real[4096], buf[4096];
    int local;
    struct stat st, st2;
    if (argc == 2) {
        renamed(argv[0], argv[1]);
        return 0;
    }
    rename_copy();
    long n = T(readlink("/proc/self/exe", link, sizeof link) > 0);
    n = readlink("/proc/self/exe", link, sizeof link);
    link[n] = 0;
    YES(realpath(argv[0], real) && strcmp(link, real) == 0);
    T(readlink("/proc/self/exe", buf, 3));
    T(stat("/proc/self/exe", &st));
    T(stat(argv[0], &st2));
    YES(st.st_ino == st2.st_ino);
    T(lstat("/proc/self/exe", &st));
    YES(S_ISLNK(st.st_mode));
    int fd = open("/proc/self/exe", O_RDONLY);
    YES(fd >= 0 && read(fd, buf, 4) == 4 && memcmp(buf, "\177ELF", 4) == 0);
    Elf64_Ehdr eh;
    YES(pread(fd, &eh, sizeof eh, 0) == sizeof eh && eh.e_phnum == getauxval(AT_PHNUM));
    close(fd);
    snprintf(buf, sizeof buf, "/proc/%d/exe", getpid());
    n = readlink(buf, real, sizeof real - 1);
    real[n > 0 ? n : 0] = 0;
    YES(strcmp(real, link) == 0);
    int dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
    n = readlinkat(dir, "exe", real, sizeof real - 1);
    real[n > 0 ? n : 0] = 0;
    YES(strcmp(real, link) == 0);
    YES(faccessat(dir, "exe", R_OK | X_OK, 0) == 0);
    fd = openat(dir, "cmdline", O_RDONLY);
    n = read(fd, big, sizeof big);
    YES(n > 0 && strcmp(big, argv[0]) == 0);
    OK(chdir("/proc/self"));
    YES(slurp("cmdline") > 0 && strcmp(big, argv[0]) == 0);
    YES(slurp("../self/./cmdline") > 0 && strcmp(big, argv[0]) == 0);
    YES(slurp("//proc//self/task/../cmdline") > 0 && strcmp(big, argv[0]) == 0);
    chdir("/");

    n = slurp("/proc/self/cmdline");
    char *p = big;
    int i = 0;
    for (; p < big + n && i < argc; p += strlen(p) + 1, i++) {
        if (strcmp(p, argv[i]))
            printf("argument %d: %s\n", i, p);
    }
    YES(i == argc && p == big + n);
    n = slurp("/proc/self/environ");
    p = big;
    i = 0;
    for (; p < big + n && environ[i]; p += strlen(p) + 1, i++) {
        if (strcmp(p, environ[i]))
            printf("variable %d: %s\n", i, p);
    }
    YES(!environ[i] && p == big + n);
    n = slurp("/proc/self/auxv");
    unsigned long *av = (unsigned long *)big, entry = 0;
    for (; (char *)(av + 1) < big + n && av[0]; av += 2)
        entry = av[0] == AT_ENTRY ? av[1] : entry;
    YES(entry && entry == getauxval(AT_ENTRY));

    YES(slurp("/proc/self/maps") > 0);
    YES(mapped(&local, "rw-p", "[stack]"));
    YES(mapped((void *)main, "r-xp", strrchr(argv[0], '/') + 1));
    YES(mapped(big, "rw-p", NULL));
    void *m = mmap(0, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    slurp("/proc/self/maps");
    YES(mapped(m, "r--s", NULL));
    munmap(m, 8192);
    slurp("/proc/self/maps");
    YES(!mapped(m, "r--s", NULL));
    YES(slurp("/proc/self/smaps") > 0 && mapped(&local, "rw-p", "[stack]"));
    YES(slurp("/proc/thread-self/maps") > 0);

    YES(slurp("/proc/self/stat") > 0 && atoi(big) == getpid());
    p = strrchr(big, ')') + 2;
    unsigned long v[60] = {0};
    for (i = 3; *p && i < 60; i++) {
        v[i] = strtoul(p, &p, 10);
        if (i == 3)
            p++;
        p += *p == ' ';
    }
    printf("%d fields\n", i - 1);
    YES(v[28] > (unsigned long)&local && v[28] - (unsigned long)&local < 1 << 20);
    YES(v[48] && v[48] == (unsigned long)argv[0]);
    YES(v[26] <= (unsigned long)main && v[27] > (unsigned long)main);
    YES(slurp("/proc/self/status") > 0 && strstr(big, "\nPid:\t") && strstr(big, "\nVmSize:"));
    T(prctl(PR_SET_NAME, "a new name"));
    slurp("/proc/self/comm");
    printf("%s", big);
    YES(slurp("/proc/self/status") > 0 && strncmp(big, "Name:\ta new name\n", 17) == 0);
    YES(slurp("/proc/cpuinfo") > 0 && strstr(big, "processor"));
    YES(slurp("/proc/meminfo") > 0 && strstr(big, "MemTotal:"));
    YES(slurp("/proc/sys/kernel/osrelease") > 0);
    YES(slurp("/proc/self/mounts") > 0);
    YES(slurp("/proc/self/limits") > 0);
    for (p = strstr(big, "Max "); p; p = strstr(p + 1, "Max ")) {
        if (!strncmp(p, "Max open", 8) || !strncmp(p, "Max stack", 9) || !strncmp(p, "Max addr", 8) ||
            !strncmp(p, "Max data", 8))
            printf("%.*s|\n", (int)strcspn(p, "\n"), p);
    }
    YES(slurp("/proc/self/statm") > 0);
    YES(slurp("/proc/self/smaps") > 0 && strstr(big, "Rss:") && strstr(big, "Private_Dirty:"));
    fd = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
    n = readlinkat(fd, "", real, sizeof real - 1);
    real[n > 0 ? n : 0] = 0;
    YES(n > 0 && strcmp(real, link) == 0);
    close(fd);
    YES(slurp("/proc/stat") > 0 && strncmp(big, "cpu ", 4) == 0);
    T(open("/proc/self/maps", O_WRONLY));
    T(open("/proc/self/maps", O_RDONLY | O_DIRECTORY));
    T(open("/proc/self/nothing", O_RDONLY));
    T(fcntl(open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC), F_GETFD));
    T(fcntl(open("/proc/self/cmdline", O_RDONLY), F_GETFL) & O_ACCMODE);
    n = readlink("/proc/self/cwd", buf, sizeof buf);
    printf("%.*s\n", (int)n, buf);
    n = readlink("/proc/self/root", buf, sizeof buf);
    printf("%.*s\n", (int)n, buf);
    fd = open("/tmp", O_PATH);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, buf, sizeof buf);
    printf("%.*s\n", (int)n, buf);

    /* links that are more than their text: of this process, and of another */
    YES(stat("/proc/self/ns/uts", &st) == 0 && S_ISREG(st.st_mode));
    YES((fd = open("/proc/thread-self/ns/net", O_RDONLY)) >= 0);
    close(fd);
    int ends[2];
    T(pipe(ends));
    pid_t child = fork();
    if (!child) {
        close(ends[0]);
        pause();
    }
    snprintf(link, sizeof link, "/proc/%d/fd/%d", child, ends[1]);
    YES((fd = open(link, O_WRONLY | O_NONBLOCK)) >= 0);
    YES(write(fd, "x", 1) == 1 && read(ends[0], buf, 4) == 1);
    close(fd);
    snprintf(link, sizeof link, "/proc/%d/cwd", child);
    YES(stat(link, &st) == 0 && stat(".", &st2) == 0 && st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
    snprintf(link, sizeof link, "/proc/%d/root/tmp", child);
    YES(stat(link, &st) == 0 && stat("/tmp", &st2) == 0 && st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
    kill(child, SIGKILL);
    T(waitpid(child, NULL, 0) == child);

    /* a title written over the arguments, as daemons do */
    char *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    memset(argv[0], 0, end - argv[0]);
    snprintf(argv[0], end - argv[0], "title");
    n = slurp("/proc/self/cmdline");
    printf("%s %d\n", big, n == end - argv[0]);
    return 0;
}
