/* What the tests of the kernel interface need of a host architecture: code that faults in known ways. */
#pragma once

#include "mk/mk.h"
#include "regs.h"

/* Writes a function at p that returns v; gives its size. */
static inline size_t probe_emit_return(u8 *p, u32 v)
{
    p[0] = 0xb8; /* mov $v, %eax */
    for (int i = 0; i < 4; i++)
        p[1 + i] = (u8)(v >> 8 * i);
    p[5] = 0xc3; /* ret */
    return 6;
}

/* Each has its faulting instruction at _at, and the one behind it at _next. */
u64 probe_load(const void *p);
void probe_store(void *p, u64 v);
void probe_divide(u64 by);
void probe_illegal(void);
void probe_trap(void);
/* Fills all registers with known values, faults (illegal instruction), and stores what they are after it. out[0..15]
 * gets the general registers in the order of mk_regs (but the stack pointer), xmm the vector registers, *flags rflags,
 * *mxcsr it. */
void probe_registers(u64 out[16], u8 xmm[16][16], u64 *flags, u32 *mxcsr);
/* The same, with all vector registers in their initial state, where a CPU may not even save them. */
void probe_vectors(u8 xmm[16][16]);
extern const u8 probe_load_at[], probe_load_next[], probe_store_at[], probe_store_next[], probe_divide_at[],
    probe_divide_next[], probe_illegal_at[], probe_illegal_next[], probe_trap_at[], probe_trap_next[],
    probe_registers_at[], probe_registers_next[], probe_vectors_at[], probe_vectors_next[];

/* Calls mk_cas with known values in the registers that it must keep; -1 when it did not. */
int probe_cas(hva_t addr, u32 size, void *expect, const void *desired);

/* Reads the 64-bit word at `offset` from the extra base register. */
u64 probe_base_load(u64 offset);

static inline hva_t probe_pc(const struct mk_regs *r)
{
    return r->rip;
}
static inline void probe_set_pc(struct mk_regs *r, const void *pc)
{
    r->rip = (hva_t)pc;
}
/* The register that probe_load loads into, and the one that probe_load and probe_store take their address from. */
static inline u64 *probe_value(struct mk_regs *r)
{
    return &r->gpr[0];
}
static inline u64 *probe_address(struct mk_regs *r)
{
    return &r->gpr[7];
}
