/* A thread forks while others translate; the children translate too, have threads, fork again. */
#include "stress.h"

static volatile bool stop;
static volatile long wrong;

static bool run_new(char *code, uint64_t *rnd)
{
    unsigned n = next_random(rnd) % 150, step = next_random(rnd) % 2047, at = next_random(rnd) % 7 * PAGE;
    flush_code(code + at, code_sum(code + at, n, step));
    return ((code_fn *)(code + at))() == (int)(n * step);
}

static void *translator(void *arg)
{
    uint64_t rnd = (uintptr_t)arg;
    char *code = must_map(8 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    while (!stop) {
        void *p = malloc(1 + next_random(&rnd) % 3000);
        if (!run_new(code, &rnd))
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
        free(p);
    }
    munmap(code, 8 * PAGE);
    return NULL;
}

static char *shared_code;

static void *in_child(void *arg)
{
    uint64_t rnd = 9;
    char *code = must_map(8 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    long ok = 1;
    for (int i = 0; i < 20; i++)
        ok &= run_new(code, &rnd);
    return (void *)ok;
}

static int child(int depth)
{
    uint64_t rnd = (uint64_t)getpid();
    pthread_t t;
    void *r;
    if (((code_fn *)shared_code)() != 77 * 3)
        return 1;
    for (int i = 0; i < 20; i++)
        if (!run_new(shared_code + PAGE, &rnd))
            return 2;
    must_start(&t, in_child, NULL);
    pthread_join(t, &r);
    if (!r)
        return 3;
    if (depth) {
        int st;
        pid_t p = fork();
        if (!p)
            _exit(child(0));
        if (p < 0 || waitpid(p, &st, 0) != p || !WIFEXITED(st) || WEXITSTATUS(st))
            return 4;
    }
    return 0;
}

static void *forker(void *arg)
{
    long good = 0;
    for (int i = 0; i < 25; i++) {
        int st = -1;
        pid_t p = fork();
        if (!p)
            _exit(child(i % 8 == 0));
        if (p < 0 || waitpid(p, &st, 0) != p || st)
            printf("fork %d: %d, status %x\n", i, (int)p, st);
        else
            good++;
    }
    return (void *)good;
}

int main(void)
{
    pthread_t t[2], f[2];
    shared_code = must_map(9 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    flush_code(shared_code, code_sum(shared_code, 77, 3));
    for (int i = 0; i < 2; i++)
        must_start(&t[i], translator, (void *)(intptr_t)(i + 1));
    for (int i = 0; i < 2; i++)
        must_start(&f[i], forker, NULL);
    for (int i = 0; i < 2; i++) {
        void *r;
        pthread_join(f[i], &r);
        value("good", (long)r);
    }
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    return 0;
}
