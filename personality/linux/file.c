/* Files: opening, names, descriptors' flags, directories, mounts.
 *
 * Calls whose arguments say everything are `pass` in the table; here are those in which a path, a link or a number must
 * be seen differently by the guest and the host. */
#define _GNU_SOURCE
#include "personality/linux/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/fmt.h"
#include "personality/linux/exec.h"
#include "personality/linux/fd.h"
#include "personality/linux/path.h"
#include "personality/linux/proc.h"
#include "personality/linux/provider.h"
#include "personality/linux/signal.h"

/* How open's flags treat the last component. */
static u32 open_how_of(u64 flags)
{
    u32 how = flags & LX_O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? 0 : LX_PATH_FOLLOW;
    if (flags & O_CREAT && !(flags & O_PATH))
        how |= LX_PATH_CREATE;
    if (!(flags & O_PATH) && (flags & O_ACCMODE) == O_RDONLY)
        how |= LX_PATH_DATA;
    return how;
}

/* resolve is that of openat2, or ~0 for openat. */
static s64 open_guest(struct lx_thread *t, int dirfd, gva_t path, const struct open_how *oh, bool two)
{
    struct lx_path p;
    u32 how = open_how_of(oh->flags);
    s64 r;
    for (u32 tries = 0;; tries++) {
        lx_path_init(&p);
        r = lx_read_str(t, p.guest, path, sizeof p.guest);
        if (r >= 0) {
            r = two ? -EXDEV : lx_path_open_direct(t, dirfd, p.guest, oh->flags);
            if (r != -EXDEV)
                return r;
            r = lx_path_resolve(t->proc, &p, dirfd, p.guest, how);
            lx_path_aside(&p);
        }
        if (r == 0 && p.emulated) {
            r = lx_proc_open(t, p.emulated, p.dirfd, p.name, (u32)oh->flags);
        } else if (r == 0) {
            struct open_how host = *oh;
            bool closed = p.nofollow && how & LX_PATH_FOLLOW;
            if (closed)
                host.flags |= LX_O_NOFOLLOW;
            if (two)
                r = prov_call(&t->vcpu->poll, LX_NR_openat2, (u64)(s64)p.dirfd, (u64)p.name, (u64)&host, sizeof host, 0,
                              0);
            else
                r = prov_call(&t->vcpu->poll, LX_NR_openat, (u64)(s64)p.dirfd, (u64)p.name, host.flags, host.mode, 0,
                              0);
            if (r == -ELOOP && closed && tries < 40) { /* a link appeared there */
                lx_path_put(&p);
                continue;
            }
        }
        lx_path_put(&p);
        return r;
    }
}

s64 sys_openat(struct lx_thread *t, const u64 *a)
{
    struct open_how how = {.flags = lx_open_flags(t, (u32)a[2]), .mode = (u32)a[3]};
    return open_guest(t, (int)a[0], a[1], &how, false);
}

s64 sys_openat2(struct lx_thread *t, const u64 *a)
{
    struct open_how how = {0};
    if (a[3] < sizeof how)
        return -EINVAL;
    if (a[3] > 4096)
        return -E2BIG;
    int r = lx_read(t, &how, a[2], sizeof how);
    for (u64 i = sizeof how; !r && i < a[3]; i++) { /* what we do not know must be zero */
        u8 byte;
        r = lx_read(t, &byte, a[2] + i, 1);
        if (!r && byte)
            r = -E2BIG;
    }
    if (r)
        return r;
    how.flags = lx_open_flags(t, how.flags);
    if (!how.resolve)
        return open_guest(t, (int)a[0], a[1], &how, true);
    /* The rules speak of the path itself, so it goes to the host kernel as it is. */
    char path[LX_PATH_MAX];
    s64 n = lx_read_str(t, path, a[1], sizeof path);
    if (n < 0)
        return n;
    int dirfd = (int)a[0];
    if (lx_fd_hidden((u64)(s64)dirfd))
        return -EBADF;
    if (t->proc->root_fd >= 0 && !(how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))) {
        if (path[0] == '/') {
            dirfd = t->proc->root_fd;
            how.resolve |= RESOLVE_IN_ROOT;
        } else {
            how.resolve |= RESOLVE_BENEATH;
        }
    }
    return prov_call(&t->vcpu->poll, LX_NR_openat2, (u64)(s64)dirfd, (u64)path, (u64)&how, sizeof how, 0, 0);
}

