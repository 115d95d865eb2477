#include "tests/ir/test_units.h"

#include <stdlib.h>

#include "translator/ir/ir_build.h"

int test_rebuild(const struct ir_unit *u, struct ir_unit *out)
{
    struct ir_builder b;
    ir_ref *to = calloc(u->n, sizeof *to);
    ir_begin(&b, out, u->pc);
    out->code_key = u->code_key;
    out->lifted = u->lifted;
    for (ir_ref r = 1; r < u->n; r++) {
        const struct ir_ins *in = &u->ins[r];
        to[r] = ir_emit(&b, in->op, in->type, in->aux, in->imm, to[in->a], to[in->b], to[in->c], to[in->d]);
    }
    free(to);
    return ir_finish(&b);
}
