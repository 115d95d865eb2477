/* Shared by the files of the aarch64 frontend, and by nobody else.
 *
 * One semantics function `a64_tr_NAME` per meaning in aarch64.decode builds the IR of one instruction. It
 * returns false for an encoding that is no instruction (or is none in the current mode), and then has built
 * nothing.
 *
 * Register 31 is the stack pointer or the zero register, as the instruction says: accessors with `sp` in their name
 * mean the first, all others the second. A 32-bit result zeroes the upper half of its register; a scalar result zeroes
 * the rest of its vector register, and so does a 64-bit vector's. */
#pragma once

#include "translator/guest/aarch64/aarch64_insn.h"
#include "translator/guest/aarch64/state.h"
#include "translator/guest/guest.h"
#include "translator/ir/ir_build.h"

/* guest_isa.mode: FPCR's DN, FZ, AHP and FZ16, in these bits, whether addresses may have tags (a64_state.tags),
 * whether sp is not a multiple of 16, whether the CPU has LSE2, and whether the program has used FPSR. The rounding
 * mode is not in it: each host has the four. */
enum a64_mode {
    A64_MODE_DN = 1,
    A64_MODE_FZ = 2,
    A64_MODE_AHP = 4,
    A64_MODE_FZ16 = 8,
    A64_MODE_TAGS = 16,
    A64_MODE_ODD_SP = 32,
    A64_MODE_LSE2 = 64,
    A64_MODE_FPSR = 128
};

static inline u64 a64_fpcr_mode(u64 fpcr)
{
    return (fpcr & A64_FPCR_DN ? A64_MODE_DN : 0) | (fpcr & A64_FPCR_FZ ? A64_MODE_FZ : 0) |
           (fpcr & A64_FPCR_AHP ? A64_MODE_AHP : 0) | (fpcr & A64_FPCR_FZ16 ? A64_MODE_FZ16 : 0);
}

/* What is known of the flags at this place in the unit; see flags.c. */
struct a64_flags {
    u8 kind;        /* enum a64_cc_kind (of a pair the first), or A64_CC_UNKNOWN, A64_CC_CHOICE */
    bool word;      /* on 32 bits */
    bool put;       /* the slots hold them */
    ir_ref a, b, c; /* operands, i32 where `word`; c is an i64 */
    ir_ref r;       /* the result, where there is one already, else 0 */
    /* CHOICE: if px pcc py then the flags of kind `then`, else NZCV `lit` */
    u8 then, pcc, lit;
    ir_ref px, py;
};
enum { A64_CC_UNKNOWN = A64_NCC, A64_CC_CHOICE };

struct a64_ctx {
    struct ir_builder *b;
    const struct guest_request *rq;
    gva_t pc;    /* of the instruction at hand */
    gva_t next;  /* of the one after it */
    u32 n;       /* instructions before it */
    u32 exits;   /* side exits made so far */
    u32 rounds;  /* how often the unit has gone round the loop that it is */
    bool ended;  /* the unit has got its END */
    bool new_sp; /* the instruction has written sp, and it may be that sp is odd now, or no longer is */
    struct a64_flags flags;
    /* FPCR.FZ: values in which no lane of a size is subnormal, those that were made last */
    struct {
        ir_ref v;
        u32 lane;
    } flushed[8];
    u32 nflushed;
};

#define A64_DECLARE(name) bool a64_tr_##name(struct a64_ctx *c, const struct a64_insn *i);
A64_SEMANTICS(A64_DECLARE)
#undef A64_DECLARE

/* For a file of semantics: the head of one. */
#define TR(name) bool a64_tr_##name(struct a64_ctx *c, const struct a64_insn *i)

/* Helpers that the IR may call, by number: A64_HELPER_NAME. */
enum a64_helper {
#define HELPER(name, function, flags)  A64_HELPER_##name,
#define VHELPER(name, function, flags) A64_HELPER_##name,
#include "translator/guest/aarch64/helpers.def"
#undef HELPER
#undef VHELPER
    A64_NHELPERS
};
#define HELPER(name, function, flags)  ir_helper_fn function;
#define VHELPER(name, function, flags) ir_vhelper_fn function;
#include "translator/guest/aarch64/helpers.def"
#undef HELPER
#undef VHELPER
extern const struct ir_helper a64_helpers[A64_NHELPERS];

/* The bitmask immediate in bits N:immr:imms (13) of a logical instruction, for 64 bits; a 32-bit one is its low half.
 * False when there is none. */