s64 sys_getcwd(struct lx_thread *t, const u64 *a)
{
    char buf[LX_PATH_MAX + 16];
    if (t->proc->root_fd < 0)
        return prov_call(&t->vcpu->poll, LX_NR_getcwd, call_out(t, a[0], a[1]), a[1], 0, 0, 0, 0);
    s64 n = prov_call(&t->vcpu->poll, LX_NR_getcwd, (u64)buf, LX_PATH_MAX, 0, 0, 0, 0);
    if (n < 0)
        return n;
    if (!lx_path_to_guest(t->proc, buf)) {
        static const char mark[] = "(unreachable)";
        memmove(buf + sizeof mark - 1, buf, (size_t)n);
        memcpy(buf, mark, sizeof mark - 1);
    }
    size_t len = strlen(buf) + 1;
    if (len > a[1])
        return -ERANGE;
    int r = lx_write(t, a[0], buf, len);
    return r ? r : (s64)len;
}

/* --- looking --- */

/* Of a path that was resolved to an open object, the object is asked itself: cheaper than by its name in /proc. */
static u64 object_flag(struct lx_path *p, u64 flags)
{
    enum { KNOWN = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | 0x6000 /* AT_STATX_SYNC_TYPE */ };
    if (p->own2 < 0 || flags & ~(u64)KNOWN) /* else the host kernel is to see them with a path */
        return 0;
    p->dirfd = p->own2;
    p->name = "";
    return AT_EMPTY_PATH;
}

static s64 stat_path(struct lx_thread *t, struct lx_path *p, const u64 *a, u64 flags)
{
    u32 how =
        (flags & AT_SYMLINK_NOFOLLOW ? 0 : LX_PATH_FOLLOW) | (flags & AT_EMPTY_PATH ? LX_PATH_EMPTY | LX_PATH_NULL : 0);
    lx_path_init(p);
    return lx_path_get(t, p, (int)a[0], a[1], how);
}

s64 sys_newfstatat(struct lx_thread *t, const u64 *a)
{
    struct lx_path p;
    s64 r = stat_path(t, &p, a, a[3]);
    if (!r) {
        u64 flags = a[3] | object_flag(&p, a[3]);
        r = prov_call(&t->vcpu->poll, LX_NR_newfstatat, (u64)(s64)p.dirfd, (u64)p.name, call_out(t, a[2], LX_SIZE_stat),
                      flags, 0, 0);
    }
    lx_path_put(&p);
    return r;
}

s64 sys_statx(struct lx_thread *t, const u64 *a)
{
    struct lx_path p;
    s64 r = stat_path(t, &p, a, a[2]);
    if (!r) {
        u64 flags = a[2] | object_flag(&p, a[2]);
        r = prov_call(&t->vcpu->poll, LX_NR_statx, (u64)(s64)p.dirfd, (u64)p.name, flags, a[3],
                      call_out(t, a[4], LX_SIZE_statx), 0);
    }
    lx_path_put(&p);
    return r;
}

s64 sys_faccessat(struct lx_thread *t, const u64 *a)
{
    struct lx_path p;
    s64 r = stat_path(t, &p, a, 0);
    if (!r && p.own2 >= 0)
        r = prov_call(&t->vcpu->poll, LX_NR_faccessat2, (u64)p.own2, (u64) "", a[2], AT_EMPTY_PATH, 0, 0);
    else if (!r)
        r = prov_call(&t->vcpu->poll, LX_NR_faccessat, (u64)(s64)p.dirfd, (u64)p.name, a[2], 0, 0, 0);
    lx_path_put(&p);
    return r;
}

/* Links of /proc name host paths. */
static bool in_proc(int dirfd)
{
    u64 buf[LX_SIZE_statfs / 8];
    char path[64];
    fmt(path, sizeof path, "/proc/self/fd/%d", dirfd);
    if (dirfd == AT_FDCWD)
        return prov_call_now(LX_NR_statfs, (u64) ".", (u64)buf, 0, 0, 0, 0) == 0 && buf[0] == 0x9fa0;
    return prov_call_now(LX_NR_fstatfs, (u64)dirfd, (u64)buf, 0, 0, 0, 0) == 0 && buf[0] == 0x9fa0;
}

