/* The run loop of a guest thread, and how a program begins.
 *
 * A thread alternates between translated code and us. vcpu_run comes back for a system call, a fault, a trap, or
 * because somebody set vcpu.poll: a signal was taken, another thread wants attention. poll is cleared before what it
 * stands for is looked at, so nothing is missed.
 *
 * Beginning. Host signals stay blocked until the first thread runs, so that none is lost or finds half of us. */
#define _GNU_SOURCE
#include "personality/linux/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "lib/fmt.h"
#include "lib/heap.h"
#include "lib/log.h"
#include "personality/linux/abi.h"
#include "personality/linux/cache.h"
#include "personality/linux/crash.h"
#include "personality/linux/elf.h"
#include "personality/linux/exec.h"
#include "personality/linux/fd.h"
#include "personality/linux/gdb.h"
#include "personality/linux/mm.h"
#include "personality/linux/path.h"
#include "personality/linux/perfmap.h"
#include "personality/linux/process.h"
#include "personality/linux/provider.h"
#include "personality/linux/signal.h"
#include "personality/linux/syscall.h"
#include "personality/linux/thread.h"
#include "translator/host/host.h"

enum { EXIT_OURS = 125, EXIT_CANNOT = 126, EXIT_NOT_FOUND = 127 };

/* --- the loop --- */

/* f: the access that faulted, or NULL when it was none. */
static void force(struct lx_thread *t, int sig, int code, gva_t addr, const struct vcpu_fault *f)
{
    siginfo_t si;
    memset(&si, 0, sizeof si);
    si.si_signo = sig;
    si.si_code = code;
    si.si_addr = (void *)addr;
    if (t->proc->abi->forced)
        t->proc->abi->forced(t, &si, f);
    lx_signal_force(t, &si);
}

static void do_fault(struct lx_thread *t)
{
    const struct lx_abi *abi = t->proc->abi;
    const struct vcpu_fault f = t->vcpu->fault;
    if (abi->fault && abi->fault(t, &f))
        return;
    /* A pc that no instruction has comes before what is there. */
    bool odd_pc = f.access == VCPU_EXEC && f.addr == t->vcpu->pc && f.addr & (abi->isa->min_insn - 1);
    if (odd_pc) {
        force(t, SIGBUS, BUS_ADRALN, f.addr, NULL);
        return;
    }
    if (f.kind == VCPU_FAULT_MISALIGNED) {
        force(t, SIGBUS, BUS_ADRALN, f.addr, &f);
        return;
    }
    switch (lx_mm_fault(t, &f)) {
    case LX_FAULT_RETRY:
        return;
    case LX_FAULT_MAPERR:
        force(t, SIGSEGV, SEGV_MAPERR, f.addr, &f);
        return;
    case LX_FAULT_ACCERR:
        force(t, SIGSEGV, SEGV_ACCERR, f.addr, &f);
        return;
    case LX_FAULT_BUS:
        force(t, SIGBUS, BUS_ADRERR, f.addr, &f);
        return;
    }
}

static void do_call(struct lx_thread *t)
{
    const struct lx_abi *abi = t->proc->abi;
    struct vcpu *v = t->vcpu;
    s64 r = t->call_result;
    if (LIKELY(!t->call_made)) {
        abi->call_get(t);
        r = lx_syscall(t);
    }
    t->call_made = false;
    if (UNLIKELY(lx_gdb_on()))
        r = lx_gdb_call_done(t, r);
    bool restart = r <= -LX_ERESTARTSYS && r >= -LX_ERESTART_RESTARTBLOCK;
    if (LIKELY(!vcpu_kicked(v) && !restart)) {
        if (r != LX_NO_RESULT)
            abi->call_set(t, r);
        return;
    }
    __atomic_exchange_n(&v->poll, 0, __ATOMIC_RELAXED);
    if (UNLIKELY(t->proc->exiting))
        lx_thread_park(t);
    if (!t->ending)
        lx_signal_deliver(t, &r);
}

static void do_trap(struct lx_thread *t)
{
    gva_t pc = t->vcpu->pc;
    switch (t->vcpu->trap) {
    case IR_TRAP_SYSCALL:
        do_call(t);
        return;
    case IR_TRAP_BREAK:
        force(t, SIGTRAP, TRAP_BRKPT, pc, NULL);
        return;
    case IR_TRAP_ILLEGAL:
        force(t, SIGILL, ILL_ILLOPC, pc, NULL);
        return;
    case IR_TRAP_ALIGN:
        force(t, SIGBUS, BUS_ADRALN, pc, NULL);
        return;
    default:
        return;
    }
}

