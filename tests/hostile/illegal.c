/* Runs words that are no instructions: each must end in SIGILL at its own address, with no register changed. Reads
 * words of 4 bytes from standard input (a 16-bit one in the low half). Guest only. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static uint32_t *code;
static volatile uint32_t word;
static volatile int seen, changed;
static uint64_t want[32];

#ifdef __riscv
enum { FIRST = 5, LAST = 31 };
#define PC(uc)     ((uc)->uc_mcontext.__gregs[0])
#define REG(uc, r) ((uc)->uc_mcontext.__gregs[r])
#define KEPT(r)    ((r) == 8 || (r) == 9 || (r) >= 18)
#define RETURN     0x00008067u /* ret */
#define STOP       0x00100073u /* ebreak */
#else
enum { FIRST = 0, LAST = 28 };
#define PC(uc)     ((uc)->uc_mcontext.pc)
#define REG(uc, r) ((uc)->uc_mcontext.regs[r])
#define KEPT(r)    ((r) >= 19)
#define RETURN     0xd65f03c0u /* ret */
#define STOP       0xd4200000u /* brk #0 */
#endif

static void on_any(int sig, siginfo_t *si, void *ucp)
{
    ucontext_t *uc = ucp;
    int here = (uintptr_t)si->si_addr == (uintptr_t)code && PC(uc) == (uintptr_t)code;
    seen = sig == SIGILL && si->si_code == ILL_ILLOPC && here ? 0 : sig * 1000 + si->si_code;
    for (int r = FIRST; r <= LAST; r++)
        changed |= REG(uc, r) != want[r];
    PC(uc) = (uintptr_t)(code + 2);     /* the return */
    for (int r = FIRST; r <= LAST; r++) /* those that a call keeps, as they were */
        REG(uc, r) = KEPT(r) ? want[r] : 0;
}

/* Calls the code with known values in the registers that may be changed by a call. */
#ifdef __riscv
static void run(void)
{
    register uint64_t fn __asm__("t0") = (uint64_t)code;
    __asm__ volatile(
        "sd s0, 64(%1)\n sd s1, 72(%1)\n sd s2, 144(%1)\n sd s3, 152(%1)\n sd s4, 160(%1)\n sd s5, 168(%1)\n"
        "sd s6, 176(%1)\n sd s7, 184(%1)\n sd s8, 192(%1)\n sd s9, 200(%1)\n sd s10, 208(%1)\n sd s11, 216(%1)\n"
        "ld t1, 48(%1)\n ld t2, 56(%1)\n ld a0, 80(%1)\n ld a2, 96(%1)\n ld a3, 104(%1)\n ld a4, 112(%1)\n ld a5, "
        "120(%1)\n"
        "ld a6, 128(%1)\n ld a7, 136(%1)\n ld t3, 224(%1)\n ld t4, 232(%1)\n ld t5, 240(%1)\n ld t6, 248(%1)\n"
        "sd a1, 88(%1)\n sd t0, 40(%1)\n jalr %0\n"
        : "+r"(fn)
        : "r"(want)
        : "ra", "t1", "t2", "a0", "a2", "a3", "a4", "a5", "a6", "a7", "t3", "t4", "t5", "t6", "memory");
}
#else
void call_with(void *fn, uint64_t *registers);
__asm__(".text\ncall_with:\n stp x29, x30, [sp, #-96]!\n stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n"
        " stp x23, x24, [sp, #48]\n stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n mov x30, x0\n"
        " ldp x2, x3, [x1, #16]\n ldp x4, x5, [x1, #32]\n ldp x6, x7, [x1, #48]\n ldp x8, x9, [x1, #64]\n"
        " ldp x10, x11, [x1, #80]\n ldp x12, x13, [x1, #96]\n ldp x14, x15, [x1, #112]\n ldp x16, x17, [x1, #128]\n"
        " ldp x18, x19, [x1, #144]\n ldp x20, x21, [x1, #160]\n ldp x22, x23, [x1, #176]\n ldp x24, x25, [x1, #192]\n"
        " ldp x26, x27, [x1, #208]\n ldr x28, [x1, #224]\n ldp x0, x1, [x1]\n blr x30\n"
        " ldp x19, x20, [sp, #16]\n ldp x21, x22, [sp, #32]\n ldp x23, x24, [sp, #48]\n ldp x25, x26, [sp, #64]\n"
        " ldp x27, x28, [sp, #80]\n ldp x29, x30, [sp], #96\n ret\n");

static void run(void)
{
    call_with(code, want);
}
#endif

int main(void)
{
    static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGSYS};
    struct sigaction sa = {.sa_sigaction = on_any, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
    long n = 0, bad = 0;
    uint32_t w;
    sigaltstack(&ss, NULL);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &sa, NULL);
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int r = 0; r < 32; r++)
        want[r] = 0x1000003 * (uint64_t)r;
    while (read(0, &w, 4) == 4) {
#ifdef __riscv
        if ((w & 3) != 3)
            w = (w & 0xffff) | 0x9002u << 16; /* c.ebreak */
#endif
        code[0] = w;
        code[1] = STOP;
        code[2] = RETURN;
        __builtin___clear_cache((char *)code, (char *)(code + 3));
        seen = -1;
        changed = 0;
        word = w;
        run();
        n++;
        if (seen || changed) {
            if (bad++ < 20)
                printf("%08x: signal and code %d%s\n", w, seen, changed ? ", registers changed" : "");
        }
    }
    printf("%ld words, %ld bad\n", n, bad);
    return bad || !n;
}
