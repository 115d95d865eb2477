/* The engine with the riscv64 frontend, without a personality: small programs in a window of memory.
 *
 * Every test runs in both tiers, and in a cache of 64 KiB as well as a roomy one. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mk/mk.h"
#include "translator/engine/engine.h"
#include "translator/guest/riscv64/state.h"
#include "translator/host/host.h"

#define WINDOW (1ull << 32)
#define CODE   0x10000ull
#define DATA   0x20000ull

/* A few instructions. */
#define R(op, f3, f7, rd, rs1, rs2) ((u32)(op) | (rd) << 7 | (f3) << 12 | (rs1) << 15 | (rs2) << 20 | (u32)(f7) << 25)
#define I(op, f3, rd, rs1, imm)     ((u32)(op) | (rd) << 7 | (f3) << 12 | (rs1) << 15 | ((u32)(imm)&0xfff) << 20)
#define ADDI(rd, rs, imm)           I(0x13, 0, rd, rs, imm)
#define ADD(rd, a, b)               R(0x33, 0, 0, rd, a, b)
#define LD(rd, rs, imm)             I(0x03, 3, rd, rs, imm)
#define LBU(rd, rs, imm)            I(0x03, 4, rd, rs, imm)
#define SLLI(rd, rs, n)             I(0x13, 1, rd, rs, n)
#define SRLI(rd, rs, n)             I(0x13, 5, rd, rs, n)
#define OR(rd, a, b)                R(0x33, 6, 0, rd, a, b)
#define SB(rs2, rs1, imm)           (I(0x23, 0, imm, rs1, rs2))
#define SW(rs2, rs1, imm)                                                                                              \
    ((u32)0x23 | ((u32)(imm)&31) << 7 | 2u << 12 | (rs1) << 15 | (rs2) << 20 | ((u32)(imm) >> 5 & 127) << 25)
#define JALR(rd, rs, imm) I(0x67, 0, rd, rs, imm)
#define BNE(a, b, off)    branch(1, a, b, off)
#define JAL(rd, off)      jal(rd, off)
#define EBREAK            0x00100073u
#define FENCE_I           0x0000100fu

static u32 branch(u32 f3, u32 a, u32 b, s32 off)
{
    u32 o = (u32)off;
    return 0x63 | f3 << 12 | a << 15 | b << 20 | (o >> 11 & 1) << 7 | (o >> 1 & 15) << 8 | (o >> 5 & 63) << 25 |
           (o >> 12 & 1) << 31;
}

static u32 jal(u32 rd, s32 off)
{
    u32 o = (u32)off;
    return 0x6f | rd << 7 | (o >> 12 & 255) << 12 | (o >> 11 & 1) << 20 | (o >> 1 & 1023) << 21 | (o >> 20 & 1) << 31;
}

struct config {
    enum engine_tier tier;
    size_t cache;
    u32 max_insns;
    u32 hot;
    u64 off;
};

struct world {
    struct engine *e;
    hva_t base;
    struct vcpu *v;
    u32 watched;
    bool writable; /* code pages are mapped writable */
};

static _Thread_local struct vcpu *current;

static size_t executable(void *cx, gva_t pc, size_t want, struct vcpu_fault *f)
{
    if (pc >= CODE && pc < DATA)
        return DATA - pc < want ? DATA - pc : want;
    *f = (struct vcpu_fault){.addr = pc, .kind = VCPU_FAULT_UNMAPPED, .access = VCPU_EXEC};
    return 0;
}

static bool watch(void *cx, gva_t start, size_t len, bool on)
{
    struct world *w = cx;
    if (w->writable)
        assert_int_equal(mprotect((void *)(w->base + start), len, on ? PROT_READ : PROT_READ | PROT_WRITE), 0);
    w->watched += on ? 1 : -1;
    return true;
}

static bool upcall(struct mk_fault *f, void *cx)
{
    return current && engine_fault(current, f);
}

static const struct engine_ops ops = {.executable = executable, .watch = watch};

