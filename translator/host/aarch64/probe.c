/* What this CPU can do.
 *
 * The base is Armv8.0 with floating point. Everything else is a feature that code selection asks for with have(); each
 * can be switched off, so that the fallbacks are tested on any machine. The CPU's own registers tell: Linux lets a
 * program read ID_AA64ISAR0_EL1 and its like, and answers for them. */
#include "translator/host/aarch64/gen.h"

const char *const host_feature_names[] = {"lse",  "aes",  "pmull", "dotprod",
                                          "sha1", "sha2", "lse2",  NULL}; /* ORDER FEAT */

static u64 id_isar0(void)
{
    u64 r;
    __asm__("mrs %0, s3_0_c0_c6_0" : "=r"(r));
    return r;
}

static u64 id_mmfr2(void)
{
    u64 r;
    __asm__("mrs %0, s3_0_c0_c7_2" : "=r"(r));
    return r;
}

bool host_granule(void)
{
    return have(FEAT_LSE2);
}

void host_probe(u64 mask)
{
    u64 isar0 = id_isar0(), has = 0;
    if (bit_field(isar0, 20, 4) >= 2)
        has |= 1u << FEAT_LSE;
    if (bit_field(isar0, 4, 4) >= 1)
        has |= 1u << FEAT_AES;
    if (bit_field(isar0, 4, 4) >= 2)
        has |= 1u << FEAT_PMULL;
    if (bit_field(isar0, 44, 4) >= 1)
        has |= 1u << FEAT_DOTPROD;
    if (bit_field(isar0, 8, 4) >= 1)
        has |= 1u << FEAT_SHA1;
    if (bit_field(isar0, 12, 4) >= 1)
        has |= 1u << FEAT_SHA2;
    if (bit_field(id_mmfr2(), 32, 4) >= 1)
        has |= 1u << FEAT_LSE2;
    host_features = has & ~mask;
}
