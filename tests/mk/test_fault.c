/* Fault upcalls: what they are told, what they may change, and what happens when it is not theirs. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "probe.h"

/* The one upcall of the process: notes the fault and does what the test wants. */
static __thread struct mk_fault seen;
static __thread u32 upcalls;
static bool (*act)(struct mk_fault *f);
static u8 cx_tag;

static bool upcall(struct mk_fault *f, void *cx)
{
    seen = *f;
    seen.regs = NULL;
    upcalls++;
    return cx == &cx_tag && act && act(f);
}

static size_t page;
static u8 *mem; /* one page, accessible; one page behind it that is not */

static int set_up(void **state)
{
    void *p;

    page = mk_page_size();
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_fault_handler(upcall, &cx_tag), 0);
    assert_int_equal(mk_fault_handler(upcall, &cx_tag), -EBUSY);
    assert_int_equal(mk_pages_alloc(&p, 2 * page), 0);
    mem = p;
    return mprotect(mem + page, page, PROT_NONE);
}

static bool skip_load(struct mk_fault *f)
{
    errno = 1; /* as any call in an upcall may */
    *probe_value(f->regs) = 0x1234567887654321;
    probe_set_pc(f->regs, probe_load_next);
    return true;
}

static bool retry_elsewhere(struct mk_fault *f)
{
    *probe_address(f->regs) = (u64)mem;
    return true;
}

static bool unprotect(struct mk_fault *f)
{
    return !mprotect(mem + page, page, PROT_READ | PROT_WRITE);
}

static void assert_seen(hva_t addr, u32 kind, bool write, bool exec, const void *pc)
{
    assert_int_equal(seen.addr, addr);
    assert_int_equal(seen.kind, kind);
    assert_int_equal(seen.write, write);
    assert_int_equal(seen.exec, exec);
    assert_ptr_equal(seen.pc, pc);
}

FAULT_TEST(test_skip)
{
    upcalls = 0;
    act = skip_load;
    errno = 77;
    assert_int_equal(probe_load(mem + page + 3), 0x1234567887654321);
    assert_int_equal(errno, 77);
    assert_int_equal(upcalls, 1);
    assert_seen((hva_t)mem + page + 3, MK_FAULT_PROTECTION, false, false, probe_load_at);
}

FAULT_TEST(test_retry)
{
    upcalls = 0;
    act = retry_elsewhere;
    *(u64 *)mem = 99;
    assert_int_equal(probe_load(mem + page), 99);
    probe_store(mem + page + 8, 55);
    assert_int_equal(*(u64 *)mem, 55);
    assert_seen((hva_t)mem + page + 8, MK_FAULT_PROTECTION, true, false, probe_store_at);

    act = unprotect;
    probe_store(mem + page + 16, 66);
    assert_int_equal(*(u64 *)(mem + page + 16), 66);
    assert_int_equal(upcalls, 3);
    mprotect(mem + page, page, PROT_NONE);
}

/* Across the edge, the address is the first byte that is missing. */
FAULT_TEST(test_straddle)
{
    act = skip_load;
    probe_load(mem + page - 3);
    assert_seen((hva_t)mem + page, MK_FAULT_PROTECTION, false, false, probe_load_at);
}

static const void *resume_at;

static bool go_on(struct mk_fault *f)
{
    probe_set_pc(f->regs, resume_at);
    return true;
}

