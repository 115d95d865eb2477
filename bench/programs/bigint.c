/* integer: multiplication of large numbers, 64 by 64 to 128 bits, and division by a small one. */
#include "bench.h"

#define LIMBS 128
__extension__ typedef unsigned __int128 u128;

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 9000), seed = 3, sum = 0;
    static uint64_t a[LIMBS], b[LIMBS], p[2 * LIMBS];
    for (int i = 0; i < LIMBS; i++) {
        a[i] = bench_random(&seed);
        b[i] = bench_random(&seed);
    }
    for (uint64_t r = 0; r < rounds; r++) {
        memset(p, 0, sizeof(p));
        for (int i = 0; i < LIMBS; i++) {
            uint64_t carry = 0;
            for (int j = 0; j < LIMBS; j++) {
                u128 t = (u128)a[i] * b[j] + p[i + j] + carry;
                p[i + j] = (uint64_t)t;
                carry = (uint64_t)(t >> 64);
            }
            p[i + LIMBS] = carry;
        }
        for (int i = 0; i < LIMBS; i++)
            a[i] ^= p[i] % (r + 12345);
        sum += p[LIMBS];
    }
    bench_done(sum);
}
