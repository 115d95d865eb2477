/* aarch64: system registers and cache maintenance at user level.
 *
 * Registers that programs own: NZCV, FPCR, FPSR, TPIDR_EL0. Those that Linux shows: the thread register for reading,
 * CTR, DCZID, the counter, and the identification registers, which the kernel stands in for. All others are
 * undefined.
 *
 * FPSR's cumulative flags live with the host. One of them costs time on hosts that see tininess after rounding, and
 * most programs never look: so the first access of FPSR by a thread changes the mode (a64_state.fpsr_used), and only
 * then underflow is told exactly (ir_unit.tiny_any). FPCR decides how floating point is translated (enum a64_mode), so
 * that writing it may end the unit; another rounding mode alone does not.
 *
 * Code that was written is seen after ic ivau, which tells the engine (CTR says that it is needed, and that cleaning
 * data is not). Its line is said to be 4 KiB long, so that a program that goes over what it wrote traps seldom. */
#include "translator/guest/aarch64/a64_int.h"

#include "mk/mk.h"
#include "translator/guest/aarch64/cpu.h"

/* MRS and MSR's bits 19:5; op0 is 2 or 3. */
#define SYSREG(op0, op1, crn, crm, op2) (((op0)-2) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
enum {
    NZCV = SYSREG(3, 3, 4, 2, 0),
    FPCR = SYSREG(3, 3, 4, 4, 0),
    FPSR = SYSREG(3, 3, 4, 4, 1),
    TPIDR_EL0 = SYSREG(3, 3, 13, 0, 2),
    TPIDRRO_EL0 = SYSREG(3, 3, 13, 0, 3),
    CTR_EL0 = SYSREG(3, 3, 0, 0, 1),
    DCZID_EL0 = SYSREG(3, 3, 0, 0, 7),
    CNTFRQ_EL0 = SYSREG(3, 3, 14, 0, 0),
    CNTVCT_EL0 = SYSREG(3, 3, 14, 0, 2),
    MIDR_EL1 = SYSREG(3, 0, 0, 0, 0),
    MPIDR_EL1 = SYSREG(3, 0, 0, 0, 5),
    REVIDR_EL1 = SYSREG(3, 0, 0, 0, 6),
    ID_AA64PFR0_EL1 = SYSREG(3, 0, 0, 4, 0),
    ID_AA64DFR0_EL1 = SYSREG(3, 0, 0, 5, 0),
    ID_AA64ISAR0_EL1 = SYSREG(3, 0, 0, 6, 0),
    ID_AA64ISAR1_EL1 = SYSREG(3, 0, 0, 6, 1),
    ID_AA64MMFR2_EL1 = SYSREG(3, 0, 0, 7, 2),
    /* what the kernel stands in for: from here on, all with CRn 0; names that no register has read as zero */
    ID_FIRST = SYSREG(3, 0, 0, 2, 0),
    ID_LAST = SYSREG(3, 0, 0, 7, 7),
};

#define CACHE_LINE 64 /* of data, and what dc zva clears */
/* Lines as log2 of words of four bytes: data and write-back granules 64 bytes, instructions 4 KiB; IDC: no cleaning. */
#define CTR (1u << 31 | 1u << 28 | 4u << 24 | 4u << 20 | 4u << 16 | 3u << 14 | 10u)

/* --- FPSR and FPCR, outside of translated code --- */

/* The architecture's flags are in the opposite order: bit 0 invalid, 1 divide by zero, 2 overflow, 3 underflow, 4
 * inexact. */
static u32 reversed(u32 flags)
{
    u32 r = 0;
    for (u32 n = 0; n < 5; n++)
        r |= (flags >> n & 1) << (4 - n);
    return r;
}

u32 a64_get_fpsr(const struct vcpu *v)
{
    const struct a64_state *s = (const struct a64_state *)v->slots;
    return reversed(v->fp_flags & 31) | (s->idc ? A64_FPSR_IDC : 0) | (s->qc ? A64_FPSR_QC : 0);
}

void a64_set_fpsr(struct vcpu *v, u32 fpsr)
{
    v->fp_flags = reversed(fpsr & 31);
    a64_state(v)->idc = fpsr & A64_FPSR_IDC ? 1 : 0;
    a64_state(v)->qc = fpsr & A64_FPSR_QC ? 1 : 0;
}

