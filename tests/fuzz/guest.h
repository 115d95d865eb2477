/* What the fuzzer of a guest ISA is linked with; see guest.c. */
#pragma once

#include "translator/guest/guest.h"
#include "translator/vcpu.h"

struct fuzz_guest {
    const struct guest_isa *isa;
    /* Fills slots, rounding mode and sticky flags as the 16 bytes at `in` and the seed say. */
    void (*registers)(struct vcpu *v, const u8 *in, u64 *seed);
    /* Does this helper give something else each time? */
    bool (*tells_time)(u32 helper);
};
extern const struct fuzz_guest fuzz_guest;

/* The next number after a seed. */
u64 fuzz_next(u64 *seed);

/* What an integer register may hold: an address, mostly; `how` says of which kind. */
u64 fuzz_int(u64 *seed, u32 how);
