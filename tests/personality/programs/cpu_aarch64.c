/* What an aarch64 CPU is told to have, it has, and no more: AT_HWCAP and AT_HWCAP2, /proc/cpuinfo, the ID registers
 * and the instructions themselves must agree on each feature. On another ISA there is nothing to check. */
#include "util.h"

#ifdef __aarch64__
#include <sys/auxv.h>
#include <sys/utsname.h>

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            printf("%s:%d: %s\n", __func__, __LINE__, #cond);                                                          \
    } while (0)

#define READ(reg)                                                                                                      \
    ({                                                                                                                 \
        uint64_t v_;                                                                                                   \
        __asm__("mrs %0, " reg : "=r"(v_));                                                                            \
        v_;                                                                                                            \
    })

enum { NONE, PFR0, PFR1, ISAR0, ISAR1, ISAR2, MMFR0, MMFR1, MMFR2, NREGISTERS };

/* Names as Linux writes them; bit of AT_HWCAP, from 64 on of AT_HWCAP2; the field that tells, with its least value; an
 * instruction that others must not have (it uses x0, an address, and writes x1, x2, x3, v0, v1), or 0. */
static const struct {
    const char *name;
    uint8_t bit, reg, shift, value;
    uint32_t insn;
} features[] = {
    {"fp", 0, PFR0, 16, 0, 0x1e622820},         /* fadd d0, d1, d2 */
    {"asimd", 1, PFR0, 20, 0, 0x4ea28420},      /* add v0.4s, v1.4s, v2.4s */
    {"evtstrm", 2, NONE, 0, 0, 0xd503205f},     /* wfe */
    {"aes", 3, ISAR0, 4, 1, 0x4e284820},        /* aese v0.16b, v1.16b */
    {"pmull", 4, ISAR0, 4, 2, 0x0ee2e020},      /* pmull v0.1q, v1.1d, v2.1d */
    {"sha1", 5, ISAR0, 8, 1, 0x5e280820},       /* sha1h s0, s1 */
    {"sha2", 6, ISAR0, 12, 1, 0x5e282820},      /* sha256su0 v0.4s, v1.4s */
    {"crc32", 7, ISAR0, 16, 1, 0x9ac34c41},     /* crc32x w1, w2, x3 */
    {"atomics", 8, ISAR0, 20, 2, 0xf8210002},   /* ldadd x1, x2, [x0] */
    {"fphp", 9, PFR0, 16, 1, 0x1ee22820},       /* fadd h0, h1, h2 */
    {"asimdhp", 10, PFR0, 20, 1, 0x4e421420},   /* fadd v0.8h, v1.8h, v2.8h */
    {"cpuid", 11, NONE, 0, 0, 0xd5380001},      /* mrs x1, midr_el1 */
    {"asimdrdm", 12, ISAR0, 28, 1, 0x6e828420}, /* sqrdmlah v0.4s, v1.4s, v2.4s */
    {"jscvt", 13, ISAR1, 12, 1, 0x1e7e0001},    /* fjcvtzs w1, d0 */
    {"fcma", 14, ISAR1, 16, 1, 0x6e82e420},     /* fcadd v0.4s, v1.4s, v2.4s, #90 */
    {"lrcpc", 15, ISAR1, 20, 1, 0xf8bfc001},    /* ldapr x1, [x0] */
    {"dcpop", 16, ISAR1, 0, 1, 0xd50b7c20},     /* dc cvap, x0 */
    {"sha3", 17, ISAR0, 32, 1, 0xce020c20},     /* eor3 v0.16b, v1.16b, v2.16b, v3.16b */
    {"sm3", 18, ISAR0, 36, 1, 0xce62c020},      /* sm3partw1 v0.4s, v1.4s, v2.4s */
    {"sm4", 19, ISAR0, 40, 1, 0xcec08420},      /* sm4e v0.4s, v1.4s */
    {"asimddp", 20, ISAR0, 44, 1, 0x6e829420},  /* udot v0.4s, v1.16b, v2.16b */
    {"sha512", 21, ISAR0, 12, 2, 0xcec08020},   /* sha512su0 v0.2d, v1.2d */
    {"sve", 22, PFR0, 32, 1, 0x2518e3e0},       /* ptrue p0.b */
    {"asimdfhm", 23, ISAR0, 48, 1, 0x4e22ec20}, /* fmlal v0.4s, v1.4h, v2.4h */
    {"dit", 24, PFR0, 48, 1, 0xd53b42a1},       /* mrs x1, dit */
    {"uscat", 25, MMFR2, 32, 1, 0},
    {"ilrcpc", 26, ISAR1, 20, 2, 0xd9400001}, /* ldapur x1, [x0] */
    {"flagm", 27, ISAR0, 52, 1, 0xd500401f},  /* cfinv */
    {"ssbs", 28, PFR1, 4, 2, 0xd53b42c1},     /* mrs x1, ssbs */
    {"sb", 29, ISAR1, 36, 1, 0xd50330ff},     /* sb */
    {"paca", 30, ISAR1, 4, 1, 0xdac10001},    /* pacia x1, x0 */
    {"pacg", 31, ISAR1, 24, 1, 0x9ac03021},   /* pacga x1, x1, x0 */
    {"dcpodp", 64, ISAR1, 0, 2, 0xd50b7d20},  /* dc cvadp, x0 */
    {"sve2", 65, NONE, 0, 0, 0x45000000},     /* saddlbt z0.h, z0.b, z0.b */
    {"flagm2", 71, ISAR0, 52, 2, 0xd500405f}, /* axflag */
    {"frint", 72, ISAR1, 32, 1, 0x1e684020},  /* frint32z d0, d1 */
    {"i8mm", 77, ISAR1, 52, 1, 0x4e829c20},   /* usdot v0.4s, v1.16b, v2.16b */
    {"bf16", 78, ISAR1, 44, 1, 0x6e42fc20},   /* bfdot v0.4s, v1.8h, v2.8h */
    {"dgh", 79, ISAR1, 48, 1, 0},             /* a hint */
    {"rng", 80, ISAR0, 60, 1, 0xd53b2401},    /* mrs x1, rndr */
    {"bti", 81, PFR1, 0, 1, 0},               /* hints */
    {"mte", 82, PFR1, 8, 2, 0x9adf1001},      /* irg x1, x0 */
    {"ecv", 83, MMFR0, 60, 1, 0xd53be0c1},    /* mrs x1, cntvctss_el0 */
    {"afp", 84, MMFR1, 44, 1, 0},
    {"rpres", 85, ISAR2, 4, 1, 0},
    {"wfxt", 95, ISAR2, 0, 2, 0xd5031001},   /* wfet x1 */
    {"cssc", 98, ISAR2, 52, 1, 0xdac02001},  /* abs x1, x0 */
    {"mops", 107, ISAR2, 16, 1, 0x19c30441}, /* setp [x1]!, x2!, x3 */
    {NULL, 0, 0, 0, 0, 0},
};

