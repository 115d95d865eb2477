/* What aarch64 has of its own: signal frames, tags in addresses, open's flags, sigaction. On another ISA there is
 * nothing to check. */
#include "util.h"

#ifdef __aarch64__
#include <asm/sigcontext.h>
#include <asm/unistd.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            printf("%s:%d: %s\n", __func__, __LINE__, #cond);                                                          \
    } while (0)

/* --- frames --- */

struct frame { /* as the kernel lays it out */
    siginfo_t info;
    ucontext_t uc;
};

static sigjmp_buf jump;
static volatile int hits;
static uint64_t seen_esr, seen_fault;
static void *seen_addr;

/* A record of a frame, or NULL. */
static struct _aarch64_ctx *record(ucontext_t *uc, uint32_t magic)
{
    for (char *p = (char *)uc->uc_mcontext.__reserved;;) {
        struct _aarch64_ctx *c = (void *)p;
        if (c->magic == magic)
            return c;
        if (!c->magic || !c->size || c->size % 16)
            return NULL;
        p += c->size;
    }
}

static void on_fault(int sig, siginfo_t *si, void *ucp)
{
    ucontext_t *uc = ucp;
    struct esr_context *esr = (void *)record(uc, ESR_MAGIC);
    hits++;
    seen_esr = esr ? esr->esr : 0;
    seen_fault = uc->uc_mcontext.fault_address;
    seen_addr = si->si_addr;
    siglongjmp(jump, si->si_code);
}

/* The syndrome's exception class, and whether a write faulted. */
#define EC(esr)  ((esr) >> 26)
#define WNR(esr) ((esr) >> 6 & 1)

static void faults(void)
{
    volatile char *none = (char *)0x4000, *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on(SIGSEGV, on_fault, 0);
    on(SIGBUS, on_fault, 0);
    on(SIGILL, on_fault, 0);
    int r = sigsetjmp(jump, 1);
    if (!r)
        (void)*none;
    CHECK(r == SEGV_MAPERR && seen_addr == none && seen_fault == 0x4000 && EC(seen_esr) == 0x24 && !WNR(seen_esr));
    r = sigsetjmp(jump, 1);
    if (!r)
        none[1] = 1;
    CHECK(r == SEGV_MAPERR && seen_addr == none + 1 && EC(seen_esr) == 0x24 && WNR(seen_esr));
    r = sigsetjmp(jump, 1);
    if (!r)
        readonly[3] = 1;
    CHECK(r == SEGV_ACCERR && seen_addr == readonly + 3 && EC(seen_esr) == 0x24 && WNR(seen_esr) &&
          (seen_esr & 0x3c) == 0xc);
    r = sigsetjmp(jump, 1);
    if (!r)
        ((void (*)(void))readonly)();
    CHECK(r == SEGV_ACCERR && seen_addr == readonly && EC(seen_esr) == 0x20);
    r = sigsetjmp(jump, 1);
    if (!r)
        ((void (*)(void))0x4002)();
    CHECK(r == BUS_ADRALN && seen_addr == (void *)0x4002);
    r = sigsetjmp(jump, 1);
    if (!r)
        __asm__ volatile("udf #0");
    CHECK(r == ILL_ILLOPC && seen_fault == 0);
    r = sigsetjmp(jump, 1);
    if (!r)
        __asm__ volatile("ldxr x0, [%0]" ::"r"((char *)jump + 1) : "x0");
    CHECK(r == BUS_ADRALN && seen_addr == (char *)jump + 1);
    r = sigsetjmp(jump, 1); /* sp has to be a multiple of 16 when it is a base */
    static void *odd;
    if (!r)
        __asm__ volatile("mov x9, sp\n sub x9, x9, #264\n str x9, %0\n mov sp, x9\n ldr x0, [sp, #8]\n"
                         : "=m"(odd)::"x0", "x9", "memory");
    CHECK(r == BUS_ADRALN && seen_addr == odd && seen_fault == 0 && EC(seen_esr) == 0x26);
    /* Beyond all addresses: whatever is said of it, it is said. */
    r = sigsetjmp(jump, 1);
    if (!r)
        *(volatile char *)0xff80000012345678;
    CHECK(r == SEGV_MAPERR && seen_addr == (void *)0xff80000012345678);
    CHECK(hits == 9);
}

