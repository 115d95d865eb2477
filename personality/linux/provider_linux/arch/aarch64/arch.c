/* Linux on AArch64 as a provider. Its numbers and structures are the generic ones.
 *
 * What differs: four of open's flags have values of their own here. They occur in openat and openat2, in fcntl's
 * F_SETFL and F_GETFL, in pipe2 (O_DIRECT), and in the flags that fanotify_init and open_by_handle_at hand to an open.
 */
#define _GNU_SOURCE
#include "personality/linux/provider_linux/arch.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <ucontext.h>

#include "personality/linux/syscalls_gen.h"

bool (*const prov_in_place)(struct vcpu *v) = NULL;

s32 prov_plain(u32 nr)
{
    return -1;
}

extern const char prov_enter_begin[], prov_enter_end[], prov_enter_refuse[];

s32 arch_number(u32 nr)
{
    return nr < LX_NCALLS ? (s32)nr : -1;
}

bool arch_refuse(void *ucontext)
{
    unsigned long long *pc = &((ucontext_t *)ucontext)->uc_mcontext.pc;
    if (*pc < (u64)prov_enter_begin || *pc >= (u64)prov_enter_end)
        return false;
    *pc = (u64)prov_enter_refuse;
    return true;
}

/* The four flags: generic value and the host's (O_LARGEFILE is what libc shows as 0). */
static const struct {
    u32 generic, host;
} open_flags[] = {
    {0040000, 0200000}, /* O_DIRECT */
    {0100000, 0400000}, /* O_LARGEFILE */
    {0200000, 0040000}, /* O_DIRECTORY, part of O_TMPFILE too */
    {0400000, 0100000}, /* O_NOFOLLOW */
};
#define OPEN_FLAGS 0740000ull
_Static_assert(O_DIRECTORY == 0040000 && O_NOFOLLOW == 0100000 && O_DIRECT == 0200000, "as the host has them");

static u64 to_host(u64 flags)
{
    u64 out = flags & ~OPEN_FLAGS;
    for (u32 i = 0; i < ARRAY_LEN(open_flags); i++)
        if (flags & open_flags[i].generic)
            out |= open_flags[i].host;
    return out;
}

static u64 from_host(u64 flags)
{
    u64 out = flags & ~OPEN_FLAGS;
    for (u32 i = 0; i < ARRAY_LEN(open_flags); i++)
        if (flags & open_flags[i].host)
            out |= open_flags[i].generic;
    return out;
}

/* struct open_how begins with the flags. A larger one than is known has to be zero in the rest, which the kernel looks
 * at by itself; so the copy is as long as can be. */
static s64 call_openat2(const volatile u32 *flag, const u64 *a)
{
    u64 how[64] = {0};
    u64 size = a[3];
    if (size < sizeof how[0] || size > sizeof how)
        return prov_enter(flag, LX_NR_openat2, a[0], a[1], a[2], size, 0, 0);
    if (mk_copy(how, (const void *)a[2], size))
        return -EFAULT;
    how[0] = to_host(how[0]);
    return prov_enter(flag, LX_NR_openat2, a[0], a[1], (u64)how, size, 0, 0);
}

bool arch_special(const volatile u32 *flag, u32 nr, const u64 *a, s64 *result)
{
    switch (nr) {
    case LX_NR_openat:
        *result = prov_enter(flag, nr, a[0], a[1], to_host(a[2]), a[3], 0, 0);
        return true;
    case LX_NR_openat2:
        *result = call_openat2(flag, a);
        return true;
    case LX_NR_open_by_handle_at:
        *result = prov_enter(flag, nr, a[0], a[1], to_host(a[2]), 0, 0, 0);
        return true;
    case LX_NR_pipe2:
        *result = prov_enter(flag, nr, a[0], to_host(a[1]), 0, 0, 0, 0);
        return true;
    case LX_NR_fanotify_init:
        *result = prov_enter(flag, nr, a[0], to_host(a[1]), 0, 0, 0, 0);
        return true;
    case LX_NR_fcntl:
        if ((u32)a[1] == F_SETFL) {
            *result = prov_enter(flag, nr, a[0], a[1], to_host(a[2]), 0, 0, 0);
            return true;
        }
        if ((u32)a[1] == F_GETFL) {
            s64 r = prov_enter(flag, nr, a[0], a[1], a[2], 0, 0, 0);
            *result = r < 0 ? r : (s64)from_host((u64)r);
            return true;
        }
        return false;
    default:
        return false;
    }
}
