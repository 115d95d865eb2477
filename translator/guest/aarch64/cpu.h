/* The aarch64 CPU that guests see, once: what it can do, by name, with the bit of Linux's AT_HWCAP and the field of an
 * ID register that tell so. The system registers that the frontend shows, AT_HWCAP and /proc/cpuinfo are made from
 * this. One feature is there only when asked for: LSE2 (uscat), which costs time, and which not every host can give.
 *
 * FEATURE(name, bit, register, shift, value): `name` as in Linux's "Features" line, in whose order they stand; `bit` of
 * AT_HWCAP, from 64 on of AT_HWCAP2; the field of four bits from `shift` on in ID_AA64<register>_EL1 is at least
 * `value`. NONE: Linux's own doing, or told by no field. */
#pragma once

#include "lib/types.h"

/* clang-format off */
#define A64_FEATURES(FEATURE)        \
    FEATURE(fp,       0, PFR0, 16, 0) \
    FEATURE(asimd,    1, PFR0, 20, 0) \
    FEATURE(evtstrm,  2, NONE, 0, 0) \
    FEATURE(aes,      3, ISAR0, 4, 1) \
    FEATURE(pmull,    4, ISAR0, 4, 2) \
    FEATURE(sha1,     5, ISAR0, 8, 1) \
    FEATURE(sha2,     6, ISAR0, 12, 1) \
    FEATURE(crc32,    7, ISAR0, 16, 1) \
    FEATURE(atomics,  8, ISAR0, 20, 2) \
    FEATURE(fphp,     9, PFR0, 16, 1) \
    FEATURE(asimdhp,  10, PFR0, 20, 1) \
    FEATURE(cpuid,    11, NONE, 0, 0) \
    FEATURE(asimdrdm, 12, ISAR0, 28, 1) \
    FEATURE(jscvt,    13, ISAR1, 12, 1) \
    FEATURE(fcma,     14, ISAR1, 16, 1) \
    FEATURE(lrcpc,    15, ISAR1, 20, 1) \
    FEATURE(dcpop,    16, ISAR1, 0, 1) \
    FEATURE(sha3,     17, ISAR0, 32, 1) \
    FEATURE(sm3,      18, ISAR0, 36, 1) \
    FEATURE(sm4,      19, ISAR0, 40, 1) \
    FEATURE(asimddp,  20, ISAR0, 44, 1) \
    FEATURE(sha512,   21, ISAR0, 12, 2) \
    FEATURE(uscat,    25, MMFR2, 32, 1) \
    FEATURE(flagm,    27, ISAR0, 52, 1) \
    FEATURE(frint,    72, ISAR1, 32, 1)
/* clang-format on */

enum a64_id { A64_ID_NONE, A64_ID_PFR0, A64_ID_ISAR0, A64_ID_ISAR1, A64_ID_MMFR2 };

/* Bits of guest_isa.cpu: what was asked for. */
#define A64_CPU_LSE2 1u

/* Does it have the feature with this bit of AT_HWCAP? */
static inline bool a64_has(u32 bit, bool lse2)
{
    const u32 uscat = 25;
    return bit != uscat || lse2;
}

/* MIDR_EL1: implementer 0 is for software; the architecture is told by the ID registers. */
#define A64_MIDR 0x000f0000u

/* CNTFRQ_EL0: how often the counter counts a second. */
#define A64_COUNTER_HZ 1000000000u

/* AT_HWCAP and, with second 1, AT_HWCAP2, of a CPU with or without LSE2. */
static inline u64 a64_hwcap(u32 second, bool lse2)
{
    u64 caps = 0;
#define FEATURE(name, bit, reg, shift, value)                                                                          \
    caps |= (bit) / 64 == second && a64_has(bit, lse2) ? 1ull << (bit) % 64 : 0;
    A64_FEATURES(FEATURE)
#undef FEATURE
    return caps;
}

/* v with the field from bit `shift` on at least `value`. */
static inline u64 a64_id_field(u64 v, u32 shift, u64 value)
{
    return (v >> shift & 15) < value ? (v & ~(15ull << shift)) | value << shift : v;
}

/* An ID register as Linux lets programs read it. */
static inline u64 a64_id_value(enum a64_id id, bool lse2)
{
    u64 v = id == A64_ID_PFR0 ? 0x11 : 0; /* exception levels 0 and 1 run this ISA only */
#define FEATURE(name, bit, reg, shift, value)                                                                          \
    if (id == A64_ID_##reg && a64_has(bit, lse2))                                                                      \
        v = a64_id_field(v, shift, value);
    A64_FEATURES(FEATURE)
#undef FEATURE
    return v;
}
