/* Many threads: beginning and ending one after the other, many at once, from many parents, detached, cancelled. */
#include "stress.h"

#include <semaphore.h>

static long ran;
static _Thread_local long mine = 5;
static _Thread_local char big[20000];
static sem_t go;

static void *quick(void *arg)
{
    mine += (long)(intptr_t)arg;
    big[mine % 20000] = 1;
    if (mine != 5 + (long)(intptr_t)arg)
        abort();
    __atomic_fetch_add(&ran, 1, __ATOMIC_SEQ_CST);
    return arg;
}

static void *waiting(void *arg)
{
    sem_wait(&go);
    return quick(arg);
}

static void *parent(void *arg)
{
    long sum = 0;
    for (int i = 0; i < 150; i++) {
        pthread_t t;
        void *r;
        must_start(&t, quick, (void *)(intptr_t)i);
        pthread_join(t, &r);
        sum += (intptr_t)r;
    }
    return (void *)sum;
}

static void *forever(void *arg)
{
    sem_post(&go);
    for (;;)
        pause();
}

int main(void)
{
    static pthread_t t[300];
    pthread_attr_t attr;
    void *r;
    for (int i = 0; i < 6; i++)
        must_start(&t[i], parent, NULL);
    for (int i = 0; i < 6; i++) {
        pthread_join(t[i], &r);
        value("sum", (long)r);
    }
    value("ran", ran);

    ran = 0;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    for (int i = 0; i < 300; i++)
        if (pthread_create(&t[i], &attr, waiting, (void *)(intptr_t)i)) {
            printf("thread %d cannot be made\n", i);
            return 1;
        }
    for (int i = 0; i < 300; i++)
        sem_post(&go);
    long sum = 0;
    for (int i = 0; i < 300; i++) {
        pthread_join(t[i], &r);
        sum += (intptr_t)r;
    }
    printf("at once: %ld %ld\n", ran, sum);

    ran = 0;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 400; i++) {
        pthread_t d;
        while (pthread_create(&d, &attr, quick, NULL))
            sched_yield();
    }
    while (__atomic_load_n(&ran, __ATOMIC_SEQ_CST) < 400)
        msleep(1);
    value("detached", ran);

    sem_init(&go, 0, 0);
    long cancelled = 0;
    for (int i = 0; i < 100; i++) {
        must_start(&t[0], forever, NULL);
        if (i % 2)
            sem_wait(&go);
        pthread_cancel(t[0]);
        pthread_join(t[0], &r);
        cancelled += r == PTHREAD_CANCELED;
    }
    value("cancelled", cancelled);
    return 0;
}
