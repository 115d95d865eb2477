/* aarch64: from guest code to a unit of IR.
 *
 * A unit is straight-line code from the requested pc on. It goes through forward conditional branches that are
 * not taken, as long as the request allows side exits, and ends at
 *
 *   - a jump, call, return, backward branch, or trap;
 *   - the last instruction that fits into the bytes or the count requested, with an exit to the next one;
 *   - an address that the request wants to stop at.
 *
 * For each instruction: fetch, decode (generated from aarch64.decode), and the semantics function that the table names.
 * One that does not exist is an illegal instruction, here and at run time.
 *
 * Whether sp is a multiple of 16 is part of the mode (a64_base_tagged). Most writes of sp keep what it was; one that
 * may not ends the unit, by way of the engine when it did not.
 *
 * Before an instruction that may leave the unit (branch, memory access, system) the flags that are known only here are
 * written to their slots. Data processing leaves only when it turns out not to exist, and then nothing was built. */
#include "translator/guest/aarch64/a64_int.h"

#include "lib/err.h"
#include "lib/str.h"
#include "translator/guest/aarch64/cpu.h"

typedef bool a64_tr_fn(struct a64_ctx *c, const struct a64_insn *i);

static a64_tr_fn *const semantics[A64_NOPS] = {
#define INSN(op, sem) [A64_##op] = a64_tr_##sem,
    A64_INSNS(INSN)
#undef INSN
};

/* --- state --- */

/* clang-format off */

/* Ranks: how often compiled code names a register, most first; those that loops use before those that calls save. Of
 * vectors, GCC 14 takes the highest first and GCC 12 the lowest. */
enum {
    RANK_x0 = 1, RANK_x1, RANK_x2, RANK_sp, RANK_x3, RANK_x19, RANK_x4, RANK_x20, RANK_x30, RANK_x21, RANK_x5, RANK_x6,
    RANK_x7, RANK_x22, RANK_x8, RANK_x29, RANK_x23, RANK_x9, RANK_x24, RANK_x10, RANK_x11, RANK_x25, RANK_x12,
    RANK_x26, RANK_x16, RANK_x27, RANK_x17, RANK_x28, RANK_x13, RANK_x14, RANK_x15, RANK_x18,
};
enum {
    RANK_v0 = 1, RANK_v1, RANK_v31, RANK_v2, RANK_v30, RANK_v3, RANK_v29, RANK_v4, RANK_v28, RANK_v5, RANK_v8,
    RANK_v15, RANK_v6, RANK_v7, RANK_v27, RANK_v16, RANK_v14, RANK_v26, RANK_v17, RANK_v9, RANK_v18, RANK_v25,
    RANK_v13, RANK_v24, RANK_v19, RANK_v20, RANK_v10, RANK_v12, RANK_v23, RANK_v21, RANK_v22, RANK_v11,
};

#define XREG(n) [A64_SLOT_X0 + n] = {"x" #n, IR_I64, IR_CLASS_INT, RANK_x##n, offsetof(struct a64_state, x[n])}
#define VREG(n) [A64_SLOT_V0 + n] = {"v" #n, IR_V128, IR_CLASS_FLOAT, RANK_v##n, offsetof(struct a64_state, v[n])}
#define OTHER(slot, name) [slot] = {#name, IR_I64, IR_CLASS_INT, 0, offsetof(struct a64_state, name)}

