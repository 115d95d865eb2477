/* vector: bytes compared sixteen at a time: how many of each of three letters, and the highest byte. */
#include "vector.h"

#define N 4096

int main(int argc, char **argv)
{
    static v16u8 t[N];
    uint64_t rounds = bench_work(argc, argv, 30000), seed = 151;
    v2u64 all = {0, 0};
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 16; k++)
            t[i][k] = (uint8_t)(bench_random(&seed) % 96 + 32);
    for (uint64_t r = 0; r < rounds; r++) {
        v16u8 n = {0}, most = {0}, a = {0}, e = {0}, s = {0};
        a += 'a', e += 'e', s += (uint8_t)r;
        for (int i = 0; i < N; i++) {
            n -= (v16u8)((t[i] == a) | (t[i] == e) | (t[i] == s));
            v16u8 more = (v16u8)(t[i] > most);
            most = (t[i] & more) | (most & ~more);
        }
        all = all * 31 + ((v2u64)n ^ (v2u64)most);
    }
    bench_done(v_fold(all));
}
