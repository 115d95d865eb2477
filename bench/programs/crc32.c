/* integer: CRC-32 of a buffer, a table look-up per byte. */
#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 1200), seed = 1;
    static uint32_t table[256];
    static uint8_t data[65536];
    uint32_t crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)bench_random(&seed);
    for (uint64_t r = 0; r < rounds; r++)
        for (size_t i = 0; i < sizeof(data); i++)
            crc = table[(crc ^ data[i]) & 255] ^ (crc >> 8);
    bench_done(crc);
}
