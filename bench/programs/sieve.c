/* integer: primes by sieve, bytes in memory. */
#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 40), count = 0;
    static uint8_t composite[2000000];
    for (uint64_t r = 0; r < rounds; r++) {
        memset(composite, 0, sizeof(composite));
        for (uint32_t i = 2; i < sizeof(composite); i++) {
            if (composite[i])
                continue;
            count++;
            for (uint64_t j = (uint64_t)i * i; j < sizeof(composite); j += i)
                composite[j] = 1;
        }
    }
    bench_done(count);
}
