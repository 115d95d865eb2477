/* memory: breadth first through a graph of 100,000 nodes: a queue, marks, neighbours everywhere. */
#include "bench.h"

#define NODES 100000
#define EDGES 6

int main(int argc, char **argv)
{
    static uint32_t edge[NODES][EDGES], queue[NODES], distance[NODES];
    uint64_t rounds = bench_work(argc, argv, 110), seed = 109, sum = 0;
    for (int i = 0; i < NODES; i++)
        for (int k = 0; k < EDGES; k++)
            edge[i][k] = (uint32_t)(bench_random(&seed) % NODES);
    for (uint64_t r = 0; r < rounds; r++) {
        uint32_t head = 0, tail = 0, start = (uint32_t)(r * 7919 % NODES);
        memset(distance, 0xff, sizeof distance);
        distance[start] = 0;
        queue[tail++] = start;
        while (head < tail) {
            uint32_t n = queue[head++];
            for (int k = 0; k < EDGES; k++) {
                uint32_t to = edge[n][k];
                if (distance[to] == ~0u) {
                    distance[to] = distance[n] + 1;
                    queue[tail++] = to;
                }
            }
        }
        sum = sum * 31 + distance[queue[tail - 1]] + tail;
    }
    bench_done(sum);
}
