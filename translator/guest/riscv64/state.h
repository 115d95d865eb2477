/* The riscv64 guest's state: what lies in vcpu.slots.
 *
 * Slot numbers are register numbers: slot i is xi, slot 32 + i is fi, the rest follow. For who runs
 * guest code on a vCPU (a personality's system calls and signal frames, a debugger, tests), outside of
 * translated code. Besides this, vcpu.fp_round and vcpu.fp_flags belong to the guest's registers: go through
 * rv_get_fcsr and rv_set_fcsr. */
#pragma once

#include "translator/vcpu.h"

/* vcpu.cpu: what the CPU lacks. */
enum { RV_CPU_NO_C = 1 << 0 };

enum { RV_SLOT_X0 = 0, RV_SLOT_F0 = 32, RV_SLOT_RESV_ADDR = 64, RV_SLOT_RESV_VAL, RV_SLOT_FRM, RV_NSLOTS };

/* Registers by their ABI names, as indices of x. */
enum { RV_RA = 1, RV_SP = 2, RV_GP = 3, RV_TP = 4, RV_T0 = 5, RV_S0 = 8, RV_A0 = 10, RV_A1 = 11, RV_A7 = 17 };

struct rv_state {
    u64 x[32];     /* x[0] is 0 and stays so */
    u64 f[32];     /* bits; narrower values are NaN-boxed */
    u64 resv_addr; /* address of the last load-reserved, or RV_RESV_NONE */
    u64 resv_val;  /* what it loaded, as it went into the register */
    u64 frm;       /* fcsr.frm, 0..7, reserved values too */
};

/* No reservation. A reservation's address is aligned, so this is none. */
#define RV_RESV_NONE (~0ull)

static inline struct rv_state *rv_state(struct vcpu *v)
{
    return (struct rv_state *)v->slots;
}

/* fcsr of a vCPU that is outside translated code: frm in bits 7:5, sticky flags in bits 4:0. The guest's flag bits are
 * IR_FLAG_*. */
static inline u32 rv_get_fcsr(struct vcpu *v)
{
    return (u32)rv_state(v)->frm << 5 | (v->fp_flags & 31);
}

/* Sets fcsr (its low eight bits). The vCPU's mode may change by it: set it before vcpu_run. */
void rv_set_fcsr(struct vcpu *v, u32 fcsr);

/* Drops the reservation, as entering a signal handler or leaving it does. */
static inline void rv_drop_reservation(struct vcpu *v)
{
    rv_state(v)->resv_addr = RV_RESV_NONE;
}
