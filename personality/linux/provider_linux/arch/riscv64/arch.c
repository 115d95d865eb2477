/* Linux on riscv64 as a provider. Its numbers, structures and flags are the generic ones, to the last. */
#define _GNU_SOURCE
#include "personality/linux/provider_linux/arch.h"

#include <fcntl.h>
#include <ucontext.h>

#include "personality/linux/syscalls_gen.h"

bool (*const prov_in_place)(struct vcpu *v) = NULL;

s32 prov_plain(u32 nr)
{
    return -1;
}

extern const char prov_enter_begin[], prov_enter_end[], prov_enter_refuse[];

_Static_assert(O_DIRECTORY == 0200000 && O_NOFOLLOW == 0400000 && O_DIRECT == 0040000,
               "open's flags are the generic ones");

s32 arch_number(u32 nr)
{
    return nr < LX_NCALLS ? (s32)nr : -1;
}

bool arch_refuse(void *ucontext)
{
    greg_t *pc = &((ucontext_t *)ucontext)->uc_mcontext.__gregs[REG_PC];
    if (*pc < (u64)prov_enter_begin || *pc >= (u64)prov_enter_end)
        return false;
    *pc = (u64)prov_enter_refuse;
    return true;
}

bool arch_special(const volatile u32 *flag, u32 nr, const u64 *a, s64 *result)
{
    return false;
}
