/* memory: following pointers through a shuffled list that is larger than the first caches. */
#include "bench.h"

#define N (1 << 16)

struct node {
    struct node *next;
    uint64_t value;
};

int main(int argc, char **argv)
{
    uint64_t steps = bench_work(argc, argv, 60000000), seed = 37, sum = 0;
    static struct node node[N];
    static uint32_t order[N];
    for (uint32_t i = 0; i < N; i++)
        order[i] = i;
    for (uint32_t i = N - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(bench_random(&seed) % (i + 1)), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (uint32_t i = 0; i < N; i++) {
        node[order[i]].next = &node[order[(i + 1) % N]];
        node[order[i]].value = i;
    }
    for (struct node *p = node; steps--; p = p->next)
        sum += p->value;
    bench_done(sum);
}
