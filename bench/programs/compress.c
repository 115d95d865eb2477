/* integer: a small dictionary compressor and its decompressor over text-like data. */
#include "bench.h"

#define SIZE (1 << 19)

static uint8_t in[SIZE], out[SIZE * 2], back[SIZE];

static size_t squeeze(void)
{
    static uint32_t last[1 << 14];
    size_t o = 0, i = 0;
    memset(last, 0, sizeof(last));
    while (i + 4 < SIZE) {
        uint32_t word, at, n = 0;
        memcpy(&word, in + i, 4);
        uint32_t h = (word * 2654435761u) >> 18;
        at = last[h];
        last[h] = (uint32_t)i;
        if (at && i - at < 65536)
            while (n < 255 && i + n < SIZE && in[at + n] == in[i + n])
                n++;
        if (n >= 5) {
            out[o++] = 0xff;
            out[o++] = (uint8_t)n;
            out[o++] = (uint8_t)(i - at);
            out[o++] = (uint8_t)((i - at) >> 8);
            i += n;
        } else {
            out[o++] = in[i++];
        }
    }
    return o;
}

static size_t expand(size_t n)
{
    size_t o = 0;
    for (size_t i = 0; i < n;) {
        if (out[i] == 0xff) {
            size_t len = out[i + 1], from = o - (out[i + 2] | (size_t)out[i + 3] << 8);
            for (size_t k = 0; k < len; k++)
                back[o++] = back[from + k];
            i += 4;
        } else {
            back[o++] = out[i++];
        }
    }
    return o;
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 60), seed = 13, sum = 0;
    for (size_t i = 0; i < SIZE; i++)
        in[i] = i > 100 && bench_random(&seed) % 8 ? in[i - 1 - bench_random(&seed) % 90]
                                                   : (uint8_t)(bench_random(&seed) % 64 + 32);
    for (uint64_t r = 0; r < rounds; r++) {
        size_t n = squeeze(), m = expand(n);
        sum = sum * 31 + n + (memcmp(in, back, m) == 0);
        in[r * 997 % SIZE] ^= 1;
    }
    bench_done(sum);
}