static const struct ir_slot slots[A64_NSLOTS] = {
    XREG(0),  XREG(1),  XREG(2),  XREG(3),  XREG(4),  XREG(5),  XREG(6),  XREG(7),
    XREG(8),  XREG(9),  XREG(10), XREG(11), XREG(12), XREG(13), XREG(14), XREG(15),
    XREG(16), XREG(17), XREG(18), XREG(19), XREG(20), XREG(21), XREG(22), XREG(23),
    XREG(24), XREG(25), XREG(26), XREG(27), XREG(28), XREG(29), XREG(30),
    [A64_SLOT_SP] = {"sp", IR_I64, IR_CLASS_INT, RANK_sp, offsetof(struct a64_state, sp)},
    VREG(0),  VREG(1),  VREG(2),  VREG(3),  VREG(4),  VREG(5),  VREG(6),  VREG(7),
    VREG(8),  VREG(9),  VREG(10), VREG(11), VREG(12), VREG(13), VREG(14), VREG(15),
    VREG(16), VREG(17), VREG(18), VREG(19), VREG(20), VREG(21), VREG(22), VREG(23),
    VREG(24), VREG(25), VREG(26), VREG(27), VREG(28), VREG(29), VREG(30), VREG(31),
    OTHER(A64_SLOT_CC_KIND, cc_kind), OTHER(A64_SLOT_CC_A, cc_a), OTHER(A64_SLOT_CC_B, cc_b),
    OTHER(A64_SLOT_CC_C, cc_c), OTHER(A64_SLOT_RESV_ADDR, resv_addr), OTHER(A64_SLOT_RESV_LO, resv_lo),
    OTHER(A64_SLOT_RESV_HI, resv_hi), OTHER(A64_SLOT_TPIDR, tpidr),
    [A64_SLOT_QC] = {"qc", IR_V128, IR_CLASS_FLOAT, 0, offsetof(struct a64_state, qc)},
    [A64_SLOT_IDC] = {"idc", IR_V128, IR_CLASS_FLOAT, 0, offsetof(struct a64_state, idc)},
    OTHER(A64_SLOT_FPCR, fpcr), OTHER(A64_SLOT_FPSR_USED, fpsr_used),
};

/* clang-format on */

_Static_assert(sizeof(struct a64_state) <= VCPU_SLOT_BYTES, "the state fits into a vCPU");

const struct ir_helper a64_helpers[A64_NHELPERS] = {
#define HELPER(id, function, how)  [A64_HELPER_##id] = {.name = #function, .fn = function, .flags = how},
#define VHELPER(id, function, how) [A64_HELPER_##id] = {.name = #function, .vfn = function, .flags = how},
#include "translator/guest/aarch64/helpers.def"
#undef HELPER
#undef VHELPER
};

static void reset(struct vcpu *v)
{
    memset(a64_state(v), 0, sizeof(struct a64_state));
    a64_drop_reservation(v);
    a64_set_fpcr(v, 0);
    a64_set_fpsr(v, 0);
}

/* There is one, with or without LSE2. */
static int cpu(const char *text, u64 *out)
{
    static const char *const words[] = {",lse2=false", ",lse2=true"};
    if (strncmp(text, "v8.2", 4))
        return -EINVAL;
    text += 4;
    u64 r = 0;
    while (*text) {
        u32 n = 0;
        while (n < 2 &&
               (strncmp(text, words[n], strlen(words[n])) || (text[strlen(words[n])] && text[strlen(words[n])] != ',')))
            n++;
        if (n == 2)
            return -EINVAL;
        text += strlen(words[n]);
        r = n ? A64_CPU_LSE2 : 0;
    }
    *out = r;
    return 0;
}

static u64 mode(const struct vcpu *v)
{
    const struct a64_state *s = (const struct a64_state *)v->slots;
    return a64_fpcr_mode(s->fpcr) | (s->tags ? A64_MODE_TAGS : 0) | (s->sp & 15 ? A64_MODE_ODD_SP : 0) |
           (v->cpu & A64_CPU_LSE2 ? A64_MODE_LSE2 : 0) | (s->fpsr_used ? A64_MODE_FPSR : 0);
}

/* --- translation --- */

/* Data processing: with immediate, with registers, floating point and SIMD. */
static bool stays(u32 word)
{
    return (word >> 26 & 7) == 4 || (word >> 25 & 7) == 5 || (word >> 25 & 7) == 7;
}

/* A forward branch by a choice (flags.c) writes the slots itself, as it knows more at its exits. */
static bool puts_flags(const struct a64_ctx *c, u32 word)
{
    return c->flags.kind == A64_CC_CHOICE && (word & 0xff800010) == 0x54000000 && (word & 14) != 14;
}

