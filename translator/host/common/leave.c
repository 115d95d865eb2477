/* What leaving a unit has alike on all hosts: the list of exits, and calls of C helpers. */
#include "translator/host/common/unit.h"

#include "lib/err.h"
#include "translator/host/common/region.h"

void exit_at(struct gen *g, const u8 *site, gva_t pc)
{
    struct host_code *o = g->out;
    if (o->nexits == o->nexits_cap) {
        g->err = -ENOSPC;
        return;
    }
    o->exits[o->nexits++] = (struct host_exit){.site_off = (u32)(site - g->c.base), .pc = pc};
}

u32 call_entry(const struct gen *g, const struct ir_helper *h)
{
    const bool fp = h->flags & IR_HELPER_FP;
    return g->region ? region_call(fp) : fp ? C_CALL_FP : C_CALL;
}

void emit_call(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const struct ir_helper *h = &g->u->helpers[in->aux];
    g->changed = true;
    for (u32 n = 0; n < 4; n++) {
        call_arg(g, ir_arg(in, n), n);
        g->locked = 0;
    }
    if (g->region && (h->flags & IR_HELPER_READS))
        region_flush(g);
    if (h->flags & IR_HELPER_WRITES)
        slots_forget(g);
    temps_flush(g);
    if (g->out->count)
        count_call(g, in->aux);
    u32 r = call_c(g, (u64)(uintptr_t)h->fn, call_entry(g, h));
    g->locked = reg_bit(r);
    if (in->type == IR_VOID)
        return;
    if (!is_float_class(in->type)) {
        def_from(g, i, r);
        return;
    }
    u32 dst = def_reg(g, i, 0);
    float_from(g, dst, r, in->type);
    def_done(g, i, dst);
}
