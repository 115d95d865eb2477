/* The order of the steps.
 *
 * What a step needed, and its input, are of no use when it has ended, and memory that nobody had yet costs as much as a
 * step does: so the next one works in the same. */
#include "translator/opt/opt.h"

#include "lib/arena.h"
#include "lib/err.h"

#define CLEANED 2 /* times */

/* Is there a jump back? Without one a region is worth nothing yet. */
static bool has_loop(const struct ir_unit *u)
{
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_poll)
            return true;
    return false;
}

/* A step has made `out`, for which all that the arena has had since `begin` was there. */
static int settle(struct arena *a, struct arena_mark begin, const struct ir_unit *out, struct ir_unit *u)
{
    *u = *out;
    u->cap = u->n;
    u->ins = arena_keep(a, begin, out->ins, out->n * sizeof *out->ins, _Alignof(struct ir_ins));
    return u->ins ? 0 : -ENOMEM;
}

int opt_region(const struct opt_request *rq, struct ir_unit *u)
{
    const struct arena_mark begin = arena_mark(rq->arena);
    struct ir_unit out;
    int rc = opt_form(rq, &out);
    if (!rc && !has_loop(&out))
        return -ENOENT;
    if (!rc)
        rc = settle(rq->arena, begin, &out, u);
    if (!rc)
        rc = opt_lift(u, &out);
    if (!rc)
        rc = settle(rq->arena, begin, &out, u);
    for (u32 i = 0; i < CLEANED && !rc && !ir_is_off(u, IR_PASS_CLEAN); i++) {
        rc = opt_clean(u, &out);
        if (!rc)
            rc = settle(rq->arena, begin, &out, u);
    }
    return rc;
}
