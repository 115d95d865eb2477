/* The optimiser's steps against the units that they were given.
 *
 * A random program of a guest that does not exist: instruction k at pc 0x1000 + 4k is what a hash of the seed and k
 * says; it computes, loads, stores, calls helpers, branches. It is run a unit at a time, and by regions formed at
 * random places, after each step of the optimiser; both must end alike: the way out, slots, memory. Every other program
 * is run once more, with a pass left out or all. Every branch burns
 * fuel, so every program ends. Some loads and stores fault, and some polls are answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "mk/mk.h"
#include "tests/ir/filetest.h"
#include "tests/ir/test_slots.h"
#include "translator/ir/ir_build.h"
#include "translator/opt/opt.h"

#define FIRST  0x1000
#define NINSNS 60
#define LAST   (FIRST + 4 * NINSNS)
#define FUEL   15 /* slot b7 */

static u64 seed, off; /* passes that are left out */
static struct arena arena;
static struct vcpu *vcpu;
static u8 *memory;

static u64 mix(u64 x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdull;
    x ^= x >> 29;
    x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 32;
}

struct dice {
    u64 state;
};

static u32 below(struct dice *d, u32 n)
{
    d->state = mix(d->state + 0x9e3779b97f4a7c15ull);
    return (u32)(d->state >> 16) % n;
}

static u32 some_slot(struct dice *d)
{
    return below(d, 15); /* a0 to b6 */
}

static gva_t some_pc(struct dice *d, gva_t pc)
{
    if (below(d, 8) == 0)
        return LAST + 4; /* outside */
    const s32 far = below(d, 4) ? (s32)below(d, 16) - 8 : (s32)below(d, NINSNS) - NINSNS / 2;
    const s64 to = (s64)(pc - FIRST) / 4 + far;
    return to < 0 || to >= NINSNS ? FIRST : FIRST + 4 * (u64)to;
}

static ir_ref some_address(struct ir_builder *b, struct dice *d, ir_ref x)
{
    return ir_op2i(b, IR_OP_add, ir_op2i(b, IR_OP_and, x, 0xff8), below(d, 12) ? TEST_MEM_RW : TEST_MEM_NONE);
}

