/* A guest that maps over everything: the whole address space, what lies between its mappings, all the memory that there
 * is. What it hits is its own. */
#include "stress.h"

#define G (1ull << 30)

static char text[1 << 16];

static void new_code(void)
{
    char *code = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    flush_code(code, code_sum(code, 20, 4));
    if (((code_fn *)code)() != 80)
        _exit(60);
    munmap(code, PAGE);
}

/* Top of what may be mapped. */
static uintptr_t top_of_space(void)
{
    for (uintptr_t a = 1ull << 47; a; a >>= 1) {
        void *p =
            mmap((void *)(a - 64 * PAGE), PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (p != MAP_FAILED) {
            munmap(p, PAGE);
            return a - 64 * PAGE;
        }
        if (errno == EEXIST)
            return a - 64 * PAGE;
    }
    return 0;
}

/* The rest are children. */
static void over_all(int prot)
{
    /* From the lowest address that may be: the code, the stack, everything. There is nothing to come back to. */
    mmap((void *)(16 * PAGE), top_of_space() - 16 * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
         -1, 0);
    _exit(1);
}

static void unmap_all(void)
{
    munmap((void *)(16 * PAGE), top_of_space() - 16 * PAGE);
    _exit(1);
}

static void protect_all(void)
{
    mprotect((void *)((uintptr_t)protect_all & ~(uintptr_t)(PAGE - 1)), PAGE, PROT_NONE);
    _exit(1);
}

/* Maps the gaps that /proc/self/maps shows. */
static void fill_gaps(void)
{
    int fd = open("/proc/self/maps", O_RDONLY);
    ssize_t n = 0, r;
    while ((r = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
        n += r;
    close(fd);
    text[n] = 0;
    uintptr_t at = 16 * PAGE, top = top_of_space();
    int filled = 0, failed = 0;
    for (char *line = text; *line;) {
        unsigned long lo, hi;
        if (sscanf(line, "%lx-%lx", &lo, &hi) != 2)
            _exit(2);
        if (lo > top)
            lo = top;
        /* A stack needs its gap. */
        uintptr_t end = strstr(line, "[stack]") < strchr(line, '\n') && strstr(line, "[stack]") ? lo - 300 * PAGE : lo;
        if (at < end) {
            void *p = mmap((void *)at, end - at, PROT_READ,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
            if (p == MAP_FAILED)
                failed++;
            else if (*(volatile char *)p == 0)
                filled++;
        }
        if (hi > at)
            at = hi;
        line = strchr(line, '\n') + 1;
        if (at >= top)
            break;
    }
    if (mmap(NULL, 4 * G, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED &&
        top < 1ull << 40)
        _exit(3);
    if (failed || !filled)
        _exit(4);
    /* And yet all goes on. */
    pid_t p = fork();
    if (!p)
        _exit(7);
    int st;
    waitpid(p, &st, 0);
    _exit(WIFEXITED(st) && WEXITSTATUS(st) == 7 ? 0 : 5);
}

static void until_enomem(size_t step, bool touch)
{
    long n = 0;
    struct rlimit rl = {0};
    if (touch) {
        /* With a limit, so that the machine is not emptied. */
        rl.rlim_cur = rl.rlim_max = 1ull << 37;
        setrlimit(RLIMIT_AS, &rl);
    }
    char *last = NULL;
    for (;; n++) {
        char *p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            break;
        if (touch && n % 64 == 0)
            p[step - 1] = 1;
        last = p;
    }
    if (errno != ENOMEM || n < 10)
        _exit(1);
    if (malloc(64 << 20) && step < (64 << 20))
        _exit(2);
    munmap(last, step);
    if (mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
        _exit(3);
    munmap(last, step);
    new_code();
    pthread_t t;
    if (pthread_create(&t, NULL, (void *(*)(void *))abort, NULL) == 0 && step >= (16 << 20))
        pause(); /* dies */
    _exit(0);
}

static void many_pieces(void)
{
    /* Every second page protected otherwise, until there are too many mappings. */
    char *p = must_map(140000 * PAGE, PROT_READ | PROT_WRITE);
    long n = 0;
    while (n < 140000 && !mprotect(p + n * PAGE, PAGE, PROT_READ))
        n += 2;
    if (n == 140000 || errno != ENOMEM)
        _exit(1);
    if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED &&
        mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED &&
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED &&
        mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        _exit(2);
    if (munmap(p, 140000 * PAGE))
        _exit(3);
    new_code();
    _exit(0);
}

static char huge[1ull << 30]; /* costs nothing until it is touched */

int main(void)
{
    int st;
    printf("huge: %d\n", huge[5] + huge[sizeof huge - 1]);
    for (size_t i = 0; i < sizeof huge; i += 64 << 20)
        huge[i] = 1;
    for (int i = 0; i < 8; i++) {
        fflush(stdout);
        if (!fork()) {
            struct rlimit none = {0};
            setrlimit(RLIMIT_CORE, &none);
            switch (i) {
            case 0:
                over_all(PROT_NONE);
            case 1:
                over_all(PROT_READ | PROT_WRITE);
            case 2:
                unmap_all();
            case 3:
                protect_all();
            case 4:
                fill_gaps();
            case 5:
                until_enomem(1ull << 32, false);
            case 6:
                until_enomem(64 << 20, true);
            default:
                many_pieces();
            }
        }
        wait(&st);
        printf("%d: ", i);
        status("child", st);
    }
    return 0;
}
