/* indirect: a tree of functions, each with its own data, put together at run time and called through. */
#include "bench.h"

struct fn {
    int64_t (*call)(const struct fn *, int64_t);
    const struct fn *a, *b;
    int64_t k;
};

static int64_t constant(const struct fn *f, int64_t x)
{
    return f->k;
}

static int64_t argument(const struct fn *f, int64_t x)
{
    return x;
}

static int64_t add(const struct fn *f, int64_t x)
{
    return (int64_t)((uint64_t)f->a->call(f->a, x) + (uint64_t)f->b->call(f->b, x));
}

static int64_t times(const struct fn *f, int64_t x)
{
    return (int64_t)((uint64_t)f->a->call(f->a, x) * (uint64_t)f->b->call(f->b, x));
}

static int64_t after(const struct fn *f, int64_t x)
{
    return f->a->call(f->a, f->b->call(f->b, x) & 0xffff);
}

static int64_t less(const struct fn *f, int64_t x)
{
    return f->a->call(f->a, x) < f->b->call(f->b, x) ? f->k : x;
}

int main(int argc, char **argv)
{
    static struct fn f[200];
    static int64_t (*const kind[])(const struct fn *, int64_t) = {add, times, after, less, constant, argument};
    uint64_t n = bench_work(argc, argv, 4000000), seed = 137, sum = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t r = bench_random(&seed);
        f[i] = (struct fn){i < 100 ? kind[4 + (r & 1)] : kind[r & 3],
                           &f[i < 100 ? 0 : r / 8 % 100 + (uint64_t)(i - 100) / 2], &f[i < 100 ? 0 : r / 1024 % 100],
                           (int64_t)(r >> 40)};
    }
    for (uint64_t i = 0; i < n; i++)
        for (int k = 190; k < 200; k++)
            sum = sum * 31 + (uint64_t)f[k].call(&f[k], (int64_t)i);
    bench_done(sum);
}
