/* The backend of a machine that has none yet: a name and no functions. The interpreter tier works there; an engine of
 * another tier is refused when it is made (engine.c). A port to a new host begins with this one. */
#include "translator/host/host.h"

static const char *const no_features[] = {NULL};

static void probe(u64 mask)
{
}

static u64 have(void)
{
    return 0;
}

static bool granule(void)
{
    return false;
}

const struct host_isa host_native = {
    .name = "no backend", .probe = probe, .features = no_features, .have = have, .granule = granule};
