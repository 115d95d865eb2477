/* For hosts that compile no regions yet: their units have no labels, so that nothing but region_emit is ever called. */
#include "translator/host/common/region.h"

#include "lib/err.h"

static void never(void)
{
    dgm_assert(false, "this host compiles no regions");
}

int region_emit(const struct ir_unit *u, struct host_code *out)
{
    return -ENOSYS;
}

u32 region_bytes(const struct gen *g)
{
    never();
    return 0;
}

u32 region_state(const struct gen *g)
{
    never();
    return 0;
}

u32 region_call(bool fp)
{
    never();
    return 0;
}

void region_flush(struct gen *g)
{
    never();
}

void region_place(struct gen *g, ir_ref i, u32 r)
{
    never();
}

bool region_has_place(const struct gen *g, ir_ref i)
{
    never();
    return false;
}

bool region_holds(const struct gen *g, u32 s, ir_ref v)
{
    never();
    return false;
}

ir_ref region_holder(const struct gen *g, u32 s)
{
    never();
    return 0;
}

bool region_in_register(const struct gen *g, ir_ref v)
{
    never();
    return false;
}

bool region_is_home(const struct gen *g, u32 s, ir_ref v)
{
    never();
    return false;
}

void emit_label(struct gen *g, ir_ref i)
{
    never();
}

void emit_jump(struct gen *g, ir_ref i)
{
    never();
}

void emit_jump_if(struct gen *g, ir_ref i)
{
    never();
}

void emit_poll(struct gen *g, ir_ref i)
{
    never();
}

void emit_tally(struct gen *g, bool count, bool leave)
{
    never();
}
