/* syscall: a process and its child that send bytes to and fro through pipes.

   Both stay on one processor: left alone, most of the time goes into waking the other processor up, ten times what a
   round trip takes otherwise on a virtual machine, and whether there is one to wake is the scheduler's mood of the
   moment. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 60000), sum = 0;
    int there[2], back[2], status;
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    if (sched_setaffinity(0, sizeof(here), &here) || pipe(there) || pipe(back))
        return 1;
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        uint64_t v;
        close(there[1]);
        while (read(there[0], &v, sizeof(v)) == sizeof(v)) {
            v = v * 31 + 1;
            if (write(back[1], &v, sizeof(v)) != sizeof(v))
                _exit(1);
        }
        _exit(0);
    }
    close(there[0]);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t v = i;
        if (write(there[1], &v, sizeof(v)) != sizeof(v) || read(back[0], &v, sizeof(v)) != sizeof(v))
            return 1;
        sum += v;
    }
    close(there[1]);
    waitpid(child, &status, 0);
    bench_done(sum + (uint64_t)status);
}
