/* The kernel interface, as far as the translator and what stands on it need it today.
 *
 * Everything above the kernel is written to these calls. They have two implementations, chosen by the
 * build: kernel/hosted (a Linux process) and, later, our own microkernel. Calls return 0 or -errno
 * (lib/err.h) unless they say otherwise. */
#pragma once

#include "lib/types.h"

/* --- memory --- */

enum { MK_R = 1, MK_W = 2, MK_X = 4 };

/* Size of a page of the host, in bytes; a power of two, known only at run time. */
size_t mk_page_size(void);

/* Fresh zeroed private pages, readable and writable, anywhere. size is rounded up to pages; 0 is -EINVAL. */
int mk_pages_alloc(void **out, size_t size) MUST_USE;
/* As mk_pages_alloc, but children of fork have the same memory, not a copy. */
int mk_pages_shared(void **out, size_t size) MUST_USE;
/* p may be NULL. */
void mk_pages_free(void *p, size_t size);

/* Pages of [p, p + size), which are written soon, get their memory now and at once, which is cheaper than one by one.
 * May do nothing. */
void mk_pages_ready(void *p, size_t size);

/* Makes the lowest page of [p, p + size) inaccessible (a guard for a stack that grows down). */
int mk_pages_guard(void *p, size_t size) MUST_USE;

/* Reserves `size` bytes of address space with no access and no memory behind it, aligned to `align` (a power of two; 0:
 * to pages). Given back by mk_pages_free. */
int mk_reserve(hva_t *out, size_t size, size_t align) MUST_USE;
/* The same at an address of the caller's choice; both are multiples of the page size. An error when something is there,
 * or the host does not give it out. */
int mk_reserve_at(hva_t at, size_t size) MUST_USE;

/* Code memory: one memory object mapped twice, writable at rw and executable at rx; never both at one address.
 * The two stay at these addresses for the object's life, over fork too. size is rounded up to pages. No descriptor is
 * held. */
struct mk_code {
    u8 *rw;
    u8 *rx;
    size_t size;
    size_t room; /* address space behind rx + size, for mk_code_show and mk_code_data */
};
int mk_code_create(struct mk_code *c, size_t size) MUST_USE;
/* The same, with room behind it, as much as asked for or none. */
int mk_code_create_wide(struct mk_code *c, size_t size, size_t room) MUST_USE;
void mk_code_destroy(struct mk_code *c);
/* Makes what was written visible to execution at rx (host instruction cache maintenance). */
void mk_code_sync(const struct mk_code *c, size_t off, size_t len);
/* As mk_pages_ready; both of its places. */
void mk_code_ready(const struct mk_code *c, size_t off, size_t len);
/* fork shares memory objects between parent and child. An object counts the processes that use it: as long as they are
 * several, all may run what it holds, and none writes. */
/* Before fork: there will be one more. */
void mk_code_share(const struct mk_code *c);
/* There is one less: the child was not made, or this process will not run or write what is there any more. It then
 * calls nothing but mk_code_renew and mk_code_destroy for it. A process that ends without having said so counts for
 * good. */
void mk_code_leave(const struct mk_code *c);
/* Makes the object this process's alone, so that it may write. 0: it is; 1: it has become a copy of the first `used`
 * bytes, at the same addresses, where other threads may run meanwhile. Where there is no memory for it the process ends
 * with a line on the console. No two calls for one object at the same time in a process. */
int mk_code_own(struct mk_code *c, size_t used) MUST_USE;
/* A new object, all zero, in place of one that was left. Nobody runs there. -ENOMEM: nothing has changed. */
int mk_code_renew(struct mk_code *c) MUST_USE;
/* In the room, where nothing is yet, at rx + off: executes what is mapped at `data`, pages of a file, shared, to be
 * read and executed. The offset and both addresses are multiples of the page size. An error, and nothing there, where
 * the host cannot do that. */
int mk_code_show(struct mk_code *c, size_t off, const void *data, size_t len) MUST_USE;
/* Likewise: memory of zeros, to read and write, private over fork. */
int mk_code_data(struct mk_code *c, size_t off, size_t len) MUST_USE;
/* Changes what mk_code_show has put there, whole pages: fill(cx, to) writes what is to be there to fresh memory, which
 * then takes the place, at once for other threads, which may run there. Private over fork. Ends the process where there
 * is no memory. */
void mk_code_edit(struct mk_code *c, size_t off, size_t len, void (*fill)(void *cx, u8 *to), void *cx);

/* --- guarded access ---
 * Once mk_thread_enter or mk_fault_handler was called, on any thread, the upcall included.
 *
 * Copies that end with -EFAULT instead of a fault when either side is not accessible; a part may have been copied then.
 * The two sides do not overlap. */
int mk_copy(void *dst, const void *src, size_t n) MUST_USE;
/* Guarded typed accesses for the interpreter. size 1, 2, 4, 8, 16. The load is a single access, the
 * store too. */