/* Emits the instruction at pc; false when it ends the unit. */
static bool instruction(struct ir_builder *b, gva_t pc)
{
    struct dice d = {mix(seed ^ pc * 0x9e3779b97f4a7c15ull)};
    const u32 kind = below(&d, 26);
    ir_insn(b, pc, kind < 5 ? 2 : 4);
    if (pc == LAST) {
        ir_trap(b, IR_TRAP_SYSCALL, pc);
        return false;
    }
    ir_ref x = ir_get(b, some_slot(&d)), y = ir_get(b, some_slot(&d));
    const u32 rd = some_slot(&d);
    static const u8 ops[] = {IR_OP_add, IR_OP_sub, IR_OP_and, IR_OP_xor, IR_OP_shl, IR_OP_sar, IR_OP_mul, IR_OP_or};
    switch (kind) {
    case 0:
    case 1:
    case 2:
    case 3: { /* a branch, behind the instruction that burns fuel */
        ir_put(b, FUEL, ir_op2i(b, IR_OP_sub, ir_get(b, FUEL), 1));
        ir_insn(b, pc + 2, 2);
        ir_exit_if(b, IR_LES, ir_get(b, FUEL), ir_const(b, IR_I64, 0), LAST);
        const gva_t to = some_pc(&d, pc);
        ir_exit_if(b, below(&d, IR_NCC), x, below(&d, 3) ? y : ir_const(b, IR_I64, 0), to);
        ir_exit(b, pc + 4);
        return false;
    }
    case 4:
        ir_put(b, FUEL, ir_op2i(b, IR_OP_sub, ir_get(b, FUEL), 1));
        ir_insn(b, pc + 2, 2);
        ir_exit_if(b, IR_LES, ir_get(b, FUEL), ir_const(b, IR_I64, 0), LAST);
        ir_exit(b, some_pc(&d, pc));
        return false;
    case 5: { /* word arithmetic */
        ir_ref w = ir_op2(b, ops[below(&d, ARRAY_LEN(ops))], ir_trunc(b, x), ir_trunc(b, y));
        ir_put(b, rd, ir_sext(b, IR_I64, w, 32));
        return true;
    }
    case 6:
        ir_put(b, rd, ir_const(b, IR_I64, below(&d, 5)));
        return true;
    case 7:
        ir_put(b, rd, x);
        return true;
    case 8:
    case 9: {
        ir_ref at = some_address(b, &d, x);
        ir_put(b, rd, ir_ld(b, IR_I64, 2 | IR_MEM_SIGNED, at, 4));
        return true;
    }
    case 10:
    case 11: {
        ir_ref at = some_address(b, &d, x);
        ir_st(b, 3, at, 0, y);
        return true;
    }
    case 12: { /* a load that writes back */
        ir_ref at = ir_op2i(b, IR_OP_add, ir_op2i(b, IR_OP_and, x, 0xff8), TEST_MEM_RW);
        ir_ref v = ir_ld(b, IR_I64, 3, at, 0);
        ir_put(b, rd, v);
        ir_put(b, some_slot(&d), ir_op2i(b, IR_OP_add, at, 8));
        return true;
    }
    case 13: {
        const u32 f = TEST_F0 + below(&d, 8);
        /* Some results are NaNs, of guests that know one only and of others. */
        static const u8 fops[] = {IR_OP_fadd, IR_OP_fsub, IR_OP_fmul, IR_OP_fdiv};
        const ir_ref p = ir_get(b, f), q = ir_get(b, TEST_F0 + below(&d, 8));
        const u32 aux = (below(&d, 4) ? IR_RDYN : IR_RNE) | (below(&d, 4) ? IR_FP_DEFNAN : 0);
        ir_put(b, f, ir_fp2(b, fops[below(&d, 4)], aux, p, q));
        return true;
    }
    case 14: {
        const u32 v = TEST_X0 + below(&d, 8);
        ir_put(b, v, ir_vec(b, IR_OP_vadd, IR_V32, 0, ir_get(b, v), ir_get(b, TEST_X0 + below(&d, 8)), 0));
        return true;
    }
    case 15:
        if (below(&d, 3) == 0)
            ir_put(b, rd, ir_call(b, IR_I64, below(&d, 3), x, y, 0, 0));
        return true;
    case 16: { /* atomics; some are not aligned */
        ir_ref at = ir_op2i(b, IR_OP_add, some_address(b, &d, x), below(&d, 12) ? 0 : 4);
        if (below(&d, 2))
            ir_put(b, rd, ir_amo(b, below(&d, IR_NAMO), 3, at, y));
        else
            ir_put(b, rd, ir_cas(b, 3, at, y, x));
        return true;
    }
    case 17: {
        ir_ref at = ir_op2i(b, IR_OP_add, some_address(b, &d, x), below(&d, 12) ? 0 : 2);
        if (below(&d, 2))
            ir_put(b, rd, ir_ld(b, IR_I64, 3 | IR_MEM_ALIGN, at, 0));
        else
            ir_put(b, rd, ir_sc(b, 3, at, y, at, x));
        return true;
    }
    case 18: { /* ways out of a region */
        ir_put(b, FUEL, ir_op2i(b, IR_OP_sub, ir_get(b, FUEL), 1));
        ir_insn(b, pc + 2, 2);
        ir_exit_if(b, IR_LES, ir_get(b, FUEL), ir_const(b, IR_I64, 0), LAST);
        ir_ref to = ir_op2i(b, IR_OP_add, ir_op2i(b, IR_OP_shl, ir_op2i(b, IR_OP_and, x, 31), 2), FIRST);
        switch (below(&d, 4)) {
        case 0:
            ir_exit_ind(b, to);
            break;
        case 1:
            ir_exit_ret(b, to);
            break;
        case 2:
            ir_exit_ind_call(b, to, pc + 4);
            break;
        default:
            ir_put(b, rd, ir_const(b, IR_I64, pc + 4));
            ir_exit_call(b, some_pc(&d, pc), pc + 4);
            break;
        }
        return false;
    }
    case 19: { /* an early exit of more than one */
        ir_exit_if(b, below(&d, IR_NCC), x, ir_const(b, IR_I64, 3), LAST);
        ir_put(b, rd, y);
        return true;
    }
    case 20: /* division, high halves, bits */
        ir_put(b, rd, ir_op2(b, below(&d, 2) ? IR_OP_divs : IR_OP_mulhu, x, y));
        return true;
    case 21:
        ir_put(b, rd, ir_op1(b, below(&d, 2) ? IR_OP_clz : IR_OP_bswap, x));
        return true;
    case 22:
        ir_put(b, rd, ir_select(b, below(&d, IR_NCC), x, y, y, ir_get(b, some_slot(&d))));
        return true;
    case 23:
        ir_put(b, rd, ir_cmp(b, IR_I64, below(&d, IR_NCC), x, y));
        return true;
    default:
        ir_put(b, rd,
               ir_op2(b, ops[below(&d, ARRAY_LEN(ops))], x, below(&d, 2) ? y : ir_const(b, IR_I64, below(&d, 64))));
        return true;
    }
}

