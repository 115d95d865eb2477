/* The tables that come from ops.def, and the words that the text form uses. */
#include "translator/ir/ir_int.h"

#define PURE   IR_PURE
#define READ   IR_READ
#define WRITE  IR_WRITE
#define FAULT  IR_FAULT
#define FPENV  IR_FPENV
#define SLOT   IR_SLOT
#define END    IR_END
#define EFFECT IR_EFFECT

const struct ir_op_info ir_ops[IR_NOPS] = {
#define OP(name, sig, flags, aux, doc) [IR_OP_##name] = {#name, sig, doc, IR_AUX_##aux},
#include "translator/ir/ops.def"
#undef OP
};
const u8 ir_flags[IR_NOPS] = {
#define OP(name, sig, flags, aux, doc) [IR_OP_##name] = flags,
#include "translator/ir/ops.def"
#undef OP
};

const char *const ir_type_names[IR_NTYPES] = {"void", "i32", "i64", "i128", "f16", "f32", "f64", "v128"};

/* ORDER CC */
const char *const ir_cc_names[IR_NCC] = {"eq", "ne", "lts", "ges", "gts", "les", "ltu", "geu", "gtu", "leu"};

/* A condition's inverse is its number with the low bit flipped. */
_Static_assert((IR_EQ ^ 1) == IR_NE && (IR_LTS ^ 1) == IR_GES && (IR_GTS ^ 1) == IR_LES && (IR_LTU ^ 1) == IR_GEU &&
                   (IR_GTU ^ 1) == IR_LEU,
               "ORDER CC");
_Static_assert(IR_NOPS <= 256, "ir_ins.op is a byte");
_Static_assert(IR_OP_nop == 0, "op 0 in a field means any, so nop can have no fields");

