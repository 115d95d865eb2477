/* riscv64: control and status registers at user level (Zicsr, Zicntr).
 *
 * fflags, frm and fcsr; cycle, time and instret, read-only. All others are illegal, as at user level on
 * a machine without further extensions.
 *
 * The sticky flags live with the host (getflags, setflags). frm lives in a slot, and decides how
 * dynamically rounded instructions are translated (enum rv_mode), so that writing it ends the unit. Where the host
 * rounds as well, the next unit follows as after a jump. */
#include "translator/guest/riscv64/rv_int.h"

#include "mk/mk.h"

enum {
    CSR_FFLAGS = 0x001,
    CSR_FRM = 0x002,
    CSR_FCSR = 0x003,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02
};

enum csr_op { CSR_WRITE, CSR_SET, CSR_CLEAR };

static ir_ref read_csr(struct rv_ctx *c, u32 csr)
{
    struct ir_builder *b = c->b;
    ir_ref flags;
    switch (csr) {
    case CSR_FFLAGS:
        return ir_emit(b, IR_OP_getflags, IR_I64, 0, 0, 0, 0, 0, 0);
    case CSR_FRM:
        return ir_get(b, RV_SLOT_FRM);
    case CSR_FCSR:
        flags = ir_emit(b, IR_OP_getflags, IR_I64, 0, 0, 0, 0, 0, 0);
        return ir_op2(b, IR_OP_or, ir_op2i(b, IR_OP_shl, ir_get(b, RV_SLOT_FRM), 5), flags);
    case CSR_TIME:
        return ir_call(b, IR_I64, RV_HELPER_TIME, 0, 0, 0, 0);
    default: /* cycle, instret: a cycle and an instruction take a nanosecond */
        return ir_call(b, IR_I64, RV_HELPER_CYCLE, 0, 0, 0, 0);
    }
}

/* `v`: the value to be written, or the bits to be set or cleared; 0: no write. */
static bool access_csr(struct rv_ctx *c, const struct rv_insn *i, enum csr_op op, ir_ref v)
{
    struct ir_builder *b = c->b;
    const bool read_only = i->csr >= CSR_CYCLE;
    ir_ref old = i->rd || op != CSR_WRITE ? read_csr(c, i->csr) : 0;

    if (!v || read_only)
        return rv_put_x(c, i->rd, old);
    if (op == CSR_SET)
        v = ir_op2(b, IR_OP_or, old, v);
    else if (op == CSR_CLEAR)
        v = ir_op2(b, IR_OP_and, old, ir_op1(b, IR_OP_not, v));

    if (i->csr != CSR_FRM)
        ir_emit(b, IR_OP_setflags, IR_VOID, 0, 0, v, 0, 0, 0);
    if (i->csr == CSR_FFLAGS)
        return rv_put_x(c, i->rd, old);
    if (i->csr == CSR_FCSR)
        v = ir_op2i(b, IR_OP_shr, v, 5);
    v = ir_op2i(b, IR_OP_and, v, 7);
    ir_emit(b, IR_OP_setround, IR_VOID, 0, 0, v, 0, 0, 0);
    ir_put(b, RV_SLOT_FRM, v);
    rv_put_x(c, i->rd, old);
    if ((c->rq->mode & RV_MODE_ROUND) ==
        RV_MODE_HOST) /* from one of the host's modes to another all translations hold */
        ir_exit_if(b, IR_LEU, v, ir_const(b, IR_I64, IR_RUP), c->next);
    return rv_trap(c, IR_TRAP_MODE, c->next);
}

/* Does the register exist, and may it be written if that is asked? */
static bool exists(u32 csr, bool write)
{
    switch (csr) {
    case CSR_FFLAGS:
    case CSR_FRM:
    case CSR_FCSR:
        return true;
    case CSR_CYCLE:
    case CSR_TIME:
    case CSR_INSTRET:
        return !write;
    default:
        return false;
    }
}

static bool with_reg(struct rv_ctx *c, const struct rv_insn *i, enum csr_op op)
{
    const bool write = op == CSR_WRITE || i->rs1;
    return exists(i->csr, write) && access_csr(c, i, op, write ? rv_x(c, i->rs1) : 0);
}

