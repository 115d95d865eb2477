/* What each host architecture gives to the hosted kernel, in arch/<isa>/: base.c, context.c, guard.S. */
#pragma once

#include "mk/mk.h"
#include "regs.h"

/* --- context.c: the interrupted state, as Linux gives it to a signal handler (a ucontext_t) --- */

/* The pc, and the stack pointer. */
hva_t hosted_context_pc(const void *uc);
hva_t hosted_context_sp(const void *uc);
/* Whether the fault was by a write, or by fetching an instruction; both false where the hardware does not say. */
void hosted_context_access(const void *uc, bool *write, bool *exec);
/* State into *r, and back into the context that the thread resumes with. */
void hosted_context_get(struct mk_regs *r, void *uc);
void hosted_context_put(const struct mk_regs *r, void *uc);
/* When the pc lies in a guarded routine: makes the context resume so that the routine returns -EFAULT, completes
 * what the kernel could not tell about the fault (address, write), and returns true. */
bool hosted_context_guard(void *uc, struct mk_fault *f);

/* --- guard.S ---
 * Each makes one access that may fault, and returns 0 or -EFAULT. A routine is one range of pcs with one way out, where
 * hosted_context_guard sends it. */
int hosted_guard_copy(void *dst, const void *src, size_t n);
int hosted_guard_load1(hva_t addr, void *out);
int hosted_guard_load2(hva_t addr, void *out);
int hosted_guard_load4(hva_t addr, void *out);
int hosted_guard_load8(hva_t addr, void *out);
int hosted_guard_load16(hva_t addr, void *out);
int hosted_guard_store1(hva_t addr, const void *in);
int hosted_guard_store2(hva_t addr, const void *in);
int hosted_guard_store4(hva_t addr, const void *in);
int hosted_guard_store8(hva_t addr, const void *in);
int hosted_guard_store16(hva_t addr, const void *in);
int hosted_guard_cas1(hva_t addr, void *expect, const void *desired);
int hosted_guard_cas2(hva_t addr, void *expect, const void *desired);
int hosted_guard_cas4(hva_t addr, void *expect, const void *desired);
int hosted_guard_cas8(hva_t addr, void *expect, const void *desired);
int hosted_guard_cas16(hva_t addr, void *expect, const void *desired);

struct hosted_guard_range {
    hva_t start, end; /* pcs of the routine */
    hva_t out;        /* where a fault in it resumes */
    u64 write;        /* does it write through its first argument? */
};
extern const struct hosted_guard_range hosted_guard_ranges[];
extern const u64 hosted_guard_nranges;

/* --- base.c: mk_thread_base, mk_cpu_query, and: --- */

/* Writes a function that returns v (0..1000) to p; its size, or 0 where code needs no synchronisation, in whichever
 * mapping it was written. */
u32 hosted_code_return(u8 *p, u32 v);
