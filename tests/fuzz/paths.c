/* Fuzzer of the resolution of paths under --root: what a path leads to, and with which error, is what the kernel says
 * for the same root (openat2 with RESOLVE_IN_ROOT). Nothing leads out.
 *
 * Input, in lines: a digit or letter for how to open, then the path; links to make first, each as a digit for the
 * directory, the name, "=", and where it leads. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "mk/mk.h"
#include "personality/linux/fd.h"
#include "personality/linux/path.h"
#include "tests/fuzz/fuzz.h"

#define NDIRS 4

static struct lx_process process;
static struct lx_options options;
static char top[] = "/tmp/dragoman-fuzz-XXXXXX";
static int dirs[NDIRS], root;
static int made_by;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    return remove(path);
}
static void clean(void)
{
    if (getpid() == made_by)
        (void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static _Noreturn void broken(const char *why)
{
    fprintf(stderr, "%s\n", why);
    clean();
    abort();
}

static bool no_fault(struct mk_fault *f, void *cx)
{
    return false;
}

static void start(void)
{
    static const char *const names[NDIRS] = {"root", "root/a", "root/a/b", "root/d"};
    const struct lx_limit none = {~0ull, ~0ull};
    char path[200];
    static char where[200];
    if (mk_fault_handler(no_fault, NULL) || mk_thread_enter() || !mkdtemp(top))
        broken("start");
    made_by = getpid();
    atexit(clean);
    for (int i = 0; i < NDIRS; i++) {
        snprintf(path, sizeof path, "%s/%s", top, names[i]);
        if (mkdir(path, 0755) || (dirs[i] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
            broken("directory");
        close(openat(dirs[i], "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    }
    snprintf(where, sizeof where, "%s/root", top);
    root = dirs[0];
    options.root = where;
    process.opt = &options;
    process.limits.nofile = none;
    process.root_fd = process.exe_fd = process.self_fd = -1;
    if (chdir(where))
        broken("chdir");
    lx_fd_room_begin(&process);
    if (lx_fd_init(&process) || lx_path_init_root(&process))
        broken("root");
}

static int by_kernel(const char *path, int flags)
{
    const struct open_how how = {.flags = (u64)(flags & O_PATH ? flags & ~O_NONBLOCK : flags),
                                 .resolve = RESOLVE_IN_ROOT};
    const long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

static void compare(const char *path, int flags, const char *all)
{
    struct stat want, have;
    int k = by_kernel(path, flags), g = lx_path_open(&process, AT_FDCWD, path, flags, 0);
    if (k == -EAGAIN || k == -EINTR)
        return;
    /* What comes from the host is not in the root. */
    if (!strstr(all, "proc") && !strstr(all, "sys") && !strstr(all, "dev")) {
        if (k < 0 || g < 0) {
            if (k != g && (k < 0) != (g < 0)) {
                fprintf(stderr, "%s, flags %x: kernel %d, guest %d\n", path, flags, k, g);
                broken("one finds it, the other does not");
            }
            /* A link's text and what is left of the path behind it have room for PATH_MAX together; the kernel keeps
             * them apart. */
            if (k != g && g != -ENAMETOOLONG) {
                fprintf(stderr, "%s, flags %x: kernel %d, guest %d\n", path, flags, k, g);
                broken("errors differ");
            }
        } else if (fstat(k, &want) || fstat(g, &have) || want.st_dev != have.st_dev || want.st_ino != have.st_ino) {
            fprintf(stderr, "%s, flags %x\n", path, flags);
            broken("two files");
        }
    }
    if (k >= 0)
        close(k);
    if (g >= 0)
        close(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int how[] = {0,
                              O_PATH,
                              O_DIRECTORY,
                              O_NOFOLLOW,
                              O_PATH | O_NOFOLLOW,
                              O_PATH | O_DIRECTORY,
                              O_NOFOLLOW | O_DIRECTORY,
                              O_PATH | O_NOFOLLOW | O_DIRECTORY};
    struct {
        int dir;
        char *name;
    } links[16];
    int n = 0;
    if (!made_by)
        start();
    if (!size)
        return 0;
    char *text = malloc(size + 1), *all = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    memcpy(all, text, size + 1);
    char *rest = text, *first = strsep(&rest, "\n");
    for (char *line; n < 16 && (line = strsep(&rest, "\n"));) {
        char *name = line + 1, *to = *line ? strchr(name, '=') : NULL;
        if (!to)
            continue;
        *to++ = 0;
        if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        const int dir = dirs[(unsigned char)*line % NDIRS];
        if (!symlinkat(to, dir, name)) {
            links[n].dir = dir;
            links[n++].name = name;
        }
    }
    if (*first)
        compare(first + 1, how[(unsigned char)*first % 8] | O_CLOEXEC | O_NONBLOCK, all);
    while (n--)
        (void)unlinkat(links[n].dir, links[n].name, 0);
    free(text);
    free(all);
    return 0;
}
