/* /proc as the guest must see it; proc.h says which files. */
#define _GNU_SOURCE
#include "personality/linux/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "kernel/hosted/hosted.h"
#include "lib/fmt.h"
#include "personality/linux/abi.h"
#include "personality/linux/fd.h"
#include "personality/linux/mm.h"
#include "personality/linux/path.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscalls_gen.h"

/* --- which file --- */

enum place { NOWHERE, TOP, OWN, OWN_FD, SYS_KERNEL };

static const struct {
    const char *name;
    u8 place, which;
} files[] = {
    {"statm", OWN, LX_PROC_STATM},
    {"limits", OWN, LX_PROC_LIMITS},
    {"exe", OWN, LX_PROC_EXE},
    {"root", OWN, LX_PROC_ROOT},
    {"cwd", OWN, LX_PROC_CWD},
    {"cmdline", OWN, LX_PROC_CMDLINE},
    {"environ", OWN, LX_PROC_ENVIRON},
    {"auxv", OWN, LX_PROC_AUXV},
    {"maps", OWN, LX_PROC_MAPS},
    {"smaps", OWN, LX_PROC_SMAPS},
    {"stat", OWN, LX_PROC_STAT},
    {"status", OWN, LX_PROC_STATUS},
    {"mem", OWN, LX_PROC_MEM},
    {"timers", OWN, LX_PROC_TIMERS},
    {"cpuinfo", TOP, LX_PROC_CPUINFO},
    {"version", TOP, LX_PROC_VERSION},
    {"osrelease", SYS_KERNEL, LX_PROC_OSRELEASE},
    {"arch", SYS_KERNEL, LX_PROC_ARCH},
};

s64 lx_host_link(const char *path, char *buf, size_t cap)
{
    s64 n = prov_call_now(LX_NR_readlinkat, (u64)(s64)AT_FDCWD, (u64)path, (u64)buf, cap - 1, 0, 0);
    buf[n < 0 ? 0 : n] = 0;
    return n;
}

s64 lx_host_fd_path(int fd, char *buf, size_t cap)
{
    char link[64];
    if (fd == AT_FDCWD) {
        /* Cheaper than its link, which tells more of a directory that was removed or cannot be reached. */
        s64 n = prov_call_now(LX_NR_getcwd, (u64)buf, cap, 0, 0, 0, 0);
        return n > 0 && buf[0] == '/' ? n - 1 : lx_host_link("/proc/self/cwd", buf, cap);
    }
    fmt(link, sizeof link, "/proc/self/fd/%d", fd);
    return lx_host_link(link, buf, cap);
}

static bool number(const char **s, u32 *v)
{
    const char *p = *s;
    *v = 0;
    while (*p >= '0' && *p <= '9')
        *v = *v * 10 + (u32)(*p++ - '0');
    bool some = p != *s;
    *s = p;
    return some;
}

/* Takes `word` off the front of a path, and the slash behind it. */
static bool word(const char **s, const char *text)
{
    size_t n = strlen(text);
    /* Equal up to n, so the byte at n is in the string. */
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    if (strncmp(*s, text, n) != 0 || ((*s)[n] != '/' && (*s)[n] != 0))
        return false;
    *s += n + ((*s)[n] == '/');
    return true;
}

/* Where in /proc is this directory (a path without ".", ".." and double slashes)? */
static enum place place_of(const char *dir)
{
    u32 n;
    const char *s = dir + 1;
    if (dir[0] != '/' || !word(&s, "proc"))
        return NOWHERE;
    if (!*s)
        return TOP;
    if (word(&s, "sys"))
        return word(&s, "kernel") && !*s ? SYS_KERNEL : NOWHERE;
    bool own = word(&s, "self") || word(&s, "thread-self");
    if (!own) {
        if (!number(&s, &n) || (*s && *s++ != '/'))
            return NOWHERE;
        own = n == (u32)prov_call_now(LX_NR_getpid, 0, 0, 0, 0, 0, 0) ||
              n == (u32)prov_call_now(LX_NR_gettid, 0, 0, 0, 0, 0, 0);
    }
    if (!own)
        return NOWHERE;
    if (word(&s, "task") && (!number(&s, &n) || (*s && *s++ != '/')))
        return NOWHERE;
    if (!*s)
        return OWN;
    return (word(&s, "fd") || word(&s, "fdinfo")) && !*s ? OWN_FD : NOWHERE;
}

