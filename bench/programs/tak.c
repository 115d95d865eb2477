/* call: the Takeuchi function and Ackermann's: deep recursion with three arguments. */
#include "bench.h"

static __attribute__((noinline)) int tak(int x, int y, int z)
{
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static __attribute__((noinline)) unsigned ack(unsigned m, unsigned n)
{
    return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1));
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 90), sum = 0;
    for (uint64_t i = 0; i < rounds; i++)
        sum += (uint64_t)tak(18 + (int)(i & 1), 12, 6) + ack(2, 900 + (unsigned)i) + ack(3, 7);
    bench_done(sum);
}