static bool with_imm(struct rv_ctx *c, const struct rv_insn *i, enum csr_op op)
{
    const bool write = op == CSR_WRITE || i->rs1;
    return exists(i->csr, write) && access_csr(c, i, op, write ? ir_const(c->b, IR_I64, i->rs1) : 0);
}

/* clang-format off */
TR(csrrw)  { return with_reg(c, i, CSR_WRITE); }
TR(csrrs)  { return with_reg(c, i, CSR_SET); }
TR(csrrc)  { return with_reg(c, i, CSR_CLEAR); }
TR(csrrwi) { return with_imm(c, i, CSR_WRITE); }
TR(csrrsi) { return with_imm(c, i, CSR_SET); }
TR(csrrci) { return with_imm(c, i, CSR_CLEAR); }
/* clang-format on */

/* --- helpers --- */

static void set_round(struct vcpu *v, u64 frm)
{
    if (frm <= IR_RUP)
        v->fp_round = (u32)frm;
}

/* 10 MHz, as the device tree of a stock virtual board says. */
static u64 helper_time(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    return mk_clock() / 100;
}

static u64 helper_cycle(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    return mk_clock();
}

/* fcvtmod.w.d: toward zero, then modulo 2^32; flags as fcvt.w.d raises them. */
static u64 helper_fcvtmod(struct vcpu *v, u64 bits, u64 b, u64 c, u64 d)
{
    const u32 exp = bits >> 52 & 0x7ff;
    const u64 frac = (bits & 0xfffffffffffffull) | 1ull << 52; /* value is frac * 2^(exp - 1075) */
    const bool negative = bits >> 63;
    u64 whole, lost;

    if (exp == 0x7ff) { /* infinities and NaNs */
        v->fp_flags |= IR_FLAG_NV;
        return 0;
    }
    if (exp < 1023) {
        whole = 0;
        lost = bits << 1;
    } else if (exp <= 1075) {
        whole = frac >> (1075 - exp);
        lost = exp == 1075 ? 0 : frac << (exp - 1075 + 64);
    } else {
        whole = exp - 1075 < 64 ? frac << (exp - 1075) : 0;
        lost = 0;
    }
    if (exp > 1075 || whole > 0x7fffffffull + negative)
        v->fp_flags |= IR_FLAG_NV;
    else if (lost)
        v->fp_flags |= IR_FLAG_NX;
    return (u64)(s64)(s32)(u32)(negative ? -whole : whole);
}

const struct ir_helper rv_helpers[RV_NHELPERS] = {
    [RV_HELPER_TIME] = {"rv_time", helper_time, IR_HELPER_VARIES},
    [RV_HELPER_CYCLE] = {"rv_cycle", helper_cycle, IR_HELPER_VARIES},
    [RV_HELPER_FCVTMOD] = {"rv_fcvtmod", helper_fcvtmod, IR_HELPER_FP},
    [RV_HELPER_CLMUL] = {"rv_clmul", rv_clmul, IR_HELPER_PURE},
    [RV_HELPER_CLMULH] = {"rv_clmulh", rv_clmulh, IR_HELPER_PURE},
    [RV_HELPER_CLMULR] = {"rv_clmulr", rv_clmulr, IR_HELPER_PURE},
    [RV_HELPER_XPERM4] = {"rv_xperm4", rv_xperm4, IR_HELPER_PURE},
    [RV_HELPER_XPERM8] = {"rv_xperm8", rv_xperm8, IR_HELPER_PURE},
    [RV_HELPER_AES64DS] = {"rv_aes64ds", rv_aes64ds, IR_HELPER_PURE},
    [RV_HELPER_AES64DSM] = {"rv_aes64dsm", rv_aes64dsm, IR_HELPER_PURE},
    [RV_HELPER_AES64IM] = {"rv_aes64im", rv_aes64im, IR_HELPER_PURE},
    [RV_HELPER_AES64ES] = {"rv_aes64es", rv_aes64es, IR_HELPER_PURE},
    [RV_HELPER_AES64ESM] = {"rv_aes64esm", rv_aes64esm, IR_HELPER_PURE},
    [RV_HELPER_AES64KS1I] = {"rv_aes64ks1i", rv_aes64ks1i, IR_HELPER_PURE},
};

void rv_set_fcsr(struct vcpu *v, u32 fcsr)
{
    rv_state(v)->frm = fcsr >> 5 & 7;
    v->fp_flags = fcsr & 31;
    set_round(v, fcsr >> 5 & 7);
}