static void run_in(struct world *w, struct vcpu *v, enum vcpu_exit want)
{
    current = v;
    assert_int_equal(mk_thread_enter(), 0);
    mk_thread_base(w->base);
    enum vcpu_exit got;
    for (;;) {
        got = vcpu_run(v);
        if (got == VCPU_POLL && want != VCPU_POLL) {
            __atomic_store_n(&v->poll, 0, __ATOMIC_RELAXED);
            continue;
        }
        if (got == VCPU_FAULT && v->fault.access == VCPU_WRITE && engine_unwatch(w->e, v->fault.addr, 4))
            continue;
        break;
    }
    mk_thread_leave();
    current = NULL;
    assert_int_equal(got, want);
}

static struct rv_state *regs(struct vcpu *v)
{
    return (struct rv_state *)v->slots;
}

/* The test runner installs its own handlers for each test: ours are put back. */
static void install_handler(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS};
    static struct sigaction ours[ARRAY_LEN(signals)];
    if (!ours[0].sa_sigaction) {
        assert_int_equal(mk_fault_handler(upcall, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(signals); i++)
            sigaction(signals[i], NULL, &ours[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaction(signals[i], &ours[i], NULL);
}

static void open_world(struct world *w, const struct config *c, const u32 *code, size_t words)
{
    *w = (struct world){.writable = true};
    assert_int_equal(mk_reserve(&w->base, WINDOW, 1 << 21), 0);
    assert_ptr_equal(mmap((void *)(w->base + CODE), DATA - CODE + 0x10000, PROT_READ | PROT_WRITE,
                          MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                     w->base + CODE);
    memcpy((void *)(w->base + CODE), code, words * 4);
    install_handler();
    host_native.probe(0);
    struct engine_config cfg = {.guest = &guest_riscv64,
                                .ops = &ops,
                                .cx = w,
                                .mem_base = w->base,
                                .mem_size = WINDOW,
                                .tier = c->tier,
                                .cache_size = c->cache,
                                .max_insns = c->max_insns,
                                .hot = c->hot,
                                .off = c->off};
    assert_int_equal(engine_create(&w->e, &cfg), 0);
    assert_int_equal(vcpu_create(&w->v, w->e, w), 0);
    w->v->pc = CODE;
}

static void close_world(struct world *w)
{
    engine_destroy(w->e);
    munmap((void *)w->base, WINDOW);
}

static const struct config configs[] = {
    {ENGINE_INTERP, 64 << 10},
    {ENGINE_BASELINE, 64 << 10},
    {ENGINE_BASELINE, 4 << 20},
    {ENGINE_BASELINE, 64 << 10, .max_insns = 1},
    {ENGINE_OPTIMISED, 4 << 20, .hot = 2},
    {ENGINE_OPTIMISED, 4 << 20, .hot = 2, .off = IR_PASS_BIT(IR_PASS_TRIAL)},
};

#define FOR_CONFIGS(w, code)                                                                                           \
    for (size_t ci = 0; ci < ARRAY_LEN(configs) && (host_native.regions || configs[ci].tier != ENGINE_OPTIMISED);      \
         ci++)                                                                                                         \
        for (bool once = (open_world(&(w), &configs[ci], code, ARRAY_LEN(code)), true); once;                          \
             once = false, close_world(&(w)))

static void loops_and_stops(void **state)
{
    const u32 code[] = {
        ADDI(10, 0, 0), ADDI(11, 0, 100), ADD(10, 10, 11), ADDI(11, 11, -1), BNE(11, 0, -8), EBREAK,
    };
    struct world w;
    FOR_CONFIGS(w, code)
    {
        run_in(&w, w.v, VCPU_TRAP);
        assert_int_equal(w.v->trap, IR_TRAP_BREAK);
        assert_int_equal(w.v->pc, CODE + 20);
        assert_int_equal(regs(w.v)->x[10], 5050);
    }
}

static void calls_return(void **state)
{
    /* f(n): recursion through ra saved on a stack; x10 counts the depth reached, 200 deep and then 2000 deep. */
    const u32 code[] = {
        ADDI(2, 2, 0),
        JAL(1, 8),
        EBREAK,
        /* f: */ ADDI(2, 2, -16),
        I(0x23, 3, 0, 2, 0) | 1u << 20 /* sd ra, 0(sp) */,
        ADDI(10, 10, 1),
        ADDI(11, 11, -1),
        R(0x63, 0, 0, 12 /* beq off 12 */, 11, 0),
        JAL(1, -20),
        LD(1, 2, 0),
        ADDI(2, 2, 16),
        JALR(0, 1, 0),
    };
    struct world w;
    for (u32 depth = 200; depth <= 2000; depth *= 10) {
        FOR_CONFIGS(w, code)
        {
            ((u32 *)(w.base + CODE))[7] = branch(0, 11, 0, 8);
            regs(w.v)->x[2] = DATA + 0x10000;
            regs(w.v)->x[11] = depth;
            run_in(&w, w.v, VCPU_TRAP);
            assert_int_equal(w.v->trap, IR_TRAP_BREAK);
            assert_int_equal(regs(w.v)->x[10], depth);
            assert_int_equal(regs(w.v)->x[2], DATA + 0x10000);
        }
    }
}

static void faults_are_exact(void **state)
{
    u32 code[40];
    for (u32 bad = 0; bad < 30; bad++) {
        for (u32 i = 0; i < 40; i++)
            code[i] = i == bad ? LD(10 + i % 8, 5, 8) : ADDI(10 + i % 8, 10 + i % 8, 1);
        struct world w;
        FOR_CONFIGS(w, code)
        {
            regs(w.v)->x[5] = 0x500000;
            run_in(&w, w.v, VCPU_FAULT);
            assert_int_equal(w.v->pc, CODE + 4 * bad);
            assert_int_equal(w.v->fault.addr, 0x500008);
            assert_int_equal(w.v->fault.access, VCPU_READ);
            for (u32 r = 0; r < 8; r++)
                assert_int_equal(regs(w.v)->x[10 + r], bad / 8 + (bad % 8 > r));
        }
    }
}

/* Words that are read and written byte by byte across the end of memory: merged or not, the byte that is not there
 * faults, and what comes before it in the program has been done. */
static void bytes_of_words_fault_exactly(void **state)
{
    const u32 load[] = {
        LBU(11, 5, 1),    LBU(10, 5, 0),    LBU(13, 5, 3),  LBU(12, 5, 2),  SLLI(11, 11, 8), OR(10, 10, 11),
        SLLI(12, 12, 16), SLLI(13, 13, 24), OR(10, 10, 12), OR(10, 10, 13), EBREAK,
    };
    const u32 store[] = {
        SRLI(7, 6, 8), SB(7, 5, 1), SB(6, 5, 0), SRLI(7, 6, 16), SRLI(28, 6, 24), SB(7, 5, 2), SB(28, 5, 3), EBREAK,
    };
    static const u32 order[] = {1, 0, 3, 2}, stores_at[] = {1, 2, 5, 6}, order_st[] = {1, 0, 2, 3};
    const u64 end = DATA + 0x10000;
    struct world w;
    for (u32 there = 1; there <= 4; there++) { /* bytes */
        FOR_CONFIGS(w, load)
        {
            u8 *mem = (u8 *)(w.base + end - there);
            for (u32 i = 0; i < there; i++)
                mem[i] = (u8)(0xa1 + i);
            regs(w.v)->x[5] = end - there;
            run_in(&w, w.v, there < 4 ? VCPU_FAULT : VCPU_TRAP);
            if (there == 4) {
                assert_int_equal(regs(w.v)->x[10], 0xa4a3a2a1);
                continue;
            }
            struct engine_stats stats;
            engine_stats(w.e, &stats);
            assert_true((stats.own > 0) ==
                        (configs[ci].tier != ENGINE_INTERP && !configs[ci].max_insns && host_native.merges));
            u32 k = 0;
            for (; order[k] < there; k++)
                assert_int_equal(regs(w.v)->x[10 + order[k]], 0xa1 + order[k]);
            assert_int_equal(regs(w.v)->x[10 + order[k]], 0);
            assert_int_equal(w.v->pc, CODE + 4 * k);
            assert_int_equal(w.v->fault.addr, end - there + order[k]);
            assert_int_equal(w.v->fault.access, VCPU_READ);
        }
        FOR_CONFIGS(w, store)
        {
            const u8 *mem = (const u8 *)(w.base + end - there);
            regs(w.v)->x[5] = end - there;
            regs(w.v)->x[6] = 0xffa4a3a2a1;
            run_in(&w, w.v, there < 4 ? VCPU_FAULT : VCPU_TRAP);
            u32 k = 0;
            for (; k < 4 && order_st[k] < there; k++)
                assert_int_equal(mem[order_st[k]], 0xa1 + order_st[k]);
            if (there == 4)
                continue;
            assert_int_equal(w.v->pc, CODE + 4 * stores_at[k]);
            assert_int_equal(w.v->fault.addr, end - there + order_st[k]);
            assert_int_equal(w.v->fault.access, VCPU_WRITE);
            assert_int_equal(regs(w.v)->x[7], k < 2 ? 0xffa4a3a2 : 0xffa4a3);
        }
    }
}

static void code_that_changes(void **state)
{
    /* Calls g, overwrites its first instruction, fence.i, calls again. */
    const u32 code[] = {
        JAL(1, 24),
        ADD(11, 10, 0),
        SW(6, 5, 0),
        FENCE_I,
        JAL(1, 8),
        EBREAK,
        /* g: */ ADDI(10, 0, 1),
        JALR(0, 1, 0),
    };
    struct world w;
    FOR_CONFIGS(w, code)
    {
        regs(w.v)->x[5] = CODE + 24;
        regs(w.v)->x[6] = ADDI(10, 0, 77);
        run_in(&w, w.v, VCPU_TRAP);
        assert_int_equal(regs(w.v)->x[11], 1);
        assert_int_equal(regs(w.v)->x[10], 77);
    }
}

static void code_that_changes_often(void **state)
{
    /* As above in a loop of x7 rounds: each adds what the changed instruction gives; the new immediate is the round's
     * number. */
    const u32 code[] = {
        JAL(1, 40),
        ADD(11, 11, 10),
        ADDI(7, 7, -1),
        R(0x63, 0, 0, 0, 7, 0),
        ADD(6, 6, 9),
        SW(6, 5, 0),
        FENCE_I,
        JAL(0, -28),
        EBREAK,
        ADDI(0, 0, 0),
        /* g: */ ADDI(10, 0, 0),
        JALR(0, 1, 0),
    };
    struct world w;
    FOR_CONFIGS(w, code)
    {
        ((u32 *)(w.base + CODE))[3] = branch(0, 7, 0, 20);
        regs(w.v)->x[5] = CODE + 40;
        regs(w.v)->x[6] = ADDI(10, 0, 0);
        regs(w.v)->x[7] = 100;
        regs(w.v)->x[9] = 1u << 20;
        run_in(&w, w.v, VCPU_TRAP);
        assert_int_equal(w.v->pc, CODE + 32);
        assert_int_equal(regs(w.v)->x[11], 99 * 100 / 2);
    }
}

static void fetch_faults(void **state)
{
    const u32 code[] = {JALR(0, 5, 0)};
    struct world w;
    FOR_CONFIGS(w, code)
    {
        regs(w.v)->x[5] = 0x700000;
        run_in(&w, w.v, VCPU_FAULT);
        assert_int_equal(w.v->pc, 0x700000);
        assert_int_equal(w.v->fault.access, VCPU_EXEC);
        assert_int_equal(w.v->fault.addr, 0x700000);
    }
}

/* Kicks the thread, when it is in its loop. */
static void *kicker(void *arg)
{
    struct world *w = arg;
    while (!__atomic_load_n((u32 *)(w->base + DATA), __ATOMIC_RELAXED))
        usleep(1000);
    usleep(20000);
    vcpu_kick(w->v);
    return NULL;
}

static void endless_loops_can_be_left(void **state)
{
    const u32 code[] = {ADDI(10, 10, 1), SW(10, 5, 0), ADDI(10, 10, 1), JAL(0, -4)};
    struct world w;
    FOR_CONFIGS(w, code)
    {
        pthread_t t;
        regs(w.v)->x[5] = DATA;
        assert_int_equal(pthread_create(&t, NULL, kicker, &w), 0);
        run_in(&w, w.v, VCPU_POLL);
        pthread_join(t, NULL);
        assert_true(regs(w.v)->x[10] > 0);
    }
}

struct job {
    struct world *w;
    struct vcpu *v;
};

static void *work(void *arg)
{
    struct job *j = arg;
    run_in(j->w, j->v, VCPU_TRAP);
    return NULL;
}

static void threads_share_a_small_cache(void **state)
{
    /* A long straight program in a loop: with tiny blocks it does not fit 64 KiB, so threads flush under each other. */
    enum { N = 3000 };
    static u32 code[N + 4];
    for (u32 i = 0; i < N; i++)
        code[i] = ADDI(10 + i % 8, 10 + i % 8, 1);
    code[N] = ADDI(5, 5, -1);
    code[N + 1] = R(0x63, 0, 0, 8, 5, 0); /* patched below: beq x5, x0, +8 */
    code[N + 1] = branch(0, 5, 0, 8);
    code[N + 2] = JAL(0, -4 * (N + 2));
    code[N + 3] = EBREAK;
    struct world w;
    FOR_CONFIGS(w, code)
    {
        enum { T = 4 };
        pthread_t t[T];
        struct job j[T];
        u32 rounds = configs[ci].tier == ENGINE_INTERP ? 5 : 40;
        engine_shared(w.e);
        for (u32 i = 0; i < T; i++) {
            j[i] = (struct job){&w, w.v};
            if (i)
                assert_int_equal(vcpu_create(&j[i].v, w.e, &w), 0);
            j[i].v->pc = CODE;
            regs(j[i].v)->x[5] = rounds;
        }
        for (u32 i = 0; i < T; i++)
            assert_int_equal(pthread_create(&t[i], NULL, work, &j[i]), 0);
        for (u32 i = 0; i < T; i++) {
            pthread_join(t[i], NULL);
            for (u32 r = 0; r < 8; r++)
                assert_int_equal(regs(j[i].v)->x[10 + r], (u64)rounds * N / 8);
        }
        struct engine_stats s;
        engine_stats(w.e, &s);
        if (configs[ci].max_insns == 1)
            assert_true(s.flushes > 0);
    }
}

static pid_t fork_world(struct world *w)
{
    engine_fork_before(w->e, w->v);
    pid_t pid = fork();
    engine_fork_after(w->e, pid ? ENGINE_FORK_PARENT : ENGINE_FORK_CHILD, w->v);
    return pid;
}

static int status_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void fork_keeps_both_alive(void **state)
{
    const u32 code[] = {
        ADDI(10, 0, 0), ADDI(11, 0, 100), ADD(10, 10, 11), ADDI(11, 11, -1), BNE(11, 0, -8), EBREAK, JAL(0, -24),
    };
    struct world w;
    if (getenv("TEST_EMULATED")) /* QEMU's children hang where there have been threads */
        skip();
    FOR_CONFIGS(w, code)
    {
        run_in(&w, w.v, VCPU_TRAP);
        pid_t pid = fork_world(&w);
        if (pid == 0) {
            for (int i = 0; i < 50; i++) {
                w.v->pc = CODE;
                engine_invalidate(w.e, CODE, 64);
                run_in(&w, w.v, VCPU_TRAP);
                if (regs(w.v)->x[10] != 5050)
                    _exit(1);
            }
            _exit(0);
        }
        for (int i = 0; i < 50; i++) {
            w.v->pc = CODE;
            run_in(&w, w.v, VCPU_TRAP);
            assert_int_equal(regs(w.v)->x[10], 5050);
        }
        assert_int_equal(status_of(pid), 0);
    }
}

/* x10 becomes 1, or, with x12, 142. */
static u64 go(struct world *w, u64 x12)
{
    regs(w->v)->x[12] = x12;
    regs(w->v)->x[13] = CODE + 32;
    w->v->pc = CODE;
    run_in(w, w->v, VCPU_TRAP);
    return regs(w->v)->x[10];
}

#define TWO_WAYS                                                                                                       \
    {                                                                                                                  \
        branch(1, 12, 0, 12), ADDI(10, 0, 1), EBREAK, ADDI(10, 0, 2), JAL(0, 8), EBREAK, ADDI(10, 10, 40),             \
            JALR(0, 13, 0), ADDI(10, 10, 100), EBREAK,                                                                 \
    }

/* The first child comes to code that its parent has not run; the second finds it made, linked, and in the jump
 * cache. */
static void children_find_what_others_came_to(void **state)
{
    const u32 code[] = TWO_WAYS;
    struct world w;
    if (getenv("TEST_EMULATED")) /* QEMU's children hang where there have been threads */
        skip();
    FOR_CONFIGS(w, code)
    {
        struct engine_stats s[2];
        if (configs[ci].tier == ENGINE_INTERP)
            continue;
        assert_int_equal(go(&w, 0), 1);
        for (u32 i = 0; i < 2; i++) {
            pid_t pid = fork_world(&w);
            engine_stats(w.e, &s[i]);
            if (!pid) {
                if (go(&w, 1) != 142)
                    _exit(1);
                struct engine_stats now;
                engine_stats(w.e, &now);
                const bool as_ever =
                    now.blocks == s[i].blocks && now.links == s[i].links && now.lookups == s[i].lookups;
                _exit(as_ever == (i == 1) ? 0 : 2);
            }
            assert_int_equal(status_of(pid), 0);
        }
        assert_true(s[1].blocks > s[0].blocks);
        assert_int_equal(go(&w, 0), 1);
        assert_int_equal(go(&w, 1), 142);
    }
}

/* One that left its code to its parent, which then writes there, goes on with code of its own. */
static void who_left_may_stay(void **state)
{
    const u32 code[] = TWO_WAYS;
    struct world w;
    int to_child[2], to_parent[2];
    char b;
    if (getenv("TEST_EMULATED")) /* QEMU's children hang where there have been threads */
        skip();
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    FOR_CONFIGS(w, code)
    {
        assert_int_equal(go(&w, 0), 1);
        pid_t pid = fork_world(&w);
        if (!pid) {
            if (!engine_leave(w.e) || write(to_parent[1], "", 1) != 1 || read(to_child[0], &b, 1) != 1)
                _exit(1);
            engine_stay(w.e);
            if (go(&w, 0) != 1)
                _exit(2);
            _exit(go(&w, 1) == 142 ? 0 : 3);
        }
        assert_int_equal(read(to_parent[0], &b, 1), 1);
        engine_flush(w.e);
        *(u32 *)(w.base + CODE + 4) = ADDI(10, 0, 7);
        assert_int_equal(go(&w, 0), 7);
        assert_int_equal(write(to_child[1], "", 1), 1);
        assert_int_equal(status_of(pid), 0);
        assert_int_equal(go(&w, 1), 142);
    }
}

static void steps_one_instruction(void **state)
{
    const u32 code[] = {ADDI(10, 0, 1), ADDI(10, 10, 1), EBREAK};
    struct world w;
    FOR_CONFIGS(w, code)
    {
        assert_int_equal(vcpu_step(w.v), VCPU_TRAP);
        assert_int_equal(w.v->trap, IR_TRAP_STOP);
        assert_int_equal(w.v->pc, CODE + 4);
        assert_int_equal(regs(w.v)->x[10], 1);
        vcpu_step(w.v);
        assert_int_equal(regs(w.v)->x[10], 2);
        assert_int_equal(vcpu_step(w.v), VCPU_TRAP);
        assert_int_equal(w.v->trap, IR_TRAP_BREAK);
    }
}

/* A loop that is hot long enough is tried both ways, and one of them stays; its results do not depend on it. */
static void loops_are_tried(void **state)
{
    /* x10 = sum of 1 … x11 */
    const u32 code[] = {
        ADDI(10, 0, 0), ADD(10, 10, 11), ADDI(11, 11, -1), BNE(11, 0, -8), EBREAK,
    };
    if (!host_native.regions)
        return;
    static const struct config ways[] = {
        {ENGINE_OPTIMISED, 4 << 20, .hot = 100},
        {ENGINE_OPTIMISED, 4 << 20, .hot = 100, .off = IR_PASS_BIT(IR_PASS_BACKGROUND)},
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct world w;
        struct engine_stats s;
        u64 ended = 0;
        open_world(&w, &ways[i], code, ARRAY_LEN(code));
        for (u32 n = 0; n < 100000 && !ended; n++) {
            w.v->pc = CODE;
            regs(w.v)->x[11] = 100000 + n;
            run_in(&w, w.v, VCPU_TRAP);
            assert_int_equal(w.v->trap, IR_TRAP_BREAK);
            assert_int_equal(regs(w.v)->x[10], (100000ull + n) * (100001ull + n) / 2);
            engine_stats(w.e, &s);
            ended = s.regions + s.trials_lost;
        }
        assert_int_equal(ended, 1);
        assert_int_equal(s.trials, 1);
        close_world(&w);
    }
}

/* Thousands of places that are jumped to indirectly: the jump cache grows where it may, leads where it led before, and
 * forgets what is changed, wherever that stands in it by then. */
static void jump_cache_grows(void **state)
{
    enum { N = 5000, F = 0x1000 };
    /* Jumps to each of N functions of two instructions, which add to x10 and jump back. */
    const u32 code[] = {
        ADDI(8, 8, 8),
        JALR(0, 8, -8),
        /* back: */ BNE(8, 9, -8),
        EBREAK,
    };
    struct world w;
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        if (configs[i].tier == ENGINE_OPTIMISED || configs[i].max_insns)
            continue;
        open_world(&w, &configs[i], code, ARRAY_LEN(code));
        u32 *f = (u32 *)(w.base + CODE + F);
        for (u32 k = 0; k < N; k++) {
            f[2 * k] = ADDI(10, 10, 1);
            f[2 * k + 1] = JALR(0, 7, 0);
        }
        const u32 first = w.v->jc_mask;
        u64 want = 0;
        u8 more[N] = {0};
        regs(w.v)->x[7] = CODE + 8;
        regs(w.v)->x[9] = CODE + F + 8 * N;
        for (u32 round = 0; round < 6; round++) {
            if (round % 2) { /* some that stay where they were in the jump cache, and some that do not */
                for (u32 k = round; k < N; k += 97) {
                    engine_unwatch(w.e, CODE + F + 8 * k, 4);
                    f[2 * k] = ADDI(10, 10, 1 + round);
                    engine_invalidate(w.e, CODE + F + 8 * k, 4);
                    want += round - more[k];
                    more[k] = (u8)round;
                }
            }
            w.v->pc = CODE;
            regs(w.v)->x[8] = CODE + F;
            const u64 before = regs(w.v)->x[10];
            run_in(&w, w.v, VCPU_TRAP);
            assert_int_equal(regs(w.v)->x[10] - before, N + want);
        }
        assert_true(w.v->jc_mask == VCPU_JC_MASK(VCPU_JC_BITS));
        assert_true(first < w.v->jc_mask || !host_native.jc_grows);
        close_world(&w);
    }
}

/* Two places that would take each other's entry of the jump cache each time: by their lowest bits, at whatever size it
 * has; and by all that is looked at, as long as it is small. */
static void places_do_not_clash(void **state)
{
    enum { A = 0x800, N = 1000 };
    static const u32 apart[] = {0x8000, 0x1000};
    const u32 code[] = {JALR(0, 8, 0)};
    struct world w;
    for (size_t i = 0; i < 2 * ARRAY_LEN(configs); i++) {
        const u32 b = A + apart[i % 2];
        open_world(&w, &configs[i / 2], code, ARRAY_LEN(code));
        u32 *f = (u32 *)(w.base + CODE + A), *g = (u32 *)(w.base + CODE + b);
        f[0] = ADDI(10, 10, 1);
        f[1] = JALR(0, 9, 0);
        g[0] = ADDI(11, 11, -1);
        g[1] = BNE(11, 0, 8);
        g[2] = EBREAK;
        g[3] = JALR(0, 8, 0);
        regs(w.v)->x[8] = CODE + A;
        regs(w.v)->x[9] = CODE + b;
        regs(w.v)->x[11] = N;
        w.v->pc = CODE;
        run_in(&w, w.v, VCPU_TRAP);
        assert_int_equal(regs(w.v)->x[10], N);
        assert_in_range(w.v->stat_lookups, 1, N / 5);
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_and_stops),
        cmocka_unit_test(loops_are_tried),
        cmocka_unit_test(calls_return),
        cmocka_unit_test(faults_are_exact),
        cmocka_unit_test(bytes_of_words_fault_exactly),
        cmocka_unit_test(code_that_changes),
        cmocka_unit_test(code_that_changes_often),
        cmocka_unit_test(fetch_faults),
        cmocka_unit_test(endless_loops_can_be_left),
        cmocka_unit_test(threads_share_a_small_cache),
        cmocka_unit_test(fork_keeps_both_alive),
        cmocka_unit_test(children_find_what_others_came_to),
        cmocka_unit_test(who_left_may_stay),
        cmocka_unit_test(steps_one_instruction),
        cmocka_unit_test(jump_cache_grows),
        cmocka_unit_test(places_do_not_clash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
