/* Which words are instructions? Reads words of 4 bytes from standard input, executes each, and writes a letter for it:
 *
 *     -   SIGILL at the word, as Linux tells of what is no instruction
 *     ?   SIGILL in another way
 *     +   anything else: the next word was reached, or another signal came
 *
 * Guest only; see test_allocated.py. Registers hold addresses where nothing is, so that what is executed reaches
 * nothing; a word that ends in a loop or leaves by a jump is an instruction like any other. Words that would make a
 * system call are not for this. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum { BATCH = 1 << 15 };
#define STOP     0xd4200000u /* brk #0 */
#define NOWHERE  (~0ull << 48)
#define DISTANCE (256ull << 20) /* beyond what a branch reaches */

void enter(void *at, const uint64_t *registers, uint64_t *kept);
void leave(void);
/* enter(at, registers, kept): jumps to `at` with x0 .. x30, sp from `registers`; leave() is where the handler goes on,
 * with x0 = kept: it returns from enter. */
__asm__(
    ".text\n.globl enter, leave\nenter:\n"
    " mov x9, sp\n stp x29, x30, [x2]\n stp x19, x20, [x2, #16]\n stp x21, x22, [x2, #32]\n"
    " stp x23, x24, [x2, #48]\n stp x25, x26, [x2, #64]\n stp x27, x28, [x2, #80]\n str x9, [x2, #96]\n"
    " stp d8, d9, [x2, #112]\n stp d10, d11, [x2, #128]\n stp d12, d13, [x2, #144]\n stp d14, d15, [x2, #160]\n"
    " mrs x9, tpidr_el0\n str x9, [x2, #104]\n"
    " mov x16, x0\n ldr x9, [x1, #248]\n mov sp, x9\n"
    " ldp x2, x3, [x1, #16]\n ldp x4, x5, [x1, #32]\n ldp x6, x7, [x1, #48]\n ldp x8, x9, [x1, #64]\n"
    " ldp x10, x11, [x1, #80]\n ldp x12, x13, [x1, #96]\n ldp x14, x15, [x1, #112]\n ldp x18, x19, [x1, #144]\n"
    " ldp x20, x21, [x1, #160]\n ldp x22, x23, [x1, #176]\n ldp x24, x25, [x1, #192]\n ldp x26, x27, [x1, #208]\n"
    " ldp x28, x29, [x1, #224]\n ldr x30, [x1, #240]\n ldr x17, [x1, #136]\n ldp x0, x1, [x1]\n br x16\n"
    "leave:\n mov x2, x0\n"
    " ldp x29, x30, [x2]\n ldp x19, x20, [x2, #16]\n ldp x21, x22, [x2, #32]\n ldp x23, x24, [x2, #48]\n"
    " ldp x25, x26, [x2, #64]\n ldp x27, x28, [x2, #80]\n ldp x9, x10, [x2, #96]\n msr tpidr_el0, x10\n mov sp, x9\n"
    " ldp d8, d9, [x2, #112]\n ldp d10, d11, [x2, #128]\n ldp d12, d13, [x2, #144]\n ldp d14, d15, [x2, #160]\n"
    " msr fpcr, xzr\n ret\n");

static uint64_t registers[32], kept[32];
static uint32_t *volatile at;
static volatile char answer;
static volatile unsigned done, done_at_tick;

/* Thread-local storage may be gone here: the word may have written TPIDR_EL0. */
__attribute__((optimize("no-stack-protector"))) static void on_any(int sig, siginfo_t *si, void *ucp)
{
    ucontext_t *uc = ucp;
    if (sig == SIGALRM) { /* does it loop? */
        const unsigned last = done_at_tick;
        done_at_tick = done;
        if (!at || last != done)
            return;
    }
    const int here = uc->uc_mcontext.pc == (uintptr_t)at;
    answer = sig != SIGILL || !here                                                 ? '+'
             : si->si_code == ILL_ILLOPC && (uintptr_t)si->si_addr == (uintptr_t)at ? '-'
                                                                                    : '?';
    at = NULL;
    uc->uc_mcontext.pc = (uintptr_t)leave;
    uc->uc_mcontext.regs[0] = (uintptr_t)kept;
    uc->uc_mcontext.pstate = 0;
}

int main(void)
{
    static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGSYS, SIGALRM};
    static uint32_t words[BATCH];
    static char answers[BATCH];
    struct sigaction sa = {.sa_sigaction = on_any, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t ss = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    const struct itimerval tick = {{0, 500000}, {0, 500000}};
    for (int r = 0; r < 32; r++)
        registers[r] = NOWHERE + 0x10000ull * (r + 1);
    sigaltstack(&ss, NULL);
    sigfillset(&sa.sa_mask);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &sa, NULL);
    const size_t size = BATCH * 8;
    char *reserved = mmap(NULL, 2 * DISTANCE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED || setitimer(ITIMER_REAL, &tick, NULL))
        return 2;
    uint32_t *code = (uint32_t *)(reserved + DISTANCE);
    for (size_t n; (n = fread(words, 4, BATCH, stdin)) != 0;) {
        if (mmap(code, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != code)
            return 2;
        for (size_t i = 0; i < n; i++) {
            code[2 * i] = words[i];
            code[2 * i + 1] = STOP;
        }
        __builtin___clear_cache((char *)code, (char *)code + size);
        if (mprotect(code, size, PROT_READ | PROT_EXEC))
            return 2;
        for (size_t i = 0; i < n; i++) {
            answer = '!';
            at = code + 2 * i;
            enter(code + 2 * i, registers, kept);
            done++;
            answers[i] = answer;
        }
        if (fwrite(answers, 1, n, stdout) != n)
            return 2;
    }
    return fflush(stdout) ? 2 : 0;
}