s64 sys_readlinkat(struct lx_thread *t, const u64 *a)
{
    struct lx_path p;
    char buf[LX_PATH_MAX];
    if ((s32)a[3] <= 0)
        return -EINVAL;
    lx_path_init(&p);
    s64 r = lx_path_get(t, &p, (int)a[0], a[1], LX_PATH_EMPTY);
    if (r == 0) {
        const char *text = NULL;
        bool itself = !p.name[0] && p.dirfd != AT_FDCWD &&
                      lx_host_fd_path(p.dirfd, buf, sizeof buf) > 0; /* a descriptor of the link */
        if (lx_proc_file(t->proc, itself ? AT_FDCWD : p.dirfd, itself ? buf : p.name) == LX_PROC_EXE) {
            text = lx_program_name(t->proc, buf);
        } else if (t->proc->root_fd >= 0 && in_proc(p.dirfd)) {
            r = prov_call(&t->vcpu->poll, LX_NR_readlinkat, (u64)(s64)p.dirfd, (u64)p.name, (u64)buf, sizeof buf - 1, 0,
                          0);
            if (r >= 0) {
                buf[r] = 0;
                lx_path_to_guest(t->proc, buf);
                text = buf;
            }
        } else {
            r = prov_call(&t->vcpu->poll, LX_NR_readlinkat, (u64)(s64)p.dirfd, (u64)p.name,
                          call_out(t, a[2], (u32)a[3]), a[3], 0, 0);
        }
        if (text) {
            size_t n = strlen(text);
            n = n < (u32)a[3] ? n : (u32)a[3];
            r = lx_write(t, a[2], text, n);
            r = r ? r : (s64)n;
        }
    }
    lx_path_put(&p);
    return r;
}

s64 sys_fcntl(struct lx_thread *t, const u64 *a)
{
    u64 arg = a[2];
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    switch ((u32)a[1]) {
    case 10: /* F_SETSIG: of a synchronous kind it would carry the codes that tell of faults */
        if (arg && arg <= LX_NSIG && (LX_SIGBIT(arg) & LX_SYNC_SIGNALS))
            return -EINVAL;
        break;
    case 5:  /* F_GETLK */
    case 36: /* F_OFD_GETLK */
        arg = call_out(t, arg, 32);
        break;
    case 6: /* F_SETLK, F_SETLKW, and of open file descriptions */
    case 7:
    case 37:
    case 38:
        arg = call_in(t, arg, 32);
        break;
    case 15: /* F_SETOWN_EX */
        arg = call_in(t, arg, 8);
        break;
    case 16:   /* F_GETOWN_EX */
    case 17:   /* F_GETOWNER_UIDS */
    case 1035: /* F_GET_RW_HINT and its kin */
    case 1037:
        arg = call_out(t, arg, 8);
        break;
    case 1036:
    case 1038:
        arg = call_in(t, arg, 8);
        break;
    case 1027: /* F_DUPFD_QUERY */
        if (lx_fd_hidden(arg))
            return -EBADF;
        break;
    case 3: { /* F_GETFL */
        s64 r = prov_call(&t->vcpu->poll, LX_NR_fcntl, a[0], a[1], 0, 0, 0, 0);
        return r < 0 ? r : (s64)lx_open_flags(t, (u64)r);
    }
    case 4: /* F_SETFL */
        arg = lx_open_flags(t, arg);
        break;
    case 0: /* F_DUPFD, _GETFD, _SETFD */
    case 1:
    case 2:
    case 8: /* F_SETOWN, _GETOWN, _GETSIG */
    case 9:
    case 11:
    case 1024: /* F_SETLEASE, _GETLEASE, _NOTIFY */
    case 1025:
    case 1026:
    case 1028: /* F_CREATED_QUERY */
    case 1029: /* F_CANCELLK */
    case 1030: /* F_DUPFD_CLOEXEC, pipe sizes, seals */
    case 1031:
    case 1032:
    case 1033:
    case 1034:
        break;
    default: { /* what the generic ABI does not have */
        s64 r = prov_call_now(LX_NR_fcntl, a[0], 1, 0, 0, 0, 0);
        return r < 0 ? r : -EINVAL;
    }
    }
    return prov_call(&t->vcpu->poll, LX_NR_fcntl, a[0], a[1], arg, 0, 0, 0);
}

