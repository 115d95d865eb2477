/* Which host register holds what while translated code runs.
 *
 *     rbp          the vCPU, biased (VBASE) so that the slots from 32 to 287 bytes on have one-byte displacements; its
 *                  lower half is not 0, as vCPUs begin pages
 *     rsp          the return-address stack (exits.c)
 *     gs           base is mem_base: guest memory is gs:[guest address]; plain [guest address] where mem_base is 0
 *     rax rcx rdx rbx, xmm0-xmm3      temps: values of the unit (alloc.c). rcx, rax, rdx, rbx are also what shifts,
 *                  multiplication, division and compare-and-swap ask for; so none of these is ever pinned.
 *     rsi rdi r8-r15, xmm4-xmm15      pinned slots, by rank
 *     mxcsr        the guest's rounding mode, all exceptions masked, sticky flags since entry
 *
 * Registers are numbered 0..31: general ones as encoded, then the xmm ones from 16 on. */
#pragma once

#include "translator/vcpu.h"

enum {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    XMM0,
    XMM1,
    XMM2,
    XMM3,
    XMM4,
    NREGS = 32,
    NOREG = 0xff,
};

#define TEMPS_INT   (1u << RAX | 1u << RCX | 1u << RDX | 1u << RBX)
#define TEMPS_FLOAT (0xfu << XMM0)
#define TEMPS       (TEMPS_INT | TEMPS_FLOAT)

#define NPINNED_INT   10
#define NPINNED_FLOAT 12
#define NPINNED_MAX   12

/* Displacement of a field of the vCPU from rbp. */
#define SLOT_BASE 160
#define VBASE     ((s32)offsetof(struct vcpu, slots) + SLOT_BASE)
_Static_assert(VBASE % 4096 && VBASE % 4096 < 4094, "a biased vCPU begins no page, and is below VCPU_SAMPLED");
#define VOFF(field) ((s32)offsetof(struct vcpu, field) - VBASE)
#define SLOT_OFF(o) ((s32)(o)-SLOT_BASE)

/* vcpu.spill: cells for spilled values, and behind them room for temps around calls from cold paths. */
#define SPILL_CELLS 256
#define SAVE_INT    (SPILL_CELLS)      /* rax rcx rdx rbx */
#define SAVE_FLOAT  (SPILL_CELLS + 8)  /* xmm0-xmm3, two words each */
#define VEC_ARGS    (SPILL_CELLS + 16) /* vectors for C functions, two words each: three arguments, a result */
#define VEC_RESULT  (VEC_ARGS + 6)
#define SAVE_PINS   (VEC_RESULT + 2) /* the registers of pins: ten general ones, twelve of two words each */
_Static_assert(SAVE_PINS + NPINNED_INT + 2 * NPINNED_FLOAT <= VCPU_SPILL, "vcpu.spill has room for the save area");
#define SPILL_OFF(cell) (VOFF(spill) + 8 * (s32)(cell))
