/* Resolution of guest paths; path.h says what for.
 *
 * Under --root there is a fast way and a slow one. The fast way lets the host kernel do it (openat2 with
 * RESOLVE_IN_ROOT): right unless the path touches one of the grafts (/proc, /sys, /dev of the host). What begins with a
 * graft, holds `..` or fails goes the slow way: component by component, with the place reached kept as a descriptor
 * and, where `..` needs it, as a guest path without links.
 *
 * A path whose last link is followed ends as an open descriptor of the object itself, named /proc/self/fd/N for the
 * host call: there is nothing left to race. One that is not followed, or is to be made, ends as (directory, last
 * component).
 *
 * A process's root is one structure, made at the start and by chroot, and only read in between. chroot is ours too,
 * with and without --root: the host process keeps its root, so that what we need of the host stays in reach. All
 * threads of a process have one root. */
#define _GNU_SOURCE
#include "personality/linux/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fmt.h"
#include "lib/heap.h"
#include "personality/linux/exec.h"
#include "personality/linux/fd.h"
#include "personality/linux/mm.h"
#include "personality/linux/proc.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscall.h"

enum { LINKS_MAX = 40, GRAFTS = 3 };

struct lx_root {
    int fd;
    char host[LX_PATH_MAX]; /* host path of the root, without a slash at its end */
    size_t host_len;
    struct {
        const char *name;
        int fd;           /* -1: the root has its own */
        u64 own_dev, own; /* the directory of the root that it covers, by number; 0: none */
    } graft[GRAFTS];
    bool covers; /* some do */
    u64 resolve; /* how openat2 goes from the root: not into a /proc that is mounted there, whose files may be the
                    guest's */
    bool bare;   /* by chroot: there are no grafts */
};

static int open_at(int dirfd, const char *path, u32 flags)
{
    return (int)prov_call_now(LX_NR_openat, (u64)(s64)dirfd, (u64)path, flags | O_CLOEXEC, 0, 0, 0);
}

static int open_in_root(int dirfd, const char *path, u32 flags, u64 resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    return (int)prov_call_now(LX_NR_openat2, (u64)(s64)dirfd, (u64)path, (u64)&how, sizeof how, 0, 0);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
}

/* The generic stat's device, number and mode of what `name`, which is not followed, is in directory fd; "": of fd. */
static int stat_at(int fd, const char *name, u64 *dev, u64 *ino, u32 *mode)
{
    struct {
        u64 dev, ino;
        u32 mode;
        u8 rest[LX_SIZE_stat - 20];
    } st;
    int r = (int)(name[0] ? prov_call_now(LX_NR_newfstatat, (u64)fd, (u64)name, (u64)&st, AT_SYMLINK_NOFOLLOW, 0, 0)
                          : prov_call_now(LX_NR_fstat, (u64)fd, (u64)&st, 0, 0, 0, 0));
    if (!r) {
        *dev = st.dev;
        *ino = st.ino;
        *mode = st.mode;
    }
    return r;
}

static int stat_fd(int fd, u64 *dev, u64 *ino, u32 *mode)
{
    return stat_at(fd, "", dev, ino, mode);
}

void lx_path_init(struct lx_path *p)
{
    p->dirfd = AT_FDCWD;
    p->name = NULL;
    p->own = p->own2 = -1;
    p->emulated = 0;
    p->nofollow = false;
}

void lx_path_put(struct lx_path *p)
{
    close_fd(p->own);
    close_fd(p->own2);
    p->own = p->own2 = -1;
}

/* Gives the root its grafts. */
static int graft(struct lx_root *root)
{
    static const char *const names[GRAFTS] = {"proc", "sys", "dev"};
    u64 dev, ino, gdev, gino;
    u32 mode;
    int r = stat_fd(root->fd, &dev, &ino, &mode);
    for (u32 i = 0; i < GRAFTS && !r; i++) {
        char host[8] = "/";
        strcat(host, names[i]);
        root->graft[i].name = names[i];
        const bool own = !stat_at(root->fd, names[i], &gdev, &gino, &mode) && S_ISDIR(mode);
        if (own && gdev != dev) { /* mounted */
            root->resolve |= RESOLVE_NO_XDEV;
            continue;
        }
        if (own) {
            root->graft[i].own_dev = gdev;
            root->graft[i].own = gino;
            root->covers = true;
        }
        int g = open_at(AT_FDCWD, host, O_PATH | LX_O_DIRECTORY);
        if (g >= 0) {
            root->graft[i].fd = lx_fd_high(g);
            r = root->graft[i].fd < 0 ? root->graft[i].fd : 0;
        }
    }
    return r;
}

