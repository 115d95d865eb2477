/* Code that all translations share, and the ways in and out of it: what all backends have of that.
 *
 * It is written once to the start of a code cache: entering and leaving, the ends of exits, calls into C, constants. It
 * begins with struct common_head, through which everybody finds its parts and which slots are pinned where. The host
 * writes the code; this part says which slots are pinned, enters, and puts things right after a fault: a fault in
 * translated code is unwound from the registers as they were, pinned ones to their slots, the return-address stack's
 * pointer to the vCPU, and the thread resumes behind the part of leaving that does this. */
#pragma once

#include "translator/host/common/unit.h"

struct mk_regs;

#define RAS_DEPTH 4 /* how far a return looks below the top of the return-address stack */
_Static_assert(VCPU_RAS_SENTINELS > RAS_DEPTH, "an empty return-address stack is looked through");

/* The common code being written. */
struct asmb {
    struct code c;
    struct common_head *head;
};
/* Entry `id` is here. */
static inline void label(struct asmb *a, u32 id)
{
    a->head->off[id] = code_off(&a->c);
}
/* Moves pinned slots between registers and memory: all, or those that a C function may change. */
void pins(struct asmb *a, bool store, bool caller_saved);

/* What host_isa has of the same names. */
size_t entry_common(u8 *rw, const u8 *rx, size_t cap, const struct ir_slots *slots);
void entry_enter(struct vcpu *v, const void *code, const void *common);
const void *entry_ras_none(const void *common);
const void *entry_unlinked(const void *common);
bool entry_own_fault(struct vcpu *v, struct mk_regs *regs, hva_t addr);
void entry_unwind(struct vcpu *v, struct mk_regs *regs, const void *common, const struct ir_slots *slots,
                  const u64 *state);

/* Ops in software, for the C side of C_SOFT: desc as soft_desc makes it; the guest's rounding mode and sticky flags. */
u64 soft_fp(struct vcpu *v, u64 desc, u64 a, u64 b, u64 c);
void soft_vec(struct vcpu *v, u64 desc, u64 imm, const void *args, void *result);

/* --- the host's --- */

/* Registers of a class by rank. */
extern const u8 host_pinned[IR_NCLASSES][NPINNED_MAX];
/* May a slot of `type` be pinned? */
bool pins_type(u32 type);
/* Does a C function leave the register as it was, as wide as the slot's value is? */
bool c_keeps(const struct pin *p);
void move_pin(struct code *c, const struct pin *p, bool store);
/* Writes the common code behind its head. */
void common_code(struct asmb *a);
/* The floating-point control word for a rounding mode, which entering puts in force from host_fp[0]; traps: what traps
 * (IR_FLAG_*), where isa.h says NANS_TRAP. The flags of the word that leaving puts into host_fp[1]. */
u32 fp_control(u32 round, u32 traps);
u32 fp_flags(u32 word);
/* Before code is entered that another thread may have written. */
void fetch_anew(void);
/* Of an interrupted thread: where its register r is; the return-address stack's pointer; the word for fp_flags. */
const void *reg_in(const struct mk_regs *regs, u32 r);
u64 *ras_in(struct mk_regs *regs);
u32 fp_in(const struct mk_regs *regs);
/* Mends what the engine was told about the fault, where the host tells less than there is to know. */
void mend_fault(struct vcpu *v, const struct mk_regs *regs);
/* host_isa.nans_trap, nan_fault, flag_fault; where isa.h says NANS_TRAP. */
bool host_nans_trap(void);
bool host_nan_fault(struct vcpu *v, struct mk_regs *regs, bool step);
bool host_flag_fault(struct vcpu *v, struct mk_regs *regs);
/* host_isa.routine_caller */
uintptr_t routine_caller(struct mk_regs *regs);
/* Makes the thread go on at `to`, the tail of leaving. */
void resume_at(struct vcpu *v, struct mk_regs *regs, uintptr_t to);