/* sp was written: the mode of what follows is the same if sp is even now and was so before. */
static void end_with_new_sp(struct a64_ctx *c)
{
    a64_flags_flush(c);
    if (!(c->rq->mode & A64_MODE_ODD_SP)) {
        ir_ref odd = ir_op2i(c->b, IR_OP_and, a64_xsp(c, 31), 15);
        ir_exit_if(c->b, IR_EQ, odd, ir_const(c->b, IR_I64, 0), c->next);
    }
    a64_trap(c, IR_TRAP_MODE, c->next);
}

static void settle(struct vcpu *v)
{
    struct a64_state *s = a64_state(v);
    a64_set_nzcv(v, a64_get_nzcv(v));
    s->cc_b = s->cc_c = 0;
}

static int translate(const struct guest_request *rq, struct ir_unit *u)
{
    struct ir_builder b;
    struct a64_ctx c = {.b = &b, .rq = rq, .pc = rq->pc, .flags.kind = A64_CC_UNKNOWN};

    u->slots = &guest_aarch64.slots;
    u->helpers = a64_helpers;
    u->nhelpers = A64_NHELPERS;
    u->code_key = rq->mode;
    u->tiny_any = !(rq->mode & A64_MODE_FPSR);
    ir_begin(&b, u, rq->pc);

    if (c.pc & 3) {
        ir_insn(&b, c.pc, 4);
        a64_trap(&c, IR_TRAP_ALIGN, c.pc);
    }
    for (; !c.ended; c.n++, c.pc = c.next) {
        struct a64_insn i;
        const size_t at = c.pc - rq->pc;
        const bool whole = rq->len - at >= 4;
        u32 word = 0;
        if (whole)
            memcpy(&word, rq->code + at, 4);
        if (c.n && (!whole || c.n >= rq->max_insns || (rq->stop_at && rq->stop_at(rq->cx, c.pc)))) {
            a64_flags_flush(&c);
            ir_exit(&b, c.pc);
            break;
        }
        if (!whole || !(stays(word) || puts_flags(&c, word)))
            a64_flags_flush(&c);
        ir_insn(&b, c.pc, 4);
        if (!whole) {
            a64_trap(&c, IR_TRAP_FETCH, c.pc);
            break;
        }
        c.next = c.pc + 4;
        if (!a64_decode32(word, &i) || !semantics[i.op](&c, &i)) {
            a64_flags_flush(&c);
            a64_trap(&c, IR_TRAP_ILLEGAL, c.pc);
        } else if (c.new_sp) {
            end_with_new_sp(&c);
        } else if (!c.ended && rq->stop_after) {
            a64_flags_flush(&c);
            a64_trap(&c, IR_TRAP_STOP, c.next);
        }
    }
    return ir_finish(&b);
}

/* Without the modes in which results are NaNs of one kind, are flushed, or are asked whether they were tiny. */
static bool keeps_nans(u64 mode)
{
    return !(mode & (A64_MODE_DN | A64_MODE_FZ | A64_MODE_FPSR));
}

const struct guest_isa guest_aarch64 = {
    .name = "aarch64",
    .slots = {slots, A64_NSLOTS},
    .state_size = sizeof(struct a64_state),
    .helpers = a64_helpers,
    .nhelpers = A64_NHELPERS,
    .min_insn = 4,
    .max_insn = 4,
    .arg = {A64_SLOT_X0, A64_SLOT_X0 + 1, A64_SLOT_X0 + 2},
    .ret = A64_SLOT_X0 + A64_LR,
    .no_known = A64_MODE_TAGS | A64_MODE_ODD_SP,
    .keeps_nans = keeps_nans,
    .cpu = cpu,
    .cpus = "v8.2 or v8.2,lse2=true",
    .cpu_granule = A64_CPU_LSE2,
    .reset = reset,
    .settle = settle,
    .mode = mode,
    .translate = translate,
    .disasm = a64_disasm,
};
