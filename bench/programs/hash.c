/* memory: a hash table with open addressing: inserts, finds, misses. */
#include "bench.h"

#define BITS 18

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 36000000), seed = 41, sum = 0, used = 0;
    static struct {
        uint64_t key, value;
    } t[1 << BITS];
    for (uint64_t i = 0; i < n; i++) {
        uint64_t key = bench_random(&seed) % 150000 + 1;
        uint64_t at = key * 0x9e3779b97f4a7c15ull >> (64 - BITS);
        while (t[at].key && t[at].key != key)
            at = (at + 1) & ((1 << BITS) - 1);
        if (!t[at].key && i % 3) {
            t[at].key = key;
            used++;
        }
        t[at].value += i;
        sum += t[at].value;
    }
    bench_done(sum ^ used);
}
