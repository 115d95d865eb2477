/* Code that changes: written, replaced, moved, shared, by one thread and by several. */
#include "util.h"

#include <sys/socket.h>

typedef int fn(void);

static char *map(size_t len, int prot)
{
    return mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static int run(void *p)
{
    return ((fn *)p)();
}
static void put(void *p, unsigned n)
{
    flush_code(p, code_return(p, n));
}

static sigjmp_buf jump;
static void on_fault(int sig, siginfo_t *si, void *uc)
{
    siglongjmp(jump, si->si_code + 10);
}
static void try_run(const char *what, void *p)
{
    int r = sigsetjmp(jump, 1);
    if (r)
        printf("%s: fault code %d\n", what, r - 10);
    else
        printf("%s: %d\n", what, run(p));
}

static void rewriting(void)
{
    char *p = map(2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    long sum = 0;
    for (int i = 0; i < 2000; i++) {
        put(p, (unsigned)i);
        sum += run(p);
    }
    value("rewritten", sum);
    /* Over a page border. */
    sum = 0;
    for (int i = 0; i < 200; i++) {
        put(p + PAGE - 4, (unsigned)i);
        sum += run(p + PAGE - 4);
    }
    value("over a border", sum);
    /* Data beside code: written all the time. */
    volatile long *data = (long *)(p + 512);
    put(p, 7);
    sum = 0;
    for (int i = 0; i < 3000; i++) {
        *data = i;
        sum += run(p) + *data;
    }
    value("data beside code", sum);
    munmap(p, 2 * PAGE);
}

/* Written and run without a word about it, by a program that never said one so far: processors get away with that
 * mostly, and so do programs. Functions side by side, so that those that are there have been run before. */
static void unsaid(void)
{
    char *p = map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    long sum = 0;
    for (unsigned i = 0; i < 300; i++) {
        code_return(p + 64 * (i % 16), i);
        for (unsigned k = 0; k <= i && k < 16; k++)
            sum += run(p + 64 * k);
    }
    value("unsaid", sum);
    munmap(p, PAGE);
}

static void protections(void)
{
    char *p = map(PAGE, PROT_READ | PROT_WRITE);
    code_return(p, 11);
    try_run("not executable", p);
    mprotect(p, PAGE, PROT_READ | PROT_EXEC);
    flush_code(p, 64);
    try_run("executable", p);
    if (!sigsetjmp(jump, 1)) {
        *(volatile char *)p = 1;
        printf("written?\n");
    } else {
        printf("not writable\n");
    }
    for (int i = 0; i < 50; i++) {
        mprotect(p, PAGE, PROT_READ | PROT_WRITE);
        code_return(p, (unsigned)i);
        mprotect(p, PAGE, PROT_READ | PROT_EXEC);
        flush_code(p, 64);
        if (run(p) != i)
            printf("round %d: %d\n", i, run(p));
    }
    mprotect(p, PAGE, PROT_READ);
    try_run("no longer executable", p);
    mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    flush_code(p, 64);
    try_run("again", p);
    put(p, 60);
    try_run("written in place", p);
    munmap(p, PAGE);
    try_run("unmapped", p);
}

static void replacing(void)
{
    char *p = map(4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    put(p, 1);
    try_run("first", p);
    mmap(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    put(p, 2);
    try_run("mapped over", p);
    char *q = map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    put(q, 3);
    try_run("elsewhere", q);
    if (mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) != p)
        printf("mremap failed\n");
    flush_code(p, 64);
    try_run("moved over", p);
    try_run("the old place", q);
    put(p, 4);
    try_run("written after the move", p);
    madvise(p, PAGE, MADV_DONTNEED);
    put(p + 64, 5);
    try_run("discarded and made anew", p + 64);
    /* The kernel writes code: read and recv into a page that runs. */
    int s[2];
    char code[64];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    for (int i = 0; i < 20; i++) {
        size_t n = code_return(code, 100 + (unsigned)i);
        write(s[0], code, n);
        if (i & 1)
            read(s[1], p, n);
        else
            recv(s[1], p, n, 0);
        flush_code(p, n);
        if (run(p) != 100 + i)
            printf("read round %d: %d\n", i, run(p));
    }
    try_run("read by the kernel", p);
    struct timespec *ts = (void *)(p + 256);
    value("clock_gettime beside code", clock_gettime(CLOCK_MONOTONIC, ts));
    value("still runs", run(p));
    munmap(p, 4 * PAGE);
    /* The same address many times. */
    long sum = 0;
    for (int i = 0; i < 100; i++) {
        char *r = mmap(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        put(r, (unsigned)i);
        sum += run(r);
        munmap(r, PAGE);
    }
    value("mapped and unmapped", sum);
}

static void two_views(void)
{
    int fd = memfd_create("code", 0);
    ftruncate(fd, PAGE);
    char *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *x = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    long sum = 0;
    for (int i = 0; i < 300; i++) {
        code_return(w, (unsigned)i);
        flush_code(x, 64);
        sum += run(x);
    }
    value("two views", sum);
    char code[16];
    size_t n = code_return(code, 77);
    pwrite(fd, code, n, 0);
    flush_code(x, 64);
    value("written through the file", run(x));
}

static void on_stack(void)
{
    /* Trampolines of nested functions, where the compiler makes them on the stack. */
    char buf[64] __attribute__((aligned(16)));
    uintptr_t page = (uintptr_t)buf & ~(uintptr_t)(PAGE - 1);
    uintptr_t end = ((uintptr_t)buf + sizeof buf + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    value("stack made executable", mprotect((void *)page, end - page, PROT_READ | PROT_WRITE | PROT_EXEC));
    long sum = 0;
    for (int i = 0; i < 500; i++) {
        put(buf, (unsigned)i);
        sum += run(buf);
    }
    value("code on the stack", sum);
}

/* --- several threads --- */

static char *shared;
static volatile bool stop;
static volatile long wrong;

static void *runner(void *arg)
{
    long n = 0;
    while (!stop) {
        int r = run(shared + 128 * (n++ & 7));
        if (r < 0 || r > 1000)
            wrong++;
    }
    return NULL;
}

static void *private_runner(void *arg)
{
    /* Each has a slot of its own in pages that all write. */
    long me = (intptr_t)arg;
    char *p = shared + PAGE + me * 64;
    for (int i = 0; i < 400; i++) {
        put(p, (unsigned)(i + me));
        if (run(p) != i + me)
            wrong++;
    }
    return NULL;
}

static void several(void)
{
    pthread_t t[4];
    shared = map(2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int i = 0; i < 8; i++)
        put(shared + 128 * i, (unsigned)i);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, runner, NULL);
    /* The whole of the code is replaced by one store, so that no thread finds half of it. */
    for (unsigned i = 0; i < 300; i++) {
        uint64_t code = 0;
        code_return(&code, i % 1000);
        __atomic_store_n((uint64_t *)(shared + 128 * (i & 7)), code, __ATOMIC_SEQ_CST);
        flush_code(shared + 128 * (i & 7), 8);
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    for (intptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, private_runner, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    /* A fork sees its own copy. */
    put(shared, 1);
    value("before", run(shared));
    fflush(stdout);
    if (!fork()) {
        put(shared, 2);
        value("child", run(shared));
        exit(0);
    }
    wait(NULL);
    value("parent", run(shared));
}

int main(void)
{
    on(SIGSEGV, on_fault, 0);
    unsaid();
    rewriting();
    protections();
    replacing();
    two_views();
    on_stack();
    several();
    return 0;
}