static int unit(void *cx, gva_t pc, bool (*stop_at)(void *cx, gva_t pc), void *stop_cx, struct ir_unit *u)
{
    struct ir_builder b;
    if (pc < FIRST || pc > LAST)
        return -ENOENT;
    *u = (struct ir_unit){
        .arena = &arena, .slots = &test_slots, .helpers = test_helpers, .nhelpers = TEST_NHELPERS, .off = off};
    ir_begin(&b, u, pc);
    for (gva_t at = pc; instruction(&b, at); at += 4)
        if (at + 4 - pc >= 32 || (stop_at && stop_at(stop_cx, at + 4))) {
            ir_exit(&b, at + 4);
            break;
        }
    return ir_finish(&b);
}

static bool wanted(void *cx, gva_t pc)
{
    return mix(seed + pc) % 8 != 0;
}

struct state {
    u32 exit, trap, flags;
    gva_t pc;
    struct vcpu_fault fault;
    u8 slots[TEST_SLOT_BYTES];
    u8 memory[0x1000];
};

static void start(void)
{
    struct dice d = {mix(seed)};
    memset(vcpu->slots, 0, sizeof vcpu->slots);
    for (u32 i = 0; i < 15; i++) {
        u64 x = below(&d, 2) ? below(&d, 20) : d.state;
        memcpy(vcpu->slots + 8 * i, &x, 8);
    }
    const u64 fuel = 200;
    memcpy(vcpu->slots + test_slot_table[FUEL].offset, &fuel, 8);
    for (u32 i = 0; i < 8; i++) {
        const double f = below(&d, 100);
        memcpy(vcpu->slots + test_slot_table[TEST_F0 + i].offset, &f, 8);
    }
    for (u32 i = 0; i < 0x1000 / 8; i++) {
        u64 x = below(&d, 3) ? below(&d, 100) : d.state;
        memcpy(memory + 8 * i, &x, 8);
    }
    vcpu->mem_base = (hva_t)memory - TEST_MEM_RW;
    vcpu->fp_flags = vcpu->fp_round = vcpu->poll = 0;
    vcpu->pc = FIRST;
}

/* Runs to the end, with `region` where there is one at the pc. `polls`: every so many regions vcpu.poll is set. */
static void run(const struct ir_unit *region, const struct filetest_tier *tier, u32 polls, struct state *end)
{
    u32 n = 0;
    start();
    do {
        struct ir_unit u;
        if (vcpu->pc < FIRST || vcpu->pc > LAST)
            break;
        if (region && vcpu->pc == region->pc) {
            vcpu->poll = polls && n++ % polls == 0 ? VCPU_POLLED : 0;
            assert_int_equal(tier->run(region, vcpu), 0);
            vcpu->poll = 0;
            /* A region that polls at its head comes back at once; a unit then does some work. */
            if (vcpu->exit == VCPU_POLL && vcpu->pc == region->pc) {
                assert_int_equal(unit(NULL, vcpu->pc, NULL, NULL, &u), 0);
                ir_interp(&u, vcpu);
            }
            continue;
        }
        assert_int_equal(unit(NULL, vcpu->pc, NULL, NULL, &u), 0);
        ir_interp(&u, vcpu);
    } while (vcpu->exit == VCPU_NONE || vcpu->exit == VCPU_POLL);
    memset(end, 0, sizeof *end);
    end->exit = vcpu->exit == VCPU_POLL ? VCPU_NONE : vcpu->exit;
    end->pc = vcpu->pc;
    end->flags = vcpu->fp_flags;
    if (end->exit == VCPU_TRAP)
        end->trap = vcpu->trap;
    if (end->exit == VCPU_FAULT)
        end->fault = vcpu->fault;
    memcpy(end->slots, vcpu->slots, sizeof end->slots);
    memcpy(end->memory, memory, sizeof end->memory);
}