/* Takes out ".", ".." and double slashes. */
static void tidy(char *path)
{
    char *out = path;
    const char *s = path;
    while (*s) {
        while (*s == '/')
            s++;
        size_t n = strcspn(s, "/");
        if (n == 0)
            break;
        if (n == 2 && s[0] == '.' && s[1] == '.') {
            while (out > path && *--out != '/')
                ;
        } else if (!(n == 1 && s[0] == '.')) {
            *out++ = '/';
            memmove(out, s, n);
            out += n;
        }
        s += n;
    }
    if (out == path)
        *out++ = '/';
    *out = 0;
}

/* As place_of, of a path as the host knows it: /proc may also be mounted in the guest's root, as in a container's. */
static enum place host_place_of(const struct lx_process *p, char *dir)
{
    enum place place = place_of(dir);
    if (place == NOWHERE && p->root_fd >= 0 && lx_path_to_guest(p, dir))
        place = place_of(dir);
    return place;
}

/* Where does the directory part of (dirfd, path), its first n bytes, lie? */
static enum place place_at(const struct lx_process *p, int dirfd, const char *path, size_t n)
{
    char dir[2 * LX_PATH_MAX];
    size_t base = 0;
    if (path[0] != '/') {
        s64 len = lx_host_fd_path(dirfd, dir, LX_PATH_MAX);
        if (len < 0)
            return NOWHERE;
        base = (size_t)len;
        dir[base++] = '/';
    }
    if (n >= LX_PATH_MAX)
        return NOWHERE;
    memcpy(dir + base, path, n);
    dir[base + n] = 0;
    tidy(dir);
    return host_place_of(p, dir);
}

enum lx_proc lx_proc_file(const struct lx_process *p, int dirfd, const char *path)
{
    const char *name = strrchr(path, '/');
    u32 n;
    name = name ? name + 1 : path;
    if (name[0] >= '0' && name[0] <= '9') {
        const char *end = name;
        if (number(&end, &n) && !*end && place_at(p, dirfd, path, (size_t)(name - path)) == OWN_FD)
            return lx_fd_hidden(n) ? LX_PROC_HIDDEN : LX_PROC_FD;
        return LX_PROC_NONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (LIKELY(files[i].name[0] != name[0]) || strcmp(files[i].name, name) != 0)
            continue;
        if (files[i].place != (u8)place_at(p, dirfd, path, (size_t)(name - path)))
            return LX_PROC_NONE;
        if ((files[i].which == LX_PROC_OSRELEASE || files[i].which == LX_PROC_VERSION) && !p->opt->uname)
            return LX_PROC_NONE;
        return files[i].which;
    }
    return LX_PROC_NONE;
}

bool lx_proc_is_fd_dir(const struct lx_process *p, int fd)
{
    char dir[LX_PATH_MAX];
    return lx_host_fd_path(fd, dir, sizeof dir) > 0 && host_place_of(p, dir) == OWN_FD;
}

/* --- content --- */

/* Text on its way into a memory file. */
struct out {
    struct lx_thread *t;
    int fd;
    s64 error;
    struct strbuf text;
    char buf[4096];
};

static void put_all(struct out *o, const char *s, size_t n)
{
    while (n && !o->error) {
        s64 r = prov_call_now(LX_NR_write, (u64)o->fd, (u64)s, n, 0, 0, 0);
        if (r <= 0) {
            o->error = r ? r : -EIO;
            break;
        }
        s += r;
        n -= (size_t)r;
    }
}

static void flush(struct out *o)
{
    put_all(o, o->text.text, o->text.len);
    sb_clear(&o->text);
}

