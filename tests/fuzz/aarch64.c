/* The fuzzer of aarch64; see guest.c. */
#include <string.h>

#include "tests/fuzz/guest.h"
#include "translator/guest/aarch64/a64_int.h"

static u64 lane(u64 *seed)
{
    static const u64 floats[] = {0,
                                 1ull << 63,
                                 0x3ff0000000000000ull,
                                 0x7ff0000000000000ull,
                                 0x7ff0000000000001ull,
                                 0x7fefffffffffffffull,
                                 1,
                                 0x3f8000003f800000ull,
                                 0x7fc000007f800001ull,
                                 0x0000000180000000ull,
                                 0x3c007c01fc007e00ull,
                                 0x80807f7f00ff01feull};
    const u64 r = fuzz_next(seed);
    return r & 1 ? floats[r / 2 % ARRAY_LEN(floats)] : r & 2 ? r : r << 13 ^ fuzz_next(seed);
}

static void registers(struct vcpu *v, const u8 *in, u64 *seed)
{
    struct a64_state *s = a64_state(v);
    memset(s, 0, sizeof *s);
    for (u32 i = 0; i < 31; i++)
        s->x[i] = fuzz_int(seed, in[1 + i % 7]);
    s->sp = fuzz_int(seed, in[7]);
    for (u32 i = 0; i < 32; i++) {
        s->v[i] = lane(seed);
        s->v[i] |= (u128)lane(seed) << 64;
    }
    s->cc_kind = fuzz_next(seed) % A64_NCC;
    s->cc_a = fuzz_int(seed, in[2]);
    s->cc_b = fuzz_int(seed, in[3]);
    s->cc_c = fuzz_next(seed) & 1;
    s->resv_addr = fuzz_next(seed) & 1 ? A64_RESV_NONE : s->x[1] & ~15ull;
    s->resv_lo = fuzz_next(seed);
    s->resv_hi = fuzz_next(seed);
    s->tags = in[4] >> 7;
    a64_set_fpsr(v, in[5]);
    a64_set_fpcr(v, (u32)in[0] << 20 | (u32)in[6] << 12);
}

static bool tells_time(u32 helper)
{
    return helper == A64_HELPER_CNTVCT;
}

const struct fuzz_guest fuzz_guest = {.isa = &guest_aarch64, .registers = registers, .tells_time = tells_time};
