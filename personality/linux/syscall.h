/* System calls: the table, the entry, and what handlers use to reach the guest's memory.
 *
 * syscalls.tab describes every call; tools/syscallgen.py makes lx_calls[] and the functions behind `pass` from it. The
 * run loop fills lx_thread.call_nr and call_arg and calls lx_syscall; what comes back goes into the guest's result
 * register unless it is LX_NO_RESULT or one of the LX_ERESTART codes.
 *
 * Pointers. A guest pointer that does not lie in the guest's window becomes CALL_BAD, a host address that the host
 * kernel refuses: so errors come in the order in which Linux finds them, and nothing outside the window can be reached.
 * NULL stays NULL. What a handler itself looks at is copied first (lx_read) and checked after: guest memory may change
 * at any time. */
#pragma once

#include "personality/linux/abi.h"
#include "personality/linux/lx.h"
#include "personality/linux/mm.h"
#include "personality/linux/syscalls_gen.h"

enum lx_level { LX_FULL, LX_PARTIAL, LX_STUB, LX_REFUSED };

enum lx_arg_kind {
    LX_ARG_NONE,
    LX_ARG_INT,
    LX_ARG_UINT,
    LX_ARG_LONG,
    LX_ARG_ULONG,
    LX_ARG_HEX,
    LX_ARG_OCT,
    LX_ARG_SIZE,
    LX_ARG_OFF,
    LX_ARG_PID,
    LX_ARG_UID,
    LX_ARG_GID,
    LX_ARG_SIG,
    LX_ARG_DEV,
    LX_ARG_RAW,
    LX_ARG_ADDR,
    LX_ARG_FD,
    LX_ARG_DIRFD,
    LX_ARG_FLAGS,
    LX_ARG_ENUM,
    LX_ARG_STR,
    LX_ARG_PTR,
    LX_ARG_PATH,
    LX_ARG_IN,
    LX_ARG_OUT,
    LX_ARG_INOUT,
    LX_ARG_MEM,
    LX_ARG_ARGV,
    LX_ARG_ENVP,
    LX_ARG_IOVEC,
    LX_ARG_MSGHDR,
    LX_ARG_SOCKADDR,
    LX_ARG_SOCKADDR_OUT,
    LX_ARG_POLLFDS,
};

enum lx_ret {
    LX_RET_INT,
    LX_RET_FD,
    LX_RET_SIZE,
    LX_RET_LONG,
    LX_RET_HEX,
    LX_RET_OCT,
    LX_RET_PID,
    LX_RET_UID,
    LX_RET_GID,
    LX_RET_ADDR,
    LX_RET_NONE,
};

/* An argument as --strace shows it. */
struct lx_arg {
    const char *name;
    u8 kind;     /* enum lx_arg_kind */
    u8 set;      /* LX_SET_*, of flags and enum */
    u8 type;     /* LX_STRUCT_*, of in, out, inout */
    u8 size_arg; /* 1 + index of the argument that gives the size; 0: none */
    u16 scale;   /* times that; or the size itself */
};

struct lx_call {
    const char *name;  /* NULL: no such call */
    lx_syscall_fn *fn; /* this or `ready`; neither: refused with `error` */
    /* Makes the provider's arguments of a guest's `a`, or gives an error. */
    s64 (*ready)(struct lx_thread *t, const u64 *a, u64 *h);
    const struct lx_arg *args;
    const char *isa; /* the guest ISA that alone has it, or NULL */
    u8 level, ret, nargs;
    s16 error;
    bool stays; /* it can be made from within translated code (engine_config.call) */
};
extern const struct lx_call lx_calls[LX_NCALLS];

/* Carries out t->call_nr. The result, -errno, -LX_ERESTART* or LX_NO_RESULT. */
s64 lx_syscall(struct lx_thread *t) MUST_USE;

/* --- guest pointers for the provider --- */

#define CALL_BAD 0xffff800000000000ull /* the host kernel answers EFAULT */

u64 call_bad_ptr(const struct lx_thread *t, gva_t p, u64 n);

/* Host address of the n bytes at p, to be read by the host kernel. The kernel moves at most LX_MOVED_MAX bytes a call.
 */
static inline u64 call_in(const struct lx_thread *t, gva_t p, u64 n)
{
    if (LIKELY(lx_ok(t, p, n)) && p != 0)
        return (u64)lx_ptr(t, p);
    return call_bad_ptr(t, p, n);
}

/* To be written by the host kernel. */
static inline u64 call_out(struct lx_thread *t, gva_t p, u64 n)
{
    u64 h = call_in(t, p, n);
    if (h != 0 && h != CALL_BAD)
        lx_prepare_write(t, p, n);
    return h;
}

/* A range that is only named: what is out of the window is no memory, which the host kernel finds for an address that
 * is aligned as the guest's. */
static inline u64 call_mem(const struct lx_thread *t, gva_t p, u64 n)
{
    return lx_ok(t, p, n) ? (u64)lx_ptr(t, p) : CALL_BAD | (p & 0xffff);
}

/* An error found before the host kernel was called: -EBADF when the descriptor is none, else the error. */
s64 call_fd_first(u64 fd, s64 error);

/* Sizes: saturating. */
static inline u64 call_mul(u64 a, u64 b)
{
    u64 r;
    return __builtin_mul_overflow(a, b, &r) ? ~0ull : r;
}
static inline u64 call_add(u64 a, u64 b)
{
    u64 r;
    return __builtin_add_overflow(a, b, &r) ? ~0ull : r;
}
/* Bytes of a bit set of n bits, in longs. */
static inline u64 call_bits(u64 n)
{
    return n / 64 * 8 + (n % 64 ? 8 : 0);
}
/* Guest pages of n bytes. */
static inline u64 call_pages(u64 n)
{
    return n / 4096 + (n % 4096 ? 1 : 0);
}
