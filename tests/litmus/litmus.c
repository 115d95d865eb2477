/* Litmus tests of memory order: small pieces of guest code that run on several threads at once, many times, over memory
 * that they share. What each thread read and what is left in memory is one outcome; a test says which outcomes the
 * guest's memory model forbids, and one of those seen once is a failure.
 *
 *     litmus [-n ROUNDS] [-s SEED] [-p] [-v] [-f] [NAME…]        litmus -l
 *
 * The tests are tests.def of a directory per ISA, which the compiler is given with -I. NAME: tests whose names begin
 * with it. -p: processes instead of threads, over memory that they share. -v: a histogram of each test, else only of
 * those that failed. -l: names alone. -f: the other way round: each test must show a forbidden outcome, by the last
 * round; tests of what this CPU does not promise are run too. So one sees of tests that they can fail.
 *
 * A round is CELLS pieces of memory, over which all threads of a test go in the same order, each at its own pace:
 * before each cell a thread waits for the others, but not for long, and then for a moment of random length, so that the
 * accesses meet in ever other ways. Where a variable lies in its line changes from round to round. Nothing depends on
 * the waiting: threads that are not run at the same time only see fewer outcomes.
 *
 * What this cannot do is show that an outcome is impossible: on a host of strong order much is never seen, however
 * wrong the mapping is. mapping.py beside this file looks at that side. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CELLS   500
#define THREADS 4
#define LINE    64

/* Variables x, y, z of a cell, and words behind each (x + 8, for accesses of 16 bytes). */
struct cell {
    _Alignas(LINE) uint64_t x[LINE / 8];
    _Alignas(LINE) uint64_t y[LINE / 8];
    _Alignas(LINE) uint64_t z[LINE / 8];
};

struct out {
    uint64_t a, b, c;
};

/* What a forbidden outcome is told from: registers a, b, c of threads 0 to 3, and memory afterwards. */
struct outcome {
    uint64_t a0, b0, c0, a1, b1, c1, a2, b2, c2, a3, b3, c3, x, y, z, x8;
};

/* A thread's code: x, y, z are addresses, a, b, c results that begin as 0, t, u scratch, one and two constants. */
#define CODE(function, text)                                                                                           \
    static void function(uint64_t *x, uint64_t *y, uint64_t *z, struct out *o)                                         \
    {                                                                                                                  \
        uint64_t a = 0, b = 0, c = 0;                                                                                  \
        __asm__ volatile(FIXED(text)                                                                                   \
                         : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c)                                                    \
                         : [x] "r"(x), [y] "r"(y), [z] "r"(z), [one] "r"(1ull), [two] "r"(2ull)                        \
                         : "memory", FIXED_CLOBBERS);                                                                  \
        o->a = a;                                                                                                      \
        o->b = b;                                                                                                      \
        o->c = c;                                                                                                      \
    }
#define BAD(name, cond)                                                                                                \
    static bool name##_bad(const struct outcome *o)                                                                    \
    {                                                                                                                  \
        const uint64_t a0 = o->a0, b0 = o->b0, c0 = o->c0, a1 = o->a1, b1 = o->b1, c1 = o->c1, a2 = o->a2, b2 = o->b2, \
                       c2 = o->c2, a3 = o->a3, b3 = o->b3, c3 = o->c3, x = o->x, y = o->y, z = o->z, x8 = o->x8;       \
        (void)a0, (void)b0, (void)c0, (void)a1, (void)b1, (void)c1, (void)a2, (void)b2, (void)c2, (void)a3, (void)b3,  \
            (void)c3, (void)x, (void)y, (void)z, (void)x8;                                                             \
        return cond;                                                                                                   \
    }
#define NONE false /* every outcome is allowed: the test only shows what is seen */

/* isa.h also has is_possible: whether this CPU can run the test of that name. */

#include "isa.h"