bool a64_bitmask(u32 bits, u64 *value);

/* The instruction as text, with aliases or the plain mnemonics only. cap is at least 1. */
void a64_print(const struct a64_insn *i, gva_t pc, bool aliases, char *buf, size_t cap);
size_t a64_disasm(const u8 *code, size_t len, gva_t pc, char *buf, size_t cap); /* guest_isa.disasm */

/* --- general registers --- */

/* Register n, all of it; 31 is zero. */
static inline ir_ref a64_x(struct a64_ctx *c, u32 n)
{
    return n == 31 ? ir_const(c->b, IR_I64, 0) : ir_get(c->b, A64_SLOT_X0 + n);
}

/* The same, low half. */
static inline ir_ref a64_w(struct a64_ctx *c, u32 n)
{
    return ir_trunc(c->b, a64_x(c, n));
}

/* Register n; 31 is sp. */
static inline ir_ref a64_xsp(struct a64_ctx *c, u32 n)
{
    return ir_get(c->b, A64_SLOT_X0 + n);
}

static inline ir_ref a64_wsp(struct a64_ctx *c, u32 n)
{
    return ir_trunc(c->b, a64_xsp(c, n));
}

/* As wide as sf says: i64 or i32. */
static inline ir_ref a64_r(struct a64_ctx *c, u32 sf, u32 n)
{
    return sf ? a64_x(c, n) : a64_w(c, n);
}

static inline ir_ref a64_rsp(struct a64_ctx *c, u32 sf, u32 n)
{
    return sf ? a64_xsp(c, n) : a64_wsp(c, n);
}

/* Writes a register: i64; i32, zero-extended; whichever v is. To zr: nothing. Always true, so that semantics can end
 * with it. */
static inline bool a64_put_x(struct a64_ctx *c, u32 n, ir_ref v)
{
    if (n != 31)
        ir_put(c->b, A64_SLOT_X0 + n, v);
    return true;
}

static inline bool a64_put_w(struct a64_ctx *c, u32 n, ir_ref v)
{
    return a64_put_x(c, n, n == 31 ? 0 : ir_zext(c->b, IR_I64, v, 32));
}

static inline bool a64_put_r(struct a64_ctx *c, u32 n, ir_ref v)
{
    return ir_type_of(c->b, v) == IR_I64 ? a64_put_x(c, n, v) : a64_put_w(c, n, v);
}

/* The same where 31 is sp. `even`: when sp was a multiple of 16 before, it is one now. */
static inline bool a64_put_rsp(struct a64_ctx *c, u32 n, ir_ref v, bool even)
{
    ir_put(c->b, A64_SLOT_X0 + n, ir_type_of(c->b, v) == IR_I64 ? v : ir_zext(c->b, IR_I64, v, 32));
    c->new_sp |= n == 31 && (!even || (c->rq->mode & A64_MODE_ODD_SP));
    return true;
}

/* An address for a data access. Linux has the CPU leave out of account what is in its top byte: bit 55 stands for it.
 * Most programs have nothing there, so for those nothing is done; personality/linux/abi/aarch64.c tells how the others
 * are found. */
static inline ir_ref a64_data(struct a64_ctx *c, ir_ref addr)
{
    if (!(c->rq->mode & A64_MODE_TAGS))
        return addr;
    return ir_op2i(c->b, IR_OP_sar, ir_op2i(c->b, IR_OP_shl, addr, 8), 8);
}

/* Base register n (31 is sp), tags left as they are. Linux has the CPU check that sp is a multiple of 16 when it is the
 * base of an access: where it is not, an access that must be aligned raises the fault. */
static inline ir_ref a64_base_tagged(struct a64_ctx *c, u32 n)
{
    ir_ref base = a64_xsp(c, n);
    if (n == 31 && (c->rq->mode & A64_MODE_ODD_SP))
        (void)ir_ld(c->b, IR_V128, 4 | IR_MEM_ALIGN, a64_data(c, base), 0);
    return base;
}

/* The same as an address. */
static inline ir_ref a64_base(struct a64_ctx *c, u32 n)
{
    return a64_data(c, a64_base_tagged(c, n));
}

/* What accesses have in their aux that must be aligned: with LSE2 they need only lie within 16 aligned bytes. */
static inline u32 a64_granule(const struct a64_ctx *c)
{
    return c->rq->mode & A64_MODE_LSE2 ? IR_MEM_GRANULE : 0;
}

/* --- vector registers --- */

