/* Programs: finding them, loading them, execve.
 *
 * execve. The guest's new program runs in a fresh copy of ourselves: nothing of the old engine survives, and the host
 * kernel does for the host process what execve does (threads end, descriptors close, handled signals fall back, mask
 * and pending signals stay, a vfork parent goes on). The successor is started with the command line
 *
 *     dragoman @exec N ARG…
 *
 * where ARG… is what the guest's program gets, and N the number of a memory file with all else: struct state, then the
 * environment. The guest's environment is not given to the host process, whose dynamic linker and C library would read
 * it. Descriptors of the program's file and of that memory file have low numbers for the moment of the call and lose
 * close-on-exec last.
 *
 * A vfork child shares the heap with its parent, and vanishes from it: what it allocates here are pages noted in
 * lx_process.exec_mem, which the parent frees. */
#define _GNU_SOURCE
#include "personality/linux/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "lib/heap.h"
#include "personality/linux/abi.h"
#include "personality/linux/cache.h"
#include "personality/linux/elf.h"
#include "personality/linux/fd.h"
#include "personality/linux/mm.h"
#include "personality/linux/path.h"
#include "personality/linux/proc.h"
#include "personality/linux/process.h"
#include "personality/linux/provider.h"
#include "personality/linux/run.h"
#include "personality/linux/strace.h"
#include "personality/linux/syscall.h"

#define MAX_ARG    131072ull    /* longest single string, with its NUL */
#define MOST_ARGS  (6ull << 20) /* all strings and pointers */
#define LEAST_ARGS MAX_ARG
#define SHEBANG    256 /* how much of a file is looked at for #! */
#define MAX_DEPTH  5   /* scripts that run scripts */

/* --- finding --- */

static int open_error(int rc, char *why, size_t cap)
{
    fmt(why, cap, "%s", strerror(-rc));
    return rc;
}

/* May this open file be executed? */
static int check_executable(int fd, char *why, size_t cap)
{
    struct {
        u64 dev, ino;
        u32 mode;
        u8 rest[LX_SIZE_stat - 20];
    } st;
    struct statfs fs;
    s64 r = prov_call_now(LX_NR_fstat, (u64)fd, (u64)&st, 0, 0, 0, 0);
    if (r)
        return open_error((int)r, why, cap);
    if (!S_ISREG(st.mode)) {
        fmt(why, cap, "%s", S_ISDIR(st.mode) ? "a directory" : "not a regular file");
        return -EACCES;
    }
    r = prov_call_now(LX_NR_fstatfs, (u64)fd, (u64)&fs, 0, 0, 0, 0);
    if (!r && (fs.f_flags & ST_NOEXEC)) {
        fmt(why, cap, "its file system is mounted noexec");
        return -EACCES;
    }
    r = prov_call_now(LX_NR_faccessat2, (u64)fd, (u64) "", X_OK, AT_EMPTY_PATH | AT_EACCESS, 0, 0);
    if (r == -ENOSYS || r == -EINVAL)
        r = st.mode & 0111 ? 0 : -EACCES;
    return r ? open_error((int)r, why, cap) : 0;
}

static int open_program(struct lx_process *p, int dirfd, const char *path, u32 flags, char *why, size_t cap)
{
    int fd;
    if (!*path && (flags & AT_EMPTY_PATH)) {
        char self[40];
        fmt(self, sizeof self, "/proc/self/fd/%d", dirfd);
        fd = (int)prov_call_now(LX_NR_openat, (u64)AT_FDCWD, (u64)self, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0, 0);
        if (fd == -ENOENT)
            fd = -EBADF;
    } else if (!*path) {
        fd = -ENOENT;
    } else {
        u32 nofollow = flags & AT_SYMLINK_NOFOLLOW ? LX_O_NOFOLLOW : 0;
        fd = lx_path_open(p, dirfd, path, (int)(O_RDONLY | O_CLOEXEC | O_NONBLOCK | nofollow), 0);
    }
    if (fd < 0)
        return open_error(fd, why, cap);
    int rc = check_executable(fd, why, cap);
    if (rc)
        prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
    return rc ? rc : fd;
}