static void show(const char *what, const struct ir_unit *u)
{
    static char buf[1 << 18];
    ir_print(u, buf, sizeof buf);
    print_message("%s:\n", what);
    puts(buf);
    fflush(stdout);
}

static void agree(const char *step, const struct ir_unit *u, const struct filetest_tier *tier, const struct state *want)
{
    static struct state got;
    char err[200];
    if (ir_verify(u, err, sizeof err)) {
        show(step, u);
        fail_msg("seed %lu: %s: %s", seed, step, err);
    }
    for (u32 polls = 0; polls < 3; polls++) {
        run(u, tier, polls, &got);
        if (memcmp(&got, want, sizeof got) == 0)
            continue;
        show(step, u);
        for (u32 i = 0; i < TEST_NSLOTS; i++) {
            u64 a, b;
            memcpy(&a, got.slots + test_slot_table[i].offset, 8);
            memcpy(&b, want->slots + test_slot_table[i].offset, 8);
            if (a != b)
                print_message("%s: %lx, not %lx\n", test_slot_table[i].name, a, b);
        }
        for (u32 i = 0; i < sizeof got.memory; i += 8)
            if (memcmp(got.memory + i, want->memory + i, 8) != 0)
                print_message("memory at %x differs\n", TEST_MEM_RW + i);
        fail_msg("seed %lu: %s (polls %u): ends with exit %u at %lx, a unit at a time with %u at %lx", seed, step,
                 polls, got.exit, got.pc, want->exit, want->pc);
    }
}

static void test_random_programs(void **state)
{
    static struct state want;
    const char *given = getenv("DGM_TEST_SEED"), *rounds = getenv("DGM_TEST_ROUNDS");
    const u64 first = given ? strtoull(given, NULL, 0) : 1;
    const u64 last = given ? first : rounds ? strtoull(rounds, NULL, 0) : 3000;
    u32 regions = 0, loops = 0;
    void *p;
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_pages_alloc(&p, sizeof *vcpu), 0);
    vcpu = p;
    memory = mmap(NULL, TEST_MEM_NONE - TEST_MEM_RW + 0x10000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory, 0x2000, PROT_READ | PROT_WRITE), 0);
    for (seed = first; seed <= last; seed++) {
        arena_reset(&arena);
        run(NULL, NULL, 0, &want);
        struct dice d = {mix(seed ^ 77)};
        struct opt_request rq = {.arena = &arena,
                                 .pc = below(&d, 2) ? FIRST : FIRST + 4 * below(&d, NINSNS),
                                 .max_insns = 10 + below(&d, 100),
                                 .max_blocks = 1 + below(&d, 30),
                                 .unit = unit,
                                 .wanted = wanted};
        struct ir_unit formed, lifted, cleaned, again;
        assert_int_equal(opt_form(&rq, &formed), 0);
        agree("formed", &formed, &tier_interp, &want);
        assert_int_equal(opt_lift(&formed, &lifted), 0);
        agree("lifted", &lifted, &tier_interp, &want);
        assert_int_equal(opt_clean(&lifted, &cleaned), 0);
        agree("cleaned", &cleaned, &tier_interp, &want);
        assert_int_equal(opt_clean(&cleaned, &again), 0);
        agree("cleaned again", &again, &tier_interp, &want);
        if (given)
            show("to be emitted", &again);
        agree("emitted", &again, &tier_baseline, &want);
        off = seed & 1 ? 0 : seed % 32 ? IR_PASS_BIT(seed / 2 % IR_NPASSES) : ~0ull;
        if (off) {
            struct ir_unit less;
            const int rc = opt_region(&rq, &less);
            if (rc != -ENOENT) {
                assert_int_equal(rc, 0);
                agree("with less, emitted", &less, &tier_baseline, &want);
            }
            off = 0;
        }
        regions += again.nlabels > 1;
        for (ir_ref r = 1; r < again.n; r++)
            if (again.ins[r].op == IR_OP_poll) {
                loops++;
                break;
            }
    }
    if (!given) {
        assert_true(regions > last / 2);
        assert_true(loops > last / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_programs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
