/* The Linux personality: the structures that its files share.
 *
 * The personality owns what makes a guest a guest: processes and threads as it sees them, signals, exec,
 * its memory map, the descriptors it sees, /proc/self. Resources (files, sockets, pages, host threads, time) come from
 * the provider (provider.h).
 *
 * A guest thread is a host thread; a guest process is a host process, except between vfork and exec, when a child
 * process runs in its parent's memory: so nothing about a process is global. Start from lx_thread, always. */
#pragma once

#include <signal.h>
#include <stdatomic.h>

#include "lib/types.h"
#include "mk/mk.h"
#include "translator/engine/engine.h"

struct lx_mm;      /* mm.h: the guest's memory map */
struct lx_signals; /* signal.h: dispositions and process-wide pending signals */
struct lx_abi;     /* abi.h: what differs between guest ISAs: signal frame, registers of a call, hwcap, uname machine */

struct lx_root; /* path.c: the guest's root directory */

/* Options that a run was started with; inherited over exec. */
struct lx_options {
    const char *root;   /* guest root, or NULL: the host's */
    bool root_bare;     /* by the guest's own chroot: the host's /proc, /sys and /dev do not stand in it */
    const char *prefix; /* -L, or NULL */
    const char *uname;  /* release to report, or NULL */
    u32 tier;           /* enum engine_tier */
    size_t cache_size;
    const char *cache_dir; /* translations on disk; NULL: none */
    u64 cache_limit;       /* bytes of it */
    bool strace, stats;
    u32 dump; /* ENGINE_DUMP_* */
    gva_t dump_lo, dump_hi;
    bool perf_map;   /* /tmp/perf-PID.map, by engine_config.made */
    const char *cpu; /* the guest's CPU (guest_isa.cpu), or NULL: the usual one */
    u32 max_insns;
    u32 hot;        /* engine_config.hot */
    u64 passes_off; /* engine_config.off, broken */
    u64 passes_broken;
    bool cosim;           /* engine_config.cosim */
    bool no_known;        /* library routines are run as the guest has them */
    int gdb_port;         /* 0: none; -1: any that is free */
    const char *log_file; /* -D, or NULL */
    const char *chdir;    /* guest directory to start in (with root), or NULL */
    u64 features_off;     /* host features not to use (host_isa.probe) */
};

/* Resource limits that bound the guest, while the host process lives under others. Soft and hard; ~0 is no limit. */
struct lx_limit {
    u64 cur, max;
};
struct lx_limits {
    struct lx_limit as, data, stack;
    struct lx_limit nofile; /* only max: the host keeps a higher one for the engine's descriptors */
};

/* Pages that execve uses; a vfork child's parent frees them when the child has gone on to its program. */
struct lx_exec_mem {
    void *p;
    size_t size;
};

/* Room for the engine's descriptors of the moment; see fd.h. */
struct lx_fd_room {
    struct mk_lock lock;
    u32 users;       /* how many want it */
    u64 old, raised; /* soft limits: the guest's, and what it was raised to */
};

struct lx_process {
    struct engine *engine;
    struct lx_mm *mm;
    struct lx_signals *signals;
    const struct lx_abi *abi;
    const struct lx_options *opt;
    struct lx_root *root;      /* the guest's / where it is not the host's, else NULL; private to path.c */
    int root_fd;               /* O_PATH of it, or -1 */
    char *exe;                 /* of lx_program_name_stays, or NULL */
    int exe_fd;                /* descriptor of the program's file (engine's range), or -1 */
    struct lx_thread *threads; /* all guest threads; guarded by threads_lock */
    struct mk_lock threads_lock;
    u32 nthreads;
    bool vfork_child;    /* runs in its parent's memory */
    _Atomic int exiting; /* exit_group has begun */
    int self_fd;         /* our own executable (engine's range), for execve */
    struct lx_exec_mem exec_mem[2];
    struct mk_lock limits_lock;
    struct lx_fd_room fd_room;
    struct lx_limits limits; /* RLIMIT_AS, DATA, STACK, NOFILE as the guest sees them; guarded by limits_lock */
};

struct lx_thread {
    struct vcpu *vcpu;
    struct lx_process *proc;
    struct lx_thread *next;
    int tid;
    /* signals: see signal.h, which says what may be touched when */
    u64 sigmask;    /* blocked, guest's view; bit n-1 is signal n */
    u64 saved_mask; /* of sigsuspend, ppoll, …, to restore after delivery */
    bool restore_mask;
    volatile int
        taken; /* signal taken from the host kernel and not yet delivered, or 0; host signals are all blocked then */
    siginfo_t taken_info;
    u64 held;         /* synchronous kinds (SEGV, BUS, ILL, FPE, TRAP) sent by somebody and not yet delivered */
    stack_t altstack; /* guest addresses */
    gva_t fault_addr, fault_pc; /* of the last fault that the map did not explain; see lx_mm_fault */
    u32 fault_count;
    struct { /* what signal frames tell of the last fault, where the guest's ABI has it; private to abi/ */
        gva_t address;
        u64 syndrome;
    } note;
    gva_t clear_tid;           /* set_tid_address */
    _Atomic gva_t robust_list; /* read by others */
    u64 robust_len;
    /* the system call under way */
    u64 call_nr;
    u64 call_arg[6];
    gva_t call_pc; /* pc after the instruction */
    u32 parked;    /* bit 0: stopped because the process ends; see lx_thread_park */
    bool ending;   /* the run loop returns: exit was called */
    int exit_code;
    struct lx_start_args *start; /* private to thread.c */
    struct gdb_record *gdb;      /* private to gdb.c */
    /* of a system call within translated code */
    u64 call_seq;   /* lx_watch_seq before it */
    bool call_made; /* call_result is what lx_syscall would give */
    s64 call_result;
    siginfo_t held_info[32]; /* of `held`; last, as it is long and most have none */
};

/* The thread that runs on this host thread. */
struct lx_thread *lx_self(void);

/* Guest pointers. Null-safe: lx_ptr checks only the range; the host kernel checks access. lx_ok: is [p, p+n) inside the
 * guest's window. */
bool lx_ok(const struct lx_thread *t, gva_t p, u64 n);
static inline void *lx_ptr(const struct lx_thread *t, gva_t p)
{
    return (void *)(t->vcpu->mem_base + p);
}
/* Copies; -EFAULT when not accessible. */
int lx_read(struct lx_thread *t, void *dst, gva_t src, size_t n) MUST_USE;
int lx_write(struct lx_thread *t, gva_t dst, const void *src, size_t n) MUST_USE;
/* A string: its length, -EFAULT, or -ENAMETOOLONG when it does not fit. */
s64 lx_read_str(struct lx_thread *t, char *dst, gva_t src, size_t cap) MUST_USE;

/* A system call's handler: arguments in t->call_arg; gives the result or -errno. LX_RESTART* ask for the call to be
 * restarted or to fail with EINTR, as the signal that interrupted it demands (values as in Linux). */
typedef s64 lx_syscall_fn(struct lx_thread *t, const u64 *a);
enum { LX_ERESTARTSYS = 512, LX_ERESTARTNOINTR = 513, LX_ERESTARTNOHAND = 514, LX_ERESTART_RESTARTBLOCK = 516 };
#define LX_NO_RESULT (-0x7fffffffffffll) /* the handler set the guest's registers itself (rt_sigreturn, execve) */
