/* Signal frames that are damaged before the handler returns: each in a child of its own, which must end by itself, or
 * by a signal, or be killed after a while, and by nothing else. Frames that are whole must come back. `frames SEED N
 * [FIRST]`. Guest only. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __riscv
#define PC(uc)     ((uc)->uc_mcontext.__gregs[0])
#define FRAME_SIZE sizeof(ucontext_t)
#else
#define PC(uc)     ((uc)->uc_mcontext.pc)
#define FRAME_SIZE (sizeof(ucontext_t) - 4096 + 720) /* what is behind the records' end is not looked at */
#endif

static uint64_t rng;
static int damages;
static volatile int came_back;

static uint64_t next(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

static uint64_t value(uint64_t old)
{
    static const uint64_t special[] = {0,
                                       1,
                                       16,
                                       0x46508001,
                                       0x45535201,
                                       0x53564501,
                                       0x45585401,
                                       0x250ull << 32,
                                       1ull << 38,
                                       1ull << 39,
                                       1ull << 63,
                                       ~0ull,
                                       0xfff,
                                       0x5a5a5a5a,
                                       0x80000000,
                                       0xffffffff00000000,
                                       0x7fffffffffffffff};
    switch (next() % 4) {
    case 0:
        return special[next() % (sizeof special / sizeof *special)];
    case 1:
        return old ^ 1ull << next() % 64;
    case 2:
        return old + (int64_t)(next() % 257) - 128;
    default:
        return next();
    }
}

/* Where nothing is executed: what happens to run elsewhere might do anything. */
static uint64_t nowhere(void)
{
    static const uint64_t places[] = {0,          1,          2,          4096,  1ull << 38, (1ull << 39) - 4,
                                      1ull << 39, 1ull << 48, 1ull << 63, ~3ull, ~0ull};
    const uint64_t r = next() % (sizeof places / sizeof *places + 1);
    return r ? places[r - 1] : (uint64_t)&rng;
}

static void handler(int sig, siginfo_t *si, void *cx)
{
    ucontext_t *uc = cx;
    const uint64_t pc = PC(uc);
    for (int i = 0; i < damages; i++) {
        uint64_t *word = (uint64_t *)cx + next() % (FRAME_SIZE / 8);
        *word = value(*word);
    }
    if (PC(uc) != pc)
        PC(uc) = nowhere();
}

static void child(void)
{
    static char other[1 << 16];
    const stack_t alt = {.ss_sp = other, .ss_size = sizeof other};
    const struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | (next() & 1 ? SA_ONSTACK : 0)};
    sigaltstack(&alt, NULL);
    sigaction(SIGUSR1, &act, NULL);
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    came_back = 1;
    _exit(damages ? 8 : 7);
}

/* The status of a child that ends or is ended. */
static int end_of(pid_t pid)
{
    int status;
    for (int i = 0; i < 220; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        nanosleep(&(struct timespec){0, i < 20 ? 500000 : 5000000}, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return status;
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    const int n = argc > 2 ? atoi(argv[2]) : 100;
    const int first = argc > 3 ? atoi(argv[3]) : 0;
    int ends[128] = {0}, bad = 0;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (int i = first; i < first + n; i++) {
        rng = (seed * 1000003 + i) * 0x9e3779b97f4a7c15 | 1;
        next();
        damages = i % 8 ? 1 + next() % 3 : 0;
        const pid_t pid = fork();
        if (!pid)
            child();
        const int status = end_of(pid);
        const int how = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        ends[how & 127]++;
        if (how == SIGKILL)
            fprintf(stderr, "frame %d goes on and on\n", i);
        if (how ? !damages : !damages && WEXITSTATUS(status) != 7) {
            printf("frame %d: ended by signal %d, status %d\n", i, how, WEXITSTATUS(status));
            bad++;
        }
        if (how == SIGSYS || (!how && WEXITSTATUS(status) >= 125)) {
            printf("frame %d: signal %d, status %x\n", i, how, status);
            bad++;
        }
    }
    for (int s = 0; s < 128; s++)
        if (ends[s])
            fprintf(stderr, "%d x signal %d\n", ends[s], s);
    return bad != 0;
}