/* The "#!" line of a file: 1 and interp and arg (empty if none), 0 if it has none, or -ENOEXEC. */
static int read_shebang(int fd, char *interp, char *arg)
{
    char buf[SHEBANG + 1];
    s64 n = prov_call_now(LX_NR_pread64, (u64)fd, (u64)buf, SHEBANG, 0, 0, 0);
    if (n < 2 || buf[0] != '#' || buf[1] != '!')
        return n < 0 ? (int)n : 0;
    buf[n] = 0;
    char *end = memchr(buf, '\n', (size_t)n);
    if (!end) {
        /* The line is longer than what is read: fine as long as the interpreter's name is whole. */
        char *s = buf + 2 + strspn(buf + 2, " \t");
        if (n == SHEBANG && !strpbrk(s, " \t"))
            return -ENOEXEC;
        end = buf + n;
    }
    while (end > buf + 2 && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = 0;
    char *name = buf + 2 + strspn(buf + 2, " \t");
    if (!*name)
        return -ENOEXEC;
    size_t len = strcspn(name, " \t");
    char *rest = name + len + strspn(name + len, " \t");
    strcpy(arg, rest);
    name[len] = 0;
    strcpy(interp, name);
    return 1;
}

/* argv of a script's interpreter: strings that scripts put in front, then the caller's from the second on. */
struct front {
    char *s[2 * MAX_DEPTH + 4];
    u32 n;
    char text[2 * MAX_DEPTH + 2][SHEBANG + 1];
    u32 ntext;
};

static void put_front(struct front *f, u32 at, const char *text)
{
    memmove(&f->s[at + 1], &f->s[at], (f->n - at) * sizeof f->s[0]);
    f->s[at] = f->text[f->ntext++];
    strcpy(f->s[at], text);
    f->n++;
}

/* Copies the final argv into pages of its own, with three pointers' room before it. */
static int keep_argv(struct lx_program *prog, const struct front *f, char *const *argv, u32 skip)
{
    const u32 n = f ? f->n : 0;
    u64 argc = n, bytes = 0;
    for (u32 i = 0; i < n; i++)
        bytes += strlen(f->s[i]) + 1;
    for (u32 i = skip; argv[i]; i++, argc++)
        bytes += strlen(argv[i]) + 1;
    u64 table = (3 + argc + 1) * sizeof(char *);
    if (table + bytes > 2 * MOST_ARGS)
        return -E2BIG;
    int rc = mk_pages_alloc(&prog->mem, table + bytes);
    if (rc)
        return rc;
    prog->mem_size = table + bytes;
    prog->argv = (char **)prog->mem + 3;
    prog->argc = 0;
    char *at = (char *)prog->mem + table;
    for (u32 i = 0; i < argc; i++) {
        const char *s = i < n ? f->s[i] : argv[skip + i - n];
        prog->argv[prog->argc++] = at;
        strcpy(at, s);
        at += strlen(s) + 1;
    }
    prog->argv[prog->argc] = NULL;
    return 0;
}

/* Is there an interpreter, and is it one? Its descriptor in *out. */
static int check_interp(struct lx_process *p, const struct lx_elf *e, int *out, char *why, size_t cap)
{
    char reason[160];
    struct lx_elf ie;
    if (!e->interp[0])
        return 0;
    int fd = open_program(p, AT_FDCWD, e->interp, 0, reason, sizeof reason);
    if (fd < 0) {
        fmt(why, cap, "its interpreter %s: %s%s", e->interp, reason,
            fd == -ENOENT ? " (--root DIR or -L DIR tells where the guest's libraries are)" : "");
        return fd;
    }
    int rc = lx_elf_read(&ie, fd, e->abi, reason, sizeof reason);
    if (rc) {
        prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
        fmt(why, cap, "its interpreter %s: %s", e->interp, reason);
        return rc == -ENOEXEC ? -ELIBBAD : rc;
    }
    lx_elf_free(&ie);
    *out = fd;
    return 0;
}

int lx_program_open(struct lx_program *prog, struct lx_process *p, int dirfd, const char *path, u32 flags,
                    char *const *argv, char *why, size_t cap)
{
    struct front *f = NULL;
    struct lx_elf e = {0};
    u32 skip = 0;
    memset(prog, 0, offsetof(struct lx_program, execfn));
    prog->mem = NULL;
    prog->interp_fd = -1;
    prog->fd = open_program(p, dirfd, path, flags, why, cap);
    if (prog->fd < 0)
        return prog->fd; /* which tells that it is the program itself that is not there */
    if (path[0] == '/' || dirfd == AT_FDCWD)
        fmt(prog->execfn, sizeof prog->execfn, "%s", path);
    else
        fmt(prog->execfn, sizeof prog->execfn, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, path);
    int rc = 0;
    for (u32 depth = 0;; depth++) {
        char interp[SHEBANG + 1], arg[SHEBANG + 1];
        rc = read_shebang(prog->fd, interp, arg);
        if (rc < 0)
            fmt(why, cap,
                rc == -ENOEXEC ? "its first line, #!, is too long or names no interpreter" : "cannot be read");
        if (rc <= 0)
            break;
        if (depth == MAX_DEPTH) {
            fmt(why, cap, "scripts that run scripts, too deep");
            rc = -ELOOP;
            break;
        }
        if (!depth) {
            void *mem;
            rc = mk_pages_alloc(&mem, sizeof *f);
            if (rc)
                break;
            f = mem;
            /* The script's name takes the place of argv[0]. */
            f->s[0] = prog->execfn;
            f->n = 1;
            prog->script = true;
            skip = argv[0] ? 1 : 0;
        }
        u32 at = 0;
        put_front(f, at++, interp);
        if (*arg)
            put_front(f, at, arg);
        char reason[160];
        int fd = open_program(p, AT_FDCWD, interp, 0, reason, sizeof reason);
        if (fd < 0) {
            fmt(why, cap, "its interpreter %s: %s", interp, reason);
            rc = fd;
            break;
        }
        prov_call_now(LX_NR_close, (u64)prog->fd, 0, 0, 0, 0, 0);
        prog->fd = fd;
    }
    if (!rc)
        rc = lx_elf_read(&e, prog->fd, NULL, why, cap);
    if (rc)
        goto fail;
    prog->abi = e.abi;
    rc = check_interp(p, &e, &prog->interp_fd, why, cap);
    lx_elf_free(&e);
    if (!rc) {
        /* A program has an argv[0], if an empty one. */
        char *const none[] = {prog->execfn + strlen(prog->execfn), NULL};
        rc = keep_argv(prog, f, f || argv[0] ? argv : none, skip);
        if (rc)
            open_error(rc, why, cap);
    }
fail:
    if (f)
        mk_pages_free(f, sizeof *f);
    if (rc)
        lx_program_close(prog);
    return rc;
}

void lx_program_close(struct lx_program *prog)
{
    if (prog->fd >= 0)
        prov_call_now(LX_NR_close, (u64)prog->fd, 0, 0, 0, 0, 0);
    if (prog->interp_fd >= 0)
        prov_call_now(LX_NR_close, (u64)prog->interp_fd, 0, 0, 0, 0, 0);
    mk_pages_free(prog->mem, prog->mem_size);
    prog->fd = prog->interp_fd = -1;
    prog->mem = NULL;
}

/* --- loading --- */

/* How much of the address space stays free for the stack to grow into, as Linux reckons it. */
static void place_mmap(struct lx_process *p)
{
    struct lx_mm *mm = p->mm;
    u64 gap = p->limits.stack.cur, most = mm->size / 6 * 5, least = 128 << 20;
    if (gap + (1 << 20) > gap)
        gap += 1 << 20;
    gap = gap < least ? least : gap;
    gap = gap > most ? most : gap;
    mm->mmap_top = (mm->size - gap) & ~(mm->page - 1);
}

/* The host's first pages of stack: it grows down on demand, but what the host kernel writes to must be there. */
static int map_stack(struct lx_process *p, bool exec)
{
    struct lx_mm *mm = p->mm;
    u64 size = p->limits.stack.cur, most = 8 << 20, least = 256 << 10;
    size = size > most ? most : size < least ? least : size & ~(mm->page - 1);
    u32 prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
    s64 r = lx_mm_map(p, mm->size - size, size, prot,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | MAP_GROWSDOWN, -1, 0, VMA_STACK);
    return r < 0 ? (int)r : 0;
}

/* The page that signal handlers return to. */
static int map_vdso(struct lx_thread *t)
{
    struct lx_process *p = t->proc;
    struct lx_mm *mm = p->mm;
    s64 at = lx_mm_map(p, 0, mm->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, VMA_VDSO);
    if (at < 0)
        return (int)at;
    int rc = lx_write(t, (gva_t)at, p->abi->sigreturn, p->abi->sigreturn_len);
    if (!rc)
        rc = (int)lx_mm_protect(p, (gva_t)at, mm->page, PROT_READ | PROT_EXEC);
    mm->vdso = (gva_t)at;
    return rc;
}

/* Where a program that may lie anywhere lies: two thirds up, as under Linux, so that its heap has room. */
static gva_t pie_base(const struct lx_mm *mm)
{
    return (mm->size / 3 * 2) & ~(mm->page - 1);
}

static void note_layout(struct lx_mm *mm, const struct lx_elf *e, u64 bias)
{
    gva_t brk = 0;
    mm->start_code = ~0ull;
    for (u32 i = 0; i < e->eh.e_phnum; i++) {
        const Elf64_Phdr *ph = &e->ph[i];
        if (ph->p_type != PT_LOAD)
            continue;
        gva_t start = ph->p_vaddr + bias, file_end = start + ph->p_filesz, end = start + ph->p_memsz;
        if (start < mm->start_code)
            mm->start_code = start;
        if (start > mm->start_data)
            mm->start_data = start;
        if ((ph->p_flags & PF_X) && file_end > mm->end_code)
            mm->end_code = file_end;
        if (file_end > mm->end_data)
            mm->end_data = file_end;
        if (end > brk)
            brk = end;
    }
    lx_mm_set_brk(mm, (brk + mm->page - 1) & ~(mm->page - 1));
}

/* Where the program headers lie in memory: in the segment that holds them in the file. */
static gva_t phdr_addr(const struct lx_elf *e, u64 bias)
{
    for (u32 i = 0; i < e->eh.e_phnum; i++) {
        const Elf64_Phdr *ph = &e->ph[i];
        if (ph->p_type == PT_LOAD && ph->p_offset <= e->eh.e_phoff && e->eh.e_phoff - ph->p_offset < ph->p_filesz)
            return e->eh.e_phoff - ph->p_offset + ph->p_vaddr + bias;
    }
    return 0;
}

/* Strings on the new stack: from the top down. */
struct stack {
    struct lx_thread *t;
    gva_t sp;
    int rc;
};

static gva_t push(struct stack *s, const void *data, size_t n)
{
    s->sp -= n;
    if (!s->rc)
        s->rc = lx_write(s->t, s->sp, data, n);
    return s->sp;
}

struct aux {
    u64 *v;
    u32 n;
};

static void aux_put(struct aux *a, u64 type, u64 value)
{
    a->v[a->n++] = type;
    a->v[a->n++] = value;
}

static u64 id_of(u32 nr)
{
    return (u64)prov_call_now(nr, 0, 0, 0, 0, 0, 0);
}

/* What of the auxiliary vector lies on the stack. */
struct aux_data {
    gva_t execfn, platform, random;
};

static void fill_auxv(struct lx_process *p, u64 cpu, const struct lx_elf *e, u64 bias, u64 interp_base,
                      const struct aux_data *data)
{
    struct lx_mm *mm = p->mm;
    const struct lx_abi *abi = p->abi;
    struct aux a = {.v = mm->auxv};
    aux_put(&a, AT_HWCAP, abi->hwcap(cpu));
    aux_put(&a, AT_PAGESZ, mm->page);
    aux_put(&a, AT_CLKTCK, 100);
    aux_put(&a, AT_PHDR, phdr_addr(e, bias));
    aux_put(&a, AT_PHENT, sizeof(Elf64_Phdr));
    aux_put(&a, AT_PHNUM, e->eh.e_phnum);
    aux_put(&a, AT_BASE, interp_base);
    aux_put(&a, AT_FLAGS, 0);
    aux_put(&a, AT_ENTRY, e->eh.e_entry + bias);
    aux_put(&a, AT_UID, id_of(LX_NR_getuid));
    aux_put(&a, AT_EUID, id_of(LX_NR_geteuid));
    aux_put(&a, AT_GID, id_of(LX_NR_getgid));
    aux_put(&a, AT_EGID, id_of(LX_NR_getegid));
    aux_put(&a, AT_SECURE, getauxval(AT_SECURE));
    aux_put(&a, AT_RANDOM, data->random);
    aux_put(&a, AT_HWCAP2, abi->hwcap2(cpu));
    if (data->platform)
        aux_put(&a, AT_PLATFORM, data->platform);
    aux_put(&a, AT_EXECFN, data->execfn);
    aux_put(&a, 51 /* AT_MINSIGSTKSZ */, abi->minsigstksz);
    aux_put(&a, AT_NULL, 0);
    mm->auxv_len = a.n * sizeof(u64);
}

size_t lx_auxv(struct lx_process *p, void *buf, size_t cap)
{
    size_t n = p->mm->auxv_len < cap ? p->mm->auxv_len : cap;
    memcpy(buf, p->mm->auxv, n);
    return n;
}

/* Builds the first stack: argc, argv, envp, auxv, then the strings. Gives the stack pointer. */
static int build_stack(struct lx_thread *t, const struct lx_program *prog, char *const *envp, const struct lx_elf *e,
                       u64 bias, u64 interp_base, gva_t *sp)
{
    struct lx_process *p = t->proc;
    struct lx_mm *mm = p->mm;
    struct stack s = {.t = t, .sp = mm->size};
    u32 envc = 0;
    while (envp[envc])
        envc++;
    u64 *table, words = 1 + prog->argc + 1 + envc + 1 + ARRAY_LEN(mm->auxv);
    table = heap_calloc(words, sizeof *table);
    if (!table)
        return -ENOMEM;
    u64 zero = 0;
    u8 random[16];
    s64 got = prov_call_now(LX_NR_getrandom, (u64)random, sizeof random, 0, 0, 0, 0);
    if (got != sizeof random)
        s.rc = -EIO;
    push(&s, &zero, sizeof zero);
    struct aux_data data = {.execfn = push(&s, prog->execfn, strlen(prog->execfn) + 1)};
    u32 at = 0;
    table[at++] = prog->argc;
    mm->env_end = s.sp;
    for (u32 i = envc; i-- > 0;)
        table[1 + prog->argc + 1 + i] = push(&s, envp[i], strlen(envp[i]) + 1);
    mm->env_start = mm->arg_end = s.sp;
    for (u32 i = prog->argc; i-- > 0;)
        table[at + i] = push(&s, prog->argv[i], strlen(prog->argv[i]) + 1);
    mm->arg_start = s.sp;
    if (p->abi->platform)
        data.platform = push(&s, p->abi->platform, strlen(p->abi->platform) + 1);
    data.random = push(&s, random, sizeof random);
    fill_auxv(p, t->vcpu->cpu, e, bias, interp_base, &data);
    at += prog->argc;
    table[at++] = 0;
    at += envc;
    table[at++] = 0;
    memcpy(&table[at], mm->auxv, mm->auxv_len);
    u64 len = at * sizeof *table + mm->auxv_len;
    s.sp = (s.sp - len) & ~15ull;
    if (!s.rc)
        s.rc = lx_write(t, s.sp, table, len);
    mm->start_stack = *sp = s.sp;
    heap_free(table);
    return s.rc;
}

const char *lx_program_name(const struct lx_process *p, char *buf)
{
    const char *kept = __atomic_load_n(&p->exe, __ATOMIC_ACQUIRE);
    if (kept)
        return strcpy(buf, kept);
    if (p->exe_fd < 0 || lx_host_fd_path(p->exe_fd, buf, LX_PATH_MAX) < 0) /* before it is loaded, or no /proc */
        buf[0] = 0;
    else
        lx_path_to_guest(p, buf);
    return buf;
}

void lx_program_name_stays(struct lx_process *p)
{
    char buf[LX_PATH_MAX];
    char *name = p->exe ? NULL : heap_alloc(strlen(lx_program_name(p, buf)) + 1);
    if (name)
        __atomic_store_n(&p->exe, strcpy(name, buf), __ATOMIC_RELEASE);
}

/* The thread's name, and the file that /proc/self/exe is. */
static int name_program(struct lx_process *p, struct lx_program *prog)
{
    const char *slash = strrchr(prog->execfn, '/');
    prov_call_now(LX_NR_prctl, 15 /* PR_SET_NAME */, (u64)(slash ? slash + 1 : prog->execfn), 0, 0, 0, 0);
    int fd = lx_fd_high(prog->fd);
    if (fd < 0)
        return fd;
    p->exe_fd = fd;
    prog->fd = -1;
    return 0;
}

static int load(struct lx_thread *t, struct lx_program *prog, char *const *envp, struct lx_elf *e, char *why,
                size_t cap)
{
    struct lx_process *p = t->proc;
    struct lx_mm *mm = p->mm;
    u64 bias, entry, interp_base = 0;
    gva_t sp = 0;
    place_mmap(p);
    int rc = lx_elf_map(t, e, prog->fd, pie_base(mm), &bias, why, cap);
    if (rc)
        return rc;
    note_layout(mm, e, bias);
    entry = e->eh.e_entry + bias;
    rc = map_stack(p, e->exec_stack);
    if (!rc)
        rc = map_vdso(t);
    if (rc) {
        fmt(why, cap, "no room for its stack in the guest's address space: %s", strerror(-rc));
        return rc;
    }
    if (e->interp[0]) {
        struct lx_elf ie;
        char reason[160];
        int fd = prog->interp_fd;
        prog->interp_fd = -1;
        if (fd < 0)
            fd = open_program(p, AT_FDCWD, e->interp, 0, reason, sizeof reason);
        rc = fd < 0 ? fd : lx_elf_read(&ie, fd, e->abi, reason, sizeof reason);
        if (!rc) {
            rc = lx_elf_map(t, &ie, fd, 0, &interp_base, reason, sizeof reason);
            entry = ie.eh.e_entry + interp_base;
            interp_base += ie.eh.e_type == ET_EXEC ? ie.lo : 0;
            lx_elf_free(&ie);
        }
        if (fd >= 0)
            prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
        if (rc) {
            fmt(why, cap, "its interpreter %s: %s", e->interp, reason);
            return rc;
        }
    }
    rc = build_stack(t, prog, envp, e, bias, interp_base, &sp);
    if (!rc)
        rc = name_program(p, prog);
    if (rc) {
        fmt(why, cap, "%s", rc == -EFAULT ? "arguments and environment do not fit on its stack" : strerror(-rc));
        return rc;
    }
    p->abi->start(t->vcpu, entry, sp);
    lx_proc_publish(p);
    return 0;
}

int lx_program_load(struct lx_thread *t, struct lx_program *prog, char *const *envp, char *why, size_t cap)
{
    struct lx_elf e;
    int rc = lx_elf_read(&e, prog->fd, prog->abi, why, cap);
    if (rc)
        return rc;
    rc = load(t, prog, envp, &e, why, cap);
    lx_elf_free(&e);
    return rc;
}

/* --- execve: what the successor is told --- */

#define STATE_MAGIC 0x6a63657865676472ull

struct state {
    u64 magic;
    u64 size; /* of this struct: another build's is refused */
    s32 prog_fd, self_fd;
    u32 envc;
    u64 env_bytes;
    u64 ignored_sync;
    u64 sigmask;
    struct lx_limits limits;
    u64 nofile; /* the guest's soft limit of descriptors; the host process's is raised over the exec */
    struct lx_gdb_handover gdb;
    struct lx_options opt; /* with the strings that follow */
    bool has_root, has_prefix, has_uname, has_cpu, has_log, has_cache;
    char root[4096], prefix[4096], uname[128], cpu[128], log[4096], cache[4096], execfn[4096];
};

/* The guest's argv and envp, copied: pages with a table of pointers, then strings. */
struct vectors {
    char **argv, **envp;
    u32 argc, envc;
    char *env_text;
    u64 env_bytes;
    void *mem;
    u64 size;
};

/* Counts a vector of the guest's: pointers and bytes of strings. */
static int measure(struct lx_thread *t, gva_t vec, u64 *n, u64 *bytes, u64 most)
{
    u8 chunk[256];
    *n = 0;
    for (u64 i = 0; vec; i++) {
        u64 ptr;
        if (lx_read(t, &ptr, vec + i * 8, 8))
            return -EFAULT;
        if (!ptr)
            break;
        ++*n;
        u64 len = 0;
        for (;;) {
            u64 step = sizeof chunk - ((ptr + len) & (sizeof chunk - 1));
            if (lx_read(t, chunk, ptr + len, step))
                return -EFAULT;
            u8 *end = memchr(chunk, 0, step);
            len += end ? (u64)(end - chunk) + 1 : step;
            if (len > MAX_ARG)
                return -E2BIG;
            if (end)
                break;
        }
        *bytes += len;
        if (*bytes + *n * 8 > most)
            return -E2BIG;
    }
    return 0;
}

/* Copies n strings to *at; they may have changed since they were measured. */
static int copy_strings(struct lx_thread *t, gva_t vec, char **out, u64 n, char **at, const char *end)
{
    for (u64 i = 0; i < n; i++) {
        u64 ptr;
        if (lx_read(t, &ptr, vec + i * 8, 8))
            return -EFAULT;
        s64 len = ptr ? lx_read_str(t, *at, ptr, (size_t)(end - *at)) : -EFAULT;
        if (len < 0)
            return len == -ENAMETOOLONG ? -E2BIG : (int)len;
        out[i] = *at;
        *at += len + 1;
    }
    out[n] = NULL;
    return 0;
}

static int copy_vectors(struct lx_thread *t, struct vectors *v, gva_t argv, gva_t envp)
{
    struct lx_process *p = t->proc;
    u64 argc, envc, bytes = 0, arg_bytes;
    mk_lock(&p->limits_lock);
    u64 most = p->limits.stack.cur / 4;
    mk_unlock(&p->limits_lock);
    most = most > MOST_ARGS ? MOST_ARGS : most < LEAST_ARGS ? LEAST_ARGS : most;
    memset(v, 0, sizeof *v);
    int rc = measure(t, argv, &argc, &bytes, most);
    arg_bytes = bytes;
    if (!rc)
        rc = measure(t, envp, &envc, &bytes, most - argc * 8);
    if (rc)
        return rc;
    u64 table = (argc + envc + 2) * sizeof(char *);
    v->size = table + bytes + 1;
    rc = mk_pages_alloc(&v->mem, v->size);
    if (rc)
        return rc;
    v->argv = v->mem;
    v->envp = v->argv + argc + 1;
    char *at = (char *)v->mem + table, *end = (char *)v->mem + v->size;
    rc = copy_strings(t, argv, v->argv, argc, &at, end);
    v->env_text = at;
    if (!rc)
        rc = copy_strings(t, envp, v->envp, envc, &at, end);
    v->argc = (u32)argc;
    v->envc = (u32)envc;
    v->env_bytes = (u64)(at - v->env_text);
    (void)arg_bytes;
    if (rc)
        mk_pages_free(v->mem, v->size);
    return rc;
}

static int write_all(int fd, const void *data, u64 n)
{
    for (u64 done = 0; done < n;) {
        s64 r = prov_call_now(LX_NR_write, (u64)fd, (u64)data + done, n - done, 0, 0, 0);
        if (r < 0 && r != -EINTR)
            return (int)r;
        done += r > 0 ? (u64)r : 0;
    }
    return 0;
}

/* Where the successor reads from, and what we write to: a memory file, or, since that is subject to the guest's limit
 * on the size of files, a pipe. */
static int open_state(u64 size, s32 ends[2])
{
    enum { FSIZE = 1, SET_PIPE_SIZE = 1031 };
    struct lx_limit l;
    s64 r = prov_call_now(LX_NR_prlimit64, 0, FSIZE, 0, (u64)&l, 0, 0);
    if (r < 0 || l.cur < size) {
        r = prov_call_now(LX_NR_pipe2, (u64)ends, O_CLOEXEC, 0, 0, 0, 0);
        if (!r && (r = prov_call_now(LX_NR_fcntl, (u64)ends[1], SET_PIPE_SIZE, size, 0, 0, 0)) >= 0)
            r = (u64)r < size ? -E2BIG : 0;
        return (int)r;
    }
    ends[0] = ends[1] = (s32)prov_call_now(LX_NR_memfd_create, (u64) "dragoman-exec", 1 /* MFD_CLOEXEC */, 0, 0, 0, 0);
    return ends[0] < 0 ? ends[0] : 0;
}

static bool put_text(char *dst, size_t cap, const char *src)
{
    if (src)
        fmt(dst, cap, "%s", src);
    return src != NULL;
}

static int write_state(struct lx_thread *t, const struct lx_program *prog, const struct vectors *v,
                       const struct lx_gdb_handover *gdb)
{
    struct lx_process *p = t->proc;
    void *mem;
    int rc = mk_pages_alloc(&mem, sizeof(struct state));
    if (rc)
        return rc;
    struct state *s = mem;
    s->magic = STATE_MAGIC;
    s->size = sizeof *s;
    s->prog_fd = prog->fd;
    s->self_fd = p->self_fd;
    s->envc = v->envc;
    s->env_bytes = v->env_bytes;
    s->ignored_sync = lx_signals_ignored_sync(p->signals);
    s->sigmask = t->sigmask;
    mk_lock(&p->limits_lock);
    s->limits = p->limits;
    mk_unlock(&p->limits_lock);
    s->nofile = lx_fd_room_limit(p);
    s->gdb = *gdb;
    s->opt = *p->opt;
    s->has_root = put_text(s->root, sizeof s->root, lx_path_root(p, &s->opt.root_bare));
    s->has_prefix = put_text(s->prefix, sizeof s->prefix, p->opt->prefix);
    s->has_uname = put_text(s->uname, sizeof s->uname, p->opt->uname);
    s->has_cpu = put_text(s->cpu, sizeof s->cpu, p->opt->cpu);
    s->has_log = put_text(s->log, sizeof s->log, p->opt->log_file);
    s->has_cache = put_text(s->cache, sizeof s->cache, p->opt->cache_dir);
    put_text(s->execfn, sizeof s->execfn, prog->execfn);
    s32 ends[2] = {-1, -1};
    rc = open_state(sizeof *s + v->env_bytes, ends);
    if (!rc)
        rc = write_all(ends[1], s, sizeof *s);
    if (!rc)
        rc = write_all(ends[1], v->env_text, v->env_bytes);
    int fd = ends[0];
    if (fd != ends[1])
        prov_call_now(LX_NR_close, (u64)ends[1], 0, 0, 0, 0, 0);
    else if (!rc)
        rc = (int)prov_call_now(LX_NR_lseek, (u64)fd, 0, SEEK_SET, 0, 0, 0);
    mk_pages_free(mem, sizeof *s);
    if (rc && fd >= 0)
        prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
    return rc ? rc : fd;
}

static void set_cloexec(int fd, bool on)
{
    prov_call_now(LX_NR_fcntl, (u64)fd, F_SETFD, on ? FD_CLOEXEC : 0, 0, 0, 0);
}

/* Starts the successor; returns only on failure. All host signals are blocked over the exec, and what was taken goes
 * back to the host kernel: so they find the new program when it is ready, with the dispositions that it inherits. */
static int start_successor(struct lx_thread *t, struct lx_program *prog, int state_fd, int gdb_fd)
{
    static char name[] = "dragoman", verb[] = "@exec", empty_path[] = "";
    const int self = t->proc->self_fd;
    char number[16], *none[] = {NULL};
    char **argv = prog->argv - 3;
    fmt(number, sizeof number, "%d", state_fd);
    argv[0] = name;
    argv[1] = verb;
    argv[2] = number;
    lx_signal_give_back(t);
    set_cloexec(state_fd, false);
    set_cloexec(prog->fd, false);
    if (gdb_fd >= 0)
        set_cloexec(gdb_fd, false);
    set_cloexec(self, false);
    const bool left = lx_process_alone(t->proc) && engine_leave(t->proc->engine);
    s64 r = prov_call_now(LX_NR_execveat, (u64)self, (u64)empty_path, (u64)argv, (u64)none, AT_EMPTY_PATH, 0);
    if (left)
        engine_stay(t->proc->engine);
    set_cloexec(prog->fd, true);
    set_cloexec(state_fd, true);
    if (gdb_fd >= 0)
        set_cloexec(gdb_fd, true);
    set_cloexec(self, true);
    lx_signal_host_mask(t->sigmask);
    return (int)r;
}

static s64 do_exec(struct lx_thread *t, int dirfd, gva_t path_at, gva_t argv, gva_t envp, u32 flags)
{
    struct lx_process *p = t->proc;
    char path[LX_PATH_MAX], why[256];
    struct vectors v;
    struct lx_program prog;
    if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    s64 len = lx_read_str(t, path, path_at, sizeof path);
    if (len < 0)
        return len;
    if (lx_fd_hidden((u64)(s64)dirfd))
        return -EBADF;
    int rc = copy_vectors(t, &v, argv, envp);
    if (rc)
        return rc;
    p->exec_mem[0] = (struct lx_exec_mem){v.mem, v.size};
    lx_fd_room_begin(p); /* for the files here, and for those that the successor's start opens */
    rc = lx_program_open(&prog, p, dirfd, path, flags, v.argv, why, sizeof why);
    if (!rc) {
        p->exec_mem[1] = (struct lx_exec_mem){prog.mem, prog.mem_size};
        struct lx_gdb_handover gdb;
        lx_gdb_exec(t, &gdb);
        int fd = write_state(t, &prog, &v, &gdb);
        if (fd >= 0) {
            lx_cache_save(p);
            lx_strace_gone(t);
            rc = start_successor(t, &prog, fd, gdb.fd);
            prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
        } else {
            rc = fd;
        }
        lx_program_close(&prog);
    }
    lx_fd_room_end(p);
    mk_pages_free(v.mem, v.size);
    p->exec_mem[0] = p->exec_mem[1] = (struct lx_exec_mem){0};
    return rc;
}

s64 sys_execve(struct lx_thread *t, const u64 *a)
{
    return do_exec(t, AT_FDCWD, a[0], a[1], a[2], 0);
}

s64 sys_execveat(struct lx_thread *t, const u64 *a)
{
    return do_exec(t, (int)a[0], a[1], a[2], a[3], (u32)a[4]);
}

/* --- the successor --- */

bool lx_is_reexec(int argc, char **argv)
{
    return argc >= 4 && !strcmp(argv[1], "@exec");
}

static bool read_all(int fd, void *dst, u64 n)
{
    for (u64 done = 0; done < n;) {
        s64 r = prov_call_now(LX_NR_read, (u64)fd, (u64)dst + done, n - done, 0, 0, 0);
        if (r <= 0 && r != -EINTR)
            return false;
        done += r > 0 ? (u64)r : 0;
    }
    return true;
}

/* The environment as the file has it. */
static char **read_env(int fd, const struct state *s)
{
    char **env = calloc(s->envc + 1, sizeof *env), *text = malloc(s->env_bytes + 1);
    if (!env || !text || !read_all(fd, text, s->env_bytes))
        goto bad;
    text[s->env_bytes] = 0;
    char *at = text, *end = text + s->env_bytes;
    for (u32 i = 0; i < s->envc; i++) {
        if (at >= end)
            goto bad;
        env[i] = at;
        at += strlen(at) + 1;
    }
    return env; /* which holds on to text */
bad:
    free(text);
    free(env);
    return NULL;
}

int lx_reexec(int argc, char **argv)
{
    char *end;
    struct state *s = calloc(1, sizeof *s);
    long fd = strtol(argv[2], &end, 10);
    if (!s || *end || fd < 0 || fd > 1 << 30 || !read_all((int)fd, s, sizeof *s) || s->magic != STATE_MAGIC ||
        s->size != sizeof *s || s->env_bytes > 4 * MOST_ARGS || s->envc > s->env_bytes) {
        static const char text[] = "dragoman: @exec: for a program's execve only, of this build\n";
        mk_console(text, sizeof text - 1);
        free(s);
        return 125;
    }
    s->root[sizeof s->root - 1] = s->prefix[sizeof s->prefix - 1] = s->uname[sizeof s->uname - 1] = 0;
    s->cpu[sizeof s->cpu - 1] = 0;
    s->log[sizeof s->log - 1] = s->execfn[sizeof s->execfn - 1] = 0;
    s->opt.root = s->has_root ? s->root : NULL;
    s->opt.prefix = s->has_prefix ? s->prefix : NULL;
    s->opt.uname = s->has_uname ? s->uname : NULL;
    s->opt.cpu = s->has_cpu ? s->cpu : NULL;
    s->opt.log_file = s->has_log ? s->log : NULL;
    s->cache[sizeof s->cache - 1] = 0;
    s->opt.cache_dir = s->has_cache ? s->cache : NULL;
    s->opt.chdir = NULL;
    s->opt.gdb_port = 0;
    char **env = read_env((int)fd, s);
    close((int)fd);
    struct lx_inherited in = {.prog_fd = s->prog_fd,
                              .self_fd = s->self_fd,
                              .execfn = s->execfn,
                              .ignored_sync = s->ignored_sync,
                              .sigmask = s->sigmask,
                              .limits = &s->limits,
                              .nofile = s->nofile,
                              .gdb = s->gdb};
    if (!env) {
        static const char text[] = "dragoman: @exec: no memory\n";
        mk_console(text, sizeof text - 1);
        return 125;
    }
    return lx_resume(&s->opt, &in, argv + 3, env);
}
