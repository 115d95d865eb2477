/* syscall: memory mapped, touched, protected and unmapped. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 20000), sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        size_t size = 4096 * (1 + i % 8);
        uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return 1;
        for (size_t at = 0; at < size; at += 4096)
            p[at] = (uint8_t)i;
        sum += p[size - 4096];
        if (mprotect(p, size, PROT_READ) || munmap(p, size))
            return 1;
    }
    bench_done(sum);
}
