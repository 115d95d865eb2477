/* The memory map: errors, placement, holes, protections, moves. */
#include "util.h"

static sigjmp_buf jump;
static volatile int got_sig, got_code;
static volatile uintptr_t got_addr;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
    got_sig = sig;
    got_code = si->si_code;
    got_addr = (uintptr_t)si->si_addr;
    siglongjmp(jump, 1);
}

/* Tries an access and tells how it ended. */
static void touch(const char *what, volatile char *p, bool write)
{
    if (sigsetjmp(jump, 1)) {
        printf("%s: %s code %d%s\n", what, sigabbrev_np(got_sig), got_code,
               got_addr == (uintptr_t)p ? "" : " at another address");
        return;
    }
    if (write)
        *p = 1;
    else
        (void)*p;
    printf("%s: fine\n", what);
}

static void *map(size_t len, int prot, int flags)
{
    return mmap(NULL, len, prot, flags, -1, 0);
}

/* Memory that is set aside where something was unmapped, and given out bit by bit, as runtimes do. */
static void set_aside(void)
{
    const size_t len = 64 * PAGE;
    char *p = map(len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    result("unmap", munmap(p, len));
    pointer("set aside there",
            mmap(p, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == p ? NULL : p);
    touch("before it is given out", p + PAGE, false);
    result("give out", mprotect(p, 8 * PAGE, PROT_READ | PROT_WRITE));
    touch("given out", p + PAGE, true);
    touch("behind it", p + 8 * PAGE, true);
    munmap(p, len);
}

static void errors(void)
{
    char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    pointer("mmap length 0", map(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS));
    pointer("mmap no type", mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    pointer("mmap bad offset", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 100));
    pointer("mmap bad fd", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 77, 0));
    pointer("mmap fixed unaligned", mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    pointer("mmap huge", map((size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS));
    pointer("mmap noreplace", mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    result("munmap unaligned", munmap(p + 1, PAGE));
    result("munmap length 0", munmap(p, 0));
    result("munmap hole", munmap(p + PAGE, PAGE));
    result("munmap hole again", munmap(p + PAGE, PAGE));
    result("mprotect over a hole", mprotect(p, 4 * PAGE, PROT_READ));
    touch("write below the hole", p, true);
    touch("write above the hole", p + 2 * PAGE, true);
    touch("read in the hole", p + PAGE, false);
    result("mprotect unaligned", mprotect(p + 1, PAGE, PROT_READ));
    result("mprotect length 0", mprotect(p, 0, PROT_READ));
    result("mprotect bad bits", mprotect(p, PAGE, 0x100));
    result("msync hole", msync(p, 4 * PAGE, MS_SYNC));
    result("msync both", msync(p, PAGE, MS_SYNC | MS_ASYNC));
    result("msync fine", msync(p, PAGE, MS_ASYNC));
    unsigned char vec[4];
    result("mincore hole", mincore(p, 4 * PAGE, vec));
    result("mincore fine", mincore(p, PAGE, vec));
    result("madvise hole", madvise(p, 4 * PAGE, MADV_NORMAL));
    result("madvise fine", madvise(p, PAGE, MADV_NORMAL));
    result("madvise unknown", madvise(p, PAGE, 9999));
    result("madvise unaligned", madvise(p + 1, PAGE, MADV_NORMAL));
    result("mlock hole", mlock(p, 4 * PAGE));
    result("mlock fine", mlock(p, PAGE));
    result("munlock fine", munlock(p, PAGE));
    result("munmap all", munmap(p, 4 * PAGE));
}

static void protections(void)
{
    char *p = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    memset(p, 7, 3 * PAGE);
    touch("write rw", p, true);
    mprotect(p, PAGE, PROT_NONE);
    touch("read none", p, false);
    mprotect(p, PAGE, PROT_READ);
    touch("read r", p, false);
    touch("write r", p + 5, true);
    value("content", p[6]);
    mprotect(p, PAGE, PROT_READ | PROT_WRITE);
    touch("write rw again", p + 5, true);
    touch("null", (char *)8, false);
    /* Across a page border into a page that is not there. */
    munmap(p + PAGE, PAGE);
    if (sigsetjmp(jump, 1)) {
        printf("straddle: %s code %d offset %ld\n", sigabbrev_np(got_sig), got_code,
               (long)(got_addr - (uintptr_t)p) >= PAGE - 4 ? 1L : 0L);
    } else {
        *(volatile uint64_t *)(p + PAGE - 4) = 1;
        printf("straddle: fine\n");
    }
    munmap(p, 3 * PAGE);
}

static void files(void)
{
    char name[] = "/tmp/dgm-mm-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    result("ftruncate", ftruncate(fd, PAGE + 100));
    pwrite(fd, "hello", 5, 0);
    pwrite(fd, "world", 5, PAGE);
    char *s = pointer("mmap shared", mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    char *q = pointer("mmap private", mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    touch("within the file", s + PAGE, false);
    touch("behind its last page", s + 2 * PAGE, false);
    memcpy(s, "HELLO", 5);
    char buf[6] = {0};
    pread(fd, buf, 5, 0);
    printf("file has %s\n", buf);
    memcpy(q + PAGE, "WORLD", 5);
    pread(fd, buf, 5, PAGE);
    printf("file has %s\n", buf);
    value("zeros behind the end", s[PAGE + 200]);
    result("ftruncate", ftruncate(fd, 0));
    touch("after truncation", s, false);
    result("ftruncate", ftruncate(fd, PAGE));
    touch("after growth", s, true);
    int ro = open("/proc/self/exe", O_RDONLY);
    pointer("shared writable of a read-only descriptor", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0));
    char *r = pointer("shared readable", mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0));
    result("made writable", mprotect(r, PAGE, PROT_READ | PROT_WRITE));
    int pipes[2];
    pipe(pipes);
    pointer("a pipe", mmap(NULL, PAGE, PROT_READ, MAP_SHARED, pipes[0], 0));
    munmap(s, 3 * PAGE);
    munmap(q, 2 * PAGE);
    close(fd);
    close(ro);
}

static void moves(void)
{
    char *p = map(64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    for (int i = 0; i < 64; i++)
        p[i * PAGE] = (char)i;
    munmap(p + 32 * PAGE, 32 * PAGE);
    char *q = mremap(p, 32 * PAGE, 48 * PAGE, 0);
    value("grown in place", q == p);
    value("content", q[31 * PAGE]);
    value("new pages are zero", q[40 * PAGE]);
    q[47 * PAGE] = 5;
    char *fixed = mmap(q + 48 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    value("neighbour", fixed == q + 48 * PAGE);
    pointer("no room to grow", mremap(q, 48 * PAGE, 60 * PAGE, 0));
    char *m = pointer("moved", mremap(q, 48 * PAGE, 200 * PAGE, MREMAP_MAYMOVE));
    value("it is elsewhere", m != q);
    touch("the old place", q, false);
    value("content", m[31 * PAGE] + m[47 * PAGE]);
    char *w = map(300 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    char *f = pointer("fixed", mremap(m, 200 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, w + 10 * PAGE));
    value("there", f == w + 10 * PAGE);
    value("content", f[31 * PAGE]);
    touch("the rest of the old mapping", m + 150 * PAGE, false);
    pointer("overlap", mremap(f, 100 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, f + 10 * PAGE));
    pointer("fixed without maymove", mremap(f, PAGE, PAGE, MREMAP_FIXED, w));
    pointer("length 0", mremap(f, PAGE, 0, MREMAP_MAYMOVE));
    pointer("unaligned", mremap(f + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    pointer("old length 0, private", mremap(f, 0, PAGE, MREMAP_MAYMOVE));
    pointer("nothing there", mremap((char *)0x7000, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    mprotect(f + PAGE, PAGE, PROT_READ);
    pointer("over two mappings", mremap(f, 3 * PAGE, 10 * PAGE, MREMAP_MAYMOVE));
    char *d = pointer("dontunmap", mremap(f + 20 * PAGE, 5 * PAGE, 5 * PAGE, MREMAP_MAYMOVE | 4, NULL));
    value("moved content", d[0]);
    value("old place is empty", f[20 * PAGE]);
    char *sh = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
    char *dup = pointer("second view", mremap(sh, 0, 2 * PAGE, MREMAP_MAYMOVE));
    sh[10] = 42;
    value("seen through the other", dup[10]);
    char *shrunk = mremap(f, PAGE, PAGE, 0);
    value("same size", shrunk == f);
    /* Growth by realloc over and over. */
    size_t n = 1000;
    char *r = malloc(n);
    memset(r, 3, n);
    for (int i = 0; i < 14; i++) {
        r = realloc(r, n * 2);
        memset(r + n, 3, n);
        n *= 2;
    }
    long sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += r[i];
    value("sum", sum);
    free(r);
}

static void heap(void)
{
    char *start = sbrk(0);
    char *p = sbrk(10 * PAGE);
    value("sbrk", p == start);
    memset(p, 1, 10 * PAGE);
    value("brk down", brk(start + 2 * PAGE));
    value("sbrk(0)", (char *)sbrk(0) - start);
    touch("below", start + PAGE, true);
    value("grow", brk(start + 5 * PAGE));
    value("zeroed", start[4 * PAGE]);
    result("too far", brk((void *)((uintptr_t)1 << 60)));
    brk(start);
}

static void advice(void)
{
    char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    memset(p, 9, 4 * PAGE);
    result("dontneed", madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
    printf("%d %d %d %d\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    result("dontfork", madvise(p + PAGE, PAGE, MADV_DONTFORK));
    result("wipeonfork", madvise(p + 3 * PAGE, PAGE, MADV_WIPEONFORK));
    fflush(stdout);
    if (!fork()) {
        touch("child: kept", p, false);
        touch("child: gone", p + PAGE, false);
        value("child: wiped", p[3 * PAGE]);
        char *q =
            mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        value("child: free to use", q == p + PAGE);
        exit(0);
    }
    wait(NULL);
    result("mlockall", mlockall(MCL_FUTURE));
    result("mlockall bad", mlockall(0));
    result("munlockall", munlockall());
}

static void many(void)
{
    /* A thousand mappings, protected in patterns and released out of order. */
    char *p = map(1000 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    for (int i = 0; i < 1000; i += 2)
        mprotect(p + i * PAGE, PAGE, PROT_READ);
    int faults = 0;
    for (volatile int i = 0; i < 1000; i++) {
        if (sigsetjmp(jump, 1)) {
            faults++;
            continue;
        }
        p[i * PAGE] = 1;
    }
    value("faults", faults);
    for (int i = 0; i < 1000; i += 3)
        munmap(p + i * PAGE, PAGE);
    result("mprotect", mprotect(p + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE));
    int bad = 0;
    for (int i = 0; i < 500; i++) {
        void *q = map(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
        bad += q == MAP_FAILED;
    }
    value("failed", bad);
    for (int i = 0; i < 1000; i++)
        munmap(p + i * PAGE, PAGE);
    /* A hint is honoured when it can be. */
    char *hint = map(10 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    munmap(hint, 10 * PAGE);
    value("hint", mmap(hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == hint);
    char *other = mmap(hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    value("taken hint", other != hint && other != MAP_FAILED);
}

static void limits(void)
{
    struct rlimit old, lim;
    getrlimit(RLIMIT_AS, &old);
    fflush(stdout);
    if (!fork()) {
        lim = old;
        lim.rlim_cur = 200 << 20;
        result("setrlimit", setrlimit(RLIMIT_AS, &lim));
        pointer("too much", map(300 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS));
        pointer("not too much", map(20 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS));
        getrlimit(RLIMIT_AS, &lim);
        value("limit", (long)lim.rlim_cur);
        exit(0);
    }
    wait(NULL);
}

/* A stack that grows far down. */
static int deep(int n)
{
    volatile char buf[8192];
    buf[0] = (char)n;
    buf[8191] = 1;
    return n ? deep(n - 1) + buf[8191] : 0;
}

int main(void)
{
    on(SIGSEGV, on_fault, 0);
    on(SIGBUS, on_fault, 0);
    set_aside();
    errors();
    protections();
    files();
    moves();
    heap();
    advice();
    many();
    limits();
    value("deep", deep(900));
    return 0;
}
