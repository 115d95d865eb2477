/* float: rays and spheres: square roots, divisions, comparisons, reflections by recursion. */
#include <math.h>

#include "bench.h"

struct vec {
    double x, y, z;
};
static struct {
    struct vec at;
    double r, mirror;
} ball[12];

static double dot(struct vec a, struct vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vec along(struct vec o, struct vec d, double t)
{
    return (struct vec){o.x + d.x * t, o.y + d.y * t, o.z + d.z * t};
}

static struct vec unit(struct vec v)
{
    double n = 1.0 / sqrt(dot(v, v));
    return (struct vec){v.x * n, v.y * n, v.z * n};
}

static double trace(struct vec from, struct vec dir, int depth)
{
    double near = 1e30;
    int hit = -1;
    for (int i = 0; i < 12; i++) {
        struct vec o = along(from, ball[i].at, -1);
        double b = dot(o, dir), c = dot(o, o) - ball[i].r * ball[i].r, d = b * b - c;
        if (d <= 0)
            continue;
        double t = -b - sqrt(d);
        if (t > 1e-6 && t < near) {
            near = t;
            hit = i;
        }
    }
    if (hit < 0)
        return 0.2 + 0.3 * fabs(dir.y);
    struct vec p = along(from, dir, near), n = unit(along(p, ball[hit].at, -1));
    double light = dot(n, (struct vec){0.48, 0.6, -0.64});
    double shade = light > 0 ? 0.1 + light : 0.1;
    if (depth < 4 && ball[hit].mirror > 0)
        shade += ball[hit].mirror * trace(p, along(dir, n, -2 * dot(dir, n)), depth + 1);
    return shade;
}

int main(int argc, char **argv)
{
    uint64_t rows = bench_work(argc, argv, 4500), seed = 101;
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        ball[i].at.x = (double)(bench_random(&seed) % 800) / 100 - 4;
        ball[i].at.y = (double)(bench_random(&seed) % 800) / 100 - 4;
        ball[i].at.z = 6 + (double)(bench_random(&seed) % 600) / 100;
        ball[i].r = 0.7 + (double)(bench_random(&seed) % 100) / 100;
        ball[i].mirror = (i % 3) * 0.3;
    }
    for (uint64_t y = 0; y < rows; y++)
        for (uint64_t x = 0; x < 640; x++)
            sum +=
                trace((struct vec){0, 0, 0},
                      unit((struct vec){((double)x - 320) / 400, ((double)y * 640 / (double)rows - 320) / 400, 1}), 0);
    printf("%.5g\n", sum);
}
