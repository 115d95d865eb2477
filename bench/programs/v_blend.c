/* vector: pictures laid over each other: bytes widened to 16 bits, multiplied, shifted, narrowed. */
#include "vector.h"

#define N 2048

int main(int argc, char **argv)
{
    static v16u8 a[N], b[N], mask[N];
    uint64_t rounds = bench_work(argc, argv, 40000), seed = 149;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 16; k++) {
            a[i][k] = (uint8_t)bench_random(&seed);
            b[i][k] = (uint8_t)bench_random(&seed);
            mask[i][k] = (uint8_t)bench_random(&seed);
        }
    v16u8 zero = {0};
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++) {
            v8u16 half[2];
            for (int h = 0; h < 2; h++) {
                v16u8 low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
                v16u8 high = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
                v8u16 x = (v8u16)(h ? __builtin_shuffle(a[i], zero, high) : __builtin_shuffle(a[i], zero, low));
                v8u16 y = (v8u16)(h ? __builtin_shuffle(b[i], zero, high) : __builtin_shuffle(b[i], zero, low));
                v8u16 m = (v8u16)(h ? __builtin_shuffle(mask[i], zero, high) : __builtin_shuffle(mask[i], zero, low));
                half[h] = (x * m + y * (255 - m) + 128) >> 8;
            }
            a[i] = __builtin_shuffle((v16u8)half[0], (v16u8)half[1],
                                     (v16u8){0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30});
        }
        mask[r % N] += (uint8_t)r;
    }
    v2u64 all = {0, 0};
    for (int i = 0; i < N; i++)
        all = all * 31 + (v2u64)a[i];
    bench_done(v_fold(all));
}