/* RMode's nearest, up, down, toward zero as enum ir_round. */
#define ROUNDS (IR_RNE | IR_RUP << 4 | IR_RDN << 8 | IR_RTZ << 12)

u32 a64_get_fpcr(const struct vcpu *v)
{
    return (u32)((const struct a64_state *)v->slots)->fpcr;
}

void a64_set_fpcr(struct vcpu *v, u32 fpcr)
{
    a64_state(v)->fpcr = fpcr & A64_FPCR_BITS;
    v->fp_round = ROUNDS >> (fpcr >> 22 & 3) * 4 & 15;
}

/* --- reading --- */

static ir_ref constant(struct a64_ctx *c, u64 v)
{
    return ir_const(c->b, IR_I64, v);
}

/* Bit `from` of v at bit `to`, alone. */
static ir_ref bit(struct a64_ctx *c, ir_ref v, u32 from, u32 to)
{
    v = from == to ? v : ir_op2i(c->b, from < to ? IR_OP_shl : IR_OP_shr, v, from < to ? to - from : from - to);
    return ir_op2i(c->b, IR_OP_and, v, 1ull << to);
}

static ir_ref either(struct a64_ctx *c, ir_ref x, ir_ref y)
{
    return ir_op2(c->b, IR_OP_or, x, y);
}

/* The five flags of v in the opposite order. */
static ir_ref reverse(struct a64_ctx *c, ir_ref v)
{
    ir_ref outer = either(c, bit(c, v, 0, 4), bit(c, v, 4, 0));
    ir_ref inner = either(c, bit(c, v, 1, 3), bit(c, v, 3, 1));
    return either(c, either(c, outer, inner), bit(c, v, 2, 2));
}

/* Is any bit of a slot set? Then bit `at`. */
static ir_ref any_bit(struct a64_ctx *c, u32 slot, u32 at)
{
    struct ir_builder *b = c->b;
    ir_ref v = ir_get(b, slot);
    ir_ref any = either(c, ir_emit(b, IR_OP_vlow, IR_I64, 0, 0, v, 0, 0, 0),
                        ir_emit(b, IR_OP_vget, IR_I64, IR_V64 | 1 << IR_V_INDEX_SHIFT, 0, v, 0, 0, 0));
    return ir_op2i(b, IR_OP_shl, ir_cmp(b, IR_I64, IR_NE, any, constant(c, 0)), at);
}

static ir_ref read_fpsr(struct a64_ctx *c)
{
    ir_ref flags = reverse(c, ir_emit(c->b, IR_OP_getflags, IR_I64, 0, 0, 0, 0, 0, 0));
    return either(c, either(c, flags, any_bit(c, A64_SLOT_IDC, 7)), any_bit(c, A64_SLOT_QC, 27));
}

/* Behind an access of FPSR: from here on its flags matter. */
static bool used_fpsr(struct a64_ctx *c)
{
    if (c->rq->mode & A64_MODE_FPSR)
        return true;
    ir_put(c->b, A64_SLOT_FPSR_USED, constant(c, 1));
    return a64_trap(c, IR_TRAP_MODE, c->next);
}

static ir_ref id_register(struct a64_ctx *c, enum a64_id id)
{
    return constant(c, a64_id_value(id, c->rq->mode & A64_MODE_LSE2));
}

TR(mrs)
{
    ir_ref v;
    switch (i->sysreg) {
    case NZCV:
        v = ir_op2i(c->b, IR_OP_shl, a64_nzcv(c), 28);
        break;
    case FPCR:
        v = ir_get(c->b, A64_SLOT_FPCR);
        break;
    case FPSR:
        a64_put_x(c, i->rd, read_fpsr(c));
        return used_fpsr(c);
    case TPIDR_EL0:
        v = ir_get(c->b, A64_SLOT_TPIDR);
        break;
    case CTR_EL0:
        v = constant(c, CTR);
        break;
    case DCZID_EL0:
        v = constant(c, 4);
        break;
    case CNTFRQ_EL0:
        v = constant(c, A64_COUNTER_HZ);
        break;
    case CNTVCT_EL0:
        v = ir_call(c->b, IR_I64, A64_HELPER_CNTVCT, 0, 0, 0, 0);
        break;
    case MIDR_EL1:
        v = constant(c, A64_MIDR);
        break;
    case MPIDR_EL1:
        v = constant(c, 1u << 31);
        break;
    case ID_AA64PFR0_EL1:
        v = id_register(c, A64_ID_PFR0);
        break;
    case ID_AA64DFR0_EL1:
        v = constant(c, 6);
        break;
    case ID_AA64ISAR0_EL1:
        v = id_register(c, A64_ID_ISAR0);
        break;
    case ID_AA64ISAR1_EL1:
        v = id_register(c, A64_ID_ISAR1);
        break;
    case ID_AA64MMFR2_EL1:
        v = id_register(c, A64_ID_MMFR2);
        break;
    case TPIDRRO_EL0:
    case REVIDR_EL1:
        v = constant(c, 0);
        break;
    default:
        if (i->sysreg < ID_FIRST || i->sysreg > ID_LAST)
            return false;
        v = constant(c, 0);
        break;
    }
    return a64_put_x(c, i->rd, v);
}

