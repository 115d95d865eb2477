/* atomic: two threads that add to the same counters and hand a token to and fro. */
#include <pthread.h>
#include <stdatomic.h>

#include "bench.h"

static _Atomic uint64_t total, spins;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static uint64_t turn, rounds;

static void *work(void *arg)
{
    uint64_t me = (uint64_t)(uintptr_t)arg;
    for (uint64_t i = 0; i < rounds * 200; i++)
        atomic_fetch_add(&total, i ^ me);
    for (uint64_t i = 0; i < rounds; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 2 != me)
            pthread_cond_wait(&turned, &lock);
        turn++;
        pthread_cond_signal(&turned);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t t[2];
    rounds = bench_work(argc, argv, 30000);
    for (uintptr_t i = 0; i < 2; i++)
        if (pthread_create(&t[i], NULL, work, (void *)i))
            return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    bench_done(total + turn + spins);
}
