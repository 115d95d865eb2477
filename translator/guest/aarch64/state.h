/* The aarch64 guest's state: what lies in vcpu.slots.
 *
 * Slot numbers are register numbers: slot i is xi, slot 31 is sp, slot 32 + i is vi, the rest follow. For who
 * runs guest code on a vCPU (a personality's system calls and signal frames, a debugger, tests), outside of translated
 * code. Registers that are not kept as the architecture shows them have accessors here: NZCV, FPSR, FPCR.
 *
 * NZCV is lazy: cc_kind says what made the flags, cc_a, cc_b, cc_c are its operands. FPSR's cumulative flags live with
 * the host (vcpu.fp_flags), but for QC and IDC; FPCR's rounding mode is in vcpu.fp_round as well. */
#pragma once

#include "translator/vcpu.h"

enum {
    A64_SLOT_X0 = 0,
    A64_SLOT_SP = 31,
    A64_SLOT_V0 = 32,
    A64_SLOT_CC_KIND = 64,
    A64_SLOT_CC_A,
    A64_SLOT_CC_B,
    A64_SLOT_CC_C,
    A64_SLOT_RESV_ADDR,
    A64_SLOT_RESV_LO,
    A64_SLOT_RESV_HI,
    A64_SLOT_TPIDR,
    A64_SLOT_QC,
    A64_SLOT_FPCR,
    A64_SLOT_IDC,
    A64_SLOT_FPSR_USED,
    A64_NSLOTS
};

/* Registers by their use, as indices of x. */
enum { A64_FP = 29, A64_LR = 30 };

/* What made the flags. The kinds of arithmetic come in pairs: on 64 bits, and (+ 1) on the low 32 bits of a and b. */
enum a64_cc_kind {
    A64_CC_LIT,   /* a is NZCV: N 8, Z 4, C 2, V 1 */
    A64_CC_ORD,   /* a is what IR op ford gives: 0 equal, 1 less, 2 greater, 3 unordered */
    A64_CC_SUB,   /* a - b */
    A64_CC_SUB32, /* likewise */
    A64_CC_RES,   /* a was the result of subtracting b */
    A64_CC_RES32, /* likewise */
    A64_CC_ADD,   /* a was the result of adding b */
    A64_CC_ADD32, /* likewise */
    A64_CC_ADC,   /* a + b + c, c being 0 or 1 */
    A64_CC_ADC32, /* likewise */
    A64_CC_LOGIC, /* the result a: N and Z of it, C and V clear */
    A64_CC_LOGIC32,
    A64_NCC
};
/* Beside a kind: b is not in cc_b, but from bit 16 of cc_kind on, signed. */
#define A64_CC_IMM 0x100u

struct a64_state {
    u64 x[31];
    u64 sp;
    u64 cc_kind, cc_a, cc_b, cc_c; /* near the registers, as they are written often */
    u128 v[32];
    u64 resv_addr;        /* address of the last load-exclusive, or A64_RESV_NONE */
    u64 resv_lo, resv_hi; /* what it loaded: up to 8 bytes in lo, of a pair of 16 bytes the upper in hi */
    u64 tpidr;            /* TPIDR_EL0 */
    u128 qc;              /* FPSR.QC is set when any bit of this is */
    u128 idc;             /* likewise FPSR.IDC */
    u64 fpcr;             /* FPCR; written through a64_set_fpcr */
    u64 fpsr_used;        /* nonzero: the program has read or written FPSR; part of the mode */
    u64 tags;             /* no slot: nonzero: data addresses have their top bytes stripped; part of the mode */
    u64 idc_raised;       /* no slot: what a floating-point helper adds to idc; 0 but within an instruction */
};

/* No reservation. A reservation's address is aligned, so this is none. */
#define A64_RESV_NONE (~0ull)

/* NZCV in its place in PSTATE. */
#define A64_PSTATE_NZCV 0xf0000000u

/* Bits of FPCR that exist: AHP, DN, FZ, RMode, FZ16. */
#define A64_FPCR_AHP   (1u << 26)
#define A64_FPCR_DN    (1u << 25)
#define A64_FPCR_FZ    (1u << 24)
#define A64_FPCR_RMODE (3u << 22) /* 0 to nearest, 1 up, 2 down, 3 toward zero */
#define A64_FPCR_FZ16  (1u << 19)
#define A64_FPCR_BITS  (A64_FPCR_AHP | A64_FPCR_DN | A64_FPCR_FZ | A64_FPCR_RMODE | A64_FPCR_FZ16)

#define A64_FPSR_QC   (1u << 27)
#define A64_FPSR_IDC  (1u << 7)
#define A64_FPSR_BITS (A64_FPSR_QC | A64_FPSR_IDC | 0x1f)

static inline struct a64_state *a64_state(struct vcpu *v)
{
    return (struct a64_state *)v->slots;
}

/* NZCV of a vCPU that is outside translated code, in bits 31:28. */
u32 a64_get_nzcv(const struct vcpu *v);

/* Sets NZCV from bits 31:28; the others are ignored. */
void a64_set_nzcv(struct vcpu *v, u32 pstate);

/* FPSR and FPCR as the guest reads them; setting ignores bits that do not exist. The vCPU's mode may change by
 * a64_set_fpcr: call it before vcpu_run (and vcpu_changed after it). */
u32 a64_get_fpsr(const struct vcpu *v);
void a64_set_fpsr(struct vcpu *v, u32 fpsr);
u32 a64_get_fpcr(const struct vcpu *v);
void a64_set_fpcr(struct vcpu *v, u32 fpcr);

/* Drops the reservation, as entering a signal handler or leaving it does. */
static inline void a64_drop_reservation(struct vcpu *v)
{
    a64_state(v)->resv_addr = A64_RESV_NONE;
}
