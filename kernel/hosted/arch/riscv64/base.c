/* What is asked of the machine: RISC-V has no extra base register (gp and tp are libc's), so the backend keeps the base
 * in one of its own; and what the CPU can do, only Linux says (riscv_hwprobe, since 6.4). */
#define _GNU_SOURCE
#include "kernel/hosted/arch.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_riscv_hwprobe
#define SYS_riscv_hwprobe 258
#endif

extern u8 hosted_guard_amocas; /* guard.S */

int mk_thread_base(u64 base)
{
    return -ENOSYS;
}

int mk_cpu_query(u64 key, u64 *value)
{
    struct {
        s64 key;
        u64 value;
    } pair = {.key = (s64)key};
    if (syscall(SYS_riscv_hwprobe, &pair, 1ul, 0ul, NULL, 0ul))
        return -errno;
    if (pair.key < 0)
        return -ENOENT;
    *value = pair.value;
    return 0;
}

u32 hosted_code_return(u8 *p, u32 v)
{
    const u32 code[] = {0x00000513 | (v & 0x7ff) << 20, 0x00008067}; /* li a0, v; ret */
    memcpy(p, code, sizeof code);
    return sizeof code;
}

__attribute__((constructor)) static void look_for_amocas(void)
{
    enum { EXTENSIONS = 4 };
    const u64 zacas = 1ull << 34;
    u64 have;
    hosted_guard_amocas = mk_cpu_query(EXTENSIONS, &have) == 0 && (have & zacas);
}