FAULT_TEST(test_kinds)
{
    void *gone;

    act = skip_load;
    assert_int_equal(mk_pages_alloc(&gone, page), 0);
    mk_pages_free(gone, page);
    probe_load(gone);
    assert_seen((hva_t)gone, MK_FAULT_UNMAPPED, false, false, probe_load_at);
    probe_load((void *)0x1234567812345678);
    assert_seen(0, MK_FAULT_UNMAPPED, false, false, probe_load_at);

    int fd = memfd_create("test", 0);
    u8 *m = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    probe_load(m);
    assert_seen((hva_t)m, MK_FAULT_BUS, false, false, probe_load_at);
    munmap(m, page);
    close(fd);

    act = go_on;
    mprotect(mem, page, PROT_READ);
    resume_at = probe_store_next;
    probe_store(mem, 1);
    assert_seen((hva_t)mem, MK_FAULT_PROTECTION, true, false, probe_store_at);
    mprotect(mem, page, PROT_READ | PROT_WRITE);

    resume_at = probe_divide_next;
    probe_divide(0);
    assert_seen(0, MK_FAULT_ARITH, false, false, probe_divide_at);
    resume_at = probe_illegal_next;
    probe_illegal();
    assert_seen(0, MK_FAULT_ILLEGAL, false, false, probe_illegal_at);
    resume_at = probe_trap_next;
    probe_trap();
    assert_seen(0, MK_FAULT_TRAP, false, false, probe_trap_next);

    /* A jump to memory that must not be executed; back to where any function returns. */
    resume_at = probe_illegal_next;
    ((void (*)(void))mem)();
    assert_seen((hva_t)mem, MK_FAULT_PROTECTION, false, true, mem);
    ((void (*)(void))gone)();
    assert_seen((hva_t)gone, MK_FAULT_UNMAPPED, false, true, gone);
}

enum { CARRY = 1, ZERO = 1 << 6, DIRECTION = 1 << 10, MXCSR_ROUND_UP = 0x4000, MXCSR_INEXACT = 1 << 5 };
static bool were_right;

static bool change_all(struct mk_fault *f)
{
    struct mk_regs *r = f->regs;

    were_right = r->xmm && r->rflags & CARRY;
    for (u32 i = 0; i < 16; i++) {
        if (i != 4) {
            were_right &= r->gpr[i] == 0x1110 + i;
            r->gpr[i] = ~0ull - i;
        }
        u64 v[2];
        memcpy(v, r->xmm[i], 16);
        were_right &= v[0] == 0x2220 + i && !v[1];
        memset(r->xmm[i], (int)(0xa0 + i), 16);
    }
    r->rflags = (r->rflags & ~(u64)CARRY) | ZERO;
    r->mxcsr |= MXCSR_ROUND_UP | MXCSR_INEXACT;
    probe_set_pc(r, probe_registers_next);
    return true;
}

FAULT_TEST(test_all_registers)
{
    u64 gpr[16], flags;
    u8 xmm[16][16], want[16];
    u32 mxcsr;

    act = change_all;
    for (int times = 0; times < 100; times++) {
        probe_registers(gpr, xmm, &flags, &mxcsr);
        assert_true(were_right);
        for (u32 i = 0; i < 16; i++) {
            if (i != 4)
                assert_int_equal(gpr[i], ~0ull - i);
            memset(want, (int)(0xa0 + i), 16);
            assert_memory_equal(xmm[i], want, 16);
        }
        assert_int_equal(flags & (CARRY | ZERO), ZERO);
        assert_int_equal(mxcsr, 0x1f80 | MXCSR_ROUND_UP | MXCSR_INEXACT);
    }
}

static bool change_vectors(struct mk_fault *f)
{
    for (u32 i = 0; i < 16; i++) {
        for (u32 k = 0; k < 16; k++)
            were_right &= !f->regs->xmm[i][k];
        memset(f->regs->xmm[i], (int)(0x50 + i), 16);
    }
    probe_set_pc(f->regs, probe_vectors_next);
    return true;
}

FAULT_TEST(test_vectors_in_initial_state)
{
    u8 xmm[16][16], want[16];

    act = change_vectors;
    were_right = true;
    probe_vectors(xmm);
    assert_true(were_right);
    for (u32 i = 0; i < 16; i++) {
        memset(want, (int)(0x50 + i), 16);
        assert_memory_equal(xmm[i], want, 16);
    }
}

/* A guarded access inside an upcall faults without harm, and is not an upcall itself. */
static int inner_rc;

static bool access_inside(struct mk_fault *f)
{
    u64 v;

    inner_rc = mk_load((hva_t)mem + page, 8, &v);
    return skip_load(f);
}

