/* indirect: objects with functions in tables, called in an order that is hard to predict. */
#include "bench.h"

struct shape;
struct kind {
    uint64_t (*area)(const struct shape *);
    uint64_t (*grow)(struct shape *, uint64_t);
};
struct shape {
    const struct kind *kind;
    uint64_t a, b;
};

static uint64_t square_area(const struct shape *s)
{
    return s->a * s->a;
}

static uint64_t rect_area(const struct shape *s)
{
    return s->a * s->b;
}

static uint64_t tri_area(const struct shape *s)
{
    return s->a * s->b / 2;
}

static uint64_t line_area(const struct shape *s)
{
    return s->a ^ s->b;
}

static uint64_t grow_a(struct shape *s, uint64_t n)
{
    return s->a += n & 3;
}

static uint64_t grow_b(struct shape *s, uint64_t n)
{
    return s->b ^= n;
}

static const struct kind kinds[] = {
    {square_area, grow_a}, {rect_area, grow_b}, {tri_area, grow_a}, {line_area, grow_b}};

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 25000000), seed = 47, sum = 0;
    static struct shape s[4096];
    for (int i = 0; i < 4096; i++)
        s[i] = (struct shape){&kinds[bench_random(&seed) % 4], bench_random(&seed) % 100, bench_random(&seed) % 100};
    for (uint64_t i = 0; i < n; i++) {
        struct shape *p = &s[(i * 17) & 4095];
        sum += p->kind->area(p);
        if (!(i & 7))
            sum ^= p->kind->grow(p, i);
    }
    bench_done(sum);
}