void lx_run(struct lx_thread *t)
{
    struct vcpu *v = t->vcpu;
    while (!t->ending) {
        if (UNLIKELY(vcpu_kicked(v))) {
            __atomic_exchange_n(&v->poll, 0, __ATOMIC_RELAXED);
            if (UNLIKELY(t->proc->exiting))
                lx_thread_park(t);
            lx_signal_deliver(t, NULL);
        }
        switch (UNLIKELY(lx_gdb_on()) ? lx_gdb_run(t) : vcpu_run(v)) {
        case VCPU_TRAP:
            do_trap(t);
            break;
        case VCPU_FAULT:
            do_fault(t);
            break;
        default: /* VCPU_POLL */
            break;
        }
    }
}

/* --- the beginning --- */

static int complain(int status, const char *what, const char *why)
{
    char line[PATH_MAX + 512];
    size_t n = fmt(line, sizeof line, "dragoman: %s: %s\n", what, why);
    mk_console(line, n < sizeof line ? n : sizeof line - 1);
    return status;
}

static int status_of(int rc)
{
    switch (rc) {
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE:
        return EXIT_OURS;
    case -ENOENT:
    case -ENOTDIR:
        return EXIT_NOT_FOUND;
    default:
        return EXIT_CANNOT;
    }
}

static void print_dump(void *cx, const char *text, size_t len)
{
    mk_console(text, len);
}

/* Cosimulation has found a mistake of ours, and told of it. */
static void cosim_differs(void *cx)
{
    lx_process_exit(lx_self(), EXIT_OURS);
}

static void read_limit(struct lx_limit *l, int resource)
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(resource, &r);
    *l = (struct lx_limit){r.rlim_cur, r.rlim_max};
}

extern const char __ehdr_start[]; /* the head of our own file; the build's number is in it */

/* Our own executable, by the name that it was started by where that leads to it: under binfmt_misc it leads to the
 * guest's. A link of /proc is dear, and costs the process's end, too. A descriptor or -1. */
static int open_self(void)
{
    char head[1024];
    const char *name = (const char *)getauxval(AT_EXECFN);
    const int fd = name ? open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0 && pread(fd, head, sizeof head, 0) == sizeof head && !memcmp(head, __ehdr_start, sizeof head))
        return fd;
    if (fd >= 0)
        close(fd);
    return open("/proc/self/exe", O_PATH | O_CLOEXEC);
}

/* What does not depend on the program: descriptors, signals, root, log. The process is on the heap, beside what else
 * parent and child of a fork write to. */
