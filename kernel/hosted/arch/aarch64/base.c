/* AArch64 has no extra base register that programs may use: the backend keeps the base in one of its own. */
#include "mk/mk.h"

#include <errno.h>

int mk_thread_base(u64 base)
{
    return -ENOSYS;
}

int mk_cpu_query(u64 key, u64 *value)
{
    return -ENOSYS; /* the ID registers tell */
}
