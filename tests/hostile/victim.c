/* A program to be started under bad circumstances: uses some memory, a thread, a child, files. Says "fine" and ends
 * with 42; what it cannot have it names, and ends with 43. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int missing(const char *what)
{
    fprintf(stderr, "victim: %s: %s\n", what, strerror(errno));
    return 43;
}
static void *thread(void *arg)
{
    return (void *)(strlen(arg) + 1);
}

int main(int argc, char **argv)
{
    pthread_t t;
    void *r;
    int st;
    char *p = malloc(1 << 20);
    if (!p)
        return missing("memory");
    memset(p, 1, 1 << 20);
    if (mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return missing("pages");
    if ((errno = pthread_create(&t, NULL, thread, "abc")))
        return missing("thread");
    pthread_join(t, &r);
    if (r != (void *)4)
        return 1;
    pid_t k = fork();
    if (!k)
        _exit(9);
    if (k < 0)
        return missing("child");
    if (waitpid(k, &st, 0) != k)
        return 2;
    const bool killed = WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, refused = WIFEXITED(st) && WEXITSTATUS(st) == 125;
    if ((killed || refused) && (errno = ENOMEM))
        return missing("a living child");
    if (!WIFEXITED(st) || WEXITSTATUS(st) != 9)
        return 3;
    int fd = open("/dev/null", O_RDWR);
    if (fd < 0)
        return missing("file");
    if (argc > 1 && argc < 4) {
        execl("/proc/self/exe", argv[0], argv[1], "again", "once", NULL);
        return missing("exec");
    }
    if (write(1, "fine\n", 5) != 5)
        return missing("output");
    return 42;
}