FAULT_TEST(test_guarded_inside_upcall)
{
    upcalls = 0;
    act = access_inside;
    assert_int_equal(probe_load(mem + page), 0x1234567887654321);
    assert_int_equal(inner_rc, -EFAULT);
    assert_int_equal(upcalls, 1);
}

/* --- ends --- */

/* Runs fn in a child with standard error caught; gives its wait status. */
static int end_of(void (*fn)(void), char *err, size_t cap)
{
    int fd[2];
    size_t n = 0;
    ssize_t got;
    int status;

    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (!pid) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        dup2(fd[1], 2);
        close(fd[0]);
        alarm(20);
        fn();
        _exit(0);
    }
    close(fd[1]);
    while ((got = read(fd[0], err + n, cap - 1 - n)) > 0)
        n += (size_t)got;
    err[n] = 0;
    close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_ends(void (*fn)(void), int sig, const char *text)
{
    char err[1000];
    int status = end_of(fn, err, sizeof(err));

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), sig);
    if (text)
        assert_non_null(strstr(err, text));
    else
        assert_string_equal(err, "");
}

static bool refuse(struct mk_fault *f)
{
    return false;
}
/* Not ours, but it would not happen again: it must end all the same. */
static bool refuse_and_mend(struct mk_fault *f)
{
    unprotect(f);
    return false;
}
static bool fault_again(struct mk_fault *f)
{
    probe_load(mem + page + 1);
    return true;
}
static void do_load(void)
{
    probe_load(mem + page);
}
static void do_illegal(void)
{
    probe_illegal();
}
static void do_trap(void)
{
    probe_trap();
}
static void do_divide(void)
{
    probe_divide(0);
}
static void do_panic(void)
{
    signal(SIGABRT, SIG_IGN);
    mk_panic("told so");
}
static void on_thread(void *arg)
{
    /* Without a signal stack of its own. */
    probe_load(mem + page);
}
static void do_thread(void)
{
    if (!mk_thread_start(on_thread, NULL, 0))
        pause();
}

FAULT_TEST(test_ends)
{
    act = refuse;
    assert_ends(do_load, SIGABRT, "dragoman: internal error: signal 11 ");
    assert_ends(do_illegal, SIGABRT, "signal 4 ");
    assert_ends(do_trap, SIGABRT, "signal 5 ");
    assert_ends(do_divide, SIGABRT, "signal 8 ");
    assert_ends(do_thread, SIGABRT, "signal 11 ");
    act = refuse_and_mend;
    assert_ends(do_load, SIGABRT, "signal 11 ");
    act = fault_again;
    assert_ends(do_load, SIGABRT, "in a fault upcall");
    assert_ends(do_panic, SIGABRT, "dragoman: internal error: told so\n");
}

/* --- the report --- */

static void report(const struct mk_fault *f)
{
    static const char fault[] = "report of a fault\n", panic[] = "report of a panic\n";

    mk_console(f ? fault : panic, (f ? sizeof(fault) : sizeof(panic)) - 1);
}
static void report_that_faults(const struct mk_fault *f)
{
    static const char text[] = "report begins\n";

    mk_console(text, sizeof(text) - 1);
    probe_load(mem + page);
}
static void report_that_panics(const struct mk_fault *f)
{
    mk_panic("the report is broken");
}

FAULT_TEST(test_report)
{
    act = refuse;
    mk_hosted_crash_report(report);
    assert_ends(do_load, SIGABRT, "report of a fault\n");
    assert_ends(do_panic, SIGABRT, "report of a panic\n");
    mk_hosted_crash_report(report_that_faults);
    assert_ends(do_load, SIGABRT, "report begins\ndragoman: internal error: signal 11");
    assert_ends(do_panic, SIGABRT, "report begins\ndragoman: internal error: signal 11");
    mk_hosted_crash_report(report_that_panics);
    assert_ends(do_load, SIGABRT, "the report is broken");
    mk_hosted_crash_report(NULL);
}

/* --- signals that someone sent --- */

static int foreign_sig;
static int foreign_code;

