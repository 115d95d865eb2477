/* call: recursive descent over arithmetic expressions: short functions that call each other. */
#include "bench.h"

static const char *at;

static int64_t sum(void);

static int64_t atom(void)
{
    int64_t x = 0;
    if (*at == '(') {
        at++;
        x = sum();
        at++;
        return x;
    }
    if (*at == '-') {
        at++;
        return -atom();
    }
    while (*at >= '0' && *at <= '9')
        x = x * 10 + (*at++ - '0');
    return x;
}

static int64_t product(void)
{
    int64_t x = atom();
    for (;;) {
        if (*at == '*') {
            at++;
            x = (int64_t)((uint64_t)x * (uint64_t)atom());
        } else if (*at == '&') {
            at++;
            x &= atom();
        } else {
            return x;
        }
    }
}

static int64_t sum(void)
{
    int64_t x = product();
    while (*at == '+' || *at == '^') {
        char op = *at++;
        int64_t y = product();
        x = op == '+' ? (int64_t)((uint64_t)x + (uint64_t)y) : x ^ y;
    }
    return x;
}

static char *make(char *to, uint64_t *seed, int depth)
{
    for (int i = 0; i < 4; i++) {
        uint64_t r = bench_random(seed);
        if (i)
            *to++ = "+*&^"[r >> 8 & 3];
        if (depth && (r & 3) != 0) {
            *to++ = '(';
            to = make(to, seed, depth - 1);
            *to++ = ')';
        } else {
            if (r >> 20 & 1)
                *to++ = '-';
            to += sprintf(to, "%u", (unsigned)(r >> 32) % 5000);
        }
    }
    return to;
}

int main(int argc, char **argv)
{
    static char text[1 << 16];
    uint64_t rounds = bench_work(argc, argv, 120000), seed = 127, all = 0;
    *make(text, &seed, 5) = 0;
    for (uint64_t r = 0; r < rounds; r++) {
        at = text;
        all = all * 31 + (uint64_t)sum();
        text[0] = (char)('1' + r % 9);
    }
    bench_done(all);
}
