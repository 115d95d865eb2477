/* float: single precision: a finite impulse response filter, conversions to and from 16-bit samples. */
#include "bench.h"

#define SAMPLES 40000
#define TAPS    32

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 60), seed = 29, sum = 0;
    static int16_t pcm[SAMPLES + TAPS];
    float tap[TAPS];
    for (int i = 0; i < TAPS; i++)
        tap[i] = (float)(bench_random(&seed) % 100) / 2000.0f;
    for (int i = 0; i < SAMPLES + TAPS; i++)
        pcm[i] = (int16_t)bench_random(&seed);
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < SAMPLES; i++) {
            float s = 0;
            for (int k = 0; k < TAPS; k++)
                s += (float)pcm[i + k] * tap[k];
            s = s > 30000.0f ? 30000.0f : s < -30000.0f ? -30000.0f : s;
            sum += (uint64_t)(int64_t)s;
        }
    }
    bench_done(sum);
}
