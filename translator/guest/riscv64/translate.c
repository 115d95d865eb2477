/* riscv64: from guest code to a unit of IR.
 *
 * A unit is straight-line code from the requested pc on. It goes through forward conditional branches that are
 * not taken, as long as the request allows side exits, and ends at
 *
 *   - a jump, call, return, backward branch, or trap;
 *   - the last instruction that fits into the bytes or the count requested, with an exit to the next one;
 *   - an address that the request wants to stop at.
 *
 * For each instruction: fetch, decode (generated from riscv64.decode), and the semantics function that
 * the table names. One that does not exist is an illegal instruction, here and at run time. */
#include "translator/guest/riscv64/rv_int.h"

#include "lib/err.h"
#include "lib/str.h"

typedef bool rv_tr_fn(struct rv_ctx *c, const struct rv_insn *i);

static rv_tr_fn *const semantics[RV_NOPS] = {
#define INSN(op, sem) [RV_##op] = rv_tr_##sem,
    RV_INSNS(INSN)
#undef INSN
};

/* --- state --- */

/* clang-format off */

/* Ranks: how often compiled code names a register, most first. */
enum {
    RANK_a5 = 1, RANK_a4, RANK_a0, RANK_sp, RANK_a3, RANK_a1, RANK_s0, RANK_a2, RANK_s1, RANK_ra, RANK_a6, RANK_s2,
    RANK_a7, RANK_s3, RANK_t1, RANK_s4, RANK_t3, RANK_s5, RANK_t4, RANK_s6, RANK_t0, RANK_s7, RANK_t5, RANK_s8,
    RANK_t6, RANK_s9, RANK_t2, RANK_s10, RANK_s11, RANK_tp, RANK_gp,
};
enum {
    RANK_fa5 = 1, RANK_fa4, RANK_fa0, RANK_fa3, RANK_fa1, RANK_fa2, RANK_fs0, RANK_ft0, RANK_fa6, RANK_fa7, RANK_fs1,
    RANK_ft1, RANK_ft2, RANK_ft3, RANK_fs2, RANK_ft4, RANK_ft5, RANK_fs3, RANK_ft6, RANK_ft7, RANK_fs4, RANK_fs5,
    RANK_ft8, RANK_ft9, RANK_fs6, RANK_fs7, RANK_ft10, RANK_ft11, RANK_fs8, RANK_fs9, RANK_fs10, RANK_fs11,
};

#define XREG(n, name) [RV_SLOT_X0 + n] = {#name, IR_I64, IR_CLASS_INT, RANK_##name, offsetof(struct rv_state, x[n])}
#define FREG(n, name) [RV_SLOT_F0 + n] = {#name, IR_F64, IR_CLASS_FLOAT, RANK_##name, offsetof(struct rv_state, f[n])}
#define OTHER(slot, name) [slot] = {#name, IR_I64, IR_CLASS_INT, 0, offsetof(struct rv_state, name)}

static const struct ir_slot slots[RV_NSLOTS] = {
    [RV_SLOT_X0] = {"zero", IR_I64, IR_CLASS_INT, 0, offsetof(struct rv_state, x[0])},
    XREG(1, ra),   XREG(2, sp),   XREG(3, gp),    XREG(4, tp),    XREG(5, t0),   XREG(6, t1),   XREG(7, t2),
    XREG(8, s0),   XREG(9, s1),   XREG(10, a0),   XREG(11, a1),   XREG(12, a2),  XREG(13, a3),  XREG(14, a4),
    XREG(15, a5),  XREG(16, a6),  XREG(17, a7),   XREG(18, s2),   XREG(19, s3),  XREG(20, s4),  XREG(21, s5),
    XREG(22, s6),  XREG(23, s7),  XREG(24, s8),   XREG(25, s9),   XREG(26, s10), XREG(27, s11), XREG(28, t3),
    XREG(29, t4),  XREG(30, t5),  XREG(31, t6),
    FREG(0, ft0),  FREG(1, ft1),  FREG(2, ft2),   FREG(3, ft3),   FREG(4, ft4),  FREG(5, ft5),  FREG(6, ft6),
    FREG(7, ft7),  FREG(8, fs0),  FREG(9, fs1),   FREG(10, fa0),  FREG(11, fa1), FREG(12, fa2), FREG(13, fa3),
    FREG(14, fa4), FREG(15, fa5), FREG(16, fa6),  FREG(17, fa7),  FREG(18, fs2), FREG(19, fs3), FREG(20, fs4),
    FREG(21, fs5), FREG(22, fs6), FREG(23, fs7),  FREG(24, fs8),  FREG(25, fs9), FREG(26, fs10), FREG(27, fs11),
    FREG(28, ft8), FREG(29, ft9), FREG(30, ft10), FREG(31, ft11),
    OTHER(RV_SLOT_RESV_ADDR, resv_addr), OTHER(RV_SLOT_RESV_VAL, resv_val), OTHER(RV_SLOT_FRM, frm),
};

