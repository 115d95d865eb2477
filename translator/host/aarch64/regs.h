/* Which host register holds what while translated code runs.
 *
 *     x28          the vCPU
 *     x27          mem_base: guest memory is [x27 + guest address]; plain [guest address] where mem_base is 0
 *     x26          the return-address stack (exits.c)
 *     sp           the engine's stack, as everywhere else: a signal may come at any time
 *     x0-x5, v0-v5 temps: values of the unit (alloc.c)
 *     x16, x17, x30, v30, v31      scratch of whoever emits; x30 is also the link to the common code
 *     x19-x25, x29, x6-x15, x18    pinned slots, by rank; those that C keeps come first
 *     v6-v29       pinned slots
 *     fpcr, fpsr   the guest's rounding mode; sticky flags since entry
 *
 * Registers are numbered 0..63: general ones as encoded, then the vector ones from 32 on. Values of i32 have zeros or
 * anything in the upper half of their register; those of f16, f32 and f64 have anything above. */
#pragma once

#include "translator/vcpu.h"

enum {
    X0,
    X1,
    X2,
    X3,
    X4,
    X5,
    X6,
    X15 = 15,
    X16,
    X17,
    X18,
    X19,
    X25 = 25,
    X26,
    X27,
    X28,
    X29,
    X30,
    ZR, /* or sp, as the instruction says */
    V0,
    V6 = V0 + 6,
    V30 = V0 + 30,
    V31,
    NREGS = 64,
    NOREG = 0xff,
};

enum { VCPU = X28, BASE = X27, RAS = X26, SCR = X16, SCR2 = X17, LINK = X30, VSCR = V31, VSCR2 = V30 };

#define NTEMPS_INT   6
#define NTEMPS_FLOAT 6
#define TEMPS_INT    (0x3full << X0)
#define TEMPS_FLOAT  (0x3full << V0)
#define TEMPS        (TEMPS_INT | TEMPS_FLOAT)

#define NPINNED_INT   19
#define NPINNED_FLOAT 24
#define NPINNED_MAX   24

/* Displacement of a field of the vCPU from x28. */
#define VBASE       0
#define VOFF(field) ((s32)offsetof(struct vcpu, field))
#define SLOT_OFF(o) ((s32)(offsetof(struct vcpu, slots) + (o)))

/* vcpu.spill: cells for spilled values, and behind them room for temps around calls of software, and its arguments. */
#define SPILL_CELLS 256
#define SAVE_INT    (SPILL_CELLS)      /* x0-x5, x30 */
#define SAVE_FLOAT  (SPILL_CELLS + 8)  /* v0-v5, two words each */
#define SOFT_ARGS   (SPILL_CELLS + 20) /* three of 16 bytes, and the result */
_Static_assert(SOFT_ARGS + 8 <= VCPU_SPILL, "vcpu.spill has room for the save area");
_Static_assert(offsetof(struct vcpu, spill) % 16 == 0, "pairs of cells are aligned");
#define SPILL_OFF(cell) (VOFF(spill) + 8 * (s32)(cell))
