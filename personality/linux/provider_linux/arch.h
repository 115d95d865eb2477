/* What an architecture gives to the Linux provider: arch/<isa>/arch.c and call.S. */
#pragma once

#include "personality/linux/provider.h"

#include "mk/mk.h"

/* Enters the host kernel with its own number and arguments, unless *flag is nonzero: then -LX_ERESTARTNOINTR. Without a
 * flag, always. */
s64 prov_enter(const volatile u32 *flag, u32 host_nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* Host number of a generic call, or -1. */
s32 arch_number(u32 nr);

/* Carries out a call whose arguments or structures differ on this host. False when this is not one. */
bool arch_special(const volatile u32 *flag, u32 nr, const u64 *a, s64 *result);

/* Does the context stand where prov_enter has not entered the kernel? Then it is made to return -LX_ERESTARTNOINTR. */
bool arch_refuse(void *ucontext);
