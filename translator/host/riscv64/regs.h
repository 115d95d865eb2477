/* Which host register holds what while translated code runs.
 *
 *     s0           the vCPU, biased (VBASE) so that 12-bit displacements reach all of it up to the jump cache's head
 *     s1           the return-address stack (exits.c)
 *     s2           mem_base
 *     sp           the engine's stack, as everywhere else; gp, tp libc's, as a signal may come at any time
 *     a0-a5, ft0-ft5                temps: values of the unit (alloc.c)
 *     t6, ra, ft11                  scratch of whoever emits; ra is also the link to the common code
 *     s3-s11, then others; fs0-fs11, then others: pinned slots, by rank
 *     fcsr         the guest's rounding mode, and sticky flags since entry
 *
 * Registers are numbered 0..63: integer ones as encoded, then the floating ones from 32 on.
 *
 * Values of i32 have anything above bit 31, but where is_sext32 (emit_int.c) knows better. A pinned slot of i32 and
 * those of f16 and f32 are kept as the host does: sign-extended, and with ones above. */
#pragma once

#include "translator/vcpu.h"

enum {
    ZERO,
    RA,
    SP,
    GP,
    TP,
    T0,
    T1,
    T2,
    S0,
    S1,
    A0,
    A1,
    A2,
    A3,
    A4,
    A5,
    A6,
    A7,
    S2,
    S3,
    S4,
    S5,
    S6,
    S7,
    S8,
    S9,
    S10,
    S11,
    T3,
    T4,
    T5,
    T6,
    F0,
    NREGS = 64,
    NOREG = 0xff,
};

enum { VCPU = S0, RAS = S1, BASE = S2, SCR = T6, SCR2 = RA, FSCR = F0 + 31 };

#define NTEMPS_INT   6
#define NTEMPS_FLOAT 6
#define TEMPS_INT    (0x3full << A0)
#define TEMPS_FLOAT  (0x3full << F0)
#define TEMPS        (TEMPS_INT | TEMPS_FLOAT)

#define NPINNED_INT   17
#define NPINNED_FLOAT 25
#define NPINNED_MAX   25

/* Displacement of a field of the vCPU from s0. */
#define VBASE       2048
#define VOFF(field) ((s32)offsetof(struct vcpu, field) - VBASE)
#define SLOT_OFF(o) ((s32)(offsetof(struct vcpu, slots) + (o)) - VBASE)
_Static_assert(VOFF(jc[0].code) <= 2047, "12-bit displacements reach the hot part of the vCPU");

/* vcpu.spill: cells for spilled values, and behind them room for temps around calls from cold paths, and of vector
 * calls. */
#define SPILL_CELLS 256
#define SAVE_INT    (SPILL_CELLS)      /* a0-a5, ra */
#define SAVE_FLOAT  (SPILL_CELLS + 8)  /* ft0-ft5 */
#define VEC_ARGS    (SPILL_CELLS + 16) /* four of 16 bytes: arguments and the result */
_Static_assert(VEC_ARGS + 8 <= VCPU_SPILL, "vcpu.spill has room for the save area");
#define SPILL_OFF(cell) (VOFF(spill) + 8 * (s32)(cell))
