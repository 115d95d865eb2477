/* Library routines that fault, are interrupted, work on code or in the dark: memcpy, strlen and the like, as calls that
 * the compiler cannot look through. Their results at every size and alignment are tested by files/ifunc.c of the system
 * tests. */
#include "util.h"

static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile set)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static void *(*volatile find)(const void *, int, size_t) = memchr;
static size_t (*volatile length)(const char *) = strlen;
static size_t (*volatile nlength)(const char *, size_t) = strnlen;
static char *(*volatile chr)(const char *, int) = strchr;
static char *(*volatile rchr)(const char *, int) = strrchr;
static char *(*volatile chrnul)(const char *, int) = strchrnul;
static int (*volatile scompare)(const char *, const char *) = strcmp;
static int (*volatile ncompare)(const char *, const char *, size_t) = strncmp;
static char *(*volatile scopy)(char *, const char *) = strcpy;
static char *(*volatile pcopy)(char *, const char *) = stpcpy;
static size_t (*volatile span)(const char *, const char *) = strspn;
static size_t (*volatile cspan)(const char *, const char *) = strcspn;
static char *(*volatile pbreak)(const char *, const char *) = strpbrk;

/* Two areas of pages, and behind, and before each, one that cannot be touched. */
#define PAGES 4
static unsigned char *area[2], *hole[2];
static unsigned char model[PAGES * PAGE];
static char all[256]; /* the set of all bytes */

static sigjmp_buf jump;
static volatile uintptr_t fault_at;
static volatile int faults;
static volatile bool mend;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
    fault_at = (uintptr_t)si->si_addr;
    faults++;
    if (mend)
        mprotect((void *)(fault_at & -PAGE), PAGE, PROT_READ | PROT_WRITE);
    else
        siglongjmp(jump, 1);
}

static void fill(unsigned char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)((i * 37 + seed) % 255 + 1);
}

enum {
    COPY,
    MOVE,
    SET,
    COMPARE,
    FIND,
    LENGTH,
    NLENGTH,
    CHR,
    RCHR,
    CHRNUL,
    CSPAN,
    PBREAK,
    SPAN,
    SCOMPARE,
    NCOMPARE,
    SCOPY,
    PCOPY,
    KINDS
};
static const char *const names[] = {"memcpy",  "memmove", "memset",  "memcmp",    "memchr",  "strlen",
                                    "strnlen", "strchr",  "strrchr", "strchrnul", "strcspn", "strpbrk",
                                    "strspn",  "strcmp",  "strncmp", "strcpy",    "stpcpy"};

/* Does routine `kind` on n bytes at a and b. */
static uintptr_t call(int kind, unsigned char *a, unsigned char *b, size_t n)
{
    switch (kind) {
    case COPY:
        return (uintptr_t)copy(a, b, n);
    case MOVE:
        return (uintptr_t)move(a, b, n);
    case SET:
        return (uintptr_t)set(a, 0x77, n);
    case COMPARE:
        return (uintptr_t)(compare(a, b, n) > 0);
    case FIND:
        return (uintptr_t)find(a, 0, n);
    case LENGTH:
        return length((char *)a);
    case NLENGTH:
        return nlength((char *)a, n);
    case CHR:
        return (uintptr_t)chr((char *)a, 0);
    case RCHR:
        return (uintptr_t)rchr((char *)a, a[0]);
    case CHRNUL:
        return (uintptr_t)chrnul((char *)a, 0);
    case CSPAN:
        return cspan((char *)a, "ab");
    case PBREAK:
        return (uintptr_t)pbreak((char *)a, "ab");
    case SPAN:
        return span((char *)a, all);
    case SCOMPARE:
        return (uintptr_t)(scompare((char *)a, (char *)b) > 0);
    case NCOMPARE:
        return (uintptr_t)(ncompare((char *)a, (char *)b, n) > 0);
    case SCOPY:
        return (uintptr_t)scopy((char *)a, (char *)b);
    default:
        return (uintptr_t)pcopy((char *)a, (char *)b);
    }
}

