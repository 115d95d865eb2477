/* Units of library routines: arguments from where the guest's calls have them, op `known`, the return.
 *
 * The return goes by the return-address stack, as that of the guest's own code does. Of the registers none but the
 * result's changes: a caller finds more of what it had than it may rely on. */
#include "translator/guest/guest.h"

#include "translator/ir/ir_build.h"

enum result { R_op, R_first, R_end, R_ends };

static const struct {
    u8 op, result;
    char args[4];
} table[GUEST_NKNOWN] = {
#define KNOWN(name, op, args, result) [GUEST_KNOWN_##name] = {IR_KNOWN_##op, R_##result, args},
#include "translator/guest/known.def"
#undef KNOWN
};

const char *const guest_known_names[GUEST_NKNOWN] = {
    [GUEST_KNOWN_none] = "none",
#define KNOWN(name, op, args, result) [GUEST_KNOWN_##name] = #name,
#include "translator/guest/known.def"
#undef KNOWN
};

int guest_known_unit(const struct guest_isa *g, gva_t pc, u32 known, struct ir_unit *u)
{
    struct ir_builder b;
    ir_ref arg[3];
    u->slots = &g->slots;
    u->helpers = g->helpers;
    u->nhelpers = g->nhelpers;
    ir_begin(&b, u, pc);
    ir_insn(&b, pc, g->min_insn);
    for (u32 i = 0; i < 3; i++) {
        const char c = table[known].args[i];
        arg[i] = c == '-' ? ir_const(&b, IR_I64, 0) : ir_get(&b, g->arg[c - '0']);
    }
    const ir_ref first = ir_get(&b, g->arg[0]);
    const ir_ref r = ir_emit(&b, IR_OP_known, IR_I64, table[known].op, 0, arg[0], arg[1], arg[2], 0);
    const u32 result = table[known].result;
    if (result != R_first)
        ir_put(&b, g->arg[0], result == R_op ? r : ir_op2(&b, IR_OP_add, first, result == R_end ? arg[2] : r));
    const ir_ref back = ir_get(&b, g->ret);
    ir_exit_ret(&b, g->min_insn == 2 ? ir_op2i(&b, IR_OP_and, back, ~1ull) : back);
    return ir_finish(&b);
}