u64 a64_help_cntvct(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    return mk_clock();
}

/* --- writing --- */

static void write_fpsr(struct a64_ctx *c, ir_ref v)
{
    struct ir_builder *b = c->b;
    ir_emit(b, IR_OP_setflags, IR_VOID, 0, 0, reverse(c, v), 0, 0, 0);
    ir_ref idc = ir_op2i(b, IR_OP_and, v, A64_FPSR_IDC);
    ir_put(b, A64_SLOT_IDC, ir_emit(b, IR_OP_vzext, IR_V128, 0, 0, idc, 0, 0, 0));
    ir_ref qc = ir_op2i(b, IR_OP_and, v, A64_FPSR_QC);
    ir_put(b, A64_SLOT_QC, ir_emit(b, IR_OP_vzext, IR_V128, 0, 0, qc, 0, 0, 0));
}

static bool write_fpcr(struct a64_ctx *c, ir_ref v)
{
    const u64 keyed = A64_FPCR_BITS & ~A64_FPCR_RMODE; /* bits that translations depend on */
    struct ir_builder *b = c->b;
    ir_ref old = ir_get(b, A64_SLOT_FPCR);
    ir_ref now = ir_op2i(b, IR_OP_and, v, A64_FPCR_BITS);
    ir_ref rmode = ir_op2i(b, IR_OP_and, ir_op2i(b, IR_OP_shr, v, 20), 3 << 2); /* times four */
    ir_ref changed = ir_op2i(b, IR_OP_and, ir_op2(b, IR_OP_xor, old, now), keyed);
    ir_emit(b, IR_OP_setround, IR_VOID, 0, 0, ir_op2(b, IR_OP_shr, constant(c, ROUNDS), rmode), 0, 0, 0);
    ir_put(b, A64_SLOT_FPCR, now);
    ir_exit_if(b, IR_EQ, changed, constant(c, 0), c->next); /* all translations hold */
    return a64_trap(c, IR_TRAP_MODE, c->next);
}

TR(msr)
{
    ir_ref v = a64_x(c, i->rd);
    switch (i->sysreg) {
    case NZCV:
        a64_flags_lit(c, ir_op2i(c->b, IR_OP_and, ir_op2i(c->b, IR_OP_shr, v, 28), 15));
        return true;
    case FPCR:
        return write_fpcr(c, v);
    case FPSR:
        write_fpsr(c, v);
        return used_fpsr(c);
    case TPIDR_EL0:
        ir_put(c->b, A64_SLOT_TPIDR, v);
        return true;
    default:
        return false;
    }
}

/* --- caches --- */

TR(dc_zva)
{
    ir_ref at = ir_op2i(c->b, IR_OP_and, a64_data(c, a64_x(c, i->rd)), ~(u64)(CACHE_LINE - 1));
    ir_ref zero = ir_emit(c->b, IR_OP_vzext, IR_V128, 0, 0, constant(c, 0), 0, 0, 0);
    for (s64 off = 0; off < CACHE_LINE; off += 16)
        ir_st(c->b, 4, at, off, zero);
    return true;
}

/* Cleaning does nothing here, but faults where nothing can be read. */
TR(dc)
{
    (void)ir_ld(c->b, IR_I64, 0, a64_data(c, a64_x(c, i->rd)), 0);
    return true;
}

TR(ic_ivau)
{
    return a64_trap(c, IR_TRAP_SYNC, c->next);
}
