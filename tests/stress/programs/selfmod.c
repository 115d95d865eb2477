/* Code that several threads change and run. Who has told the others by a flag that he changed code, after flushing it
 * for all, finds that they run the new code; nobody ever goes back to older code. */
#include "stress.h"

#include <sys/syscall.h>

#define SLOTS 8

static char *code; /* functions that return their generation */
static volatile unsigned published[SLOTS];
static volatile bool stop;
static volatile long wrong, backward;

/* The whole function in one store, so that nobody sees half of it. */
static void put(int slot, unsigned n)
{
    uint64_t text = 0;
    code_return(&text, n);
    __atomic_store_n((uint64_t *)(code + slot * 64), text, __ATOMIC_SEQ_CST);
    flush_code(code + slot * 64, 8);
}

static void *runner(void *arg)
{
    unsigned last[SLOTS] = {0};
    for (int s = 0; !stop; s = (s + 1) % SLOTS) {
        unsigned before = __atomic_load_n(&published[s], __ATOMIC_SEQ_CST);
        unsigned r = (unsigned)((code_fn *)(code + s * 64))();
        if (r > 2000)
            wrong++;
        if (r < before || r < last[s])
            backward++;
        last[s] = r;
    }
    return NULL;
}

/* Slots beside one another, each changed by its own thread, data between them. */
static char *area;
static void *own_slot(void *arg)
{
    long me = (intptr_t)arg;
    char *p = area + me * 48;
    volatile uint32_t *data = (uint32_t *)(area + me * 48 + 40);
    for (unsigned i = 0; i < 600; i++) {
        *data = i;
        flush_code(p, code_return(p, (i + (unsigned)me) % 2000));
        if (((code_fn *)p)() != (int)((i + (unsigned)me) % 2000) || *data != i)
            wrong++;
    }
    return NULL;
}

/* Each has a page, which all flush all the time: one thread's flush must not hide that another's is still under way. */
static void *own_page(void *arg)
{
    char *p = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (unsigned i = 0; i < 3000; i++) {
        flush_code(p, code_sum(p, i % 40, 3));
        if (((code_fn *)p)() != (int)(i % 40 * 3))
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    }
    munmap(p, PAGE);
    return NULL;
}

int main(void)
{
    pthread_t t[6];
    code = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    area = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int s = 0; s < SLOTS; s++)
        put(s, 0);
    for (int i = 0; i < 3; i++)
        must_start(&t[i], runner, NULL);
    for (unsigned i = 1; i <= 800; i++) {
        int s = (int)(i % SLOTS);
        put(s, i);
        __atomic_store_n(&published[s], i, __ATOMIC_SEQ_CST);
        if (i % 64 == 0)
            sched_yield();
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    value("backward", backward);
    for (intptr_t i = 0; i < 6; i++)
        must_start(&t[i], own_slot, (void *)i);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    for (int i = 0; i < 4; i++)
        must_start(&t[i], own_page, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    return 0;
}
