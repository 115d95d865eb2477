/* Plain things to look at: calls, recursion, globals, floating point, memory, an exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int counter;
double ratio = 1.5;
char text[64] = "before";
struct point {
    int x, y;
    struct point *next;
} points[3] = {{1, 2, &points[1]}, {3, 4, &points[2]}, {5, 6, 0}};
volatile unsigned char block[4096];

__attribute__((noinline)) int add(int a, int b)
{
    int sum = a + b;
    counter += sum;
    return sum;
}

__attribute__((noinline)) int fact(int n)
{
    if (n < 2)
        return 1; /* line: deepest */
    return n * fact(n - 1);
}

__attribute__((noinline)) double scale(double x, float y)
{
    double r = x * y + ratio;
    return r; /* line: scaled */
}

__attribute__((noinline)) long hot(long n)
{
    long s = 0;
    for (long i = 0; i < n; i++) {
        s += i ^ (s << 1);
        block[i & 4095] = (unsigned char)s; /* line: inner */
    }
    return s;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 0; i < 10; i++)
        total += add(i, 1);
    total += fact(5);         /* line: fact */
    ratio = scale(2.0, 3.0f); /* line: scale */
    hot(100000);
    printf("%d %d %.1f %s\n", total, counter, ratio, text);
    fflush(stdout);
    return argc > 1 ? atoi(argv[1]) : 7;
}
