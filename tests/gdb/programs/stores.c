/* Stores of every kind, one a line, into one array: of bytes, pairs, vectors, by exclusive and atomic instructions, of
 * a cleared block. And sums that depend on what a debugger sets. */
#include <stdio.h>
#include <string.h>

#define SIZE 512

_Alignas(128) unsigned char area[SIZE];
long *const longs = (long *)area;
volatile double tiny = 4e-320, one = 1;

__attribute__((noinline)) void plain(long v)
{
    longs[8] = v;
}

__attribute__((noinline)) void byte(int v)
{
    area[67] = (unsigned char)v;
}

__attribute__((noinline)) void wide(const unsigned char *from)
{
    memcpy(area + 32, from, 64);
}

__attribute__((noinline)) void clear(void)
{
    memset(area, 0, SIZE);
}

__attribute__((noinline)) long swap(long to)
{
    return __atomic_exchange_n(&longs[8], to, __ATOMIC_SEQ_CST);
}

__attribute__((noinline)) long count(int n)
{
    for (int i = 0; i < n; i++)
        __atomic_fetch_add(&longs[8], 3, __ATOMIC_SEQ_CST);
    return longs[8]; /* line: counted */
}

__attribute__((noinline)) double product(void)
{
    double r = tiny * one;
    return r; /* line: product */
}

int main(void)
{
    unsigned char ones[64];
    memset(ones, 1, sizeof ones);
    plain(5);
    byte(1);
    wide(ones);
    clear();
    swap(7);
    count(3);
    const double first = product(), second = product();
    printf("%ld %d\n", longs[8], first == second);
    return 0;
}