/* Room for one more line. */
static void room(struct out *o)
{
    if (o->text.len > sizeof o->buf / 2)
        flush(o);
}

/* Lines of a host file. */
struct lines {
    int fd;
    size_t at, end;
    char buf[8192];
};

static int lines_open_at(struct lines *l, int dirfd, const char *path)
{
    l->at = l->end = 0;
    l->buf[0] = 0;
    l->fd = (int)prov_call_now(LX_NR_openat, (u64)(s64)dirfd, (u64)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    return l->fd < 0 ? l->fd : 0;
}

static int lines_open(struct lines *l, const char *path)
{
    return lines_open_at(l, AT_FDCWD, path);
}

static void lines_close(struct lines *l)
{
    (void)prov_call_now(LX_NR_close, (u64)l->fd, 0, 0, 0, 0, 0);
}

/* The next line without its end, terminated; NULL at the end. One that is too long is cut. */
static char *lines_next(struct lines *l)
{
    for (;;) {
        char *s = l->buf + l->at, *nl = memchr(s, '\n', l->end - l->at);
        if (nl) {
            *nl = 0;
            l->at = (size_t)(nl - l->buf) + 1;
            return s;
        }
        if (l->at) {
            memmove(l->buf, s, l->end - l->at);
            l->end -= l->at;
            l->at = 0;
        }
        if (l->end == sizeof l->buf - 1) {
            l->buf[l->end] = 0;
            l->end = 0;
            return l->buf;
        }
        s64 n = prov_call_now(LX_NR_read, (u64)l->fd, (u64)l->buf + l->end, sizeof l->buf - 1 - l->end, 0, 0, 0);
        if (n <= 0) {
            if (!l->end)
                return NULL;
            l->buf[l->end] = 0;
            l->end = 0;
            return l->buf;
        }
        l->end += (size_t)n;
    }
}

static u64 hex(const char **s)
{
    u64 v = 0;
    for (;; (*s)++) {
        char c = **s;
        if (c >= '0' && c <= '9')
            v = v << 4 | (u64)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (u64)(c - 'a' + 10);
        else
            return v;
    }
}

static u64 decimal(const char *s)
{
    u64 v = 0;
    while (*s >= '0' && *s <= '9')
        v = v * 10 + (u64)(*s++ - '0');
    return v;
}

/* --- maps --- */

struct maps {
    struct out *o;
    struct lines host;
    const struct lx_mm *mm;
    /* the host line at hand */
    bool have;
    u64 start, end, off, inode;
    u32 major, minor;
    char path[LX_PATH_MAX];
};

/* "start-end perms offset major:minor inode path" */
static bool maps_host_next(struct maps *m)
{
    const char *s = lines_next(&m->host);
    if (!s)
        return false;
    m->start = hex(&s);
    s += *s == '-';
    m->end = hex(&s);
    s += strcspn(s + 1, " ") + 2; /* permissions */
    m->off = hex(&s);
    s += *s == ' ';
    m->major = (u32)hex(&s);
    s += *s == ':';
    m->minor = (u32)hex(&s);
    s += *s == ' ';
    m->inode = decimal(s);
    s += strspn(s, "0123456789");
    s += strspn(s, " ");
    fmt(m->path, sizeof m->path, "%s", s);
    return true;
}

static const char *vma_name(const struct lx_vma *v)
{
    return v->flags & VMA_HEAP ? "[heap]" : v->flags & VMA_STACK ? "[stack]" : v->flags & VMA_VDSO ? "[vdso]" : "";
}

static int maps_line(void *cx, const struct lx_vma *v)
{
    struct maps *m = cx;
    u64 at = m->mm->base + v->start;
    while (m->have && m->end <= at)
        m->have = maps_host_next(m);
    bool file = v->flags & VMA_FILE && m->have && m->start <= at;
    const char *name = vma_name(v);
    u64 off = 0;
    if (file) {
        off = m->off + (at - m->start);
        lx_path_to_guest(m->o->t->proc, m->path);
        name = m->path;
    }
    room(m->o);
    char head[128];
    size_t n =
        fmt(head, sizeof head, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", v->start, v->end, v->prot & 1 ? 'r' : '-',
            v->prot & 2 ? 'w' : '-', v->prot & 4 ? 'x' : '-', v->flags & VMA_SHARED ? 's' : 'p', off,
            file ? m->major : 0, file ? m->minor : 0, file ? m->inode : 0);
    sb_puts(&m->o->text, head);
    if (name[0]) {
        for (; n < 73; n++)
            sb_putc(&m->o->text, ' ');
        sb_puts(&m->o->text, name);
    }
    sb_putc(&m->o->text, '\n');
    return 0;
}

static s64 make_maps(struct out *o)
{
    struct maps m = {.o = o, .mm = o->t->proc->mm};
    int r = lines_open(&m.host, "/proc/self/maps");
    if (r)
        return r;
    m.have = maps_host_next(&m);
    lx_mm_each(o->t->proc->mm, maps_line, &m);
    lines_close(&m.host);
    return 0;
}

/* Is this the first line of a mapping in smaps ("start-end perms …")? */
static bool smaps_head(const char *s, u64 *start, u64 *end, const char **rest)
{
    const char *p = s;
    *start = hex(&p);
    if (p == s || *p != '-')
        return false;
    p++;
    *end = hex(&p);
    *rest = p;
    return *p == ' ';
}

/* The first mapping that ends after `at`. */
struct after {
    gva_t at;
    struct lx_vma v;
};

static int first_after(void *cx, const struct lx_vma *v)
{
    struct after *a = cx;
    a->v = *v;
    return v->end > a->at;
}

/* The host's entries of what the guest has mapped, at the guest's addresses and with its permissions. One mapping may
 * be several entries. */
static s64 make_smaps(struct out *o)
{
    struct lx_mm *mm = o->t->proc->mm;
    struct lines l;
    struct lx_vma v;
    char path[LX_PATH_MAX];
    bool shown = false;
    int r = lines_open(&l, "/proc/self/smaps");
    if (r)
        return r;
    for (char *s; (s = lines_next(&l)) != NULL;) {
        u64 start, end;
        const char *rest;
        room(o);
        if (!smaps_head(s, &start, &end, &rest)) {
            if (shown)
                sb_printf(&o->text, "%s\n", s);
            continue;
        }
        shown = end > mm->base && start < mm->base + mm->size;
        if (!shown)
            continue;
        /* An entry of the host may hold inaccessible memory that the guest has not mapped before and after what it has.
         */
        start -= mm->base;
        end -= mm->base;
        struct after find = {.at = start};
        shown = lx_mm_each(mm, first_after, &find) && find.v.start < end;
        if (!shown)
            continue;
        v = find.v;
        start = start > v.start ? start : v.start;
        /* The host joins what lies side by side. */
        u64 host_end = end;
        struct lx_vma next;
        for (end = v.end; end < host_end && lx_mm_find(mm, end, &next); end = next.end)
            v.flags |= next.flags & VMA_HEAP;
        end = end < host_end ? end : host_end;
        const char *after = rest + 1 + strcspn(rest + 1, " "); /* behind the permissions */
        const char *name = strchr(after, '/');
        sb_printf(&o->text, "%08lx-%08lx %c%c%c%c", start, end, v.prot & 1 ? 'r' : '-', v.prot & 2 ? 'w' : '-',
                  v.prot & 4 ? 'x' : '-', v.flags & VMA_SHARED ? 's' : 'p');
        if (v.flags & VMA_FILE && name) {
            fmt(path, sizeof path, "%s", name);
            lx_path_to_guest(o->t->proc, path);
            sb_add(&o->text, after, (size_t)(name - after));
            sb_printf(&o->text, "%s\n", path);
        } else {
            sb_printf(&o->text, " 00000000 00:00 0 %s\n", vma_name(&v));
        }
    }
    lines_close(&l);
    return 0;
}

/* --- stat, status --- */

/* The host's line with the fields that tell about memory replaced. Fields are counted from 1; the second is in brackets
 * and may hold anything. */
static s64 make_stat(struct out *o, int dirfd, const char *path)
{
    const struct lx_mm *mm = o->t->proc->mm;
    struct lines l;
    int r = lines_open_at(&l, dirfd, path);
    if (r)
        return r;
    char *s = lines_next(&l);
    char *close = s ? strrchr(s, ')') : NULL;
    if (!close) {
        lines_close(&l);
        return -EIO;
    }
    sb_add(&o->text, s, (size_t)(close - s) + 1);
    const char *p = close + 1;
    for (u32 field = 3; *p; field++) {
        p += *p == ' ';
        size_t n = strcspn(p, " ");
        u64 v = 0;
        bool ours = true;
        switch (field) {
        case 23:
            v = mm->total;
            break;
        case 26:
            v = mm->start_code;
            break;
        case 27:
            v = mm->end_code;
            break;
        case 28:
            v = mm->start_stack;
            break;
        case 29: /* stack pointer and pc: of a running process, 0 */
        case 30:
            break;
        case 45:
            v = mm->start_data;
            break;
        case 46:
            v = mm->end_data;
            break;
        case 47:
            v = mm->start_brk;
            break;
        case 48:
            v = mm->arg_start;
            break;
        case 49:
            v = mm->arg_end;
            break;
        case 50:
            v = mm->env_start;
            break;
        case 51:
            v = mm->env_end;
            break;
        default:
            ours = false;
            break;
        }
        sb_putc(&o->text, ' ');
        if (ours)
            sb_printf(&o->text, "%lu", v);
        else
            sb_add(&o->text, p, n);
        p += n;
    }
    sb_putc(&o->text, '\n');
    lines_close(&l);
    return 0;
}

static s64 make_status(struct out *o, int dirfd, const char *path)
{
    const struct lx_mm *mm = o->t->proc->mm;
    struct lines l;
    int r = lines_open_at(&l, dirfd, path);
    if (r)
        return r;
    for (char *s; (s = lines_next(&l)) != NULL;) {
        room(o);
        if (strncmp(s, "VmSize:", 7) == 0 || strncmp(s, "VmPeak:", 7) == 0)
            sb_printf(&o->text, "%.7s\t%8lu kB\n", s, mm->total >> 10);
        else if (strncmp(s, "VmData:", 7) == 0)
            sb_printf(&o->text, "VmData:\t%8lu kB\n", mm->data >> 10);
        else
            sb_printf(&o->text, "%s\n", s);
    }
    lines_close(&l);
    return 0;
}

/* The first number is the size of the address space, in pages. */
static s64 make_statm(struct out *o, int dirfd, const char *path)
{
    struct lines l;
    int r = lines_open_at(&l, dirfd, path);
    if (r)
        return r;
    const char *s = lines_next(&l);
    if (s)
        sb_printf(&o->text, "%lu%s\n", o->t->proc->mm->total / o->t->proc->mm->page, s + strcspn(s, " "));
    lines_close(&l);
    return 0;
}

/* Without the engine's own (mk_tick). */
static s64 make_timers(struct out *o, int dirfd, const char *path)
{
    struct lines l;
    bool ours = false;
    int r = lines_open_at(&l, dirfd, path);
    if (r)
        return r;
    for (char *s; (s = lines_next(&l)) != NULL;) {
        room(o);
        if (strncmp(s, "ID: ", 4) == 0)
            ours = mk_hosted_is_tick(atoi(s + 4));
        if (!ours)
            sb_printf(&o->text, "%s\n", s);
    }
    lines_close(&l);
    return 0;
}

static void limit_line(struct out *o, const char *name, const u64 v[2], const char *unit)
{
    sb_printf(&o->text, "%-25s ", name);
    for (int i = 0; i < 2; i++) {
        char number[24];
        fmt(number, sizeof number, "%lu", v[i]);
        sb_printf(&o->text, "%-20s ", v[i] == ~0ull ? "unlimited" : number);
    }
    sb_printf(&o->text, "%-10s\n", unit);
}

static s64 make_limits(struct out *o, int dirfd, const char *path)
{
    struct lx_process *p = o->t->proc;
    struct lines l;
    u64 nofile[2] = {0};
    int r = lines_open_at(&l, dirfd, path);
    if (r)
        return r;
    (void)prov_call_now(LX_NR_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, (u64)nofile, 0, 0);
    mk_lock(&p->limits_lock);
    struct lx_limits lim = p->limits;
    mk_unlock(&p->limits_lock);
    nofile[1] = lim.nofile.max < nofile[1] ? lim.nofile.max : nofile[1];
    for (char *s; (s = lines_next(&l)) != NULL;) {
        room(o);
        if (strncmp(s, "Max data size", 13) == 0)
            limit_line(o, "Max data size", (u64[]){lim.data.cur, lim.data.max}, "bytes");
        else if (strncmp(s, "Max stack size", 14) == 0)
            limit_line(o, "Max stack size", (u64[]){lim.stack.cur, lim.stack.max}, "bytes");
        else if (strncmp(s, "Max address space", 17) == 0)
            limit_line(o, "Max address space", (u64[]){lim.as.cur, lim.as.max}, "bytes");
        else if (strncmp(s, "Max open files", 14) == 0)
            limit_line(o, "Max open files", nofile, "files");
        else
            sb_printf(&o->text, "%s\n", s);
    }
    lines_close(&l);
    return 0;
}

/* --- the rest --- */

/* Guest memory as it is now; what is not there ends it. */
static s64 make_memory(struct out *o, gva_t start, gva_t end)
{
    char chunk[1024];
    flush(o);
    for (gva_t p = start; p < end && !o->error;) {
        u64 n = end - p < sizeof chunk ? end - p : sizeof chunk;
        if (lx_read(o->t, chunk, p, n)) {
            if (n == 1 || lx_read(o->t, chunk, p, 1))
                break;
            n = 1;
        }
        put_all(o, chunk, n);
        p += n;
    }
    return 0;
}

/* As in Linux: a program that wrote over the end of its arguments has set a title, which ends at its first NUL. */
static s64 make_cmdline(struct out *o)
{
    const struct lx_mm *mm = o->t->proc->mm;
    char last = 0;
    gva_t end = mm->arg_end;
    if (mm->arg_end > mm->arg_start && !lx_read(o->t, &last, mm->arg_end - 1, 1) && last) {
        gva_t limit = mm->env_end;
        char c = 1;
        for (end = mm->arg_start; end < limit && c && !lx_read(o->t, &c, end, 1); end++)
            ;
    }
    return make_memory(o, mm->arg_start, end);
}

/* "0-3,5" -> 5 */
static u32 online_cpus(void)
{
    struct lines l;
    u32 n = 0;
    if (lines_open(&l, "/sys/devices/system/cpu/online"))
        return 1;
    const char *s = lines_next(&l);
    while (s && *s) {
        u32 a, b;
        if (!number(&s, &a))
            break;
        b = a;
        if (*s == '-') {
            s++;
            number(&s, &b);
        }
        n += b >= a ? b - a + 1 : 0;
        s += *s == ',';
    }
    lines_close(&l);
    return n ? n : 1;
}

static s64 make_cpuinfo(struct out *o)
{
    const struct lx_abi *abi = o->t->proc->abi;
    u32 n = online_cpus();
    char none[1];
    size_t need = abi->cpuinfo(none, sizeof none, n, o->t->vcpu->cpu) + 1;
    void *text;
    int r = mk_pages_alloc(&text, need);
    if (r)
        return r;
    size_t len = abi->cpuinfo(text, need, n, o->t->vcpu->cpu);
    put_all(o, text, len < need ? len : need - 1);
    mk_pages_free(text, need);
    return 0;
}

static s64 make(struct out *o, enum lx_proc which, int dirfd, const char *path)
{
    struct lx_process *p = o->t->proc;
    switch (which) {
    case LX_PROC_CMDLINE:
        return make_cmdline(o);
    case LX_PROC_ENVIRON:
        return make_memory(o, p->mm->env_start, p->mm->env_end);
    case LX_PROC_AUXV:
        put_all(o, (const char *)p->mm->auxv, p->mm->auxv_len);
        return 0;
    case LX_PROC_MAPS:
        return make_maps(o);
    case LX_PROC_SMAPS:
        return make_smaps(o);
    case LX_PROC_STAT:
        return make_stat(o, dirfd, path);
    case LX_PROC_STATUS:
        return make_status(o, dirfd, path);
    case LX_PROC_STATM:
        return make_statm(o, dirfd, path);
    case LX_PROC_LIMITS:
        return make_limits(o, dirfd, path);
    case LX_PROC_TIMERS:
        return make_timers(o, dirfd, path);
    case LX_PROC_CPUINFO:
        return make_cpuinfo(o);
    case LX_PROC_OSRELEASE:
        sb_printf(&o->text, "%s\n", p->opt->uname);
        return 0;
    case LX_PROC_VERSION:
        sb_printf(&o->text, "Linux version %s\n", p->opt->uname);
        return 0;
    case LX_PROC_ARCH:
        sb_printf(&o->text, "%s\n", p->abi->machine);
        return 0;
    default:
        return -EACCES; /* mem: its offsets would be host addresses */
    }
}

s64 lx_proc_open(struct lx_thread *t, enum lx_proc which, int dirfd, const char *path, u32 flags)
{
    struct out o = {.t = t};
    char link[64];
    if (which == LX_PROC_MEM)
        return -EACCES;
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (flags & LX_O_DIRECTORY)
        return -ENOTDIR;
    s64 fd = prov_call(&t->vcpu->poll, LX_NR_memfd_create, (u64) "proc", 1 /* MFD_CLOEXEC */, 0, 0, 0, 0);
    if (fd < 0)
        return fd;
    int high = lx_fd_high((int)fd);
    if (high < 0) {
        (void)prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
        return high;
    }
    o.fd = high;
    sb_fixed(&o.text, o.buf, sizeof o.buf);
    s64 r = make(&o, which, dirfd, path);
    flush(&o);
    if (!r)
        r = o.error;
    if (!r) { /* once more, for reading only, from its beginning */
        fmt(link, sizeof link, "/proc/self/fd/%d", high);
        r = prov_call_now(LX_NR_openat, (u64)(s64)AT_FDCWD, (u64)link, flags & (O_CLOEXEC | O_NONBLOCK), 0, 0, 0);
    }
    lx_fd_close(high);
    return r;
}

/* --- what others see --- */

/* This program, as the linker has laid it out. */
extern const char __executable_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden"))), edata[] __attribute__((visibility("hidden")));

void lx_proc_publish(const struct lx_process *p)
{
    const struct lx_mm *mm = p->mm;
    /* Code, data and heap stay the engine's: the host kernel uses the heap's for brk. What malloc has of it by now
     * stays where it is; that brk cannot go back there is no loss. The stack's beginning says no more than which
     * mapping it is. All could be read from /proc/self/stat, which costs as much as thirty other calls. */
    const u64 brk = (u64)prov_call_now(LX_NR_brk, 0, 0, 0, 0, 0, 0);
    struct prctl_mm_map m = {
        .start_code = (u64)__executable_start,
        .end_code = (u64)etext,
        .start_data = (u64)etext,
        .end_data = (u64)edata,
        .start_brk = brk,
        .brk = brk,
        .start_stack = getauxval(AT_EXECFN),
        .arg_start = mm->base + mm->arg_start,
        .arg_end = mm->base + mm->arg_end,
        .env_start = mm->base + mm->env_start,
        .env_end = mm->base + mm->env_end,
        .auxv = (void *)mm->auxv,
        .auxv_size = mm->auxv_len,
        .exe_fd = (u32)-1,
    };
    (void)prov_call_now(LX_NR_prctl, PR_SET_MM, PR_SET_MM_MAP, (u64)&m, sizeof m, 0, 0);
}