/* Each routine runs into a page that is not there: the fault lies in it, and what is left can be used. */
static void run_out(void)
{
    static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 100, 127, 129, 200, 300, 1000, 5000};
    mend = false;
    for (int kind = 0; kind < KINDS; kind++) {
        long wrong = 0, missed = 0;
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
            for (size_t out = 1; out <= 17 && out <= sizes[k]; out++)
                for (int side = 0; side < 2; side++) { /* which argument */
                    size_t n = sizes[k], in = n - out;
                    unsigned char *a = area[0] + 64, *b = area[1] + 64;
                    if (side && (kind == SET || kind == FIND || (kind >= LENGTH && kind <= SPAN)))
                        continue;
                    fill(area[0], PAGES * PAGE, 1);
                    fill(area[1], PAGES * PAGE, 1);
                    if (side)
                        b = hole[1] - in;
                    else
                        a = hole[0] - in;
                    if (kind == SCOPY || kind == PCOPY)
                        b[side ? 0 : n - 1] = side ? b[0] : 0;
                    else if (kind == CSPAN || kind == PBREAK)
                        set(a, 'x', in);
                    else if (kind == COMPARE || kind == SCOMPARE || kind == NCOMPARE)
                        for (size_t i = 0; i < in; i++)
                            a[i] = b[i] = (unsigned char)(i % 200 + 1);
                    if (sigsetjmp(jump, 1)) {
                        uintptr_t page = (uintptr_t)hole[side];
                        wrong += fault_at < page || fault_at >= page + PAGE || fault_at >= page + out + 64;
                    } else {
                        call(kind, a, b, n);
                        missed++;
                    }
                }
        printf("%s: %ld faults elsewhere, %ld not there\n", names[kind], wrong, missed);
    }
}

/* The handler puts the page there, and the routine goes on, or begins anew. */
static void put_right(void)
{
    mend = true;
    long done = 0, wrong = 0;
    for (size_t n = 1; n < 2 * PAGE; n = n < 40 ? n + 1 : n * 5 / 4)
        for (int prot = 0; prot < 3; prot++) /* nothing; read only; what is read */
            for (int by = -2; by < 12; by++) {
                /* overlapping moves, over a border between pages of which one or the other is missing */
                ssize_t d = by < 0 ? by : by == 11 ? (ssize_t)n / 2 + 1 : by * by;
                size_t from = PAGE - (n < PAGE ? n / 2 + 1 : PAGE - 140);
                for (int which = 0; which < 2; which++) {
                    unsigned char *p = area[0];
                    mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE);
                    fill(p, PAGES * PAGE, (unsigned)n);
                    copy(model, p, PAGES * PAGE);
                    for (size_t i = 0; i < n; i++)
                        model[from + (size_t)d + i] = p[from + i];
                    mprotect(p + (which ? PAGE : 0), PAGE, prot == 1 ? PROT_READ : PROT_NONE);
                    if (prot == 2)
                        mprotect(p + (which ? 0 : PAGE), PAGE, PROT_READ);
                    void *r = move(p + from + d, p + from, n);
                    mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE);
                    wrong += r != p + from + d || compare(p, model, PAGES * PAGE) != 0;
                    done++;
                }
            }
    printf("mended moves: %ld, wrong %ld, faults %s\n", done, wrong, faults > 100 ? "many" : "few");
    wrong = 0;
    faults = 0;
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t n = 1; n < 2 * PAGE; n = n < 40 ? n + 3 : n * 3 / 2)
            for (int side = 0; side < 2; side++) {
                unsigned char *a = area[0] + PAGE - n / 2, *b = area[1] + PAGE - n / 3;
                fill(area[0], PAGES * PAGE, 3);
                fill(area[1], PAGES * PAGE, 9);
                if (kind == COMPARE || kind == SCOMPARE || kind == NCOMPARE) {
                    for (size_t i = 0; i < n; i++)
                        a[i] = b[i] = (unsigned char)(i % 200 + 1);
                    a[n - 1] = 250;
                }
                if (kind == CSPAN || kind == PBREAK) {
                    set(a, 'x', n - 1);
                    a[n - 1] = 'b';
                }
                a[n] = b[n] = 0;
                if (kind == FIND)
                    a[n - 1] = 0;
                mprotect(area[side] + PAGE, PAGE, PROT_NONE);
                uintptr_t r = call(kind, a, b, n), want = (uintptr_t)a;
                mprotect(area[side] + PAGE, PAGE, PROT_READ | PROT_WRITE);
                if (kind == COMPARE || kind == SCOMPARE || kind == NCOMPARE)
                    want = 1;
                else if (kind == LENGTH || kind == NLENGTH || kind == SPAN)
                    want = n;
                else if (kind == FIND)
                    want = (uintptr_t)(a + n - 1);
                else if (kind == CHR || kind == CHRNUL || kind == PCOPY)
                    want = (uintptr_t)(a + n);
                else if (kind == CSPAN)
                    want = n - 1;
                else if (kind == PBREAK)
                    want = (uintptr_t)(a + n - 1);
                else if (kind == RCHR)
                    want = (uintptr_t)(a + (n - 1) / 255 * 255);
                bool same = true;
                for (size_t i = 0; i < n; i++)
                    same &= kind == SET ? a[i] == 0x77 : kind >= SCOPY || kind <= MOVE ? a[i] == b[i] : true;
                if (r != want || !same)
                    wrong++;
            }
    printf("mended calls: wrong %ld, faults %s\n", wrong, faults > 100 ? "many" : "few");
}

