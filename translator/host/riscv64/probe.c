/* What this CPU can do.
 *
 * The base is RV64GC. Everything else is a feature that code selection asks for with have(); each can be switched off,
 * so that the fallbacks are tested on any machine. A CPU says nothing of itself to programs: the kernel is asked
 * (riscv_hwprobe), and where it cannot be the base it is. */
#include "translator/host/riscv64/gen.h"

#include "mk/mk.h"

const char *const host_feature_names[] = {"zba", "zbb", "zicond", "zfa", "zfhmin", "zacas", NULL}; /* ORDER FEAT */

/* Zacas has swaps of 16 bytes, but what is not aligned may fault or fall into pieces. */
bool host_granule(void)
{
    return false;
}

void host_probe(u64 mask)
{
    enum { KEY_EXTENSIONS = 4 }; /* RISCV_HWPROBE_KEY_IMA_EXT_0, and its bits */
    static const u8 bit[NFEATS] = {
        [FEAT_ZBA] = 3, [FEAT_ZBB] = 4, [FEAT_ZICOND] = 35, [FEAT_ZFA] = 32, [FEAT_ZFHMIN] = 28, [FEAT_ZACAS] = 34};
    u64 word = 0, f = 0;
    if (mk_cpu_query(KEY_EXTENSIONS, &word))
        word = 0;
    for (u32 i = 0; i < NFEATS; i++)
        f |= (word >> bit[i] & 1) << i;
    host_features = f & ~mask;
}
