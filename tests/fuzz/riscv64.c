/* The fuzzer of riscv64; see guest.c. */
#include <string.h>

#include "tests/fuzz/guest.h"
#include "translator/guest/riscv64/rv_int.h"

static void registers(struct vcpu *v, const u8 *in, u64 *seed)
{
    static const u64 floats[] = {0,
                                 1ull << 63,
                                 0x3ff0000000000000ull,
                                 0x7ff0000000000000ull,
                                 0xfff0000000000000ull,
                                 0x7ff8000000000000ull,
                                 0x7ff0000000000001ull,
                                 1,
                                 0xffffffff3f800000ull,
                                 0xffffffff7fc00000ull,
                                 0xffffffff7f800001ull,
                                 0x7fefffffffffffffull,
                                 0x4330000000000001ull,
                                 0xffffffffffff3c00ull};
    struct rv_state *s = rv_state(v);
    memset(s, 0, sizeof *s);
    for (u32 i = 1; i < 32; i++)
        s->x[i] = fuzz_int(seed, in[1 + i % 7]);
    for (u32 i = 0; i < 32; i++) {
        const u64 r = fuzz_next(seed);
        s->f[i] = r & 1   ? floats[r / 2 % ARRAY_LEN(floats)]
                  : r & 2 ? r << 13 ^ fuzz_next(seed)
                          : 0xffffffff00000000ull | r;
    }
    s->resv_addr = fuzz_next(seed) & 1 ? RV_RESV_NONE : s->x[10] & ~7ull;
    s->resv_val = fuzz_next(seed);
    v->fp_flags = 0;
    rv_set_fcsr(v, in[0]);
}

static bool tells_time(u32 helper)
{
    return helper == RV_HELPER_TIME || helper == RV_HELPER_CYCLE;
}

const struct fuzz_guest fuzz_guest = {.isa = &guest_riscv64, .registers = registers, .tells_time = tells_time};
