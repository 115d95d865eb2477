/* atomic: locks of the C library without contention, and a few reads and writes under them. */
#include <pthread.h>

#include "bench.h"

static void *nothing(void *arg)
{
    return arg;
}

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 14000000), sum = 0;
    static pthread_mutex_t m[4] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
                                   PTHREAD_MUTEX_INITIALIZER};
    static uint64_t v[4];
    pthread_t t;
    /* a second thread has existed: the library takes no short cuts */
    if (pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL))
        return 1;
    for (uint64_t i = 0; i < n; i++) {
        pthread_mutex_lock(&m[i & 3]);
        v[i & 3] += i;
        sum ^= v[i & 3];
        pthread_mutex_unlock(&m[i & 3]);
    }
    bench_done(sum);
}
