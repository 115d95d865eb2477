/* Shared by the files of the riscv64 frontend, and by nobody else.
 *
 * One semantics function `rv_tr_NAME` per meaning in riscv64.decode builds the IR of one instruction. It
 * returns false for an encoding that is no instruction (or is none in the current mode), and then has built
 * nothing. Compressed instructions come decoded to the members of the instruction that they stand for. */
#pragma once

#include "translator/guest/guest.h"
#include "translator/guest/riscv64/riscv64_insn.h"
#include "translator/guest/riscv64/state.h"
#include "translator/ir/ir_build.h"

/* guest_isa.mode: how the dynamic rounding mode (frm) is translated. */
enum rv_mode {
    RV_MODE_HOST,      /* 0..3: as vcpu.fp_round says at run time */
    RV_MODE_RMM,       /* 4: no host has it; translated as a static mode */
    RV_MODE_INVALID,   /* 5..7: instructions that use it are illegal */
    RV_MODE_ROUND = 3, /* mask of these */
    RV_MODE_NO_C = 4,  /* no compressed instructions: instructions lie at multiples of four */
};

struct rv_ctx {
    struct ir_builder *b;
    const struct guest_request *rq;
    gva_t pc;   /* of the instruction at hand */
    gva_t next; /* of the one after it */
    u32 n;      /* instructions before it */
    u32 exits;  /* side exits made so far */
    u32 rounds; /* how often the unit has gone round the loop that it is */
    bool ended; /* the unit has got its END */
};

#define RV_DECLARE(name) bool rv_tr_##name(struct rv_ctx *c, const struct rv_insn *i);
RV_SEMANTICS(RV_DECLARE)
#undef RV_DECLARE

/* For a file of semantics: the head of one. */
#define TR(name) bool rv_tr_##name(struct rv_ctx *c, const struct rv_insn *i)

/* Helpers that the IR may call, by number. */
enum rv_helper {
    RV_HELPER_TIME,
    RV_HELPER_CYCLE,
    RV_HELPER_FCVTMOD,
    RV_HELPER_CLMUL,
    RV_HELPER_CLMULH,
    RV_HELPER_CLMULR,
    RV_HELPER_XPERM4,
    RV_HELPER_XPERM8,
    RV_HELPER_AES64DS,
    RV_HELPER_AES64DSM,
    RV_HELPER_AES64IM,
    RV_HELPER_AES64ES,
    RV_HELPER_AES64ESM,
    RV_HELPER_AES64KS1I,
    RV_NHELPERS
};
extern const struct ir_helper rv_helpers[RV_NHELPERS];

/* Those of scalar cryptography (crypto.c); csr.c has the others, and the table. */
ir_helper_fn rv_clmul, rv_clmulh, rv_clmulr, rv_xperm4, rv_xperm8;
ir_helper_fn rv_aes64ds, rv_aes64dsm, rv_aes64im, rv_aes64es, rv_aes64esm, rv_aes64ks1i;

/* Decodes the instruction at `code`, of which `len` bytes are there. False when it goes on after them. i->op is
 * RV_ILLEGAL when it is none; i->len is right even so. */
bool rv_fetch(const u8 *code, size_t len, struct rv_insn *i);

/* The instruction as text, with aliases (mv, li, ret, …) or the plain mnemonics only. cap is at least 1. */
void rv_print(const struct rv_insn *i, gva_t pc, bool aliases, char *buf, size_t cap);
size_t rv_disasm(const u8 *code, size_t len, gva_t pc, char *buf, size_t cap); /* guest_isa.disasm */

/* x register n; x0 is the constant 0. */
static inline ir_ref rv_x(struct rv_ctx *c, u32 n)
{
    return n ? ir_get(c->b, RV_SLOT_X0 + n) : ir_const(c->b, IR_I64, 0);
}

/* The same, low half. */
static inline ir_ref rv_w(struct rv_ctx *c, u32 n)
{
    return ir_trunc(c->b, rv_x(c, n));
}

/* Writes x register n; nothing for x0. Always true, so that semantics can end with it. */
static inline bool rv_put_x(struct rv_ctx *c, u32 n, ir_ref v)
{
    if (n)
        ir_put(c->b, RV_SLOT_X0 + n, v);
    return true;
}

/* The same from an i32, sign-extended. */
static inline bool rv_put_w(struct rv_ctx *c, u32 n, ir_ref v)
{
    return rv_put_x(c, n, n ? ir_sext(c->b, IR_I64, v, 32) : 0);
}

/* Ends the unit with a trap. */
static inline bool rv_trap(struct rv_ctx *c, enum ir_trap why, gva_t resume_pc)
{
    ir_trap(c->b, why, resume_pc);
    c->ended = true;
    return true;
}