static uint32_t *code;
static sigjmp_buf jump;
static char place[64] __attribute__((aligned(64)));

static void on_illegal(int sig, siginfo_t *si, void *uc)
{
    siglongjmp(jump, sig == SIGILL && si->si_code == ILL_ILLOPC && si->si_addr == (void *)code ? 1 : 2);
}

/* 0: it runs; 1: it is none; 2: something else. */
static int try(uint32_t insn)
{
    const int how = sigsetjmp(jump, 1);
    if (how)
        return how;
    code[0] = insn;
    code[1] = 0xd65f03c0; /* ret */
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    register void *x0 __asm__("x0") = place;
    register uint64_t x3 __asm__("x3") = 1ull << 52; /* so that no timer waits long */
    __asm__ volatile("mov x1, #0\n mov x2, #0\n blr %[code]\n"
                     : "+r"(x0), "+r"(x3)
                     : [code] "r"(code)
                     : "x1", "x2", "x30", "v0", "v1", "cc", "memory");
    return 0;
}

static void check_features(void)
{
    const uint64_t caps[2] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
    const uint64_t registers[NREGISTERS] = {0,
                                            READ("id_aa64pfr0_el1"),
                                            READ("id_aa64pfr1_el1"),
                                            READ("id_aa64isar0_el1"),
                                            READ("id_aa64isar1_el1"),
                                            READ("s3_0_c0_c6_2") /* ISAR2 */,
                                            READ("id_aa64mmfr0_el1"),
                                            READ("id_aa64mmfr1_el1"),
                                            READ("s3_0_c0_c7_2")};
    char line[4096] = "", word[32];
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f) && strncmp(line, "Features\t:", 10))
        ;
    CHECK(f && !strncmp(line, "Features\t:", 10));
    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = ' ';
    uint64_t known[2] = {0};
    size_t told = strlen("Features\t: ");
    for (unsigned i = 0; features[i].name; i++) {
        const unsigned bit = features[i].bit, field = registers[features[i].reg] >> features[i].shift & 15;
        const bool has = caps[bit / 64] >> bit % 64 & 1;
        known[bit / 64] |= 1ull << bit % 64;
        snprintf(word, sizeof word, " %s ", features[i].name);
        if ((strstr(line, word) != NULL) != has)
            printf("%s: AT_HWCAP%s says %d, /proc/cpuinfo not\n", features[i].name, bit / 64 ? "2" : "", has);
        if (features[i].reg && (field != 15 && field >= features[i].value) != has)
            printf("%s: AT_HWCAP%s says %d, the ID register %u\n", features[i].name, bit / 64 ? "2" : "", has, field);
        if (features[i].insn && try(features[i].insn) != !has)
            printf("%s: announced %d, but the instruction gives %d\n", features[i].name, has, try(features[i].insn));
        told += has ? strlen(word) - 1 : 0;
    }
    if (told != strlen(line))
        printf("another feature: %s\n", line);
    CHECK(!(caps[0] & ~known[0]) && !(caps[1] & ~known[1]));
    /* what this project wants to have */
    CHECK((caps[0] & 0x83fffff) == 0x83fffff && (caps[1] & 0x100) == 0x100);
}

static void others(void)
{
    CHECK(!strcmp((char *)getauxval(AT_PLATFORM), "aarch64"));
    CHECK(getauxval(51 /* AT_MINSIGSTKSZ */) == 4720);
    CHECK(READ("ctr_el0") && READ("cntfrq_el0") && READ("midr_el1"));
    struct utsname u;
    CHECK(!uname(&u) && !strcmp(u.machine, "aarch64"));
}
#endif

int main(void)
{
#ifdef __aarch64__
    struct sigaction sa = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO};
    setvbuf(stdout, NULL, _IONBF, 0);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    check_features();
    others();
#endif
    printf("fine\n");
    return 0;
}
