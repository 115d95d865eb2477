/* vector: ChaCha20 with a row of four words in a vector: adds, exclusive ors, shifts, lanes turned round. */
#include "vector.h"

#define ROL(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define HALF()                                                                                                         \
    do {                                                                                                               \
        a += b, d = ROL(d ^ a, 16), c += d, b = ROL(b ^ c, 12);                                                        \
        a += b, d = ROL(d ^ a, 8), c += d, b = ROL(b ^ c, 7);                                                          \
    } while (0)

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 2000000);
    v4u32 ia = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, ib = {1, 2, 3, 4}, ic = {5, 6, 7, 8},
          id = {0, 9, 10, 11};
    v4u32 one = {1, 2, 3, 0}, two = {2, 3, 0, 1}, three = {3, 0, 1, 2}, sum = {0, 0, 0, 0};
    for (uint64_t i = 0; i < n; i++) {
        v4u32 a = ia, b = ib, c = ic, d = id;
        d[0] = (uint32_t)i;
        for (int r = 0; r < 10; r++) {
            HALF();
            b = __builtin_shuffle(b, one), c = __builtin_shuffle(c, two), d = __builtin_shuffle(d, three);
            HALF();
            b = __builtin_shuffle(b, three), c = __builtin_shuffle(c, two), d = __builtin_shuffle(d, one);
        }
        sum = (sum ^ (a + ia)) + (b ^ c) + d;
    }
    bench_done(v_fold((v2u64)sum));
}
