/* What this CPU can do.
 *
 * The base is x86-64 with SSE2 and cmpxchg16b. Everything else is a feature that code selection asks for with have();
 * each can be switched off, so that the fallbacks are tested on any machine.
 *
 * `cpuid` is an exit to the hypervisor on a virtual machine, a dozen microseconds each, and this is done whenever a
 * process starts: so it asks twice, and finds out the rest by other ways. */
#include "translator/host/x86_64/gen.h"

const char *const host_feature_names[] = {"sse4.1",    "popcnt", "lzcnt",   "bmi1", "bmi2", "fma",
                                          "f16c",      "ssse3",  "sse4.2",  "avx",  "avx2", "aes",
                                          "pclmulqdq", "sha",    "avx512f", NULL}; /* ORDER FEAT */

static void cpuid(u32 leaf, u32 sub, u32 r[4])
{
    __asm__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

static u64 xgetbv(void)
{
    u32 lo, hi;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (u64)hi << 32 | lo;
}

/* Intel and AMD say of CPUs with AVX that aligned accesses of 16 bytes are one. What is not aligned is one within a
 * cache line, as Intel says; those of AMD's with AVX move 16 aligned bytes at a time or more. */
bool host_granule(void)
{
    return have(FEAT_AVX);
}

/* `lzcnt` is `bsr` where it is not there: 63 - n. */
static bool has_lzcnt(void)
{
    u64 n;
    __asm__("lzcnt %1, %0" : "=r"(n) : "r"(1ull) : "cc");
    return n == 63;
}

void host_probe(u64 mask)
{
    u32 f1[4], f7[4] = {0};
    cpuid(1, 0, f1);
    dgm_assert(f1[2] >> 13 & 1, "this CPU has no cmpxchg16b");

    /* VEX-coded instructions need the OS to keep the registers' upper halves, even those that touch none. What has
     * XSAVE has leaf 13, and so all below. */
    bool osxsave = f1[2] >> 27 & 1;
    bool vex = osxsave && (f1[2] >> 28 & 1) && (xgetbv() & 6) == 6;
    if (osxsave)
        cpuid(7, 0, f7);
    u64 f = 0;
    f |= (u64)(f1[2] >> 19 & 1) << FEAT_SSE41;
    f |= (u64)(f1[2] >> 23 & 1) << FEAT_POPCNT;
    f |= (u64)has_lzcnt() << FEAT_LZCNT;
    f |= (u64)(f7[1] >> 3 & 1 && vex) << FEAT_BMI1;
    f |= (u64)(f7[1] >> 8 & 1 && vex) << FEAT_BMI2;
    f |= (u64)(f1[2] >> 12 & 1 && vex) << FEAT_FMA;
    f |= (u64)(f1[2] >> 29 & 1 && vex) << FEAT_F16C;
    f |= (u64)(f1[2] >> 9 & 1) << FEAT_SSSE3;
    f |= (u64)(f1[2] >> 20 & 1) << FEAT_SSE42;
    f |= (u64)vex << FEAT_AVX;
    f |= (u64)(f7[1] >> 5 & 1 && vex) << FEAT_AVX2;
    f |= (u64)(f1[2] >> 25 & 1) << FEAT_AES;
    f |= (u64)(f1[2] >> 1 & 1) << FEAT_PCLMUL;
    f |= (u64)(f7[1] >> 29 & 1) << FEAT_SHA;
    /* Its registers, too, are the OS's to keep. */
    f |= (u64)(f7[1] >> 16 & 1 && vex && (xgetbv() & 0xe0) == 0xe0) << FEAT_AVX512F;
    host_features = f & ~mask;
}
