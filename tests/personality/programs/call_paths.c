/* Names: links of all kinds, dots, slashes, and the ways through /proc and /dev. In a guest root, all of them must stay
 * inside and mean the same. */
#include "call.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static char buf[4096], name[4096];

static const char *in_work(const char *s)
{
    static char out[4][512];
    static int n;
    n = (n + 1) % 4;
    snprintf(out[n], sizeof out[n], "%s/%s", work_dir, s);
    return out[n];
}

static void show_link(const char *path)
{
    errno = 0;
    long n = readlink(path, buf, sizeof buf - 1);
    buf[n < 0 ? 0 : n] = 0;
    char *hit = strstr(buf, work_dir);
    if (n < 0)
        printf("%s -> %s\n", path, strerrorname_np(errno));
    else
        printf("%s -> %s%s\n", path, hit == buf ? "WORK" : "", hit == buf ? buf + strlen(work_dir) : buf);
    fflush(stdout);
}

static void show_cwd(void)
{
    if (!getcwd(buf, sizeof buf))
        printf("cwd: %s\n", strerrorname_np(errno));
    else
        printf("cwd: %s%s\n", strstr(buf, work_dir) == buf ? "WORK" : "",
               strstr(buf, work_dir) == buf ? buf + strlen(work_dir) : buf);
}

static int same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static long how(const char *path, unsigned long flags, unsigned long resolve)
{
    struct open_how h = {.flags = flags, .resolve = resolve};
    long fd = syscall(SYS_openat2, AT_FDCWD, path, &h, sizeof h);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    return fd;
}