static void on_foreign(int sig, siginfo_t *si, void *uc)
{
    foreign_sig = sig;
    foreign_code = si->si_code;
}
static void do_kill(void)
{
    kill(getpid(), SIGSEGV);
}
static void do_tgkill(void)
{
    syscall(SYS_tgkill, getpid(), gettid(), SIGBUS);
}

FAULT_TEST(test_sent_signals)
{
    act = skip_load;
    upcalls = 0;
    assert_ends(do_kill, SIGSEGV, NULL);
    assert_ends(do_tgkill, SIGBUS, NULL);
    mk_hosted_foreign_signal(on_foreign);
    do_kill();
    assert_int_equal(foreign_sig, SIGSEGV);
    assert_int_equal(foreign_code, SI_USER);
    do_tgkill();
    assert_int_equal(foreign_sig, SIGBUS);
    sigqueue(getpid(), SIGFPE, (union sigval){.sival_int = 3});
    assert_int_equal(foreign_sig, SIGFPE);
    assert_int_equal(foreign_code, SI_QUEUE);
    assert_int_equal(upcalls, 0);
    mk_hosted_foreign_signal(NULL);
}

/* --- threads --- */

static void *faults_on_thread(void *arg)
{
    stack_t before, inside, after;
    u64 bad = 0;

    sigaltstack(NULL, &before);
    if (mk_thread_enter())
        return (void *)1;
    sigaltstack(NULL, &inside);
    for (int i = 0; i < 2000; i++) {
        u64 v;
        bad += probe_load(mem + page) != 0x1234567887654321;
        bad += mk_load((hva_t)mem + page + (hva_t)arg, 8, &v) != -EFAULT;
        hva_t addr;
        u32 kind;
        bool write;
        mk_last_fault(&addr, &kind, &write);
        bad += addr != (hva_t)mem + page + (hva_t)arg;
    }
    mk_thread_leave();
    sigaltstack(NULL, &after);
    bad += inside.ss_flags & SS_DISABLE ? 1 : 0;
    bad += (before.ss_flags & SS_DISABLE) != (after.ss_flags & SS_DISABLE);
    mk_thread_leave();
    return (void *)bad;
}

FAULT_TEST(test_threads)
{
    pthread_t t[4];

    act = skip_load;
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, faults_on_thread, (void *)(i * 16)), 0);
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(t[i], &bad);
        assert_null(bad);
    }
}

/* The upcall runs on the signal stack, even when the thread's own is at its end. */
static hva_t upcall_sp;

static bool note_stack(struct mk_fault *f)
{
    volatile u8 here = 0;

    upcall_sp = (hva_t)&here;
    return skip_load(f);
}

FAULT_TEST(test_own_stack)
{
    stack_t ss;

    act = note_stack;
    probe_load(mem + page);
    sigaltstack(NULL, &ss);
    assert_false(ss.ss_flags & SS_DISABLE);
    assert_in_range(upcall_sp, (hva_t)ss.ss_sp, (hva_t)ss.ss_sp + ss.ss_size);
    /* A guard lies below. */
    u8 b;
    assert_int_equal(mk_load((hva_t)ss.ss_sp - 1, 1, &b), -EFAULT);
}

FAULT_TEST(test_base)
{
    u64 words[2] = {111, 222};

    int rc = mk_thread_base((u64)words);
    if (rc == -ENOSYS)
        skip();
    assert_int_equal(rc, 0);
    assert_int_equal(probe_base_load(8), 222);
    assert_int_equal(mk_thread_base((u64)&words[1]), 0);
    assert_int_equal(probe_base_load(0), 222);
    assert_int_equal(mk_thread_base(0), 0);
}

/* In a child of fork all of this still works. */
FAULT_TEST(test_after_fork)
{
    act = skip_load;
    pid_t pid = fork();
    if (!pid)
        _exit(probe_load(mem + page) == 0x1234567887654321 ? 0 : 1);
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_straddle),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_all_registers),
        cmocka_unit_test(test_vectors_in_initial_state),
        cmocka_unit_test(test_guarded_inside_upcall),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_sent_signals),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_own_stack),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_after_fork),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