/* clang-format on */

_Static_assert(sizeof(struct rv_state) <= VCPU_SLOT_BYTES, "the state fits into a vCPU");

static void reset(struct vcpu *v)
{
    memset(rv_state(v), 0, sizeof(struct rv_state));
    rv_drop_reservation(v);
    rv_set_fcsr(v, 0);
    v->fp_round = IR_RNE;
}

/* Goes over `word` and says so, if the text begins with it and then ends or has a comma. */
static bool take(const char **text, const char *word)
{
    const size_t len = strlen(word);
    if (strncmp(*text, word, len) || ((*text)[len] && (*text)[len] != ','))
        return false;
    *text += len;
    return true;
}

/* "rv64", and after commas properties: c=true, c=false. */
static int cpu(const char *text, u64 *out)
{
    u64 r = 0;
    if (!take(&text, "rv64"))
        return -EINVAL;
    while (*text) {
        if (take(&text, ",c=false"))
            r |= RV_CPU_NO_C;
        else if (take(&text, ",c=true"))
            r &= ~(u64)RV_CPU_NO_C;
        else
            return -EINVAL;
    }
    *out = r;
    return 0;
}

static u64 mode(const struct vcpu *v)
{
    const u64 frm = ((const struct rv_state *)v->slots)->frm;
    const u64 round = frm <= 3 ? RV_MODE_HOST : frm == 4 ? RV_MODE_RMM : RV_MODE_INVALID;
    return round | (v->cpu & RV_CPU_NO_C ? RV_MODE_NO_C : 0);
}

/* --- translation --- */

bool rv_fetch(const u8 *code, size_t len, struct rv_insn *i)
{
    if (len < 2)
        return false;
    u32 w = code[0] | (u32)code[1] << 8;
    if ((w & 3) != 3) {
        rv_decode16(w, i);
        i->len = 2;
        return true;
    }
    if (len < 4)
        return false;
    rv_decode32(w | (u32)code[2] << 16 | (u32)code[3] << 24, i);
    i->len = 4;
    return true;
}

static int translate(const struct guest_request *rq, struct ir_unit *u)
{
    struct ir_builder b;
    struct rv_ctx c = {.b = &b, .rq = rq, .pc = rq->pc};

    u->slots = &guest_riscv64.slots;
    u->helpers = rv_helpers;
    u->nhelpers = RV_NHELPERS;
    u->code_key = rq->mode;
    ir_begin(&b, u, rq->pc);

    for (; !c.ended; c.n++, c.pc = c.next) {
        struct rv_insn i;
        const size_t at = c.pc - rq->pc;
        const bool whole = rv_fetch(rq->code + at, rq->len - at, &i);
        if (c.n && (!whole || c.n >= rq->max_insns || (rq->stop_at && rq->stop_at(rq->cx, c.pc)))) {
            ir_exit(&b, c.pc);
            break;
        }
        ir_insn(&b, c.pc, whole ? i.len : 2);
        if (c.pc & 2 && rq->mode & RV_MODE_NO_C) {
            rv_trap(&c, IR_TRAP_ALIGN, c.pc - 2); /* see jalr */
            break;
        }
        if (!whole) {
            rv_trap(&c, IR_TRAP_FETCH, c.pc);
            break;
        }
        c.next = c.pc + i.len;
        if (i.op == RV_ILLEGAL || (i.len == 2 && rq->mode & RV_MODE_NO_C) || !semantics[i.op](&c, &i))
            rv_trap(&c, IR_TRAP_ILLEGAL, c.pc);
        else if (!c.ended && rq->stop_after)
            rv_trap(&c, IR_TRAP_STOP, c.next);
    }
    return ir_finish(&b);
}

const struct guest_isa guest_riscv64 = {
    .name = "riscv64",
    .slots = {slots, RV_NSLOTS},
    .state_size = sizeof(struct rv_state),
    .helpers = rv_helpers,
    .nhelpers = RV_NHELPERS,
    .min_insn = 2,
    .max_insn = 4,
    .arg = {RV_SLOT_X0 + RV_A0, RV_SLOT_X0 + RV_A0 + 1, RV_SLOT_X0 + RV_A0 + 2},
    .ret = RV_SLOT_X0 + RV_RA,
    .cpu = cpu,
    .cpus = "rv64, or with c=true or c=false after a comma",
    .reset = reset,
    .mode = mode,
    .translate = translate,
    .disasm = rv_disasm,
};
