/* A program for the tests of the cache: computes, calls, reads, forks and executes itself, and prints what came out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SALT
#define SALT 1
#endif

static unsigned long mix(unsigned long x)
{
    return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ul + SALT;
}

static int compare(const void *a, const void *b)
{
    const unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;
    return x < y ? -1 : x > y;
}

static unsigned long work(int rounds)
{
    unsigned long v[200], sum = 0;
    double d = SALT;
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < 200; i++)
            v[i] = mix(i + r + sum);
        qsort(v, 200, sizeof v[0], compare);
        d = sqrt(d * 3.5 + r) + sin(d);
        char text[64];
        snprintf(text, sizeof text, "%lx %.12g", v[100], d);
        sum = mix(sum + strlen(text) + text[3] + v[7]);
    }
    return sum;
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi(argv[1]) : 10;
    printf("%s %lx\n", argc > 2 ? argv[2] : "first", work(rounds));
    fflush(stdout);
    if (argc > 2 && !strcmp(argv[2], "family")) {
        for (int i = 0; i < 2; i++) {
            pid_t pid = fork();
            if (!pid && i) {
                printf("child %lx\n", work(rounds + 1));
                fflush(stdout);
                _exit(7);
            }
            if (!pid) {
                execl(argv[0], argv[0], "3", "successor", (char *)0);
                _exit(99);
            }
            int status;
            waitpid(pid, &status, 0);
            printf("status %x\n", status);
            fflush(stdout);
        }
    }
    return 3;
}
