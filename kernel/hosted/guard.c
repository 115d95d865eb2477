/* Guarded accesses: the routines of guard.S by size, and what the last fault on this thread was.
 *
 * The fault handler recognises a fault by its pc and sends the routine to its way out (fault.c). */
#include "mk/mk.h"

#include <errno.h>
#include <stdbool.h>

#include "kernel/hosted/arch.h"
#include "kernel/hosted/hosted.h"
#include "kernel/hosted/hosted_int.h"
#include "lib/assert.h"
#include "lib/bits.h"

static __thread struct {
    hva_t addr;
    u8 kind;
    bool write;
} last;

void hosted_guard_note(const struct mk_fault *f)
{
    last.addr = f->addr;
    last.kind = f->kind;
    last.write = f->write;
}

void mk_last_fault(hva_t *addr, u32 *kind, bool *write)
{
    *addr = last.addr;
    *kind = last.kind;
    *write = last.write;
}

bool mk_hosted_pc_guarded(hva_t pc)
{
    for (u64 i = 0; i < hosted_guard_nranges; i++) {
        if (pc >= hosted_guard_ranges[i].start && pc < hosted_guard_ranges[i].end)
            return true;
    }
    return false;
}

int mk_copy(void *dst, const void *src, size_t n)
{
    return hosted_guard_copy(dst, src, n);
}

int mk_load(hva_t addr, u32 size, void *out)
{
    switch (size) {
    case 1:
        return hosted_guard_load1(addr, out);
    case 2:
        return hosted_guard_load2(addr, out);
    case 4:
        return hosted_guard_load4(addr, out);
    case 8:
        return hosted_guard_load8(addr, out);
    case 16:
        return hosted_guard_load16(addr, out);
    }
    dgm_assert(false, "mk_load of %u bytes", size);
}

int mk_store(hva_t addr, u32 size, const void *in)
{
    switch (size) {
    case 1:
        return hosted_guard_store1(addr, in);
    case 2:
        return hosted_guard_store2(addr, in);
    case 4:
        return hosted_guard_store4(addr, in);
    case 8:
        return hosted_guard_store8(addr, in);
    case 16:
        return hosted_guard_store16(addr, in);
    }
    dgm_assert(false, "mk_store of %u bytes", size);
}

int mk_cas(hva_t addr, u32 size, void *expect, const void *desired)
{
    if (!is_aligned(addr, size))
        return -EINVAL;
    switch (size) {
    case 1:
        return hosted_guard_cas1(addr, expect, desired);
    case 2:
        return hosted_guard_cas2(addr, expect, desired);
    case 4:
        return hosted_guard_cas4(addr, expect, desired);
    case 8:
        return hosted_guard_cas8(addr, expect, desired);
    case 16:
        return hosted_guard_cas16(addr, expect, desired);
    }
    dgm_assert(false, "mk_cas of %u bytes", size);
}