/* clang-format off */
static const char *const w_bits[33] = {[8] = "8", [16] = "16", [32] = "32"};
static const char *const w_size[16] = {"1", "2", "4", "8", "16", [8] = "s1", [9] = "s2", [10] = "s4", [11] = "s8"};
static const char *const w_amo[] = {"swap", "add", "and", "or", "xor", "mins", "maxs", "minu", "maxu"};
static const char *const w_round[] = {"rne", "rtz", "rdn", "rup", "rmm", NULL, NULL, "dyn"};
static const char *const w_noround[] = {""};
static const char *const w_fcc[] = {[IR_EQ] = "eq", [IR_LTS] = "lt", [IR_LES] = "le"};
static const char *const w_trap[] = {"syscall", "break", "illegal", "sync", "mode", "fetch", "stop", "align", "own"};
static const char *const w_known[] = {"move", "set", "copystr", "len", "nlen", "cmp", "strcmp", "strncmp", "spn", "cspn", "pbrk", "chr", "chrnul", "rchr", "memchr", "memrchr", "rawchr"};
static const char *const w_lane[] = {"b", "h", "s", "d"};
static const char *const w_index[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"};
static const char *const w_group[] = {NULL, "2", "4", "8", "16"};
static const char *const w_vcc[] = {[IR_EQ] = "eq", [IR_GTS] = "gts", [IR_GES] = "ges", [IR_GTU] = "gtu", [IR_GEU] = "geu"};
#define FLAG(name) static const char *const f_##name[] = {"", #name};
FLAG(acq) FLAG(rel) FLAG(one) FLAG(seq) FLAG(align) FLAG(pr) FLAG(pw) FLAG(sr) FLAG(sw) FLAG(defnan) FLAG(negmul) FLAG(negadd) FLAG(nanwins)
FLAG(exact) FLAG(unsigned) FLAG(signal) FLAG(call) FLAG(ret) FLAG(poll) FLAG(snanwins) FLAG(tinybefore) FLAG(nanzero) FLAG(flush)
FLAG(signed) FLAG(high) FLAG(tounsigned) FLAG(round) FLAG(granule) FLAG(merged)

_Static_assert(ARRAY_LEN(w_amo) == IR_NAMO && ARRAY_LEN(w_trap) == IR_NTRAPS && ARRAY_LEN(w_known) == IR_NKNOWN, "a word for each");

#define F(kind, op, mask, words) {IR_AUX_##kind, op, mask, ARRAY_LEN(words), words}
const struct ir_field ir_fields[] = {
    F(VEC,   0,              IR_V_LANE,         w_lane),
    F(VEC,   IR_OP_vcmp,     IR_V_CC,           w_vcc),
    F(VEC,   IR_OP_vdupl,    IR_V_INDEX,        w_index),
    F(VEC,   IR_OP_vget,     IR_V_INDEX,        w_index),
    F(VEC,   IR_OP_vset,     IR_V_INDEX,        w_index),
    F(VEC,   IR_OP_vrev,     IR_V_INDEX,        w_group),
    F(VEC,   IR_OP_vget,     IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vqadd,    IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vqsub,    IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vmin,     IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vmax,     IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vwiden,   IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vmull,    IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vqnarrow, IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vdot,     IR_V_SIGNED,       f_signed),
    F(VEC,   IR_OP_vwiden,   IR_V_HIGH,         f_high),
    F(VEC,   IR_OP_vmull,    IR_V_HIGH,         f_high),
    F(VEC,   IR_OP_vzip,     IR_V_HIGH,         f_high),
    F(VEC,   IR_OP_vuzp,     IR_V_HIGH,         f_high),
    F(VEC,   IR_OP_vtrn,     IR_V_HIGH,         f_high),
    F(VEC,   IR_OP_vpmull,   IR_V_HIGH,         f_high),
    F(VEC,   IR_OP_vqnarrow, IR_V_TO_UNSIGNED,  f_tounsigned),
    F(VEC,   IR_OP_vqdmulh,  IR_V_ROUND,        f_round),
    F(VFP,   0,              IR_V_FP_LANE,      w_lane),
    F(VFP,   IR_OP_vfwiden,  IR_V_FP_HIGH,      f_high),
    F(BITS,  0,              0xffff,          w_bits),
    F(CC,    0,              0xffff,          ir_cc_names),
    F(AMO,   IR_OP_amo,      0xfe00,          w_amo),
    F(AMO,   0,              15,              w_size),
    F(AMO,   0,              IR_MEM_ACQ,      f_acq),
    F(AMO,   0,              IR_MEM_REL,      f_rel),
    F(AMO,   0,              IR_MEM_ONE,      f_one),
    F(AMO,   0,              IR_MEM_GRANULE,  f_granule),
    F(MEM,   0,              15,              w_size),
    F(MEM,   0,              IR_MEM_ACQ,      f_acq),
    F(MEM,   0,              IR_MEM_REL,      f_rel),
    F(MEM,   0,              IR_MEM_SEQ,      f_seq),
    F(MEM,   0,              IR_MEM_ALIGN,    f_align),
    F(MEM,   0,              IR_MEM_GRANULE,  f_granule),
    F(MEM,   0,              IR_MEM_MERGED,   f_merged),
    F(FENCE, 0,              IR_FENCE_PR,     f_pr),
    F(FENCE, 0,              IR_FENCE_PW,     f_pw),
    F(FENCE, 0,              IR_FENCE_SR,     f_sr),
    F(FENCE, 0,              IR_FENCE_SW,     f_sw),
    F(FP,    IR_OP_fadd,     IR_FP_ROUND,     w_round),
    F(FP,    IR_OP_fsub,     IR_FP_ROUND,     w_round),
    F(FP,    IR_OP_fmul,     IR_FP_ROUND,     w_round),
    F(FP,    IR_OP_fdiv,     IR_FP_ROUND,     w_round),
    F(FP,    IR_OP_fsqrt,    IR_FP_ROUND,     w_round),
    F(FP,    IR_OP_fma,      IR_FP_ROUND,     w_round),
    F(FP,    IR_OP_fmin,     IR_FP_ROUND,     w_noround),
    F(FP,    IR_OP_fmax,     IR_FP_ROUND,     w_noround),
    F(FP,    IR_OP_fcvt,     IR_FP_ROUND,     w_round),
    F(FP,    IR_OP_fround,   IR_FP_ROUND,     w_round),
    F(FP,    0,              IR_FP_DEFNAN,    f_defnan),
    F(FP,    0,              IR_FP_TINY_BEFORE, f_tinybefore),
    F(FP,    IR_OP_fadd,     IR_FP_FLUSH,     f_flush),
    F(FP,    IR_OP_fsub,     IR_FP_FLUSH,     f_flush),
    F(FP,    IR_OP_fmul,     IR_FP_FLUSH,     f_flush),
    F(FP,    IR_OP_fdiv,     IR_FP_FLUSH,     f_flush),
    F(FP,    IR_OP_fma,      IR_FP_FLUSH,     f_flush),
    F(FP,    IR_OP_fcvt,     IR_FP_FLUSH,     f_flush),
    F(FP,    IR_OP_fma,      IR_FP_NEG_MUL,   f_negmul),
    F(FP,    IR_OP_fma,      IR_FP_NEG_ADD,   f_negadd),
    F(FP,    IR_OP_fmin,     IR_FP_NAN_WINS,  f_nanwins),
    F(FP,    IR_OP_fmax,     IR_FP_NAN_WINS,  f_nanwins),
    F(FP,    IR_OP_fmin,     IR_FP_SNAN_WINS, f_snanwins),
    F(FP,    IR_OP_fmax,     IR_FP_SNAN_WINS, f_snanwins),
    F(FP,    IR_OP_fround,   IR_FP_EXACT,     f_exact),
    F(FCMP,  IR_OP_fcmp,     7,               w_fcc),
    F(FCMP,  0,              IR_FCMP_SIGNAL,  f_signal),
    F(F2I,   0,              IR_FP_ROUND,     w_round),
    F(F2I,   0,              IR_F2I_UNSIGNED, f_unsigned),
    F(F2I,   IR_OP_f2i,      IR_F2I_NAN_ZERO, f_nanzero),
    F(EXIT,  IR_OP_exit_if,  IR_EXIT_CC,      ir_cc_names),
    F(EXIT,  IR_OP_exit,     IR_EXIT_CALL,    f_call),
    F(EXIT,  IR_OP_exit_ind, IR_EXIT_CALL,    f_call),
    F(EXIT,  IR_OP_exit_ind, IR_EXIT_RET,     f_ret),
    F(EXIT,  IR_OP_exit_if,  IR_EXIT_POLL,    f_poll),
    F(EXIT,  IR_OP_exit,     IR_EXIT_POLL,    f_poll),
    F(TRAP,  0,              0xffff,          w_trap),
    F(KNOWN, 0,              0xffff,          w_known),
};
/* clang-format on */
const u32 ir_nfields = ARRAY_LEN(ir_fields);
