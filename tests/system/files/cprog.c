/* Compiled and run inside the root by Debian's own gcc. Prints nothing that depends on the machine. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic long total;
static __thread int mine;

static void *work(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        mine++;
        total += (long)arg;
    }
    return (void *)(long)mine;
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv)
{
    pthread_t t[4];
    void *r;
    int v[1000];
    double s = 0;
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, work, (void *)(i + 1));
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &r);
        printf("%ld ", (long)r);
    }
    for (int i = 0; i < 1000; i++)
        v[i] = i * 7919 % 1009;
    qsort(v, 1000, sizeof(v[0]), by_value);
    for (int i = 1; i < 100; i++)
        s += sqrt(i) * sin(i);
    printf("%ld %d %d %.12f %s %d\n", total, v[0], v[999], s, argv[1], argc);
    return 11;
}
