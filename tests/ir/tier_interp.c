#include "tests/ir/filetest.h"

static int run(const struct ir_unit *u, struct vcpu *v)
{
    ir_interp(u, v);
    return 0;
}

const struct filetest_tier tier_interp = {.name = "interp", .run = run};