/* Copies onto a page that holds code which has run. */
static void onto_code(void)
{
    typedef int fn(void);
    unsigned char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char code[64];
    long sum = 0;
    for (int i = 0; i < 300; i++) {
        size_t n = code_return(code, (unsigned)i);
        unsigned char *at = p + (i & 1 ? PAGE - 4 : 64);
        if (i % 3)
            copy(at, code, n);
        else
            move(at, code, n);
        if (i % 5 == 0)
            set(p + 2048, i, 1000);
        flush_code(at, n);
        sum += ((fn *)(void *)at)();
    }
    value("code copied", sum);
}

static volatile long ticks;
static unsigned char shared[3000];

static void on_tick(int sig, siginfo_t *si, void *uc)
{
    unsigned char own[500];
    ticks++;
    set(own, (int)ticks, sizeof own);
    copy(shared, own, sizeof own);
    if (length("in a handler") != 12)
        abort();
}

/* Signals come at any time, and their handlers call the same routines. */
static void interrupted(void)
{
    size_t n = 24 << 20;
    unsigned char *a = malloc(n), *b = malloc(n);
    struct itimerval every = {{0, 700}, {0, 700}};
    long wrong = 0;
    fill(a, n, 5);
    on(SIGALRM, on_tick, SA_RESTART);
    setitimer(ITIMER_REAL, &every, NULL);
    for (int i = 0; i < 6; i++) {
        copy(b, a, n); /* too long for one step */
        wrong += compare(a, b, n) != 0;
        move(b + 1, b, n - 1);
        wrong += compare(b + 1, a, n - 1) != 0;
        a[n - 1] = 0;
        wrong += length((char *)a) != n - 1;
        a[n - 1] = (unsigned char)i + 1;
    }
    while (ticks < 20)
        for (int i = 0; i < 200; i++) {
            copy(b, a, (size_t)i * 13);
            wrong += compare(a, b, (size_t)i * 13) != 0;
        }
    every.it_value.tv_usec = 0;
    every.it_interval.tv_usec = 0;
    setitimer(ITIMER_REAL, &every, NULL);
    value("interrupted, wrong", wrong);
    free(a);
    free(b);
}

/* Sets that repeat themselves, and are as long as the strings. */
static void long_sets(void)
{
    static char string[3000], some[3000], other[3000];
    memset(string, 'x', sizeof string - 2);
    for (size_t n = 200; n < sizeof some; n += n / 3) {
        for (size_t i = 0; i < n; i++) {
            some[i] = (char)('a' + i % 26);
            other[i] = (char)('A' + i % 26);
        }
        some[n] = other[n] = 0;
        string[sizeof string - 2] = 'Y';
        char *p = pbreak(string, other);
        printf("sets of %zu: %zu %zu %td\n", n, span(string, some), cspan(string, other), p ? p - string : -1);
        string[sizeof string - 2] = 0;
        p = pbreak(string, other);
        printf("  %zu %zu %td\n", span(string, some), cspan(string, other), p ? p - string : -1);
    }
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        unsigned char *p = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        area[i] = p + PAGE;
        hole[i] = area[i] + PAGES * PAGE;
        mprotect(area[i], PAGES * PAGE, PROT_READ | PROT_WRITE);
    }
    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    on(SIGSEGV, on_fault, SA_NODEFER);
    long_sets();
    run_out();
    put_right();
    onto_code();
    interrupted();
    return 0;
}
