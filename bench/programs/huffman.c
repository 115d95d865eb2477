/* integer: a Huffman code: bits written and read one code after the other, a tree that is walked. */
#include "bench.h"

#define SYMBOLS 64
#define SIZE    40000

static int left[2 * SYMBOLS], right[2 * SYMBOLS], length[SYMBOLS];
static uint64_t weight[2 * SYMBOLS], code[SYMBOLS];

static void walk(int node, uint64_t bits, int depth)
{
    if (node < SYMBOLS) {
        code[node] = bits;
        length[node] = depth;
        return;
    }
    walk(left[node], bits, depth + 1);
    walk(right[node], bits | 1ull << depth, depth + 1);
}

int main(int argc, char **argv)
{
    static uint8_t in[SIZE];
    static uint64_t out[SIZE / 4];
    uint64_t rounds = bench_work(argc, argv, 130), seed = 97, sum = 0;
    for (int i = 0; i < SIZE; i++) {
        uint64_t r = bench_random(&seed);
        in[i] = (uint8_t)(__builtin_ctzll(r | 1ull << 40) + (int)(r >> 62) * 9) % SYMBOLS;
        weight[in[i]]++;
    }
    int root = SYMBOLS;
    for (; root < 2 * SYMBOLS - 1; root++) {
        int pick[2];
        for (int k = 0; k < 2; k++) {
            int best = -1;
            for (int i = 0; i < root; i++)
                if (weight[i] != ~0ull && (best < 0 || weight[i] < weight[best]))
                    best = i;
            pick[k] = best;
            weight[root] += weight[best];
            weight[best] = ~0ull;
        }
        left[root] = pick[0];
        right[root] = pick[1];
    }
    root--;
    walk(root, 0, 0);
    for (uint64_t r = 0; r < rounds; r++) {
        uint64_t at = 0, size;
        memset(out, 0, sizeof out);
        for (int i = 0; i < SIZE; i++)
            for (int k = 0; k < length[in[i]]; k++, at++)
                out[at >> 6] |= (code[in[i]] >> k & 1) << (at & 63);
        size = at;
        int n = 0;
        for (at = 0; at < size; n++) {
            int node = root;
            for (; node >= SYMBOLS; at++)
                node = out[at >> 6] >> (at & 63) & 1 ? right[node] : left[node];
            sum = sum * 33 + (uint64_t)node;
        }
        sum ^= (uint64_t)n + size;
    }
    bench_done(sum);
}
