/* aarch64: what this program is told of LSE2, and what an atomic does that is not aligned, within 16 aligned bytes and
 * across. Then it executes itself once. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static sigjmp_buf back;

static void on_bus(int sig, siginfo_t *info, void *context)
{
    siglongjmp(back, info->si_code == BUS_ADRALN ? 1 : 2);
}

static void try(const char *where, char *p)
{
    const int how = sigsetjmp(back, 1);
    if (how) {
        printf("%s: SIGBUS %s\n", where, how == 1 ? "ADRALN" : "of another kind");
        return;
    }
    uint64_t old, got;
    __asm__ volatile(".arch_extension lse\nldaddal %2, %0, [%3]\nldar %1, [%3]"
                     : "=&r"(old), "=&r"(got)
                     : "r"(5ull), "r"(p)
                     : "memory");
    printf("%s: %s\n", where, got - old == 5 ? "works" : "is wrong");
}

int main(int argc, char **argv)
{
    static _Alignas(16) char memory[64];
    char line[1024];
    uint64_t mmfr2;
    int listed = 0;
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        listed |= !strncmp(line, "Features", 8) && strstr(line, " uscat ");
    __asm__("mrs %0, s3_0_c0_c7_2" : "=r"(mmfr2));
    printf("uscat %d %d %d\n", (int)(getauxval(AT_HWCAP) >> 25 & 1), listed, (int)(mmfr2 >> 32 & 15));
    struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &sa, NULL);
    try("inside", memory + 3);
    try("across", memory + 11);
    fflush(stdout);
    if (argc == 1)
        execl("/proc/self/exe", argv[0], "again", NULL);
    return 0;
}
