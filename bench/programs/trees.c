/* call: binary trees made, walked and freed: recursion and the allocator. */
#include "bench.h"

struct tree {
    struct tree *left, *right;
};

static struct tree *grow(int depth)
{
    struct tree *t = malloc(sizeof(*t));
    if (!t)
        abort();
    t->left = depth > 0 ? grow(depth - 1) : NULL;
    t->right = depth > 0 ? grow(depth - 1) : NULL;
    return t;
}

static uint64_t walk(const struct tree *t)
{
    return t ? 1 + walk(t->left) + walk(t->right) : 0;
}

static void cut(struct tree *t)
{
    if (!t)
        return;
    cut(t->left);
    cut(t->right);
    free(t);
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 120), sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
        struct tree *t = grow(15 + (int)(r & 1));
        sum = sum * 31 + walk(t);
        cut(t);
    }
    bench_done(sum);
}
