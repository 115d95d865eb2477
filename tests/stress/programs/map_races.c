/* Pages are mapped, unmapped, protected and written while other threads run code in them, read and write them, and give
 * them to system calls. Each access works with a value that was there, or faults at its own address. Only a function
 * that is replaced while it runs may give another result than the old code or the new: some instructions of each. */
#include "stress.h"

#define PAGES 8

static char *area;
static volatile long changes[PAGES]; /* odd while new code of the page may not be seen by all */
static volatile bool stop;
static volatile long wrong;
static _Thread_local sigjmp_buf back;
static _Thread_local volatile bool trying;
static _Thread_local volatile uintptr_t where;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
    uintptr_t a = (uintptr_t)si->si_addr;
    if (!trying) {
        printf("fault at %lx, pc %lx, area %lx\n", (long)a, (long)UC_PC((ucontext_t *)uc), (long)area);
        exit(70);
    }
    if (a < (where & ~(uintptr_t)(PAGE - 1)) || a >= (where & ~(uintptr_t)(PAGE - 1)) + PAGE)
        wrong++;
    if (sig != SIGSEGV || (si->si_code != SEGV_MAPERR && si->si_code != SEGV_ACCERR))
        wrong++;
    siglongjmp(back, 1);
}

static void *runner(void *arg)
{
    uint64_t rnd = (uintptr_t)arg;
    while (!stop) {
        unsigned page = next_random(&rnd) % PAGES;
        char *p = area + page * PAGE;
        where = (uintptr_t)p;
        if (!sigsetjmp(back, 1)) {
            trying = true;
            long before = __atomic_load_n(&changes[page], __ATOMIC_SEQ_CST);
            int r = ((code_fn *)p)();
            bool changed = before % 2 || __atomic_load_n(&changes[page], __ATOMIC_SEQ_CST) != before;
            if (r != 35 && r != 48 && !changed)
                wrong++;
        }
        trying = false;
    }
    return NULL;
}

static void *toucher(void *arg)
{
    uint64_t rnd = (uintptr_t)arg;
    int fds[2];
    char buf[64];
    pipe(fds);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    while (!stop) {
        char *p = area + next_random(&rnd) % PAGES * PAGE + 1024;
        where = (uintptr_t)p;
        if (!sigsetjmp(back, 1)) {
            trying = true;
            volatile uint32_t *w = (uint32_t *)p;
            uint32_t v = *w;
            if (v != 0 && v != 0x55555555)
                wrong++;
            *w = 0x55555555;
        }
        trying = false;
        ssize_t n = write(fds[1], p, 64);
        if (n != 64 && !(n == -1 && errno == EFAULT))
            wrong++;
        if (n == 64) {
            n = read(fds[0], p + 64, 64);
            if (n != 64 && !(n == -1 && errno == EFAULT))
                wrong++;
            if (n != 64)
                while (read(fds[0], buf, sizeof buf) > 0)
                    ;
        }
        struct timespec *ts = (struct timespec *)(p + 256);
        if (syscall(SYS_clock_getres, CLOCK_MONOTONIC, ts) && errno != EFAULT)
            wrong++;
    }
    return NULL;
}

static void put(char *p, unsigned n)
{
    flush_code(p, code_sum(p, n, n + 2));
}

static void changer(int rounds)
{
    uint64_t rnd = 77;
    char *fresh = must_map(PAGES * PAGE, PROT_READ | PROT_WRITE);
    for (int i = 0; i < rounds; i++) {
        unsigned page = next_random(&rnd) % PAGES;
        char *p = area + page * PAGE;
        unsigned n = 5 + next_random(&rnd) % 2; /* 5 * 7, 6 * 8 */
        switch (next_random(&rnd) % 7) {
        case 0:
            mprotect(p, PAGE, PROT_NONE);
            break;
        case 1:
            mprotect(p, PAGE, PROT_READ | PROT_EXEC);
            break;
        case 2:
            mprotect(p, PAGE, PROT_READ | PROT_WRITE);
            break;
        case 3:
            munmap(p, PAGE);
            break;
        case 4:
            /* Made elsewhere and moved: nobody sees it half done. */
            mmap(fresh, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            put(fresh, n);
            mprotect(fresh, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
            __atomic_fetch_add(&changes[page], 1, __ATOMIC_SEQ_CST);
            if (mremap(fresh, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) != p)
                wrong++;
            flush_code(p, 128);
            __atomic_fetch_add(&changes[page], 1, __ATOMIC_SEQ_CST);
            break;
        case 5:
            mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
            break;
        default:
            madvise(p, PAGE, MADV_WILLNEED);
            break;
        }
    }
}

int main(void)
{
    pthread_t t[4];
    on(SIGSEGV, on_fault, 0);
    on(SIGBUS, on_fault, 0);
    area = must_map(PAGES * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int i = 0; i < PAGES; i++)
        put(area + i * PAGE, 5);
    for (intptr_t i = 0; i < 2; i++) {
        must_start(&t[i], runner, (void *)(i + 1));
        must_start(&t[i + 2], toucher, (void *)(i + 10));
    }
    for (int i = 0; i < 40; i++) {
        changer(50);
        msleep(1);
    }
    stop = true;
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    return 0;
}
