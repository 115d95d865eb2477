/* integer: SHA-256 of a stream of blocks; rotates, adds and logic. */
#include "bench.h"

static uint32_t k[64], h[8];

static uint32_t ror(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void block(const uint32_t *in)
{
    uint32_t w[64], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], i = h[7];
    for (int t = 0; t < 16; t++)
        w[t] = in[t];
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = ror(w[t - 15], 7) ^ ror(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = ror(w[t - 2], 17) ^ ror(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    for (int t = 0; t < 64; t++) {
        uint32_t t1 = i + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + k[t] + w[t];
        uint32_t t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        i = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += i;
}

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 900000), seed = 7, sum = 0;
    uint32_t in[16];
    for (int i = 0; i < 64; i++)
        k[i] = (uint32_t)bench_random(&seed);
    for (uint64_t i = 0; i < n; i++) {
        for (int j = 0; j < 16; j++)
            in[j] = (uint32_t)(i * 31 + (uint64_t)j);
        block(in);
    }
    for (int i = 0; i < 8; i++)
        sum = sum * 31 + h[i];
    bench_done(sum);
}
