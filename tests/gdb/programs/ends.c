/* Ends of threads and processes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile int go;

static void *quick(void *arg)
{
    return arg; /* line: quick */
}

static void *exits(void *arg)
{
    while (!go)
        ;
    exit(3);
}

static void *last(void *arg)
{
    usleep(100000);
    puts("last"); /* line: last */
    fflush(stdout);
    return NULL;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    pthread_t t[4];
    if (!strcmp(what, "many")) {
        for (int i = 0; i < 200; i++) {
            pthread_create(&t[0], NULL, quick, NULL);
            pthread_join(t[0], NULL);
        }
    } else if (!strcmp(what, "exit-race")) {
        for (int i = 0; i < 4; i++)
            pthread_create(&t[i], NULL, exits, NULL);
        go = 1;
        exit(3);
    } else if (!strcmp(what, "main-first")) {
        pthread_create(&t[0], NULL, last, NULL);
        pthread_exit(NULL);
    } else if (!strcmp(what, "one")) {
        pthread_create(&t[0], NULL, quick, NULL);
        pthread_join(t[0], NULL);
    }
    puts("end");
    return 0;
}
