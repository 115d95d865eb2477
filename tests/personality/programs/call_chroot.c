/* chroot: what it takes, where names lead afterwards, and who else sees it: children, programs, not parents. Without
 * the privilege all of it fails, natively too. */
#include "call.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

static char buf[8192];

static void content(const char *path)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY);
    long n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    printf("%s: %s\n", path, n < 0 ? strerrorname_np(errno) : text);
    fflush(stdout);
    close(fd);
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    write(fd, text, strlen(text));
    close(fd);
}

static void copy_self(const char *to)
{
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    long n;
    while ((n = read(in, buf, sizeof buf)) > 0)
        write(out, buf, (size_t)n);
    close(in);
    close(out);
}

static void inside(void)
{
    content("/name");
    content("/../../name");
    content("link");
    content("/up");
    content("/out");
    show("out of it", access("/other/name", F_OK));
    show("proc", access("/proc/self", F_OK));
    show("dev", access("/dev/null", F_OK));
    show("chdir", chdir("/deep"));
    printf("cwd %s\n", getcwd(buf, sizeof buf));
    content("../name");
    content("../../../name");
    show("make", mkdir("/made", 0755));
    show("remove", rmdir("/made"));
    struct sockaddr_un un = {AF_UNIX, "/socket"}, got;
    socklen_t len = sizeof got;
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    show("bind", bind(s, (struct sockaddr *)&un, sizeof un));
    getsockname(s, (struct sockaddr *)&got, &len);
    printf("name %s\n", got.sun_path);
    close(s);
    unlink("/socket");
}

static void in_child(const char *what, void (*f)(void))
{
    printf("-- %s\n", what);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        f();
        fflush(stdout);
        _exit(0);
    }
    int st;
    waitpid(pid, &st, 0);
    printf("%s: %x\n", what, st);
}

static void enter(void)
{
    show("chroot", chroot("jail"));
    show("chdir", chdir("/"));
    inside();
}

static void errors(void)
{
    show("missing", chroot("nothing"));
    show("file", chroot("jail/name"));
    show("below a file", chroot("jail/name/x"));
    show("empty", chroot(""));
    show("pointer", chroot((char *)8));
    show("same", chroot("/"));
    show("proc is still there", access("/proc/self", F_OK));
    if (geteuid() == 0) {
        show("not searchable", chmod("jail/closed", 0));
        show("setegid", setegid(65534));
        show("seteuid", seteuid(65534));
    }
    show("no search", chroot("jail/closed"));
    show("no privilege", chroot("jail"));
}

static void stay_outside(void)
{
    show("chroot", chroot("jail"));
    content("jail/name"); /* relative to where we are still */
    content("/name");
    show("open", open("/", O_PATH | O_DIRECTORY) >= 0);
    show("chdir .", chdir("."));
    show("chroot . again", chroot("jail/deep"));
    show("chdir", chdir("/"));
    content("/only-deep");
    content("/name");
}

static void nested(void)
{
    show("chroot", chroot("jail"));
    show("chroot", chroot("/deep"));
    show("chdir", chdir("/"));
    content("/only-deep");
    content("/../name");
    printf("cwd %s\n", getcwd(buf, sizeof buf));
}

static void run_inside(void)
{
    char *argv[] = {"prog", "exec'd", NULL}, *envp[] = {NULL};
    show("chroot", chroot("jail"));
    show("chdir", chdir("/"));
    execve("/prog", argv, envp);
    show("exec", -1);
}

static void vforked(void)
{
    static volatile long r;
    pid_t pid = vfork();
    if (!pid) {
        r = chroot("jail") ? -errno : access("/only-here", F_OK) ? -1000 - errno : 0;
        _exit(3);
    }
    int st;
    waitpid(pid, &st, 0);
    printf("vfork: %x\n", st);
    show("in the child", r);
    show("parent sees its own root", access("/name", F_OK));
    show("and its files", access("jail/name", F_OK));
}

static void *thread_access(void *arg)
{
    return (void *)(long)access("/only-here", F_OK);
}

static void threads(void)
{
    pthread_t t;
    void *r;
    show("chroot", chroot("jail"));
    pthread_create(&t, NULL, thread_access, NULL);
    pthread_join(t, &r);
    show("another thread", (long)r);
}

static void many(void)
{
    int bad = 0;
    for (int i = 0; i < 200; i++)
        bad += chroot(i % 2 ? ".." : "jail") != 0 && geteuid() == 0;
    show("bad", bad);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exec'd")) {
        inside();
        return 5;
    }
    enter_work_dir();
    if (chmod(".", 0755) || mkdir("jail", 0755) || mkdir("jail/deep", 0755) || mkdir("jail/closed", 0755))
        return 1;
    put("jail/name", "in the jail");
    put("jail/deep/only-deep", "deep");
    put("jail/only-here", "");
    put("name", "outside");
    show("symlink", symlink("/name", "jail/link"));
    show("symlink", symlink("../../../name", "jail/up"));
    snprintf(buf, sizeof buf, "%s/name", work_dir);
    show("symlink", symlink(buf, "jail/out"));
    copy_self("jail/prog");
    in_child("enter", enter);
    in_child("errors", errors);
    in_child("working directory outside", stay_outside);
    in_child("nested", nested);
    in_child("exec", run_inside);
    in_child("vfork", vforked);
    in_child("threads", threads);
    in_child("many", many);
    content("name");
    leave_work_dir();
    return 0;
}
