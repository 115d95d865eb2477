/* umount2, in a mount namespace of its own: by relative, absolute and linked names, busy and not. Where the
 * machine gives us no namespace all of it fails, natively too. */
#include "call.h"

#include <sched.h>
#include <sys/mount.h>

static char dir[4096];

static void put(const char *path, const char *text)
{
    int fd = open(path, path[0] == '/' ? O_WRONLY : O_WRONLY | O_CREAT, 0644);
    show(path, fd < 0 ? -1 : write(fd, text, strlen(text)) == (long)strlen(text) ? 0 : 1);
    if (fd >= 0)
        close(fd);
}

static const char *full(const char *name)
{
    static char buf[8192];
    snprintf(buf, sizeof buf, "%s/%s", dir, name);
    return buf;
}

static void cycle(const char *what, const char *on, const char *off, int flags)
{
    printf("-- %s\n", what);
    show("mount", mount("none", on, "tmpfs", 0, "size=1m"));
    put("m/file", "x");
    show("umount", umount2(off, flags));
    show("gone", access("m/file", F_OK));
}

int main(void)
{
    char map[64];
    int uid = (int)geteuid(), gid = (int)getegid(); /* of a user namespace, too: nothing of ours shows outside */
    show("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
    put("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %d 1", uid);
    put("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %d 1", gid);
    put("/proc/self/gid_map", map);
    char name[] = "mount-XXXXXX";
    if (chdir(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") || !mkdtemp(name) || chdir(name) ||
        !getcwd(dir, sizeof dir))
        return 1;
    mkdir("m", 0755);
    mkdir("other", 0755);
    mkdir("other/in", 0755);
    symlink("m", "link");
    symlink(full("m"), "far");
    cycle("relative", "m", "m", 0);
    cycle("absolute", full("m"), full("m"), 0);
    cycle("slash", "m/", "m/", 0);
    cycle("dots", "other/in/../../m", "./other/../m/.", 0);
    cycle("link", "link", "link", 0);
    cycle("far link", "far", full("far"), 0);
    cycle("not followed", "m", "m", UMOUNT_NOFOLLOW);
    cycle("detached", "m", "m", MNT_DETACH);
    cycle("a link that is not followed", "m", "link", UMOUNT_NOFOLLOW);
    show("umount", umount2("m", 0));
    cycle("not a mount", "m", "other", 0);
    show("umount", umount2("m", 0));
    cycle("flags", "m", "m", 0x100);
    show("umount", umount2("m", 0));
    show("umount again", umount2("m", 0));

    printf("-- busy\n");
    show("mount", mount("none", "m", "tmpfs", 0, NULL));
    int fd = open("m", O_RDONLY | O_DIRECTORY);
    show("open inside", umount2("m", 0));
    close(fd);
    show("chdir", chdir("m"));
    show("at work inside", umount2(".", 0));
    show("from outside", umount2("../m", 0));
    show("detach", umount2(".", MNT_DETACH));
    show("chdir", chdir(dir));

    printf("-- bind\n");
    put("other/file", "y");
    show("bind", mount("other", "m", NULL, MS_BIND, NULL));
    show("bind on top", mount(full("other/in"), "m/in", NULL, MS_BIND, NULL));
    show("seen", access("m/file", R_OK));
    show("umount below", umount2("m", 0));
    show("umount in", umount2("m/in", 0));
    show("read only", mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    put("m/more", "z");
    show("move", mount("m", "other/in", NULL, MS_MOVE, NULL));
    show("moved", access("other/in/file", R_OK));
    show("umount", umount2("other/in", 0));
    show("umount nothing", umount2("nothing", 0));
    show("umount null", umount2((char *)8, 0));

    unlink("other/file");
    unlink("link");
    unlink("far");
    rmdir("other/in");
    rmdir("other");
    rmdir("m");
    chdir("..");
    show("cleaned", rmdir(name));
}