/* --- directories --- */

struct dirent_head {
    u64 ino, off;
    u16 reclen;
    u8 type;
    char name[13]; /* as far as a number needs */
} __attribute__((packed));

static bool is_number(const char *s, size_t cap, u32 *value)
{
    u32 v = 0;
    size_t i = 0;
    for (; i < cap && s[i] >= '0' && s[i] <= '9'; i++)
        v = v * 10 + (u32)(s[i] - '0');
    *value = v;
    return i > 0 && i < cap && s[i] == 0;
}

/* Reads the head of the entry at `at` of n bytes at buf. False when there is none. */
static bool entry(struct lx_thread *t, gva_t buf, u64 n, u64 at, struct dirent_head *h)
{
    if (at + 19 >= n)
        return false;
    u64 len = n - at < sizeof *h ? n - at : sizeof *h;
    memset(h, 0, sizeof *h);
    return !lx_read(t, h, buf + at, len) && h->reclen > 19 && h->reclen <= n - at;
}

/* Could this be a list of descriptors? Entries after "." and ".." would all be numbers. */
static bool looks_like_fds(struct lx_thread *t, gva_t buf, u64 n)
{
    struct dirent_head h;
    u32 v;
    u64 at = 0;
    for (int i = 0; i < 3 && entry(t, buf, n, at, &h); i++) {
        if (is_number(h.name, sizeof h.name, &v))
            return true;
        if (h.name[0] != '.')
            return false;
        at += h.reclen;
    }
    return false;
}

/* Takes the engine's descriptors out of the n bytes at buf; what is left. */
static s64 drop_hidden(struct lx_thread *t, gva_t buf, u64 n)
{
    struct dirent_head h;
    u64 to = 0;
    for (u64 at = 0; entry(t, buf, n, at, &h); at += h.reclen) {
        u32 v;
        u8 copy[512];
        if (is_number(h.name, sizeof h.name, &v) && lx_fd_hidden(v))
            continue;
        if (to != at && h.reclen <= sizeof copy &&
            (lx_read(t, copy, buf + at, h.reclen) || lx_write(t, buf + to, copy, h.reclen)))
            return -EFAULT;
        to += h.reclen;
    }
    return (s64)to;
}

s64 sys_getdents64(struct lx_thread *t, const u64 *a)
{
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    for (;;) {
        s64 n = prov_call(&t->vcpu->poll, LX_NR_getdents64, a[0], call_out(t, a[1], (u32)a[2]), a[2], 0, 0, 0);
        if (n <= 0 || !looks_like_fds(t, a[1], (u64)n) || !lx_proc_is_fd_dir(t->proc, (int)a[0]))
            return n;
        n = drop_hidden(t, a[1], (u64)n);
        if (n) /* nothing left is not the end */
            return n;
    }
}

/* --- descriptors --- */

s64 sys_close_range(struct lx_thread *t, const u64 *a)
{
    u32 first = (u32)a[0], last = (u32)a[1], flags = (u32)a[2];
    u32 lo = lx_fd_base, hi = lx_fd_base + LX_FD_HIDDEN - 1;
    if (first > last || last < lo || first > hi)
        return prov_call(&t->vcpu->poll, LX_NR_close_range, first, last, flags, 0, 0, 0);
    s64 r = 0;
    bool done = false;
    if (first < lo) {
        r = prov_call(&t->vcpu->poll, LX_NR_close_range, first, lo - 1, flags, 0, 0, 0);
        done = true;
    }
    if (!r && last > hi) { /* the table is unshared once, by the first */
        r = prov_call_now(LX_NR_close_range, hi + 1, last, done ? flags & ~2u : flags, 0, 0, 0);
        done = true;
    }
    return done ? r : prov_call(&t->vcpu->poll, LX_NR_close_range, ~0u, ~0u, flags, 0, 0, 0);
}

