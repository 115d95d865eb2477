/* call: doubly recursive Fibonacci: nothing but calls and returns. */
#include "bench.h"

static __attribute__((noinline)) uint64_t fib(uint64_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 100), sum = 0;
    for (uint64_t i = 0; i < rounds; i++)
        sum += fib(26 + i % 4);
    bench_done(sum);
}
