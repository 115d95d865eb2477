/* AArch64 has no extra base register that programs may use: the backend keeps the base in one of its own. */
#include "kernel/hosted/arch.h"

#include <errno.h>
#include <string.h>

int mk_thread_base(u64 base)
{
    return -ENOSYS;
}

int mk_cpu_query(u64 key, u64 *value)
{
    return -ENOSYS; /* the ID registers tell */
}

u32 hosted_code_return(u8 *p, u32 v)
{
    const u32 code[] = {0x52800000 | (v & 0xffff) << 5, 0xd65f03c0}; /* mov w0, #v; ret */
    memcpy(p, code, sizeof code);
    return sizeof code;
}
