/* syscall: files made, written, looked at, renamed, listed and removed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 25000), sum = 0;
    char dir[] = "/tmp/dgm-bench-XXXXXX", name[32], other[32], data[512] = "data";
    if (!mkdtemp(dir) || chdir(dir))
        return 1;
    for (uint64_t i = 0; i < n; i++) {
        struct stat st;
        snprintf(name, sizeof(name), "f%u", (unsigned)(i % 50));
        snprintf(other, sizeof(other), "g%u", (unsigned)(i % 50));
        int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
        if (fd < 0 || write(fd, data, sizeof(data)) < 0 || pread(fd, data, 100, 0) < 0)
            return 1;
        close(fd);
        sum += (uint64_t)(stat(name, &st) == 0 ? st.st_size : 0);
        rename(name, other);
        sum += access(name, R_OK) != 0;
        if (i % 50 == 49) {
            DIR *d = opendir(".");
            while (d && readdir(d))
                sum++;
            closedir(d);
        }
        unlink(other);
    }
    if (chdir("/") || rmdir(dir))
        return 1;
    bench_done(sum);
}