void lx_path_root_free(struct lx_root *root)
{
    if (!root)
        return;
    if (root->fd >= 0)
        lx_fd_close(root->fd);
    for (u32 i = 0; i < GRAFTS; i++) {
        if (root->graft[i].fd >= 0)
            lx_fd_close(root->graft[i].fd);
    }
    heap_free(root);
}

/* The root that directory fd is, whose host path without links is `host`, or not known (NULL); takes the descriptor.
 * NULL for the host's own. */
static int root_make(int fd, const char *host, bool bare, struct lx_root **out)
{
    struct lx_root *root = heap_alloc(sizeof *root);
    int high = root ? lx_fd_high(fd) : -ENOMEM;
    *out = NULL;
    if (high < 0) {
        close_fd(fd);
        heap_free(root);
        return high;
    }
    *root = (struct lx_root){.fd = high, .bare = bare, .resolve = RESOLVE_IN_ROOT | (bare ? RESOLVE_NO_XDEV : 0)};
    for (u32 i = 0; i < GRAFTS; i++)
        root->graft[i].fd = -1;
    s64 n = host ? (s64)fmt(root->host, sizeof root->host, "%s", host)
                 : lx_host_fd_path(root->fd, root->host, sizeof root->host);
    int r = n < 0 ? (int)n : 0;
    root->host_len = (size_t)n;
    if (n > 1 && !bare)
        r = graft(root);
    if (r || n == 1) /* "/": nothing to do */
        lx_path_root_free(root);
    else
        *out = root;
    return r;
}

/* Opens directory `path` again, now in the mount namespace that we have come to. */
static void renew(int fd, const char *path)
{
    u64 dev, ino, new_dev, new_ino;
    u32 mode;
    int new = fd < 0 ? -1 : open_at(AT_FDCWD, path, O_PATH | LX_O_DIRECTORY);
    if (new >= 0 && !stat_fd(fd, &dev, &ino, &mode) && !stat_fd(new, &new_dev, &new_ino, &mode) && dev == new_dev &&
        ino == new_ino)
        (void)prov_call_now(LX_NR_dup3, (u64) new, (u64)fd, O_CLOEXEC, 0, 0, 0);
    close_fd(new);
}

void lx_path_renew(struct lx_process *proc)
{
    char path[LX_PATH_MAX];
    struct lx_root *root = proc->root;
    if (!root)
        return;
    renew(root->fd, root->host);
    for (u32 i = 0; i < GRAFTS; i++) {
        fmt(path, sizeof path, "/%s", root->graft[i].name);
        renew(root->graft[i].fd, path);
    }
    if (!root->bare && lx_host_fd_path(AT_FDCWD, path, sizeof path) >= 0 && !lx_path_to_guest(proc, path))
        (void)prov_call_now(LX_NR_fchdir, (u64)root->fd, 0, 0, 0, 0, 0);
}

int lx_path_init_root(struct lx_process *proc)
{
    proc->root = NULL;
    proc->root_fd = -1;
    if (!proc->opt->root)
        return 0;
    const char *host = proc->opt->root;
    int fd = open_at(AT_FDCWD, host, O_PATH | LX_O_DIRECTORY);
    int r = fd < 0 ? fd : root_make(fd, host[0] == '/' ? host : NULL, proc->opt->root_bare, &proc->root);
    if (r || !proc->root)
        return r;
    proc->root_fd = proc->root->fd;
    char cwd[LX_PATH_MAX];
    if (!proc->root->bare && (lx_host_fd_path(AT_FDCWD, cwd, sizeof cwd) < 0 || !lx_path_to_guest(proc, cwd)))
        return (int)prov_call_now(LX_NR_fchdir, (u64)proc->root_fd, 0, 0, 0, 0, 0);
    return 0;
}

const char *lx_path_root(const struct lx_process *proc, bool *bare)
{
    *bare = proc->root && proc->root->bare;
    return proc->root ? proc->root->host : NULL;
}

static bool may_chroot(void)
{
    struct {
        u32 version;
        s32 pid;
    } head = {0x20080522, 0};
    struct {
        u32 effective, permitted, inheritable;
    } set[2] = {{0}};
    enum { CAP_SYS_CHROOT = 18 };
    return !prov_call_now(LX_NR_capget, (u64)&head, (u64)set, 0, 0, 0, 0) && set[0].effective >> CAP_SYS_CHROOT & 1;
}

