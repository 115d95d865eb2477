/* syscall: short calls in a loop: identity, time, file position. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 700000), sum = 0;
    int fd = open("/dev/zero", O_RDONLY);
    char c[64];
    for (uint64_t i = 0; i < n; i++) {
        sum += syscall(SYS_getppid) > 0;
        sum += (uint64_t)read(fd, c, sizeof(c));
        sum += (uint64_t)lseek(fd, 0, SEEK_SET);
        struct timespec t;
        sum += (uint64_t)clock_gettime(CLOCK_MONOTONIC, &t);
    }
    bench_done(sum);
}
