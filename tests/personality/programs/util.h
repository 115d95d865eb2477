/* For native-first test programs: what they print must be the same on every machine. */
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096

/* "what: 0", or what: and the name of errno when r is -1. */
static inline void result(const char *what, long r)
{
    if (r == -1)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, r);
    fflush(stdout);
}
/* For pointers: only whether it worked. */
static inline void *pointer(const char *what, void *p)
{
    if (p == MAP_FAILED)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: ok\n", what);
    fflush(stdout);
    return p;
}
static inline void value(const char *what, long v)
{
    printf("%s = %ld\n", what, v);
    fflush(stdout);
}
static inline void status(const char *what, int st)
{
    if (WIFEXITED(st))
        printf("%s: exit %d\n", what, WEXITSTATUS(st));
    else if (WIFSIGNALED(st))
        printf("%s: killed by %s\n", what, sigabbrev_np(WTERMSIG(st)));
    else if (WIFSTOPPED(st))
        printf("%s: stopped by %s\n", what, sigabbrev_np(WSTOPSIG(st)));
    else
        printf("%s: status %x\n", what, st);
    fflush(stdout);
}
static inline void on(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = flags | SA_SIGINFO};
    sigaction(sig, &sa, NULL);
}
static inline void msleep(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&ts, &ts) && errno == EINTR)
        ;
}
static inline long gettid_(void)
{
    return syscall(SYS_gettid);
}

/* What differs between ISAs. */
#if defined __riscv
#define UC_PC(uc)   ((uc)->uc_mcontext.__gregs[0])
#define UC_SP(uc)   ((uc)->uc_mcontext.__gregs[2])
#define UC_ARG0(uc) ((uc)->uc_mcontext.__gregs[10])
/* Code of a function that returns n (0..2047). */
static inline size_t code_return(void *p, unsigned n)
{
    uint32_t code[2] = {n << 20 | 0x513, 0x8067}; /* li a0, n; ret */
    memcpy(p, code, sizeof code);
    return sizeof code;
}
static inline void breakpoint(void)
{
    __asm__ volatile("ebreak");
}
#elif defined __aarch64__
#define UC_PC(uc)   ((uc)->uc_mcontext.pc)
#define UC_SP(uc)   ((uc)->uc_mcontext.sp)
#define UC_ARG0(uc) ((uc)->uc_mcontext.regs[0])
static inline size_t code_return(void *p, unsigned n)
{
    uint32_t code[2] = {0x52800000 | n << 5, 0xd65f03c0}; /* mov w0, n; ret */
    memcpy(p, code, sizeof code);
    return sizeof code;
}
static inline void breakpoint(void)
{
    __asm__ volatile("brk #0");
}
#elif defined __x86_64__
#define UC_PC(uc)   ((uc)->uc_mcontext.gregs[REG_RIP])
#define UC_SP(uc)   ((uc)->uc_mcontext.gregs[REG_RSP])
#define UC_ARG0(uc) ((uc)->uc_mcontext.gregs[REG_RDI])
static inline size_t code_return(void *p, unsigned n)
{
    uint8_t code[6] = {0xb8, n, n >> 8, 0, 0, 0xc3};
    memcpy(p, code, sizeof code);
    return sizeof code;
}
static inline void breakpoint(void)
{
    __asm__ volatile("int3");
}
#endif
static inline void flush_code(void *p, size_t n)
{
    __builtin___clear_cache((char *)p, (char *)p + n);
}