/* --- mounts --- */

s64 sys_mount(struct lx_thread *t, const u64 *a)
{
    char source[LX_PATH_MAX];
    struct lx_path from, dir;
    u64 src = call_in(t, a[0], 1);
    s64 r = 0;
    lx_path_init(&from);
    lx_path_init(&dir);
    if (t->proc->root_fd >= 0 && a[0]) {
        r = lx_read_str(t, source, a[0], sizeof source);
        if (r >= 0 && (source[0] == '/' || a[3] & (MS_BIND | MS_MOVE))) {
            r = lx_path_resolve_full(t->proc, &from, source, LX_PATH_FOLLOW);
            src = (u64)from.name;
        } else if (r > 0) {
            r = 0;
        }
    }
    if (!r)
        r = lx_path_get_full(t, &dir, a[1], LX_PATH_FOLLOW);
    if (!r)
        r = prov_call(&t->vcpu->poll, LX_NR_mount, src, (u64)dir.name, call_in(t, a[2], 1), a[3], call_in(t, a[4], 1),
                      0);
    lx_path_put(&dir);
    lx_path_put(&from);
    return r;
}

/* The path as a whole, since what we hold open is in use and would not be unmounted. */
s64 sys_umount2(struct lx_thread *t, const u64 *a)
{
    enum { NO_FOLLOW = 8 };
    char path[LX_PATH_MAX];
    struct lx_path p;
    if (t->proc->root_fd < 0)
        return prov_call(&t->vcpu->poll, LX_NR_umount2, call_in(t, a[0], 1), a[1], 0, 0, 0, 0);
    lx_path_init(&p);
    s64 r = lx_path_get(t, &p, AT_FDCWD, a[0], a[1] & NO_FOLLOW ? 0 : LX_PATH_FOLLOW);
    if (!r)
        r = prov_call_now(LX_NR_openat, (u64)(s64)p.dirfd, (u64)p.name,
                          O_PATH | O_CLOEXEC | (p.nofollow || a[1] & NO_FOLLOW ? LX_O_NOFOLLOW : 0), 0, 0, 0);
    lx_path_put(&p);
    if (r < 0)
        return r;
    int fd = (int)r;
    r = lx_host_fd_path(fd, path, sizeof path);
    prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
    return r < 0 ? r : prov_call(&t->vcpu->poll, LX_NR_umount2, (u64)path, a[1], 0, 0, 0, 0);
}

s64 sys_pivot_root(struct lx_thread *t, const u64 *a)
{
    if (t->proc->root_fd >= 0)
        return -EPERM;
    return prov_call(&t->vcpu->poll, LX_NR_pivot_root, call_in(t, a[0], 1), call_in(t, a[1], 1), 0, 0, 0, 0);
}

s64 sys_chroot(struct lx_thread *t, const u64 *a)
{
    struct lx_path p;
    lx_path_init(&p);
    s64 r = lx_path_get(t, &p, AT_FDCWD, a[0], LX_PATH_FOLLOW);
    if (!r)
        r = lx_path_chroot(t, &p);
    lx_path_put(&p);
    return r;
}

s64 sys_fsconfig(struct lx_thread *t, const u64 *a)
{
    enum { SET_STRING = 1, SET_BINARY = 2, SET_PATH = 3, SET_PATH_EMPTY = 4 };
    struct lx_path p;
    u64 value = a[3], aux = a[4];
    u32 cmd = (u32)a[1];
    s64 r = 0;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    lx_path_init(&p);
    if (cmd == SET_PATH || cmd == SET_PATH_EMPTY) {
        r = lx_path_get(t, &p, (int)aux, a[3], LX_PATH_FOLLOW | (cmd == SET_PATH_EMPTY ? LX_PATH_EMPTY : 0));
        value = (u64)p.name;
        aux = (u64)(s64)p.dirfd;
    } else {
        value = call_in(t, value, cmd == SET_BINARY ? (u32)aux : 1);
    }
    if (!r)
        r = prov_call(&t->vcpu->poll, LX_NR_fsconfig, a[0], cmd, call_in(t, a[2], 1), value, aux, 0);
    lx_path_put(&p);
    return r;
}