/* All 128 bits. */
static inline ir_ref a64_v(struct a64_ctx *c, u32 n)
{
    return ir_get(c->b, A64_SLOT_V0 + n);
}

/* The low bits as a value of this type (i32, i64, f16, f32, f64). */
static inline ir_ref a64_vlow(struct a64_ctx *c, u32 n, enum ir_type type)
{
    return ir_emit(c->b, IR_OP_vlow, type, 0, 0, a64_v(c, n), 0, 0, 0);
}

/* Writes all of it: a v128. */
static inline bool a64_put_v(struct a64_ctx *c, u32 n, ir_ref v)
{
    ir_put(c->b, A64_SLOT_V0 + n, v);
    return true;
}

/* Writes a scalar (not i128, v128) and zeroes the rest: what a64_put_d, a64_put_s and a64_put_h do for f64 or i64, f32
 * or i32, f16. */
static inline bool a64_put_scalar(struct a64_ctx *c, u32 n, ir_ref v)
{
    return a64_put_v(c, n, ir_emit(c->b, IR_OP_vzext, IR_V128, 0, 0, v, 0, 0, 0));
}

/* Writes a v128 of which, with q 0, only the low half is the result. */
static inline bool a64_put_q(struct a64_ctx *c, u32 q, u32 n, ir_ref v)
{
    if (!q)
        v = ir_emit(c->b, IR_OP_vzext, IR_V128, 0, 0, ir_emit(c->b, IR_OP_vlow, IR_I64, 0, 0, v, 0, 0, 0), 0, 0, 0);
    return a64_put_v(c, n, v);
}

/* --- flags (flags.c) --- */

/* Condition `cond` (0..15; 14 and 15 are always) as `x cc y` on integers: *x and *y are the values. */
enum ir_cc a64_cond(struct a64_ctx *c, u32 cond, ir_ref *x, ir_ref *y);

/* The same as an i64, 0 or 1. */
ir_ref a64_cond_value(struct a64_ctx *c, u32 cond);

/* C as an i64, 0 or 1; all of NZCV as an i64: N 8, Z 4, C 2, V 1. */
ir_ref a64_carry(struct a64_ctx *c);
ir_ref a64_nzcv(struct a64_ctx *c);

/* What this instruction leaves in the flags. Operands and results are i32 or i64. Nothing is written by these: the
 * slots get what is needed before something may leave the unit. */
void a64_flags_sub(struct a64_ctx *c, ir_ref a, ir_ref b, ir_ref result); /* of a - b; result 0: no register has it */
void a64_flags_add(struct a64_ctx *c, ir_ref a, ir_ref b, ir_ref result);
void a64_flags_adc(struct a64_ctx *c, ir_ref a, ir_ref b, ir_ref carry); /* a + b + carry (i64, 0 or 1) */
void a64_flags_logic(struct a64_ctx *c, ir_ref result);
void a64_flags_lit(struct a64_ctx *c, ir_ref nzcv); /* i64: N 8, Z 4, C 2, V 1 */
void a64_flags_ord(struct a64_ctx *c, ir_ref ord);  /* an i64 from IR op ford: fcmp */

/* If condition `cond` holds now, then the flags of a - b, a + b, or of an `ord` as above; else the constant NZCV
 * `nzcv`. */
void a64_flags_if_sub(struct a64_ctx *c, u32 cond, ir_ref a, ir_ref b, u32 nzcv);
void a64_flags_if_add(struct a64_ctx *c, u32 cond, ir_ref a, ir_ref b, u32 nzcv);
void a64_flags_if_ord(struct a64_ctx *c, u32 cond, ir_ref ord, u32 nzcv);

/* Leaves for `to` if condition `cond` holds; the slots hold the flags. Gives how many side exits it made. */
u32 a64_exit_cond(struct a64_ctx *c, u32 cond, gva_t to);

/* The same for a branch at the head of a unit, where it is not known what made the flags: if the slots have those of a
 * comparison, leaves for `to` or for `next`. False: nothing was emitted. */
bool a64_exit_head(struct a64_ctx *c, u32 cond, gva_t to, gva_t next);

/* Writes to the slots the flags that only the translator knows. translate.c does it before each instruction that may
 * leave the unit. */
void a64_flags_flush(struct a64_ctx *c);

/* --- control --- */

/* Ends the unit with a trap. */
static inline bool a64_trap(struct a64_ctx *c, enum ir_trap why, gva_t resume_pc)
{
    ir_trap(c->b, why, resume_pc);
    c->ended = true;
    return true;
}