int lx_path_chroot(struct lx_thread *t, struct lx_path *p)
{
    struct lx_process *proc = t->proc;
    struct lx_root *old = proc->root, *new;
    u64 dev, ino, old_dev, old_ino;
    u32 mode;
    int fd = open_at(p->dirfd, p->name, O_PATH | LX_O_DIRECTORY);
    if (fd < 0)
        return fd;
    int r = (int)prov_call_now(LX_NR_faccessat2, (u64)fd, (u64) "", X_OK, AT_EACCESS | AT_EMPTY_PATH, 0, 0);
    if (!r || r == -ENOSYS) /* before Linux 5.8: whoever may chroot may nearly always search, too */
        r = may_chroot() ? 0 : -EPERM;
    if (!r && old)
        r = stat_fd(old->fd, &old_dev, &old_ino, &mode);
    if (!r && old)
        r = stat_fd(fd, &dev, &ino, &mode);
    if (r || (old && dev == old_dev && ino == old_ino)) { /* as it is, grafts included */
        close_fd(fd);
        return r;
    }
    lx_program_name_stays(proc);
    r = root_make(fd, NULL, true, &new);
    if (r)
        return r;
    proc->root = new;
    proc->root_fd = new ? new->fd : -1;
    /* Other threads may be on their way through the old one, and so may a parent or child in the same memory. */
    if (proc->nthreads == 1 && atomic_load(&proc->mm->users) == 1)
        lx_path_root_free(old);
    return 0;
}

bool lx_path_to_guest(const struct lx_process *proc, char *buf)
{
    const struct lx_root *root = proc->root;
    if (!root)
        return true;
    const char *rest = buf + root->host_len;
    if (strncmp(buf, root->host, root->host_len) == 0 && (*rest == '/' || *rest == 0)) {
        memmove(buf, rest, strlen(rest) + 1);
        if (!buf[0])
            strcpy(buf, "/");
        return true;
    }
    for (u32 i = 0; i < GRAFTS; i++) {
        if (root->graft[i].fd < 0)
            continue;
        size_t n = strlen(root->graft[i].name);
        if (buf[0] == '/' && strncmp(buf + 1, root->graft[i].name, n) == 0 && (buf[n + 1] == '/' || buf[n + 1] == 0))
            return true;
    }
    return false;
}

/* --- the slow way --- */

struct walk {
    const struct lx_process *proc;
    int cur;    /* directory reached; AT_FDCWD or the guest's dirfd at the start */
    bool own;   /* cur is to be closed */
    bool known; /* `at` says where cur is */
    u32 links;
    char at[LX_PATH_MAX]; /* guest path of cur without links; "" is the root */
    char rest[2 * LX_PATH_MAX + 2];
};

static void walk_to(struct walk *w, int fd, bool own)
{
    if (w->own)
        close_fd(w->cur);
    w->cur = fd;
    w->own = own;
}

static void walk_root(struct walk *w)
{
    walk_to(w, w->proc->root_fd, false);
    w->known = true;
    w->at[0] = 0;
}

static int graft_of(const struct lx_root *root, const char *name, size_t n)
{
    for (u32 i = 0; i < GRAFTS; i++) {
        if (root->graft[i].fd >= 0 && strlen(root->graft[i].name) == n && memcmp(root->graft[i].name, name, n) == 0)
            return root->graft[i].fd;
    }
    return -1;
}