#define TEST2(name, p0, p1, bad)     CODE(name##_0, p0) CODE(name##_1, p1) BAD(name, bad)
#define TEST3(name, p0, p1, p2, bad) CODE(name##_0, p0) CODE(name##_1, p1) CODE(name##_2, p2) BAD(name, bad)
#define TEST4(name, p0, p1, p2, p3, bad)                                                                               \
    CODE(name##_0, p0) CODE(name##_1, p1) CODE(name##_2, p2) CODE(name##_3, p3) BAD(name, bad)
#include "tests.def"
#undef TEST2
#undef TEST3
#undef TEST4

typedef void code(uint64_t *, uint64_t *, uint64_t *, struct out *);

static const struct test {
    const char *name;
    int threads;
    code *run[THREADS];
    bool (*bad)(const struct outcome *);
} tests[] = {
#define TEST2(name, p0, p1, bad)         {#name, 2, {name##_0, name##_1}, name##_bad},
#define TEST3(name, p0, p1, p2, bad)     {#name, 3, {name##_0, name##_1, name##_2}, name##_bad},
#define TEST4(name, p0, p1, p2, p3, bad) {#name, 4, {name##_0, name##_1, name##_2, name##_3}, name##_bad},
#include "tests.def"
};

/* What the threads share, mapped so that processes may, too. */
struct shared {
    struct cell cells[CELLS];
    struct out out[THREADS][CELLS];
    struct {
        _Alignas(LINE) uint64_t at; /* how many cells this thread has begun, over all rounds */
    } progress[THREADS];
};
static struct shared *s;

static uint64_t seed = 1;
static unsigned rounds = 40;
static bool processes, verbose, must_fail;

/* One round's part of a thread. */
struct part {
    const struct test *t;
    int me;
    uint64_t round, seed;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Where in its line a variable lies this round: at its start, or so that 16 bytes still fit. */
static unsigned shift_of(uint64_t round)
{
    return round % 4 * 2;
}

static void meet(int threads, int me, uint64_t at)
{
    __atomic_store_n(&s->progress[me].at, at, __ATOMIC_RELAXED);
    for (int i = 0; i < threads; i++)
        for (int tries = 0; tries < 300 && __atomic_load_n(&s->progress[i].at, __ATOMIC_RELAXED) < at; tries++)
            ;
}

static void *run_part(void *arg)
{
    struct part *p = arg;
    const unsigned k = shift_of(p->round);
    uint64_t rnd = p->seed | 1;
    for (uint64_t i = 0; i < CELLS; i++) {
        struct cell *c = &s->cells[i];
        meet(p->t->threads, p->me, p->round * CELLS + i + 1);
        for (volatile unsigned wait = next_random(&rnd) >> 40 & 7; wait; wait--)
            ;
        p->t->run[p->me](c->x + k, c->y + k, c->z + k, &s->out[p->me][i]);
    }
    return NULL;
}

/* --- the histogram --- */

#define SEEN 256
static struct {
    struct outcome o;
    unsigned count;
    bool bad;
} seen[SEEN];
static unsigned nseen;

static void note(const struct test *t, const struct outcome *o)
{
    for (unsigned i = 0; i < nseen; i++)
        if (!memcmp(&seen[i].o, o, sizeof *o)) {
            seen[i].count++;
            return;
        }
    if (nseen == SEEN) {
        fprintf(stderr, "litmus: %s: more than %d outcomes\n", t->name, SEEN);
        exit(2);
    }
    seen[nseen].o = *o;
    seen[nseen].count = 1;
    seen[nseen++].bad = t->bad(o);
}

static void print_outcome(const struct test *t, const struct outcome *o)
{
    const uint64_t *r = &o->a0;
    for (int i = 0; i < t->threads; i++)
        printf(" %d:%lx,%lx,%lx", i, r[3 * i], r[3 * i + 1], r[3 * i + 2]);
    printf("  x=%lx y=%lx z=%lx x8=%lx", o->x, o->y, o->z, o->x8);
}

/* --- running --- */

static uint64_t outcomes; /* of all tests */

static void run_round(const struct test *t, uint64_t round)
{
    struct part part[THREADS];
    pthread_t id[THREADS];
    pid_t pid[THREADS];
    memset(s->cells, 0, sizeof s->cells);
    for (int i = 0; i < t->threads; i++) {
        part[i] = (struct part){.t = t, .me = i, .round = round, .seed = next_random(&seed)};
        if (processes) {
            pid[i] = fork();
            if (!pid[i]) {
                run_part(&part[i]);
                _exit(0);
            }
            if (pid[i] < 0)
                perror("litmus: fork"), exit(2);
        } else if (pthread_create(&id[i], NULL, run_part, &part[i])) {
            perror("litmus: pthread_create"), exit(2);
        }
    }
    for (int i = 0; i < t->threads; i++) {
        int status = 0;
        if (!processes)
            pthread_join(id[i], NULL);
        else if (waitpid(pid[i], &status, 0) < 0 || status)
            fprintf(stderr, "litmus: a process ended with %x\n", status), exit(2);
    }
    const unsigned k = shift_of(round);
    for (int i = 0; i < CELLS; i++) {
        struct outcome o = {0};
        uint64_t *r = &o.a0;
        for (int j = 0; j < t->threads; j++)
            memcpy(r + 3 * j, &s->out[j][i], sizeof(struct out));
        o.x = s->cells[i].x[k];
        o.x8 = s->cells[i].x[k + 1];
        o.y = s->cells[i].y[k];
        o.z = s->cells[i].z[k];
        note(t, &o);
    }
}

/* Runs a test; whether it failed. */
static bool run_test(const struct test *t)
{
    nseen = 0;
    memset(s->progress, 0, sizeof s->progress);
    bool bad = false;
    uint64_t round = 0;
    while (round < rounds && !(bad && must_fail)) {
        run_round(t, round++);
        for (unsigned i = 0; i < nseen; i++)
            bad |= seen[i].bad;
    }
    outcomes += round * CELLS;
    if (verbose || bad != must_fail) {
        printf("%s: %s\n", t->name, bad ? "FORBIDDEN outcomes" : must_fail ? "no forbidden outcome" : "ok");
        for (unsigned i = 0; i < nseen; i++) {
            printf("%8u%s", seen[i].count, seen[i].bad ? " *" : "  ");
            print_outcome(t, &seen[i].o);
            printf("\n");
        }
    }
    return bad != must_fail;
}

static bool wanted(const char *name, char **prefixes, int n)
{
    for (int i = 0; i < n; i++)
        if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
            return true;
    return !n;
}

int main(int argc, char **argv)
{
    unsigned run = 0, failed = 0;
    int opt;
    while ((opt = getopt(argc, argv, "n:s:pvfl")) >= 0) {
        switch (opt) {
        case 'n':
            rounds = (unsigned)atoi(optarg);
            break;
        case 's':
            seed = strtoull(optarg, NULL, 0) | 1;
            break;
        case 'p':
            processes = true;
            break;
        case 'v':
            verbose = true;
            break;
        case 'f':
            must_fail = true;
            break;
        case 'l':
            for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                puts(tests[i].name);
            return 0;
        default:
            return 2;
        }
    }
    s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED) {
        perror("litmus: mmap");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if ((!must_fail && !is_possible(tests[i].name)) || !wanted(tests[i].name, argv + optind, argc - optind))
            continue;
        run++;
        failed += run_test(&tests[i]);
    }
    printf("%u tests, %llu outcomes, %u failed\n", run, (unsigned long long)outcomes, failed);
    return failed || !run;
}
