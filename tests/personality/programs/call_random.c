/* Random system calls with random arguments. Natively it does nothing; as a guest, whatever is asked, the engine must
 * answer and live: a child may end only as its own deeds make it. */
#include "call.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>

#ifdef GUEST
enum { CHILDREN = 60, CALLS = 4000 };

static uint64_t state;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static char *good, *readonly, *none, *edge;

static long argument(void)
{
    static const char *const names[] = {"a",
                                        "b",
                                        "d",
                                        "d/e",
                                        "link",
                                        "",
                                        ".",
                                        "/proc/self/environ",
                                        "/proc/self/maps",
                                        "/proc/self/fd/3",
                                        "c",
                                        "/proc/self/cmdline",
                                        "abs",
                                        "d/"};
    static const long numbers[] = {0,
                                   1,
                                   2,
                                   3,
                                   4,
                                   7,
                                   8,
                                   16,
                                   24,
                                   64,
                                   100,
                                   255,
                                   256,
                                   1000,
                                   1007,
                                   1008,
                                   1015,
                                   1023,
                                   1024,
                                   1025,
                                   1030,
                                   1039,
                                   1040,
                                   4095,
                                   4096,
                                   4097,
                                   65536,
                                   0x7fffffff,
                                   0x80000000l,
                                   0xffffffffl,
                                   0x100000000l,
                                   0x7ffff000,
                                   0x4000000000l,
                                   0x3ffffff000l,
                                   1l << 40,
                                   1l << 62,
                                   -100};
    switch (rnd() % 12) {
    case 0:
    case 1:
        return numbers[rnd() % (sizeof numbers / sizeof *numbers)];
    case 2:
        return -(long)(rnd() % 10);
    case 3:
        return rnd() % 12;
    case 4:
        return (long)(good + rnd() % 4096);
    case 5:
        return (long)(good + (rnd() % 512) * 8);
    case 6:
        return (long)(edge - rnd() % 64);
    case 7:
        return (long)(rnd() % 2 ? readonly : none);
    case 8:
    case 9:
        return (long)names[rnd() % (sizeof names / sizeof *names)];
    case 10:
        return 1l << (rnd() % 64);
    default:
        return (long)rnd();
    }
}

/* Calls that end the process, stop it, change its memory under it, or reach what is not ours. */
static int left_out(long nr)
{
    static const short out[] = {/* ends and stops */ 93,
                                94,
                                95,
                                101,
                                115,
                                128,
                                129,
                                130,
                                131,
                                133,
                                134,
                                135,
                                137,
                                138,
                                139,
                                240,
                                220,
                                221,
                                281,
                                435,
                                260,
                                424,
                                448,
                                98,
                                449,
                                132,
                                99,
                                /* memory */ 214,
                                215,
                                216,
                                222,
                                226,
                                233,
                                196,
                                197,
                                462,
                                228,
                                230,
                                284,
                                /* the machine and others */ 39,
                                40,
                                41,
                                51,
                                58,
                                60,
                                81,
                                89,
                                97,
                                104,
                                105,
                                106,
                                112,
                                116,
                                117,
                                118,
                                119,
                                122,
                                140,
                                142,
                                161,
                                162,
                                170,
                                171,
                                224,
                                225,
                                266,
                                267,
                                268,
                                273,
                                274,
                                280,
                                294,
                                30,
                                118,
                                428,
                                429,
                                430,
                                431,
                                432,
                                433,
                                442,
                                143,
                                144,
                                145,
                                146,
                                147,
                                149,
                                151,
                                152,
                                159,
                                91,
                                261,
                                164,
                                154,
                                157,
                                270,
                                271,
                                187,
                                191,
                                195,
                                186,
                                190,
                                194,
                                180,
                                181,
                                113,
                                96,
                                72,
                                73,
                                102,
                                103,
                                107,
                                110};
    for (unsigned i = 0; i < sizeof out / sizeof *out; i++) {
        if (out[i] == nr)
            return 1;
    }
    return 0;
}

static void nothing(int sig)
{
}

static void child(int n)
{
    struct rlimit cpu = {10, 20}, size = {1 << 24, 1 << 24};
    state = 0x9e3779b97f4a7c15ull * (n + 1 + CHILDREN * (getenv("SEED") ? atol(getenv("SEED")) : 0));
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_FSIZE, &size);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    /* what blocks is interrupted */
    struct sigaction sa = {.sa_handler = nothing};
    struct itimerval often = {{0, 10000}, {0, 10000}};
    sigaction(SIGALRM, &sa, 0);
    setitimer(ITIMER_REAL, &often, 0);
    close_range(3, ~0u, 0);
    good = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(edge + 4096, 4096);
    edge += 4096;
    readonly = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    none = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int null = open("/dev/null", O_RDWR);
    if (null < 0)
        _exit(1);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    open("a", O_RDWR);
    open("d", O_RDONLY);
    int p[2];
    (void)!pipe2(p, O_NONBLOCK);
    if (getuid() == 0 && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
        _exit(1); /* never with root's powers */
    for (int i = 0; i < CALLS; i++) {
        long nr = rnd() % 475;
        if (left_out(nr) || (nr >= 244 && nr < 258))
            continue;
        for (int j = 0; j < 8; j++)
            ((uint64_t *)good)[rnd() % 1024] = argument();
        long a[6];
        for (int j = 0; j < 6; j++)
            a[j] = argument();
        syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    _exit(0);
}
#endif

int main(void)
{
    int bad = 0, done = 0;
#ifdef GUEST
    enter_work_dir();
    close(open("a", O_CREAT | O_WRONLY, 0666));
    mkdir("d", 0777);
    chmod(".", 0777);
    chmod("a", 0666);
    chmod("d", 0777);
    (void)!symlink("a", "link");
    const int children = getenv("TEST_SANITIZER") ? CHILDREN / 4 : CHILDREN; /* each takes seconds there */
    for (int i = 0; i < children; i++) {
        int st;
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            child(i);
        }
        waitpid(pid, &st, 0);
        /* signals that it asked for itself (SIGIO, …) are its own affair; SIGSEGV, SIGABRT, SIGILL, SIGBUS are not */
        done += WIFEXITED(st);
        if (WIFSIGNALED(st) &&
            (WTERMSIG(st) == SIGSEGV || WTERMSIG(st) == SIGABRT || WTERMSIG(st) == SIGILL || WTERMSIG(st) == SIGBUS)) {
            printf("child %d: signal %d\n", i, WTERMSIG(st));
            bad++;
        }
    }
    leave_work_dir();
    fprintf(stderr, "%d of %d to the end\n", done, children);
#endif
    printf("%d bad\n", bad);
    return 0;
}
