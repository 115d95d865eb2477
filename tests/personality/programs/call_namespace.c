/* Mounts and other things in namespaces of our own; where the machine gives us none, both sides say the same. A user
 * namespace makes the mounts invisible outside, too. */
#include "call.h"

#include <sched.h>
#include <sys/mount.h>

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        printf("%s: %s\n", path, strerrorname_np(errno));
    close(fd);
}

static int in_child(void *dir)
{
    return mount("none", dir, "tmpfs", 0, NULL) ? errno : umount(dir) ? 100 + errno : 0;
}

/* In a child with a namespace of its own. */
static void child(char *dir, const char *who, int flags)
{
    static char stack[65536] __attribute__((aligned(16)));
    int st;
    pid_t pid = clone(in_child, stack + sizeof stack, flags | SIGCHLD, dir);
    printf("%s: %s\n", who, waitpid(pid, &st, 0) == pid && st == 0 ? "ok" : "NO");
    fflush(stdout);
}

static void time_child(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } args = {.flags = 0x80 /* CLONE_NEWTIME */, .exit_signal = SIGCHLD};
    struct stat ours, its;
    int st = stat("/proc/self/ns/time", &ours);
    pid_t pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(stat("/proc/self/ns/time", &its) ? 2 : its.st_ino == ours.st_ino);
    YES(pid > 0 && waitpid(pid, &st, 0) == pid && st == 0);
}

int main(void)
{
    char dir[] = "/tmp/mountXXXXXX", path[64], link[64], map[32];
    struct stat st, st2;
    int uid = getuid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
        printf("no namespace\n");
        return 0;
    }
    snprintf(map, sizeof map, "0 %d 1", uid);
    put("/proc/self/uid_map", map);
    YES(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/program", dir);
    snprintf(link, sizeof link, "%s.link", dir);
    T(symlink(dir, link));
    stat(dir, &st);
    T(mount("none", dir, "tmpfs", 0, "size=64k"));
    YES(stat(dir, &st2) == 0 && st.st_dev != st2.st_dev);
    int fd = open(path, O_CREAT | O_WRONLY, 0755);
    YES(write(fd, "#!/bin/sh\n", 10) == 10);
    T(umount(dir)); /* in use */
    close(fd);
    T(mount(NULL, dir, NULL, MS_REMOUNT | MS_NOEXEC, NULL));
    execl(path, path, NULL);
    printf("execve: %s\n", strerrorname_np(errno));
    T(umount(dir));
    YES(stat(dir, &st2) == 0 && st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
    T(umount(dir)); /* none any more */
    T(mount("none", dir, "tmpfs", 0, NULL));
    T(umount2(link, 8 /* UMOUNT_NOFOLLOW */));
    T(umount2(link, 0));
    T(mount("none", link, "tmpfs", 0, NULL));
    YES(chdir(dir) == 0);
    T(umount2(".", 0));
    T(umount2(".", MNT_DETACH));
    YES(chdir("/tmp") == 0);
    T(umount(""));
    child(dir, "fork", CLONE_NEWNS);
    child(dir, "vfork", CLONE_NEWNS | CLONE_VM | CLONE_VFORK);
    time_child();
    T(unlink(link));
    T(rmdir(dir));
    return 0;
}
