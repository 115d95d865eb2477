/* memory: reading text byte by byte: words, numbers, case, line lengths. */
#include <ctype.h>

#include "bench.h"

#define SIZE (1 << 18)

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 80), seed = 43, sum = 0;
    static char s[SIZE + 1], w[256];
    for (int i = 0; i < SIZE; i++) {
        unsigned x = (unsigned)(bench_random(&seed) % 40);
        s[i] = x < 26 ? (char)('a' + x) : x < 34 ? (char)('0' + x - 26) : x < 39 ? ' ' : '\n';
    }
    for (uint64_t r = 0; r < rounds; r++) {
        uint64_t words = 0, numbers = 0, n = 0;
        for (const char *p = s; *p; p++) {
            if (isalpha((unsigned char)*p)) {
                if (n < sizeof(w) - 1)
                    w[n++] = (char)toupper((unsigned char)*p);
                continue;
            }
            if (n) {
                w[n] = 0;
                words += (uint64_t)w[0] * n;
                n = 0;
            }
            if (isdigit((unsigned char)*p))
                numbers = numbers * 10 + (uint64_t)(*p - '0');
        }
        sum = sum * 31 + words + numbers;
        s[r * 331 % SIZE] ^= 1;
        if (!s[r * 331 % SIZE])
            s[r * 331 % SIZE] = 'x';
    }
    bench_done(sum);
}