static int start_process(struct lx_process **out, const struct lx_options *opt, const struct lx_inherited *in)
{
    struct lx_process *p = *out = heap_calloc(1, sizeof *p);
    if (!p)
        return complain(EXIT_OURS, "memory", strerror(ENOMEM));
    p->opt = opt;
    p->root_fd = p->exe_fd = p->self_fd = -1;
    if (in)
        lx_fd_room_inherit(p, in->nofile);
    else
        lx_fd_room_begin(p); /* until the program runs */
    int rc = lx_fd_init(p);
    if (rc)
        return complain(EXIT_OURS, "descriptors", strerror(-rc));
    if (opt->log_file) {
        int fd = open(opt->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        fd = fd < 0 ? -errno : lx_fd_high(fd);
        if (fd < 0)
            return complain(EXIT_OURS, opt->log_file, strerror(-fd));
        mk_hosted_console_fd(fd);
    }
    p->self_fd = lx_fd_high(in ? in->self_fd : open_self());
    if (p->self_fd < 0)
        return complain(EXIT_OURS, "/proc/self/exe", "cannot be opened: is /proc mounted?");
    rc = lx_signals_create(&p->signals, in ? in->ignored_sync : 0);
    if (rc)
        return complain(EXIT_OURS, "signals", strerror(-rc));
    if (in) {
        p->limits = *in->limits;
    } else {
        read_limit(&p->limits.as, RLIMIT_AS);
        read_limit(&p->limits.data, RLIMIT_DATA);
        read_limit(&p->limits.stack, RLIMIT_STACK);
        read_limit(&p->limits.nofile, RLIMIT_NOFILE);
    }
    rc = lx_path_init_root(p);
    if (rc)
        return complain(EXIT_OURS, opt->root, strerror(-rc));
    if (opt->chdir) {
        struct lx_path where;
        lx_path_init(&where);
        rc = lx_path_resolve_full(p, &where, opt->chdir, LX_PATH_FOLLOW);
        if (!rc)
            rc = (int)prov_call_now(LX_NR_chdir, (u64)where.name, 0, 0, 0, 0, 0);
        lx_path_put(&where);
        if (rc)
            return complain(EXIT_OURS, opt->chdir, strerror(-rc));
    }
    return 0;
}

/* --cpu. It holds for the programs of its ISA: what a program of another one starts as may leave it aside. */
static int choose_cpu(const struct lx_abi *abi, const char *text, bool successor, u64 *cpu)
{
    int rc = text ? abi->isa->cpu(text, cpu) : 0;
    u64 unused;
    for (u32 i = 0; rc && successor && lx_abis[i]; i++)
        rc = lx_abis[i]->isa->cpu(text, &unused);
    return rc;
}

/* Not by what it was called, which need not lead to the file. */
static void report_by_name(const struct lx_process *p, const struct lx_program *prog)
{
    char name[LX_PATH_MAX];
    lx_crash_start(p, lx_program_name(p, name), prog->argv);
}

/* Loads and runs; successor: in an execve. Returns when the program could not be started, or with its exit status when
 * its first thread ends last. */
static int run_program(struct lx_process *p, struct lx_program *prog, const char *name, char **envp, u64 sigmask,
                       bool successor, const struct lx_gdb_handover *gdb)
{
    const struct lx_options *opt = p->opt;
    char why[512] = "";
    struct lx_thread *t;
    p->abi = prog->abi;
    lx_crash_start(p, prog->execfn, prog->argv);
    int rc = lx_mm_create(&p->mm, p->abi->window);
    if (rc)
        return complain(EXIT_OURS, name,
                        rc == -ENOTSUP ? "hosts with pages larger than 4 KiB are not supported yet"
                                       : "no room for a guest address space (ulimit -v?)");
    if (opt->perf_map)
        lx_perf_start(p);
    u64 cpu = 0;
    if (choose_cpu(p->abi, opt->cpu, successor, &cpu)) {
        fmt(why, sizeof why, "no such CPU: %s", p->abi->isa->cpus);
        return complain(EXIT_OURS, opt->cpu, why);
    }
    if ((cpu & p->abi->isa->cpu_granule) && !engine_granule())
        return complain(EXIT_OURS, opt->cpu, "this machine cannot do what that CPU does in one step");
    hva_t own;
    size_t own_size;
    lx_cache_own(&own, &own_size);
    const u64 image_key = lx_cache_start(p);
    const struct engine_config cfg = {
        .guest = p->abi->isa,
        .ops = opt->gdb_port || gdb ? &lx_engine_ops_gdb : &lx_engine_ops,
        .cx = p->mm,
        .mem_base = p->mm->base,
        .mem_size = p->mm->size,
        .cpu = cpu,
        .tier = opt->tier,
        .cache_size = opt->cache_size,
        .count_calls = opt->stats,
        .call = opt->strace ? NULL : prov_in_place,
        .image_key = opt->no_known && image_key ? ~image_key : image_key,
        .own = own,
        .own_size = own_size,
        .max_insns = opt->max_insns,
        .hot = opt->hot,
        .off = opt->passes_off,
        .broken = opt->passes_broken,
        .cosim = opt->cosim && opt->tier != ENGINE_INTERP,
        .differs = cosim_differs,
        .dump = opt->dump,
        .dump_lo = opt->dump_lo,
        .dump_hi = opt->dump_hi,
        .print = print_dump,
        .made = opt->perf_map ? lx_perf_made : NULL,
    };
    p->mm->want_known = !opt->no_known && cfg.ops->known && opt->tier != ENGINE_INTERP && host_native.known;
    rc = engine_create(&p->engine, &cfg);
    if (!rc)
        rc = lx_thread_create(&t, p, NULL);
    if (!rc)
        rc = lx_thread_attach(t);
    if (rc)
        return complain(EXIT_OURS, name, strerror(-rc));
    t->sigmask = sigmask & ~(LX_SIGBIT(SIGKILL) | LX_SIGBIT(SIGSTOP));
    lx_thread_add(t);
    rc = lx_program_load(t, prog, envp, why, sizeof why);
    if (!rc && (prog->script || prog->execfn[0] != '/'))
        report_by_name(p, prog);
    if (prog->mem_size <= mk_page_size())
        prog->mem = NULL; /* a page stays: to take it out of its mapping costs more */
    lx_program_close(prog);
    if (rc)
        return complain(status_of(rc == -ENOENT ? -ENOEXEC : rc), name, why);
    if (gdb || opt->gdb_port) {
        rc = gdb ? lx_gdb_adopt(p, gdb) : lx_gdb_start(p, opt->gdb_port);
        if (rc)
            return complain(EXIT_OURS, "--gdb", strerror(-rc));
    }
    lx_fd_room_end(p);
    lx_signal_thread_start(t);
    lx_run(t);

    /* The first thread has called exit. Others may go on; then the process ends with the last of them. */
    lx_signal_thread_stop(t);
    mk_lock(&p->threads_lock);
    bool last = p->nthreads == 1;
    mk_unlock(&p->threads_lock);
    if (last)
        lx_process_exit(t, t->exit_code);
    if (lx_gdb_on())
        lx_gdb_thread_exit(t);
    lx_thread_leave_memory(t);
    if (!lx_thread_remove(t))
        lx_process_exit(t, t->exit_code);
    prov_call_now(LX_NR_exit, (u64)t->exit_code, 0, 0, 0, 0, 0);
    mk_panic("the thread does not end");
}

/* All host signals blocked; the mask before. */
static u64 block_signals(void)
{
    u64 all = ~0ull, old = 0;
    prov_call_now(LX_NR_rt_sigprocmask, SIG_SETMASK, (u64)&all, (u64)&old, sizeof all, 0, 0);
    return old;
}

/* Paths that the run and its successors use are made absolute: the guest may change its directory. (With memory of our
 * own: malloc's first is five system calls, and nothing else asks for any.) */
static const char *absolute(const char *path)
{
    char full[PATH_MAX];
    if (!path || !realpath(path, full))
        return path;
    const size_t size = strlen(full) + 1;
    char *kept = heap_alloc(size);
    return kept ? memcpy(kept, full, size) : path;
}

/* Under --root a bare name that is not here is looked for in PATH, as chroot does it. */
static int open_first(struct lx_program *prog, struct lx_process *p, const char *name, char **argv, char **envp,
                      char *why, size_t cap)
{
    int rc = lx_program_open(prog, p, AT_FDCWD, name, 0, argv, why, cap);
    if (rc != -ENOENT || prog->fd != rc || !p->opt->root || !*name || strchr(name, '/'))
        return rc;
    const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (; *envp; envp++) {
        if (!strncmp(*envp, "PATH=", 5))
            path = *envp + 5;
    }
    for (const char *end; *path; path = end + (*end == ':')) {
        char full[LX_PATH_MAX];
        end = path + strcspn(path, ":");
        if (end == path || snprintf(full, sizeof full, "%.*s/%s", (int)(end - path), path, name) >= (int)sizeof full)
            continue;
        int found = lx_program_open(prog, p, AT_FDCWD, full, 0, argv, why, cap);
        if (prog->fd != found || (found != -ENOENT && found != -ENOTDIR && found != -EACCES))
            return found;
    }
    prog->fd = rc;
    snprintf(why, cap, "%s", strerror(-rc));
    return rc;
}

int lx_start(const struct lx_options *given, const char *program, char **argv, char **envp)
{
    static struct lx_options opt;
    struct lx_process *p;
    struct lx_program prog;
    char why[512];
    u64 mask = block_signals();
    opt = *given;
    opt.root = absolute(given->root);
    opt.prefix = absolute(given->prefix);
    if (given->cache_dir && given->cache_dir[0] != '/')
        (void)mkdir(given->cache_dir, 0700); /* its name can be made absolute only when it is there */
    opt.cache_dir = absolute(given->cache_dir);
    int rc = start_process(&p, &opt, NULL);
    if (rc)
        return rc;
    opt.log_file = absolute(given->log_file); /* it exists now */
    rc = open_first(&prog, p, program, argv, envp, why, sizeof why);
    if (rc) {
        bool absent = rc == -ENOENT && prog.fd == rc;
        return complain(absent ? EXIT_NOT_FOUND : status_of(rc == -ENOENT ? -ENOEXEC : rc), program, why);
    }
    return run_program(p, &prog, program, envp, mask, false, NULL);
}

int lx_resume(const struct lx_options *opt, const struct lx_inherited *in, char **argv, char **envp)
{
    struct lx_process *p;
    struct lx_program prog = {0};
    struct lx_elf e;
    char why[256];
    prog.interp_fd = -1;
    block_signals();
    host_native.probe(opt->features_off);
    /* Out of the way of the window of our descriptors. */
    prog.fd = fcntl(in->prog_fd, F_DUPFD_CLOEXEC, 64);
    if (prog.fd < 0)
        prog.fd = in->prog_fd;
    else
        close(in->prog_fd);
    prog.argv = argv;
    while (argv[prog.argc])
        prog.argc++;
    fmt(prog.execfn, sizeof prog.execfn, "%s", in->execfn);
    int rc = start_process(&p, opt, in);
    if (rc)
        return rc;
    rc = lx_elf_read(&e, prog.fd, NULL, why, sizeof why);
    if (rc)
        return complain(status_of(rc), prog.execfn, why);
    prog.abi = e.abi;
    lx_elf_free(&e);
    return run_program(p, &prog, prog.execfn, envp, in->sigmask, true, in->gdb.fd >= 0 ? &in->gdb : NULL);
}