int main(void)
{
    struct stat st;
    enter_work_dir();
    close(open("file", O_CREAT | O_WRONLY, 0644));
    mkdir("dir", 0755);
    mkdir("dir/sub", 0755);
    close(open("dir/inner", O_CREAT | O_WRONLY, 0644));
    symlink(in_work("file"), "abs");
    symlink(in_work("dir"), "absdir");
    symlink("dir", "reldir");
    symlink("../file", "dir/up");
    symlink(in_work("made"), "willmake");
    symlink("/../../../../../../../../tmp", "top");
    YES(same("abs", "file"));
    YES(same("absdir/inner", "dir/inner"));
    YES(same("absdir/../file", "file"));
    YES(same("absdir/up", "file"));
    YES(same("reldir/sub/../../absdir/sub/../up", "file"));
    YES(same("top", "/tmp"));
    YES(same("/..", "/"));
    YES(same("/../../tmp/.", "/tmp"));
    YES(same("//tmp///", "/tmp"));
    YES(same(".", work_dir));
    YES(same(in_work("absdir/sub"), "dir/sub"));
    T(open("abs", O_RDONLY | O_NOFOLLOW));
    T(open("absdir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    int l = T(open("abs", O_PATH | O_NOFOLLOW));
    T(readlinkat(l, "", buf, sizeof buf) == (long)strlen(in_work("file")));
    T(fstat(l, &st));
    printf("%o\n", st.st_mode & S_IFMT);
    close(l);
    T(lstat("absdir", &st));
    printf("%o\n", st.st_mode & S_IFMT);
    T(lstat("absdir/", &st));
    printf("%o\n", st.st_mode & S_IFMT);
    T(lstat("abs/", &st));
    T(readlink("absdir/", buf, sizeof buf));
    T(unlink("absdir/"));
    T(rmdir("absdir/"));
    T(rmdir("absdir"));
    T(mkdir("absdir", 0755));
    T(mkdir("willmake", 0755));
    T(mknod("willmake", S_IFREG | 0644, 0));
    T(open("willmake", O_CREAT | O_EXCL | O_WRONLY, 0644));
    T(close(open("willmake", O_CREAT | O_WRONLY, 0644)));
    YES(same("willmake", "made"));
    T(unlink("made"));
    T(open("willmake", O_WRONLY));
    T(open("willmake/", O_CREAT | O_WRONLY, 0644));
    T(mkdir("willmake/", 0755));
    T(symlink("x", "absdir/newlink"));
    show_link("dir/newlink");
    T(rename("absdir/newlink", "reldir/renamed"));
    show_link("absdir/renamed");
    T(link("abs", "hard1"));
    T(lstat("hard1", &st));
    printf("%o\n", st.st_mode & S_IFMT);
    T(linkat(AT_FDCWD, "abs", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW));
    YES(same("hard2", "file"));
    T(truncate("abs", 1000));
    T(stat("file", &st));
    printf("%ld\n", (long)st.st_size);
    T(chmod("abs", 0600));
    T(stat("file", &st));
    printf("%o\n", st.st_mode & 0777);
    struct timespec ts[2] = {{1000, 0}, {2000, 0}};
    T(utimensat(AT_FDCWD, "abs", ts, AT_SYMLINK_NOFOLLOW));
    T(lstat("abs", &st));
    printf("%ld\n", (long)st.st_mtime);
    T(utimensat(AT_FDCWD, "abs", ts, 0));
    T(stat("file", &st));
    printf("%ld\n", (long)st.st_mtime);
    T(fchownat(AT_FDCWD, "abs", getuid(), -1, AT_SYMLINK_NOFOLLOW));
    struct statx sx;
    T(statx(AT_FDCWD, "abs", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx));
    printf("%o\n", sx.stx_mode & S_IFMT);
    T(access("abs", W_OK));
    T(faccessat(AT_FDCWD, "willmake", F_OK, AT_SYMLINK_NOFOLLOW));

    /* chains: forty links are followed, not one more */
    symlink("file", "chain0");
    for (int i = 1; i < 45; i++) {
        char to[32];
        snprintf(to, sizeof to, i % 2 ? "chain%d" : "./chain%d", i - 1);
        snprintf(name, sizeof name, "chain%d", i);
        symlink(to, name);
    }
    T(stat("chain39", &st));
    T(stat("chain40", &st));
    symlink("loop2", "loop1");
    symlink(in_work("loop1"), "loop2");
    T(stat("loop1", &st));
    T(open("loop1", O_CREAT | O_WRONLY, 0644));
    T(mkdir("loop1/x", 0755));
    symlink("", "empty");

    /* where one is */
    T(chdir("absdir"));
    show_cwd();
    T(chdir(".."));
    show_cwd();
    T(chdir("/"));
    show_cwd();
    T(chdir(in_work("reldir/sub")));
    show_cwd();
    show_link("/proc/self/cwd");
    T(rmdir("../sub"));
    show_cwd();
    T(stat("..", &st));
    T(open("x", O_CREAT | O_WRONLY, 0644));
    T(chdir(work_dir));
    show_link("/proc/self/root");
    YES(same("/proc/self/cwd", "."));
    YES(same("/proc/self/cwd/file", "file"));
    YES(same("/proc/self/root/tmp", "/tmp"));
    YES(same("/proc/thread-self/cwd/absdir/inner", "dir/inner"));
    int d = open("dir", O_RDONLY | O_DIRECTORY);
    snprintf(name, sizeof name, "/proc/self/fd/%d", d);
    show_link("/proc/self/fd/999");
    printf("fd: ");
    T(readlink(name, buf, sizeof buf) == (long)strlen(in_work("dir")));
    YES(same(name, "dir"));
    strcat(name, "/up");
    YES(same(name, "file"));
    strcat(name, "/../x");
    T(open(name, O_RDONLY));
    snprintf(name, sizeof name, "/dev/fd/%d/../file", d);
    YES(same(name, "file"));
    YES(faccessat(d, "../file", F_OK, 0) == 0);
    YES(faccessat(d, "../../../../../../../../../tmp", F_OK, 0) == 0);
    YES(faccessat(d, "up", F_OK, 0) == 0);
    T(faccessat(-1, "/tmp", F_OK, 0));
    T(faccessat(-1, "tmp", F_OK, 0));
    int f = open("file", O_RDONLY);
    T(faccessat(f, "tmp", F_OK, 0));
    T(faccessat(f, "", F_OK, AT_EMPTY_PATH));
    T(close(openat(d, "../made", O_CREAT | O_WRONLY, 0600)));
    YES(same("made", "dir/../made"));
    int p[2];
    pipe(p);
    snprintf(name, sizeof name, "/dev/fd/%d", p[1]);
    int w = open(name, O_WRONLY);
    T(write(w, "through", 7));
    T(read(p[0], buf, 10));
    symlink(name, "tofd");
    YES(stat("tofd", &st) == 0 && S_ISFIFO(st.st_mode));
    symlink("/dev/null", "null");
    T(open("null", O_WRONLY | O_CREAT | O_TRUNC, 0644) > 0);
    YES(stat("null", &st) == 0 && S_ISCHR(st.st_mode));
    symlink("/proc/self/status", "status");
    YES(open("status", O_RDONLY) > 0);
    symlink("/proc", "proc");
    YES(open("proc/self/status", O_RDONLY) > 0 && open("proc/meminfo", O_RDONLY) > 0);
    YES(same("proc/../file", "/file") == same("/file", "/file"));
    YES(same("/proc/..", "/"));
    YES(same("/dev/../tmp", "/tmp"));
    T(chdir("/proc/self/../../tmp"));
    YES(same(".", "/tmp"));
    T(chdir(work_dir));

    /* the rules of openat2 */
    T(how("file", O_RDONLY, 0));
    T(how("abs", O_RDONLY, RESOLVE_NO_SYMLINKS));
    T(how("dir/inner", O_RDONLY, RESOLVE_NO_SYMLINKS));
    T(how("reldir/inner", O_RDONLY, RESOLVE_NO_SYMLINKS));
    T(how("abs", O_RDONLY, RESOLVE_BENEATH));
    T(how("reldir/inner", O_RDONLY, RESOLVE_BENEATH));
    T(how("dir/../../x", O_RDONLY, RESOLVE_BENEATH));
    T(how("/file", O_RDONLY, RESOLVE_IN_ROOT));
    T(how("../../file", O_RDONLY, RESOLVE_IN_ROOT));
    T(how("/tmp", O_RDONLY, RESOLVE_NO_SYMLINKS));
    T(how("file", 1ul << 40, 0));
    T(how("file", O_RDONLY, 1 << 20));

    /* a name that must be a directory's, to be made */
    T(open("file/", O_CREAT | O_WRONLY, 0644));
    T(open("dir/", O_CREAT | O_WRONLY, 0644));
    symlink("file", "tofile");
    T(open("tofile/", O_CREAT | O_RDWR, 0644));
    T(open("tofile/", O_CREAT | O_EXCL | O_RDWR, 0644));

    /* deeper than a path is long */
    char deep[202], up[64 * 3 + 1] = "";
    memset(deep, 'd', 200);
    deep[200] = 0;
    int levels = 0, good = 0;
    while (levels < 40 && mkdir(deep, 0755) == 0 && chdir(deep) == 0)
        levels++;
    printf("%d levels\n", levels);
    T(getcwd(NULL, 0) != NULL);
    for (int i = 0; i < levels; i++) {
        struct stat here, there;
        strcat(up, "../");
        good += stat("../.", &here) == 0 && stat("..", &there) == 0 && here.st_ino == there.st_ino;
    }
    YES(stat(up, &st) == 0);
    struct stat top;
    for (int i = 0; i < levels; i++)
        good += chdir("..") == 0 && rmdir(deep) == 0;
    YES(good == 2 * levels && stat(".", &top) == 0 && top.st_ino == st.st_ino);

    /* links to where the host's directories are: they do not lead to what a root has below them */
    T(symlink("/proc", "toproc"));
    T(symlink("/dev", "todev"));
    static const char *const there[] = {"toproc/version", "toproc/self/status", "toproc/none", "todev/null",
                                        "todev/none"};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        printf("%s\n", there[i]);
        T(open(in_work(there[i]), O_RDONLY));
        T(stat(in_work(there[i]), &st));
        T(lstat(in_work(there[i]), &st));
        T(access(in_work(there[i]), R_OK));
        T(open(in_work(there[i]), O_RDONLY | O_CREAT | O_EXCL, 0600));
    }
    YES(same(in_work("toproc"), "/proc") && same(in_work("todev/."), "/dev"));
    DIR *proc = opendir(in_work("toproc"));
    int self = 0;
    for (struct dirent *d; proc && (d = readdir(proc));)
        self |= !strcmp(d->d_name, "self");
    YES(self);
    T(chdir(in_work("toproc")));
    YES(access("version", R_OK) == 0);
    T(chdir(work_dir));

    /* sockets */
    struct sockaddr_un a = {AF_UNIX, ""}, got;
    snprintf(a.sun_path, sizeof a.sun_path, "%s", in_work("absdir/sock"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    T(bind(s, (void *)&a, sizeof a));
    T(listen(s, 5));
    T(stat("dir/sock", &st));
    printf("%o\n", st.st_mode & S_IFMT);
    symlink(in_work("dir/sock"), "tosock");
    snprintf(a.sun_path, sizeof a.sun_path, "tosock");
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    T(connect(c, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 7));
    socklen_t len = sizeof got;
    T(getpeername(c, (void *)&got, &len));
    T(open("dir/sock", O_RDWR));
    snprintf(a.sun_path, sizeof a.sun_path, "/tmp/no/such/dir/sock");
    T(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
    T(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
    leave_work_dir();
    return 0;
}
