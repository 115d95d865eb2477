/* integer: base64 there and back: bytes, shifts, small tables. */
#include "bench.h"

#define SIZE 30000

int main(int argc, char **argv)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static uint8_t in[SIZE], back[SIZE], value[256];
    static char text[SIZE / 3 * 4];
    uint64_t rounds = bench_work(argc, argv, 8000), seed = 83, sum = 0;
    for (int i = 0; i < 64; i++)
        value[(uint8_t)digit[i]] = (uint8_t)i;
    for (int i = 0; i < SIZE; i++)
        in[i] = (uint8_t)bench_random(&seed);
    for (uint64_t r = 0; r < rounds; r++) {
        char *to = text;
        for (int i = 0; i < SIZE; i += 3) {
            uint32_t x = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
            *to++ = digit[x >> 18];
            *to++ = digit[x >> 12 & 63];
            *to++ = digit[x >> 6 & 63];
            *to++ = digit[x & 63];
        }
        uint8_t *b = back;
        for (const char *from = text; from < to; from += 4) {
            uint32_t x = (uint32_t)value[(uint8_t)from[0]] << 18 | (uint32_t)value[(uint8_t)from[1]] << 12 |
                         (uint32_t)value[(uint8_t)from[2]] << 6 | value[(uint8_t)from[3]];
            *b++ = (uint8_t)(x >> 16);
            *b++ = (uint8_t)(x >> 8);
            *b++ = (uint8_t)x;
        }
        in[r % SIZE] ^= back[(r * 7) % SIZE];
        sum = sum * 31 + (uint8_t)text[r % sizeof text];
    }
    bench_done(sum);
}
