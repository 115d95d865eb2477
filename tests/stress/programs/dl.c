/* Libraries that come and go at the same addresses, while other threads call into them, translate, fork: stale
 * translations would show. Linked dynamically. */
#include "stress.h"

#include <dlfcn.h>

static volatile long wrong;

static bool use(int i)
{
    static const char *const libs[] = {"libm.so.6", "libresolv.so.2", "libutil.so.1", "libanl.so.1"};
    void *h = dlopen(libs[i % 4], i & 4 ? RTLD_NOW : RTLD_LAZY);
    bool good = true;
    if (!h) {
        printf("%s\n", dlerror());
        return false;
    }
    if (i % 4 == 0) {
        double (*f)(double, double) = (double (*)(double, double))dlsym(h, "fmod");
        double (*g)(double) = (double (*)(double))dlsym(h, "log2");
        good = f && g && f(17 + i, 5) == (17 + i) % 5 && g(1024) == 10;
    } else if (i % 4 == 1) {
        int (*f)(const char *) = (int (*)(const char *))dlsym(h, "__res_hnok");
        f = f ? f : (int (*)(const char *))dlsym(h, "res_hnok");
        good = !f || (f("example.org") && !f("exa mple"));
    }
    return dlclose(h) == 0 && good;
}

static void *opener(void *arg)
{
    for (int i = 0; i < 60; i++)
        if (!use(i + (int)(intptr_t)arg))
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    return NULL;
}

int main(void)
{
    pthread_t t[3];
    int st, good = 0;
    for (int i = 0; i < 60; i++)
        wrong += !use(i);
    value("alone, wrong", wrong);
    for (intptr_t i = 0; i < 3; i++)
        must_start(&t[i], opener, (void *)i);
    for (int i = 0; i < 10; i++) {
        pid_t p = fork();
        if (!p)
            _exit(work(9, 500) != work(9, 500)); /* the dynamic linker's locks may be another's */
        waitpid(p, &st, 0);
        good += st == 0;
    }
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    printf("threads, wrong %ld; children %d\n", wrong, good);
    return 0;
}
