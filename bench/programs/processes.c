/* syscall: processes and threads started and ended. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void *nothing(void *arg)
{
    return (void *)((uintptr_t)arg * 3);
}

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 600), sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        int status = 0;
        void *r = NULL;
        pid_t child = fork();
        if (child == 0)
            _exit((int)(i & 63));
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 1;
        sum += (uint64_t)WEXITSTATUS(status);
        for (uintptr_t k = 0; k < 4; k++) {
            pthread_t t;
            if (pthread_create(&t, NULL, nothing, (void *)k) || pthread_join(t, &r))
                return 1;
            sum += (uintptr_t)r;
        }
    }
    bench_done(sum);
}
