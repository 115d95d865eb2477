/* memory: Conway's life on a field of bytes: many small loads next to each other. */
#include "bench.h"

#define W 512
#define H 256

int main(int argc, char **argv)
{
    static uint8_t field[2][H + 2][W + 2];
    uint64_t rounds = bench_work(argc, argv, 420), seed = 113, sum = 0;
    for (int y = 1; y <= H; y++)
        for (int x = 1; x <= W; x++)
            field[0][y][x] = bench_random(&seed) % 3 == 0;
    for (uint64_t r = 0; r < rounds; r++) {
        uint8_t(*a)[W + 2] = field[r & 1], (*b)[W + 2] = field[~r & 1];
        for (int y = 1; y <= H; y++)
            for (int x = 1; x <= W; x++) {
                int n = a[y - 1][x - 1] + a[y - 1][x] + a[y - 1][x + 1] + a[y][x - 1] + a[y][x + 1] + a[y + 1][x - 1] +
                        a[y + 1][x] + a[y + 1][x + 1];
                b[y][x] = n == 3 || (n == 2 && a[y][x]);
                sum += b[y][x];
            }
    }
    bench_done(sum);
}
