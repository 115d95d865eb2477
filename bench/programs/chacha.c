/* integer: ChaCha20's key stream: 32-bit adds, exclusive ors and rotations on sixteen words. */
#include "bench.h"

static uint32_t rol(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void quarter(uint32_t *s, int a, int b, int c, int d)
{
    s[a] += s[b], s[d] = rol(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rol(s[b] ^ s[c], 12);
    s[a] += s[b], s[d] = rol(s[d] ^ s[a], 8);
    s[c] += s[d], s[b] = rol(s[b] ^ s[c], 7);
}

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 700000), sum = 0;
    uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 10, 11}, s[16];
    for (uint64_t i = 0; i < n; i++) {
        in[12] = (uint32_t)i;
        memcpy(s, in, sizeof s);
        for (int r = 0; r < 10; r++) {
            quarter(s, 0, 4, 8, 12), quarter(s, 1, 5, 9, 13), quarter(s, 2, 6, 10, 14), quarter(s, 3, 7, 11, 15);
            quarter(s, 0, 5, 10, 15), quarter(s, 1, 6, 11, 12), quarter(s, 2, 7, 8, 13), quarter(s, 3, 4, 9, 14);
        }
        sum = sum * 31 + s[i & 15] + in[i & 15];
    }
    bench_done(sum);
}
