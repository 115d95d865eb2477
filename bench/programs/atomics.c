/* atomic: read-modify-write and compare-and-swap of all orders, while another thread lives. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "bench.h"

static void *wait_for_end(void *arg)
{
    char c;
    return read(*(int *)arg, &c, 1) < 0 ? arg : NULL;
}

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 8000000), sum = 0;
    static _Atomic uint64_t a[16];
    static _Atomic uint32_t b[16];
    int end[2];
    pthread_t other;
    if (pipe(end) || pthread_create(&other, NULL, wait_for_end, &end[0]))
        return 1;
    for (uint64_t i = 0; i < n; i++) {
        unsigned k = i & 15;
        sum += atomic_fetch_add(&a[k], i);
        sum ^= atomic_fetch_or_explicit(&b[k], (uint32_t)i, memory_order_relaxed);
        uint64_t old = atomic_load(&a[k]);
        while (!atomic_compare_exchange_weak(&a[k], &old, old * 3 + 1))
            ;
        sum += atomic_exchange_explicit(&b[k], (uint32_t)sum, memory_order_acq_rel);
    }
    close(end[1]);
    pthread_join(other, NULL);
    bench_done(sum);
}