static int layout_ok;
static void look(int sig, siginfo_t *si, void *ucp)
{
    ucontext_t *uc = ucp;
    struct fpsimd_context *fp = (void *)record(uc, FPSIMD_MAGIC);
    uint64_t *self = __builtin_frame_address(0), sp;
    layout_ok = (char *)ucp - (char *)si == 128 && (char *)&uc->uc_mcontext - (char *)uc == 176 &&
                sizeof uc->uc_mcontext == 4384;
    layout_ok &= fp && fp->head.size == 528 && fp == (void *)uc->uc_mcontext.__reserved && !((uintptr_t)fp & 15);
    layout_ok &= uc->uc_mcontext.pc % 4 == 0 && uc->uc_mcontext.sp > (uintptr_t)ucp;
    /* The frame record: what our caller's frame pointer points to are the fp and lr that were interrupted. */
    uint64_t *above = (uint64_t *)self[0];
    layout_ok &= above[0] == uc->uc_mcontext.regs[29] && above[1] == uc->uc_mcontext.regs[30];
    layout_ok &= (char *)above == (char *)si + 4688;
    __asm__("mov %0, sp" : "=r"(sp));
    layout_ok &= (uintptr_t)si % 16 == 0 && sp % 16 == 0;
    /* Changed here, seen there. */
    uc->uc_mcontext.regs[9] = 0x1234;
    uc->uc_mcontext.pstate = 0xa0000000; /* N and C */
    fp->vregs[17] = (__uint128_t)5 << 64 | 6;
    fp->fpsr = 0x08000001;
    fp->fpcr = 0x00c00000;
}

/* Asks for a signal with known registers and says what the handler left. */
static void contexts(void)
{
    uint64_t x9 = 1, x20 = 7, nzcv = 0, lo = 0, hi = 0, fpsr = 0, fpcr = 0, d8 = 0;
    on(SIGUSR1, look, 0);
    __asm__ volatile("fmov d8, #3.0\n mov x20, #77\n mov x9, #1\n mov x0, %[pid]\n mov x1, %[tid]\n mov x2, %[sig]\n"
                     " mov x8, #131\n svc #0\n"
                     " mov %[x9], x9\n mrs %[nzcv], nzcv\n mov %[x20], x20\n mrs %[fpsr], fpsr\n mrs %[fpcr], fpcr\n"
                     " msr fpcr, xzr\n msr fpsr, xzr\n umov %[lo], v17.d[0]\n umov %[hi], v17.d[1]\n fmov %[d8], d8\n"
                     : [x9] "=&r"(x9), [x20] "=&r"(x20), [nzcv] "=&r"(nzcv), [lo] "=&r"(lo), [hi] "=&r"(hi),
                       [fpsr] "=&r"(fpsr), [fpcr] "=&r"(fpcr), [d8] "=&r"(d8)
                     : [pid] "r"((long)getpid()), [tid] "r"(gettid_()), [sig] "r"((long)SIGUSR1)
                     : "x0", "x1", "x2", "x8", "x9", "x20", "v8", "v17", "cc", "memory");
    CHECK(layout_ok);
    CHECK(x9 == 0x1234 && x20 == 77 && nzcv == 0xa0000000 && lo == 6 && hi == 5);
    CHECK(fpsr == 0x08000001 && fpcr == 0x00c00000 && d8 == 0x4008000000000000);
}

/* --- sigaction and its restorer --- */

struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};
static volatile int restored;

__attribute__((used)) static void count_restore(void)
{
    restored++;
}
void restorer(void);
__asm__(".text\nrestorer: bl count_restore\n mov x8, #139\n svc #0\n");

static void plain(int sig)
{
    hits += 100;
}

static void actions(void)
{
    struct kernel_sigaction act = {plain, 0x04000000, restorer, 1ul << 11}, old = {0};
    hits = 0;
    CHECK(!syscall(SYS_rt_sigaction, SIGUSR2, &act, NULL, 8));
    CHECK(!syscall(SYS_rt_sigaction, SIGUSR2, NULL, &old, 8));
    CHECK(old.handler == plain && old.flags == act.flags && old.restorer == restorer && old.mask == act.mask);
    raise(SIGUSR2);
    CHECK(hits == 100 && restored == 1);
    act.flags = 0; /* the restorer is not used then */
    CHECK(!syscall(SYS_rt_sigaction, SIGUSR2, &act, NULL, 8));
    raise(SIGUSR2);
    CHECK(hits == 200 && restored == 1);
    stack_t small = {.ss_sp = malloc(8192), .ss_size = 5119};
    CHECK(sigaltstack(&small, NULL) == -1 && errno == ENOMEM);
    small.ss_size = 5120;
    CHECK(!sigaltstack(&small, NULL));
    on(SIGUSR2, look, SA_ONSTACK);
    raise(SIGUSR2);
    CHECK(layout_ok);
    small.ss_flags = SS_DISABLE;
    CHECK(!sigaltstack(&small, NULL));
}

/* A frame that is none ends in SIGSEGV. */
static void bad_frame(int sig, siginfo_t *si, void *ucp)
{
    ucontext_t *uc = ucp;
    static int turn;
    switch (turn++) {
    case 0:
        uc->uc_mcontext.pstate = 0x10; /* 32-bit */
        break;
    case 1:
        uc->uc_mcontext.pstate = 5; /* the kernel's level */
        break;
    case 2:
        record(uc, FPSIMD_MAGIC)->magic = 0x12345678;
        break;
    case 3:
        record(uc, FPSIMD_MAGIC)->size = 520;
        break;
    default:
        record(uc, FPSIMD_MAGIC)->magic = 0; /* no vector registers */
        break;
    }
}