/* Goes to guest path `at`, which has no links in it. */
static int walk_reopen(struct walk *w)
{
    const char *name = w->at + 1;
    if (!w->at[0]) {
        walk_root(w);
        return 0;
    }
    size_t n = strcspn(name, "/");
    int base = graft_of(w->proc->root, name, n);
    int fd;
    if (base < 0) {
        fd = open_in_root(w->proc->root_fd, name, O_PATH | LX_O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
        if (fd == -ENOSYS)
            fd = open_at(w->proc->root_fd, name, O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW);
    } else {
        fd = open_at(base, name[n] ? name + n + 1 : ".", O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW);
    }
    if (fd < 0)
        return fd;
    walk_to(w, fd, true);
    return 0;
}

static int walk_up(struct walk *w)
{
    if (!w->known) {
        s64 n = lx_host_fd_path(w->cur, w->at, sizeof w->at);
        bool deep = n == -ENAMETOOLONG; /* so it is not the root itself, or right below */
        if (n < 0 && !deep)
            return (int)n;
        if (deep || !lx_path_to_guest(w->proc, w->at)) { /* from outside, inherited: as it is */
            int fd = open_at(w->cur, "..", O_PATH | LX_O_DIRECTORY);
            if (fd < 0)
                return fd;
            walk_to(w, fd, true);
            return 0;
        }
        if (strcmp(w->at, "/") == 0)
            w->at[0] = 0;
        w->known = true;
    }
    char *slash = strrchr(w->at, '/');
    if (slash)
        *slash = 0;
    return walk_reopen(w);
}

/* Into the directory fd, which is component name. */
static int walk_down(struct walk *w, int fd, bool own, const char *name)
{
    walk_to(w, fd, own);
    if (w->known) {
        size_t have = strlen(w->at), add = strlen(name);
        if (have + add + 2 > sizeof w->at) {
            w->known = false; /* found again from the descriptor when it is needed */
            return 0;
        }
        w->at[have] = '/';
        memcpy(w->at + have + 1, name, add + 1);
    }
    return 0;
}

/* Puts a link's target before what is left of the path. */
static int walk_link(struct walk *w, char *target, size_t n, const char *rest)
{
    if (++w->links > LINKS_MAX)
        return -ELOOP;
    if (n == 0)
        return -ENOENT;
    size_t left = strlen(rest);
    if (n + left + 2 > sizeof w->rest)
        return -ENAMETOOLONG;
    memmove(w->rest + n, rest, left + 1);
    memcpy(w->rest, target, n);
    if (target[0] == '/')
        walk_root(w);
    return 0;
}

/* Is link fd, which is dir/name, one of those of a /proc that are more than their text, and lead to an object wherever
 * that is? */
static bool is_magic(int dir, const char *name, int fd)
{
    u64 fs[LX_SIZE_statfs / 8]; /* its type comes first */
    if (prov_call_now(LX_NR_fstatfs, (u64)fd, (u64)fs, 0, 0, 0, 0) || fs[0] != PROC_SUPER_MAGIC)
        return false;
    int to = open_in_root(dir, name, O_PATH, RESOLVE_NO_MAGICLINKS);
    close_fd(to);
    return to == -ELOOP;
}

/* What a component is. */
enum component { COMP_ERROR, COMP_MISSING, COMP_DIR, COMP_LINK, COMP_MAGIC, COMP_OTHER };

/* Looks at `name` in w->cur: opens it (*fd, to be closed by the caller), reads it when it is a link. */
static enum component look(struct walk *w, const char *name, int *fd, char *target, size_t cap, s64 *n)
{
    u64 dev, ino;
    u32 mode;
    *fd = open_at(w->cur, name, O_PATH | LX_O_NOFOLLOW);
    if (*fd < 0) {
        *n = *fd;
        return *fd == -ENOENT ? COMP_MISSING : COMP_ERROR;
    }
    *n = stat_fd(*fd, &dev, &ino, &mode);
    if (*n)
        return COMP_ERROR;
    if (S_ISDIR(mode))
        return COMP_DIR;
    if (!S_ISLNK(mode))
        return COMP_OTHER;
    *n = prov_call_now(LX_NR_readlinkat, (u64)*fd, (u64) "", (u64)target, cap - 1, 0, 0);
    if (*n < 0)
        return COMP_ERROR;
    target[*n] = 0;
    enum lx_proc which = lx_proc_file(w->proc, w->cur, name);
    if (which == LX_PROC_ROOT) {
        strcpy(target, "/");
        *n = 1;
        return COMP_LINK;
    }
    if (which == LX_PROC_CWD || which == LX_PROC_FD || which == LX_PROC_EXE)
        return COMP_MAGIC;
    /* The root of another process is "/", and so ours: what it sees there is what we see. */
    return strcmp(name, "root") != 0 && is_magic(w->cur, name, *fd) ? COMP_MAGIC : COMP_LINK;
}

static int finish_object(struct lx_path *p, int fd)
{
    p->own2 = fd;
    p->dirfd = AT_FDCWD;
    fmt(p->buf, sizeof p->buf, "/proc/self/fd/%d", fd);
    p->name = p->buf;
    p->nofollow = false;
    return 0;
}

static int finish_in(struct walk *w, struct lx_path *p, const char *name, bool slash)
{
    size_t n = strlen(name);
    if (n + 2 > sizeof p->buf)
        return -ENAMETOOLONG;
    memcpy(p->buf, name, n + 1);
    if (slash)
        strcpy(p->buf + n, "/");
    p->dirfd = w->cur;
    p->own = w->own ? w->cur : -1;
    w->own = false;
    p->name = p->buf;
    p->nofollow = !slash;
    return 0;
}

static int walk_path(struct walk *w, struct lx_path *p, u32 how)
{
    char name[256], target[LX_PATH_MAX];
    if (w->rest[0] == '/')
        walk_root(w);
    for (;;) {
        char *s = w->rest;
        while (*s == '/')
            s++;
        size_t n = strcspn(s, "/");
        if (n >= sizeof name)
            return -ENAMETOOLONG;
        memcpy(name, s, n);
        name[n] = 0;
        char *rest = s + n;
        bool slash = *rest == '/';
        bool last = rest[strspn(rest, "/")] == 0;
        if (n == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            if (n == 2) {
                int r = walk_up(w);
                if (r)
                    return r;
            }
            if (last)
                return finish_in(w, p, ".", false);
            memmove(w->rest, rest, strlen(rest) + 1);
            continue;
        }
        int graft = w->known && !w->at[0] ? graft_of(w->proc->root, name, n) : -1;
        if (graft >= 0) {
            walk_down(w, graft, false, name);
            if (last)
                return finish_in(w, p, ".", false);
            memmove(w->rest, rest, strlen(rest) + 1);
            continue;
        }
        if (last && slash && (how & (LX_PATH_FOLLOW | LX_PATH_CREATE)) == (LX_PATH_FOLLOW | LX_PATH_CREATE))
            return -EISDIR; /* whatever is there */
        if (last) {
            enum lx_proc which = lx_proc_file(w->proc, w->cur, name);
            if (which == LX_PROC_HIDDEN)
                return -ENOENT;
            if (which == LX_PROC_EXE && (how & LX_PATH_FOLLOW)) {
                fmt(p->buf, sizeof p->buf, "/proc/self/fd/%d", w->proc->exe_fd);
                p->name = p->buf;
                return 0;
            }
            if (which >= LX_PROC_CMDLINE && (how & LX_PATH_DATA))
                p->emulated = which;
            if (!(how & LX_PATH_FOLLOW) && (!slash || how & (LX_PATH_ENTRY | LX_PATH_CREATE)))
                return finish_in(w, p, name, slash);
        }
        int fd;
        s64 r;
        switch (look(w, name, &fd, target, sizeof target, &r)) {
        case COMP_ERROR:
            close_fd(fd);
            return (int)r;
        case COMP_MISSING:
            if (last && (how & LX_PATH_CREATE))
                return finish_in(w, p, name, slash);
            return -ENOENT;
        case COMP_LINK:
            close_fd(fd);
            r = walk_link(w, target, (size_t)r, rest);
            if (r)
                return (int)r;
            continue;
        case COMP_MAGIC:
            close_fd(fd);
            if (strcmp(name, "exe") == 0) {
                if (!last)
                    return -ENOTDIR;
                fmt(p->buf, sizeof p->buf, "/proc/self/fd/%d", w->proc->exe_fd);
                p->name = p->buf;
                return 0;
            }
            if (last) /* the host kernel follows it */
                return finish_in(w, p, name, slash) ? -ENAMETOOLONG : (p->nofollow = false, 0);
            fd = open_at(w->cur, name, O_PATH | LX_O_DIRECTORY);
            if (fd < 0)
                return fd;
            walk_to(w, fd, true);
            w->known = false;
            break;
        case COMP_DIR:
            if (last) {
                if (how & LX_PATH_FOLLOW && !(how & LX_PATH_CREATE))
                    return finish_object(p, fd);
                close_fd(fd);
                return finish_in(w, p, name, slash);
            }
            walk_down(w, fd, true, name);
            break;
        default:
            if (!last || slash) {
                close_fd(fd);
                return -ENOTDIR;
            }
            if (how & LX_PATH_CREATE) {
                close_fd(fd);
                return finish_in(w, p, name, false);
            }
            return finish_object(p, fd);
        }
        memmove(w->rest, rest, strlen(rest) + 1);
    }
}

static int slow(const struct lx_process *proc, struct lx_path *p, int dirfd, const char *path, u32 how)
{
    struct walk w = {.proc = proc, .cur = dirfd};
    size_t n = strlen(path);
    if (n >= LX_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(w.rest, path, n + 1);
    int r = walk_path(&w, p, how);
    if (w.own)
        close_fd(w.cur);
    return r;
}

/* --- the fast way --- */

/* Has a path that openat2 shall see `..`, or a graft as its first component, where that may be one? */
static bool needs_walk(const struct lx_root *root, const char *path, bool first)
{
    const char *s = path;
    while (*s) {
        while (*s == '/')
            s++;
        size_t n = strcspn(s, "/");
        if (n == 2 && s[0] == '.' && s[1] == '.')
            return true;
        if (n && !(n == 1 && s[0] == '.')) {
            if (first && graft_of(root, s, n) >= 0)
                return true;
            first = false;
        }
        s += n;
    }
    return false;
}

/* Where the last component begins; what follows it may only be slashes. */
static const char *last_component(const char *path)
{
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '/')
        end--;
    while (end > path && end[-1] != '/')
        end--;
    return end;
}

/* openat2 goes by a link to where a graft is, too, and finds the root's own directory there. If fd is that it is
 * closed: true. */
static bool drop_covered(const struct lx_root *root, int fd)
{
    u64 dev, ino;
    u32 mode;
    bool covered = false;
    if (fd < 0 || !root->covers || stat_fd(fd, &dev, &ino, &mode))
        return false;
    for (u32 i = 0; i < GRAFTS; i++)
        covered |= root->graft[i].own == ino && root->graft[i].own_dev == dev;
    if (covered)
        close_fd(fd);
    return covered;
}

/* What openat2 finds from the root, but for what a graft covers: -EXDEV. */
static int open_rooted(const struct lx_root *root, const char *path, u32 flags)
{
    const int fd = open_in_root(root->fd, path, flags, root->resolve);
    return drop_covered(root, fd) ? -EXDEV : fd;
}

/* A path that openat2 does not find may lead through a link into a graft. It does not when there is no link on the way
 * to what is missing, or when its directory is found and holds nothing of its last name; that is most of what is looked
 * for in vain. */
static bool surely_missing(const struct lx_process *proc, struct lx_path *p, const char *path)
{
    u64 st[LX_SIZE_stat / 8];
    const char *name = last_component(path);
    size_t n = (size_t)(name - path);
    int fd = open_in_root(proc->root_fd, path, O_PATH, proc->root->resolve | RESOLVE_NO_SYMLINKS);
    close_fd(fd);
    if (fd != -ELOOP || !name[0] || strchr(name, '/') || strcmp(name, ".") == 0)
        return fd == -ENOENT;
    memcpy(p->buf, path, n);
    p->buf[n] = 0;
    fd = open_rooted(proc->root, p->buf, O_PATH | LX_O_DIRECTORY);
    if (fd < 0)
        return false;
    s64 r = prov_call_now(LX_NR_newfstatat, (u64)fd, (u64)name, (u64)st, AT_SYMLINK_NOFOLLOW, 0, 0);
    close_fd(fd);
    return r == -ENOENT;
}

static int rooted(const struct lx_process *proc, struct lx_path *p, int dirfd, const char *path, u32 how)
{
    if (path[0] != '/' || needs_walk(proc->root, path, true))
        return slow(proc, p, dirfd, path, how);
    if ((how & (LX_PATH_FOLLOW | LX_PATH_CREATE)) == LX_PATH_FOLLOW) {
        int fd = open_rooted(proc->root, path, O_PATH);
        if (fd >= 0)
            return finish_object(p, fd);
        return fd == -ENOENT && surely_missing(proc, p, path) ? -ENOENT : slow(proc, p, dirfd, path, how);
    }
    const char *name = last_component(path);
    if (how & LX_PATH_FOLLOW || strchr(name, '/') || !name[0] || strcmp(name, ".") == 0)
        return slow(proc, p, dirfd, path, how);
    size_t n = (size_t)(name - path);
    memcpy(p->buf, path, n);
    p->buf[n] = 0;
    int fd = open_rooted(proc->root, p->buf, O_PATH | LX_O_DIRECTORY);
    if (fd < 0)
        return slow(proc, p, dirfd, path, how);
    strcpy(p->buf, name);
    p->dirfd = p->own = fd;
    p->name = p->buf;
    p->nofollow = true;
    return 0;
}

void lx_path_aside(struct lx_path *p)
{
    int *fds[] = {&p->own, &p->own2};
    u32 far = lx_fd_base > 256 ? lx_fd_base - 64 : 64;
    for (u32 i = 0; i < ARRAY_LEN(fds); i++) {
        int fd = *fds[i];
        if (fd < 0)
            continue;
        s64 n = prov_call_now(LX_NR_fcntl, (u64)fd, F_DUPFD_CLOEXEC, far, 0, 0, 0);
        if (n < 0) /* no room: the number will be higher than it might be */
            continue;
        close_fd(fd);
        *fds[i] = (int)n;
        if (fds[i] == &p->own2)
            fmt(p->buf, sizeof p->buf, "/proc/self/fd/%d", (int)n);
        else
            p->dirfd = (int)n;
    }
}

/* Where openat2 may go from for a path in a graft, or one that is relative, of which *rest is left: it can open these
 * in one step, too, when there is no link on the way. Those of /proc that are ours to make are left out. False: no. */
static bool base_of(const struct lx_process *proc, int *dirfd, const char *path, const char **rest)
{
    const char *s = path + strspn(path, "/");
    const bool graft = path[0] == '/';
    if (graft) {
        const size_t n = strcspn(s, "/");
        *dirfd = graft_of(proc->root, s, n);
        s += n + strspn(s + n, "/");
    }
    *rest = s;
    return *s && (graft ? *dirfd >= 0 : !lx_fd_hidden((u64)(s64)*dirfd)) && !needs_walk(proc->root, s, !graft) &&
           lx_proc_file(proc, *dirfd, path) == LX_PROC_NONE;
}

s64 lx_path_open_direct(struct lx_thread *t, int dirfd, const char *path, u64 flags)
{
    enum {
        PATH_FLAGS = O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW | O_CLOEXEC,
        KNOWN = O_ACCMODE | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | LX_O_DIRECT |
                LX_O_LARGEFILE | LX_O_DIRECTORY | LX_O_NOFOLLOW | O_NOATIME | O_CLOEXEC,
    };
    struct lx_process *proc = t->proc;
    if (!proc->root || flags & (O_CREAT | LX_O_TMPFILE))
        return -EXDEV;
    struct open_how how = {.flags = flags & (flags & O_PATH ? PATH_FLAGS : KNOWN), .resolve = proc->root->resolve};
    const char *rest = path;
    const bool whole = path[0] == '/' && !needs_walk(proc->root, path, true);
    if (whole)
        dirfd = proc->root_fd;
    else if (base_of(proc, &dirfd, path, &rest))
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | (how.resolve & RESOLVE_NO_XDEV);
    else
        return -EXDEV;
    s64 r = prov_call(&t->vcpu->poll, LX_NR_openat2, (u64)(s64)dirfd, (u64)rest, (u64)&how, sizeof how, 0, 0);
    if (r == -ENOENT && whole) {
        struct lx_path p;
        return surely_missing(proc, &p, path) ? -ENOENT : -EXDEV;
    }
    if (whole && drop_covered(proc->root, (int)r))
        return -EXDEV;
    return r == -ENOTDIR || r == -ELOOP || r == -EAGAIN || r == -ENOSYS || r == -EINVAL ? -EXDEV : r;
}

/* --- -L --- */

/* An absolute path that exists below the prefix is that one. */
static bool prefixed(const char *prefix, struct lx_path *p, const char *path, u32 how)
{
    char link[LX_PATH_MAX];
    struct {
        u64 dev, ino;
        u32 mode;
        u8 rest[LX_SIZE_stat - 20];
    } st;
    for (u32 links = 0; links < LINKS_MAX; links++) {
        size_t a = strlen(prefix), b = strlen(path);
        if (path[strspn(path, "/")] == 0 || a + b >= sizeof p->buf)
            return false;
        memcpy(p->buf, prefix, a);
        memcpy(p->buf + a, path, b + 1);
        if (prov_call_now(LX_NR_newfstatat, (u64)(s64)AT_FDCWD, (u64)p->buf, (u64)&st, AT_SYMLINK_NOFOLLOW, 0, 0))
            return false;
        if (S_ISLNK(st.mode) && (how & LX_PATH_FOLLOW)) {
            s64 n = prov_call_now(LX_NR_readlinkat, (u64)(s64)AT_FDCWD, (u64)p->buf, (u64)link, sizeof link - 1, 0, 0);
            if (n > 0 && link[0] == '/') { /* of the guest's tree, which may have it below the prefix, too */
                link[n] = 0;
                path = link;
                continue;
            }
        }
        p->name = p->buf;
        p->dirfd = AT_FDCWD;
        return true;
    }
    return false;
}

/* --- all of it --- */

int lx_path_resolve(struct lx_process *proc, struct lx_path *p, int dirfd, const char *path, u32 how)
{
    if (path[0] == '/')
        dirfd = AT_FDCWD;
    else if (lx_fd_hidden((u64)(s64)dirfd))
        return -EBADF;
    if (!path[0]) {
        if (!(how & LX_PATH_EMPTY))
            return -ENOENT;
        p->dirfd = dirfd;
        p->name = "";
        return 0;
    }
    if (proc->root_fd >= 0)
        return rooted(proc, p, dirfd, path, how);
    p->dirfd = dirfd;
    p->name = path;
    enum lx_proc which = lx_proc_file(proc, dirfd, path);
    if (LIKELY(which == LX_PROC_NONE)) {
        if (proc->opt->prefix && path[0] == '/')
            prefixed(proc->opt->prefix, p, path, how);
        return 0;
    }
    if (which == LX_PROC_HIDDEN)
        return -ENOENT;
    if (which == LX_PROC_EXE && (how & LX_PATH_FOLLOW)) {
        p->dirfd = AT_FDCWD;
        fmt(p->buf, sizeof p->buf, "/proc/self/fd/%d", proc->exe_fd);
        p->name = p->buf;
    }
    if (which >= LX_PROC_CMDLINE && (how & LX_PATH_DATA))
        p->emulated = which;
    return 0;
}

int lx_path_resolve_full(struct lx_process *proc, struct lx_path *p, const char *path, u32 how)
{
    int r = lx_path_resolve(proc, p, AT_FDCWD, path, how);
    if (r || p->dirfd == AT_FDCWD)
        return r;
    char head[32];
    int n = fmt(head, sizeof head, "/proc/self/fd/%d/", p->dirfd);
    size_t len = strlen(p->name);
    if ((size_t)n + len >= sizeof p->buf)
        return -ENAMETOOLONG;
    memmove(p->buf + n, p->name, len + 1);
    memcpy(p->buf, head, (size_t)n);
    p->name = p->buf;
    p->dirfd = AT_FDCWD;
    return 0;
}

static int get(struct lx_thread *t, struct lx_path *p, gva_t path, u32 how)
{
    if (path == 0 && (how & LX_PATH_NULL)) {
        p->guest[0] = 0;
        return 1;
    }
    s64 n = lx_read_str(t, p->guest, path, sizeof p->guest);
    return n < 0 ? (int)n : 0;
}

int lx_path_get(struct lx_thread *t, struct lx_path *p, int dirfd, gva_t path, u32 how)
{
    int r = get(t, p, path, how);
    if (r > 0) {
        p->dirfd = dirfd;
        return lx_fd_hidden((u64)(s64)dirfd) ? -EBADF : 0;
    }
    return r ? r : lx_path_resolve(t->proc, p, dirfd, p->guest, how);
}

int lx_path_get_full(struct lx_thread *t, struct lx_path *p, gva_t path, u32 how)
{
    int r = get(t, p, path, how & ~(u32)LX_PATH_NULL);
    return r ? r : lx_path_resolve_full(t->proc, p, p->guest, how);
}

int lx_path_open(struct lx_process *proc, int dirfd, const char *path, int flags, u32 mode)
{
    struct lx_path p;
    /* Most are found where the root has them. */
    if (proc->root_fd >= 0 && path[0] == '/' && !(flags & (O_CREAT | LX_O_NOFOLLOW)) &&
        !needs_walk(proc->root, path, true)) {
        int fd = open_rooted(proc->root, path, (u32)flags);
        if (fd >= 0)
            return fd;
    }
    lx_path_init(&p);
    u32 how = flags & LX_O_NOFOLLOW ? 0 : LX_PATH_FOLLOW;
    if (flags & O_CREAT)
        how |= LX_PATH_CREATE;
    int r = lx_path_resolve(proc, &p, dirfd, path, how);
    if (!r) {
        u32 extra = p.nofollow && (how & LX_PATH_FOLLOW) ? LX_O_NOFOLLOW : 0;
        r = (int)prov_call_now(LX_NR_openat, (u64)(s64)p.dirfd, (u64)p.name, (u32)flags | extra, mode, 0, 0);
    }
    lx_path_put(&p);
    return r;
}
