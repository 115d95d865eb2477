/* What the host's own ABI asks of this backend: registers and mxcsr are as they were after translated code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/hosted/hosted.h"
#include "lib/arena.h"
#include "mk/mk.h"
#include "tests/host/harness.h"

static struct harness h;
static struct arena arena;

static const struct ir_slot table[] = {
    {"a0", IR_I64, IR_CLASS_INT, 1, 0},   {"a1", IR_I64, IR_CLASS_INT, 2, 8},    {"a2", IR_I64, IR_CLASS_INT, 3, 16},
    {"a3", IR_I64, IR_CLASS_INT, 4, 24},  {"a4", IR_I64, IR_CLASS_INT, 5, 32},   {"a5", IR_I64, IR_CLASS_INT, 6, 40},
    {"a6", IR_I64, IR_CLASS_INT, 7, 48},  {"a7", IR_I64, IR_CLASS_INT, 8, 56},   {"a8", IR_I64, IR_CLASS_INT, 9, 64},
    {"a9", IR_I64, IR_CLASS_INT, 10, 72}, {"f0", IR_F64, IR_CLASS_FLOAT, 1, 80}, {"b0", IR_I64, IR_CLASS_INT, 0, 88},
};
static const struct ir_slots slots = {table, ARRAY_LEN(table)};

static u32 mxcsr(void)
{
    u32 m;
    __asm__ volatile("stmxcsr %0" : "=m"(m));
    return m;
}

/* Calls fn(a, b, c) with 11..16 in rbx, rbp, r12..r15, and stores what is in them after. */
void call_marked(u64 a, u64 b, u64 c, void *fn, u64 out[6]);
__asm__(".text\n"
        ".type call_marked, @function\n"
        "call_marked:\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n push %r8\n"
        "mov $11, %ebx\n mov $12, %ebp\n mov $13, %r12d\n mov $14, %r13d\n mov $15, %r14d\n mov $16, %r15d\n"
        "call *%rcx\n"
        "pop %r8\n"
        "mov %rbx, 0(%r8)\n mov %rbp, 8(%r8)\n mov %r12, 16(%r8)\n"
        "mov %r13, 24(%r8)\n mov %r14, 32(%r8)\n mov %r15, 40(%r8)\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
        "ret\n"
        ".size call_marked, . - call_marked\n");

static void enter_checked(const struct emitted *e)
{
    u64 out[6] = {0};
    u32 before = mxcsr();
    assert_int_equal(mk_hosted_take_signals(), 0); /* cmocka has them */
    harness_arm(&h, true);
    void *fn;
    memcpy(&fn, &host_native.enter, sizeof fn);
    call_marked((u64)(uintptr_t)h.v, (u64)(uintptr_t)e->hc.rx, (u64)(uintptr_t)h.common, fn, out);
    harness_arm(&h, false);
    for (u32 i = 0; i < 6; i++)
        assert_int_equal(out[i], 11 + i);
    assert_int_equal(mxcsr() & ~0x3fu, before & ~0x3fu);
}

/* A unit that changes all slots, then ends in a trap, or before that in a fault. */
static void check(bool faults, u32 round)
{
    struct ir_unit u = {.arena = &arena, .slots = &slots};
    struct ir_builder b;
    struct emitted e;
    arena_reset(&arena);
    ir_begin(&b, &u, 0x1000);
    ir_insn(&b, 0x1000, 4);
    for (u32 s = 0; s < ARRAY_LEN(table); s++) {
        ir_ref x = ir_get(&b, s);
        if (table[s].type == IR_I64)
            ir_put(&b, s, ir_op2i(&b, IR_OP_mul, x, 3));
        else
            ir_put(&b, s, ir_fp2(&b, IR_OP_fdiv, IR_RDYN | IR_FP_DEFNAN, x, ir_const(&b, IR_F64, 0x4008000000000000)));
    }
    ir_insn(&b, 0x1004, 4);
    if (faults)
        ir_put(&b, 0, ir_ld(&b, IR_I64, 3, ir_const(&b, IR_I64, MEM_NONE), 0));
    ir_trap(&b, IR_TRAP_STOP, 0x1008);
    assert_int_equal(ir_finish(&b), 0);
    assert_int_equal(harness_emit(&h, &u, 0, 0, &e), 0);
    for (u32 s = 0; s < ARRAY_LEN(table); s++) {
        u64 x = table[s].type == IR_I64 ? 1000 + s : 0x3ff0000000000000;
        memcpy(h.v->slots + table[s].offset, &x, 8);
    }
    h.v->fp_round = round;
    h.v->fp_flags = 0;
    enter_checked(&e);
    assert_int_equal(h.v->exit, faults ? VCPU_FAULT : VCPU_TRAP);
    for (u32 s = 0; s < ARRAY_LEN(table); s++) {
        u64 x;
        memcpy(&x, h.v->slots + table[s].offset, 8);
        assert_int_equal(x, table[s].type == IR_I64 ? 3 * (1000 + s)
                            : round == IR_RUP       ? 0x3fd5555555555556
                                                    : 0x3fd5555555555555);
    }
    assert_int_equal(h.v->fp_flags, IR_FLAG_NX);
}

static void test_leave(void **state)
{
    for (u32 round = IR_RNE; round <= IR_RUP; round++)
        check(false, round);
}

static void test_leave_by_fault(void **state)
{
    for (u32 round = IR_RNE; round <= IR_RUP; round++)
        check(true, round);
}

/* The whole table is found again in what is in use. */
static void test_features(void **state)
{
    u64 all = host_native.have(), n = 0;
    for (; host_native.features[n]; n++) {
        host_native.probe(1ull << n);
        assert_int_equal(host_native.have(), all & ~(1ull << n));
    }
    assert_int_equal(all >> n, 0);
    host_native.probe(~0ull);
    assert_int_equal(host_native.have(), 0);
    host_native.probe(0);
    assert_int_equal(host_native.have(), all);
}

int main(void)
{
    harness_start(&h, 0);
    arena_init(&arena);
    harness_slots(&h, &slots);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_leave_by_fault),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests_name("x86_64", tests, NULL, NULL);
}
