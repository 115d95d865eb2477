/* Locks under load: robust ones whose owners die, priority-inheriting ones, condition variables, barriers, read-write
 * locks, futexes that are requeued; in one process and between processes. */
#include "stress.h"

#include <semaphore.h>

struct shared {
    pthread_mutex_t robust, pi;
    long count, deaths, pi_count;
};
static struct shared *sh;
static volatile long wrong;

static void locked_add(void)
{
    int e = pthread_mutex_lock(&sh->robust);
    if (e == EOWNERDEAD) {
        sh->deaths++;
        pthread_mutex_consistent(&sh->robust);
    } else if (e) {
        wrong++;
        return;
    }
    sh->count++;
}

/* Every so often a thread ends with the lock held. */
static void *mortal(void *arg)
{
    for (int i = 0; i < 30; i++) {
        locked_add();
        pthread_mutex_unlock(&sh->robust);
    }
    locked_add();
    return NULL;
}

static void robust(void)
{
    int st;
    for (int round = 0; round < 10; round++) {
        pthread_t t[4];
        for (int i = 0; i < 4; i++)
            must_start(&t[i], mortal, NULL);
        for (int i = 0; i < 4; i++)
            pthread_join(t[i], NULL);
    }
    fflush(stdout);
    pid_t kids[4];
    for (int i = 0; i < 4; i++) {
        kids[i] = fork();
        if (!kids[i]) {
            if (i % 2) {
                pthread_t t;
                must_start(&t, mortal, NULL);
                pthread_join(t, NULL);
            }
            mortal(NULL);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++)
        waitpid(kids[i], &st, 0);
    locked_add();
    pthread_mutex_unlock(&sh->robust);
    printf("robust: %ld counted, %ld deaths, wrong %ld\n", sh->count, sh->deaths, wrong);
}

static void *pi_user(void *arg)
{
    for (int i = 0; i < 400; i++) {
        if (pthread_mutex_lock(&sh->pi))
            wrong++;
        long c = sh->pi_count;
        if (i % 50 == 0)
            sched_yield();
        sh->pi_count = c + 1;
        pthread_mutex_unlock(&sh->pi);
    }
    return NULL;
}

static void pi(void)
{
    pthread_t t[6];
    int st;
    for (int i = 0; i < 6; i++)
        must_start(&t[i], pi_user, NULL);
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        pi_user(NULL);
        _exit(0);
    }
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    waitpid(p, &st, 0);
    printf("pi: %ld counted, wrong %ld\n", sh->pi_count, wrong);
}

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t full = PTHREAD_COND_INITIALIZER, empty = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int queue[8], queued;
static long taken, sum, rounds[4], pair[2];

static void *producer(void *arg)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&m);
        while (queued == 8)
            pthread_cond_wait(&empty, &m);
        queue[queued++] = i;
        pthread_cond_signal(&full);
        pthread_mutex_unlock(&m);
    }
    return NULL;
}
static void *consumer(void *arg)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&m);
        while (!queued)
            pthread_cond_wait(&full, &m);
        sum += queue[--queued];
        taken++;
        pthread_cond_broadcast(&empty);
        pthread_mutex_unlock(&m);
    }
    return NULL;
}
static void *walker(void *arg)
{
    int me = (int)(intptr_t)arg;
    for (long i = 0; i < 150; i++) {
        rounds[me] = i;
        pthread_barrier_wait(&barrier);
        for (int k = 0; k < 4; k++)
            if (rounds[k] != i)
                wrong++;
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}
static void *reader_writer(void *arg)
{
    for (int i = 0; i < 400; i++) {
        if (i % 10 == (int)(intptr_t)arg) {
            pthread_rwlock_wrlock(&rw);
            pair[0]++;
            pair[1]--;
            pthread_rwlock_unlock(&rw);
        } else {
            pthread_rwlock_rdlock(&rw);
            if (pair[0] + pair[1])
                wrong++;
            pthread_rwlock_unlock(&rw);
        }
    }
    return NULL;
}

static void rest(void)
{
    pthread_t t[6];
    for (int i = 0; i < 3; i++) {
        must_start(&t[i], producer, NULL);
        must_start(&t[i + 3], consumer, NULL);
    }
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    printf("queue: %ld taken, sum %ld\n", taken, sum);
    pthread_barrier_init(&barrier, NULL, 4);
    for (intptr_t i = 0; i < 4; i++)
        must_start(&t[i], walker, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (intptr_t i = 0; i < 6; i++)
        must_start(&t[i], reader_writer, (void *)i);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    printf("barrier, rwlock: %ld %ld, wrong %ld\n", pair[0], pair[1], wrong);
}

int main(void)
{
    pthread_mutexattr_t a;
    sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&sh->robust, &a);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&sh->pi, &a);
    robust();
    pi();
    rest();
    return 0;
}