static void bad_frames(void)
{
    on(SIGSEGV, on_fault, SA_ONSTACK);
    on(SIGUSR1, bad_frame, 0);
    for (int i = 0; i < 5; i++) {
        int r = sigsetjmp(jump, 1);
        if (!r) {
            raise(SIGUSR1);
            printf("frame %d was taken\n", i);
        }
        CHECK(r == SEGV_ACCERR);
    }
}

/* --- tags --- */

#define TAGGED(p, tag) ((void *)((uintptr_t)(p) | (uintptr_t)(tag) << 56))

static void tags(void)
{
    static _Alignas(64) uint64_t data[16] = {1, 2, 3, 4};
    volatile uint64_t *p = TAGGED(data, 0x5a), v;
    uint64_t a, b;
    CHECK(p[1] == 2);
    p[2] = 33;
    CHECK(data[2] == 33);
    CHECK(__atomic_fetch_add((uint64_t *)p, 5, __ATOMIC_SEQ_CST) == 1 && data[0] == 6);
    __asm__ volatile("1: ldaxr %0, [%2]\n add %0, %0, #1\n stlxr %w1, %0, [%2]\n cbnz %w1, 1b"
                     : "=&r"(a), "=&r"(b)
                     : "r"(p)
                     : "memory");
    CHECK(data[0] == 7);
    __asm__ volatile("ldp %0, %1, [%2, #16]" : "=&r"(a), "=&r"(b) : "r"(p) : "memory");
    CHECK(a == 33 && b == 4);
    __asm__ volatile("ld1 {v0.2d, v1.2d}, [%1], #32\n umov %0, v1.d[0]" : "=r"(a), "+r"(p)::"v0", "v1", "memory");
    CHECK(a == 33 && p == TAGGED(data + 4, 0x5a)); /* the tag stays in the register */
    p = TAGGED(data, 0x5a);
    __asm__ volatile("dc zva, %0" ::"r"(p) : "memory");
    CHECK(data[0] == 0 && data[7] == 0);
    /* Faults tell the address without it, and the kernel takes none. */
    on(SIGSEGV, on_fault, 0);
    int r = sigsetjmp(jump, 1);
    if (!r)
        *(volatile char *)TAGGED(0x4008, 1) = 1;
    CHECK(r == SEGV_MAPERR && seen_addr == (void *)0x4008 && seen_fault == 0x4008);
    CHECK(write(-1, TAGGED(data, 1), 1) == -1 && errno == EBADF);
    int fd = open("/dev/null", O_WRONLY), fds[2];
    CHECK(pipe(fds) == 0);
    CHECK(write(fds[1], TAGGED(data, 1), 1) == -1 && errno == EFAULT);
    close(fd);
    close(fds[0]);
    close(fds[1]);
}

/* --- calls --- */

static void calls(void)
{
    CHECK(O_DIRECTORY == 040000 && O_NOFOLLOW == 0100000 && O_DIRECT == 0200000);
    CHECK(open("/dev/null", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    char dir[] = "/tmp/dragoman-abi-XXXXXX", name[64], link[64];
    CHECK(mkdtemp(dir));
    snprintf(name, sizeof name, "%s/file", dir);
    snprintf(link, sizeof link, "%s/link", dir);
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && !symlink(name, link));
    CHECK((fcntl(fd, F_GETFL) & ~0400000) == O_RDWR); /* O_LARGEFILE, which the kernel adds */
    CHECK(!fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK) &&
          (fcntl(fd, F_GETFL) & ~0400000) == (O_RDWR | O_APPEND | O_NONBLOCK));
    CHECK(open(link, O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    int d = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    CHECK(d >= 0 && (fcntl(d, F_GETFL) & (O_DIRECTORY | O_NOFOLLOW)) == (O_DIRECTORY | O_NOFOLLOW));
    int t = openat(d, ".", O_RDWR | O_TMPFILE, 0600);
    CHECK(t >= 0 || errno == EOPNOTSUPP);
    int p[2];
    CHECK(!pipe2(p, O_DIRECT | O_CLOEXEC) && (fcntl(p[1], F_GETFL) & O_DIRECT));
    struct {
        uint64_t flags, mode, resolve;
    } how = {O_RDONLY | O_NOFOLLOW, 0, 0};
    CHECK(syscall(437 /* openat2 */, d, "link", &how, sizeof how) == -1 && (errno == ELOOP || errno == ENOSYS));
    CHECK(renameat(d, "file", d, "renamed") == 0 && unlinkat(d, "renamed", 0) == 0 && unlinkat(d, "link", 0) == 0);
    rmdir(dir);
    CHECK(syscall(258) == -1 && errno == ENOSYS); /* riscv64's */
    CHECK(syscall(259, 0, 0, 0) == -1 && errno == ENOSYS);
    CHECK(syscall(SYS_getpid | 1ul << 32) == getpid()); /* numbers are ints */
    CHECK(personality(0xffffffff) == 0);
}
#endif

int main(void)
{
#ifdef __aarch64__
    setvbuf(stdout, NULL, _IONBF, 0);
    faults();
    contexts();
    actions();
    bad_frames();
    tags();
    calls();
#endif
    printf("fine\n");
    return 0;
}
