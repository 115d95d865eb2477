/* The tables that come from ops.def, and the names that the text form uses. */
#include "translator/ir/ir.h"

#define PURE   IR_PURE
#define READ   IR_READ
#define WRITE  IR_WRITE
#define FAULT  IR_FAULT
#define FPENV  IR_FPENV
#define SLOT   IR_SLOT
#define END    IR_END
#define EFFECT IR_EFFECT

const struct ir_op_info ir_ops[IR_NOPS] = {
#define OP(name, sig, flags, aux, doc) [IR_OP_##name] = {#name, sig, doc, flags, IR_AUX_##aux},
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
