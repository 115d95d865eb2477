/* The order of the steps. */
#include "translator/opt/opt.h"

#include "lib/err.h"

/* Is there a jump back? Without one a region is worth nothing yet. */
static bool has_loop(const struct ir_unit *u)
{
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_poll)
            return true;
    return false;
}

int opt_region(const struct opt_request *rq, struct ir_unit *u)
{
    struct ir_unit formed, lifted, cleaned;
    int rc = opt_form(rq, &formed);
    if (!rc && !has_loop(&formed))
        return -ENOENT;
    if (!rc)
        rc = opt_lift(&formed, &lifted);
    if (rc)
        return rc;
    if (ir_is_off(&lifted, IR_PASS_CLEAN)) {
        *u = lifted;
        return 0;
    }
    rc = opt_clean(&lifted, &cleaned);
    if (!rc)
        rc = opt_clean(&cleaned, u);
    return rc;
}