int mk_load(hva_t addr, u32 size, void *out) MUST_USE;
int mk_store(hva_t addr, u32 size, const void *in) MUST_USE;
/* Guarded compare-and-swap, sequentially consistent; size 1, 2, 4, 8, 16, naturally aligned or else -EINVAL. *expect
 * gets the old value; it was swapped when that is what *expect was before. Memory must be writable even where the
 * values differ. */
int mk_cas(hva_t addr, u32 size, void *expect, const void *desired) MUST_USE;
/* After one of these returned -EFAULT on this thread: how it faulted. kind is an enum mk_fault_kind. */
void mk_last_fault(hva_t *addr, u32 *kind, bool *write);

/* --- threads --- */

/* Locks: sleeping, not recursive. All zero is unlocked. Safe in a child after fork only through mk_lock_reset. */
struct mk_lock {
    u32 word;
};
void mk_lock(struct mk_lock *l);
bool mk_trylock(struct mk_lock *l);
void mk_unlock(struct mk_lock *l);
void mk_lock_reset(struct mk_lock *l);

/* A word of signals: waits until any bit of `mask` is set in *word, or until the deadline (ns of mk_clock; 0: for
 * ever). Returns -ETIMEDOUT then. */
int mk_wait(u32 *word, u32 mask, u64 deadline);
/* Sets bits and wakes waiters. Async-signal-safe. */
void mk_signal(u32 *word, u32 bits);

/* Starts a thread; it ends when fn returns. stack 0: the system's default size. It inherits the caller's blocked
 * signals, hosted. */
int mk_thread_start(void (*fn)(void *), void *arg, size_t stack) MUST_USE;
/* The same for a thread that runs no guest code: signals that are sent to the process are not its. */
int mk_thread_start_apart(void (*fn)(void *), void *arg, size_t stack) MUST_USE;
void mk_yield(void);
/* On how many CPUs may the calling thread run? */
u32 mk_cpus(void);

/* Sets this thread's extra base register, by which translated code reaches guest memory, where the host has one
 * (x86-64: gs). -ENOSYS where it has none and the backend keeps the base itself. */
int mk_thread_base(u64 base);

/* What the system tells of its CPUs, where the CPU itself does not: riscv64: a key of Linux's riscv_hwprobe. -ENOSYS
 * where there is nothing to ask. */
int mk_cpu_query(u64 key, u64 *value);

/* --- time --- */

u64 mk_clock(void); /* monotonic, ns */
/* How long the calling thread has run on a CPU, ns. A call of the system. */
u64 mk_thread_clock(void);

/* Ticks. From now on fn(pc, cx) is called on the calling thread, which has called mk_thread_enter, when it has run code
 * of its own for `first` ns, and then again and again after `every` ns; time that it spends in the system does not
 * count, and no call of the system notices. pc: where it was, or is about to go on. Seldomer than asked for where the
 * system does not measure as exactly. fn runs as fault upcalls do, or within one. An error: there will be none. */
typedef void mk_tick_fn(hva_t pc, void *cx);
int mk_tick(u64 first, u64 every, mk_tick_fn *fn, void *cx) MUST_USE;
/* Every so often from now on, where there are ticks; 0: for now no more. Async-signal-safe. */
void mk_tick_again(u64 every);
/* No more. mk_thread_leave does the same. */
void mk_tick_end(void);
/* This is a fork's child, which has none. */
void mk_tick_forked(void);

/* --- faults --- */

enum mk_fault_kind {
    MK_FAULT_UNMAPPED,
    MK_FAULT_PROTECTION,
    MK_FAULT_BUS,
    MK_FAULT_ILLEGAL,
    MK_FAULT_ARITH,
    MK_FAULT_TRAP
};

/* Register state of the host at the fault; laid out in mk/arch/<isa>/regs.h. Changing it changes where and how the
 * thread resumes. */
struct mk_regs;

struct mk_fault {
    hva_t addr; /* memory address, where there is one; 0 when the host does not tell it (x86-64: not canonical) */
    hva_t pc;   /* of the instruction; after it for MK_FAULT_TRAP */
    u8 kind;    /* enum mk_fault_kind */
    bool write, exec;
    hva_t sp; /* stack pointer */
    struct mk_regs *regs;
};

/* The upcall: runs on its own stack on the thread that faulted, other signals blocked, async-signal-safe code only; a
 * fault in it, but for guarded accesses, is a crash. true: resume with *f->regs. false: a bug of the engine; the crash
 * report is written and the process ends by SIGABRT, at the same pc. */
typedef bool mk_fault_fn(struct mk_fault *f, void *cx);

/* Installs the process-wide handler, once; -EBUSY the second time. */
int mk_fault_handler(mk_fault_fn *fn, void *cx) MUST_USE;
/* Gives the calling thread what upcalls need (a stack of its own). Every thread that runs guest code calls it first;
 * _leave before it ends. Calling it again does nothing. In a child after fork the calling thread still has it. */
int mk_thread_enter(void) MUST_USE;
void mk_thread_leave(void);

/* --- console --- */

/* Writes to the engine's log (standard error, hosted). Async-signal-safe. */
void mk_console(const char *text, size_t len);
/* Ends everything at once because the engine itself is broken: one line, then SIGABRT, hosted. */
_Noreturn void mk_panic(const char *why);
