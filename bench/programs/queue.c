/* atomic: a ring between two threads, without locks: loads that acquire, stores that release. Each publishes what it
 * did in batches, so that it does not depend on who happens to be quicker how often a cache line goes to and fro. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "bench.h"

#define SIZE  4096
#define BATCH 64

static uint64_t ring[SIZE], items;
static _Alignas(64) _Atomic uint64_t head;
static _Alignas(64) _Atomic uint64_t tail;

static void *produce(void *arg)
{
    uint64_t seed = 139;
    for (uint64_t i = 0; i < items; i += BATCH) {
        while (i + BATCH - atomic_load_explicit(&tail, memory_order_acquire) > SIZE)
            sched_yield();
        for (uint64_t k = i; k < i + BATCH; k++)
            ring[k % SIZE] = bench_random(&seed);
        atomic_store_explicit(&head, i + BATCH, memory_order_release);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t t;
    uint64_t sum = 0;
    items = bench_work(argc, argv, 600000) * BATCH;
    if (pthread_create(&t, NULL, produce, NULL))
        return 1;
    for (uint64_t i = 0; i < items; i += BATCH) {
        while (atomic_load_explicit(&head, memory_order_acquire) == i)
            sched_yield();
        for (uint64_t k = i; k < i + BATCH; k++)
            sum = sum * 31 + ring[k % SIZE];
        atomic_store_explicit(&tail, i + BATCH, memory_order_release);
    }
    pthread_join(t, NULL);
    bench_done(sum);
}
