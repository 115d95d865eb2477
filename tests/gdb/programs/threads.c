/* Threads that work, and threads that sleep in every way. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 4

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
volatile int finish;
volatile long work[WORKERS];
int shared, pipes[2], slept, polled, got, wanted = 2;
double seconds;

__attribute__((noinline)) void tick(int id)
{
    work[id]++; /* line: tick */
}

static void *worker(void *arg)
{
    int id = (int)(long)arg;
    char name[16];
    snprintf(name, sizeof name, "worker-%d", id);
    prctl(PR_SET_NAME, name);
    while (!finish || work[id] < 1000)
        tick(id);
    return NULL;
}

static void *sleeper(void *arg)
{
    struct timespec a, b, t = {wanted, 0};
    prctl(PR_SET_NAME, "sleeper");
    clock_gettime(CLOCK_MONOTONIC, &a);
    slept = nanosleep(&t, NULL) ? errno : 0;
    clock_gettime(CLOCK_MONOTONIC, &b);
    seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    return NULL;
}

static void *poller(void *arg)
{
    prctl(PR_SET_NAME, "poller");
    polled = poll(NULL, 0, 1500) < 0 ? errno : 0;
    return NULL;
}

static void *reader(void *arg)
{
    char c;
    prctl(PR_SET_NAME, "reader");
    got = read(pipes[0], &c, 1) == 1 ? c : -errno;
    return NULL;
}

static void *waiter(void *arg)
{
    prctl(PR_SET_NAME, "waiter");
    pthread_mutex_lock(&mutex);
    while (!finish)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

__attribute__((noinline)) void all_started(void)
{
    shared = 1; /* line: started */
}

int main(int argc, char **argv)
{
    if (argc > 1)
        wanted = atoi(argv[1]);
    pthread_t t[WORKERS + 4];
    if (pipe(pipes))
        return 1;
    for (long i = 0; i < WORKERS; i++)
        pthread_create(&t[i], NULL, worker, (void *)i);
    pthread_create(&t[WORKERS], NULL, sleeper, NULL);
    pthread_create(&t[WORKERS + 1], NULL, poller, NULL);
    pthread_create(&t[WORKERS + 2], NULL, reader, NULL);
    pthread_create(&t[WORKERS + 3], NULL, waiter, NULL);
    usleep(100000);
    all_started();
    pthread_join(t[WORKERS], NULL);
    pthread_join(t[WORKERS + 1], NULL);
    pthread_mutex_lock(&mutex);
    finish = 1;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    if (write(pipes[1], "x", 1) != 1)
        return 2;
    for (int i = 0; i < WORKERS + 4; i++)
        if (i != WORKERS && i != WORKERS + 1)
            pthread_join(t[i], NULL);
    printf("slept %d polled %d got %c %s\n", slept, polled, got, seconds >= wanted ? "long enough" : "too short");
    return 0;
}
