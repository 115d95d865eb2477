/* The builder: slots, sharing, exits, counts, and no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "mk/mk.h"
#include "tests/ir/test_slots.h"
#include "translator/ir/ir_build.h"

static struct arena arena;
static struct ir_unit u;
static struct ir_builder b;

/* Allocation fails when this many have been made; linked with --wrap. */
static u32 allocations_left = ~0u;
int __real_mk_pages_alloc(void **out, size_t size);
int __wrap_mk_pages_alloc(void **out, size_t size);

int __wrap_mk_pages_alloc(void **out, size_t size)
{
    if (!allocations_left)
        return -ENOMEM;
    allocations_left--;
    return __real_mk_pages_alloc(out, size);
}

static void begin(void)
{
    arena_reset(&arena);
    u = (struct ir_unit){.arena = &arena, .slots = &test_slots, .helpers = test_helpers, .nhelpers = TEST_NHELPERS};
    ir_begin(&b, &u, 0x1000);
    ir_insn(&b, 0x1000, 4);
}

static void end(void)
{
    char err[200];
    assert_int_equal(ir_finish(&b), 0);
    if (ir_verify(&u, err, sizeof err))
        fail_msg("%s", err);
}

static u32 count(u32 op)
{
    u32 n = 0;
    for (ir_ref r = 1; r < u.n; r++)
        n += u.ins[r].op == op;
    return n;
}

static void test_get_after_get_and_put(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0);
    assert_int_equal(ir_get(&b, TEST_A0), x);
    ir_ref y = ir_op2i(&b, IR_OP_add, x, 1);
    ir_put(&b, TEST_A0, y);
    ir_insn(&b, 0x1004, 4);
    assert_int_equal(ir_get(&b, TEST_A0), y);
    assert_int_equal(ir_type_of(&b, ir_get(&b, TEST_W0)), IR_I32);
    ir_exit(&b, 0x1008);
    end();
    assert_int_equal(count(IR_OP_get), 2);
    assert_int_equal(u.guest_insns, 2);
    assert_int_equal(u.guest_bytes, 8);
}

static void test_put_of_what_is_there(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0);
    ir_put(&b, TEST_A0, x); /* nothing */
    ir_put(&b, TEST_A1, x);
    ir_put(&b, TEST_A1, x); /* nothing */
    ir_put(&b, TEST_A1, ir_const(&b, IR_I64, 5));
    ir_put(&b, TEST_A1, x); /* something again */
    ir_exit(&b, 0x1004);
    end();
    assert_int_equal(count(IR_OP_put), 3);
}

static void test_helper_that_writes_slots(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0), k = ir_const(&b, IR_I64, 7);
    ir_call(&b, IR_I64, TEST_SUM, x, 0, 0, 0);
    ir_call(&b, IR_I64, TEST_READS, x, 0, 0, 0);
    assert_int_equal(ir_get(&b, TEST_A0), x);
    ir_put(&b, TEST_A1, k);
    ir_call(&b, IR_VOID, TEST_WRITES, x, k, 0, 0);
    assert_int_not_equal(ir_get(&b, TEST_A0), x);
    ir_put(&b, TEST_A1, k); /* must be put once more */
    ir_exit(&b, 0x1004);
    end();
    assert_int_equal(count(IR_OP_put), 2);
    assert_int_equal(count(IR_OP_call), 3);
}

static void test_sharing(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0), y = ir_get(&b, TEST_A1);
    ir_ref s = ir_op2(&b, IR_OP_mul, x, y);
    assert_int_equal(ir_op2(&b, IR_OP_mul, x, y), s);
    assert_int_equal(ir_const(&b, IR_I64, 9), ir_const(&b, IR_I64, 9));
    assert_int_not_equal(ir_const(&b, IR_I64, 9), ir_const(&b, IR_I32, 9));
    assert_int_equal(ir_const(&b, IR_I32, 0xffffffffffffffff), ir_const(&b, IR_I32, 0xffffffff));
    assert_int_not_equal(ir_cmp(&b, IR_I64, IR_LTS, x, y), ir_cmp(&b, IR_I64, IR_LTU, x, y));
    /* loads and floating point that may raise flags are never shared */
    ir_ref l = ir_ld(&b, IR_I64, 3, x, 0);
    assert_int_not_equal(ir_ld(&b, IR_I64, 3, x, 0), l);
    ir_ref f = ir_get(&b, TEST_F0);
    ir_ref q = ir_fp2(&b, IR_OP_fdiv, IR_RNE, f, f);
    assert_int_not_equal(ir_fp2(&b, IR_OP_fdiv, IR_RNE, f, f), q);
    ir_exit(&b, 0x1004);
    end();
}

static void test_constants_go_right(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0), k = ir_const(&b, IR_I64, 12);
    ir_ref s = ir_op2(&b, IR_OP_add, k, x);
    assert_int_equal(u.ins[s].a, x);
    assert_int_equal(u.ins[s].b, k);
    ir_exit_if(&b, IR_LTS, k, x, 0x2000); /* 12 < x */
    const struct ir_ins *e = &u.ins[u.n - 1];
    assert_int_equal(e->op, IR_OP_exit_if);
    assert_int_equal(e->a, x);
    assert_int_equal(e->b, k);
    assert_int_equal(e->aux & IR_EXIT_CC, IR_GTS);
    ir_exit(&b, 0x1004);
    end();
}

static void test_uses(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0);
    ir_ref y = ir_op2(&b, IR_OP_mul, x, x);
    ir_ref z = ir_sext(&b, IR_I64, y, 16);
    ir_ref w = ir_sext(&b, IR_I64, z, 8); /* of y, not of z */
    ir_put(&b, TEST_A1, w);
    assert_int_equal(u.ins[x].uses, 2);
    assert_int_equal(u.ins[y].uses, 2);
    assert_int_equal(u.ins[z].uses, 0);
    assert_int_equal(u.ins[w].uses, 1);
    ir_exit(&b, 0x1004);
    end();
}

static void test_exits(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0), k = ir_const(&b, IR_I64, 3);
    ir_exit_if(&b, IR_EQ, x, k, 0x1004); /* forward */
    assert_int_equal(u.ins[u.n - 1].aux & IR_EXIT_POLL, 0);
    ir_exit_if(&b, IR_EQ, x, k, 0x1000); /* to itself */
    assert_int_equal(u.ins[u.n - 1].aux & IR_EXIT_POLL, IR_EXIT_POLL);
    ir_insn(&b, 0x1004, 4);
    ir_exit_if(&b, IR_NE, x, k, 0x1000); /* back, but not before the unit */
    assert_int_equal(u.ins[u.n - 1].aux & IR_EXIT_POLL, IR_EXIT_POLL);
    u32 n = u.n;
    ir_exit_if(&b, IR_NE, x, x, 0x900); /* never */
    assert_int_equal(u.n, n);
    assert_int_equal(u.nexits, 3);
    ir_exit_call(&b, 0xffffffffffffff00, 0x1008);
    assert_int_equal(u.ins[u.n - 1].aux, IR_EXIT_CALL);
    assert_int_equal(u.nexits, 4);
    end();

    begin();
    ir_exit(&b, 0x10);
    assert_int_equal(u.ins[u.n - 1].aux, IR_EXIT_POLL);
    end();

    begin();
    ir_exit_ind_call(&b, ir_get(&b, TEST_A0), 0x1004);
    assert_int_equal(u.nexits, 0);
    end();

    begin();
    ir_exit_ret(&b, ir_get(&b, TEST_A0));
    assert_int_equal(u.ins[u.n - 1].aux, IR_EXIT_RET);
    end();

    begin();
    ir_trap(&b, IR_TRAP_SYSCALL, 0x1004);
    assert_int_equal(u.nexits, 0);
    end();
}

static void test_displacements(void **state)
{
    begin();
    ir_ref x = ir_get(&b, TEST_A0);
    ir_ref y = ir_op2i(&b, IR_OP_add, x, 0x7ffffff0);
    ir_ref l = ir_ld(&b, IR_I64, 3, y, 15);
    assert_int_equal(u.ins[l].a, x);
    assert_int_equal(u.ins[l].imm, 0x7fffffff);
    l = ir_ld(&b, IR_I64, 3, y, 16); /* does not fit any more */
    assert_int_equal(u.ins[l].a, y);
    assert_int_equal(u.ins[l].imm, 16);
    l = ir_ld(&b, IR_I64, 3, ir_op2i(&b, IR_OP_sub, x, 0x80000000), 0);
    assert_int_equal(u.ins[l].a, x);
    assert_int_equal((s64)u.ins[l].imm, -0x80000000ll);
    ir_st(&b, 3, y, -1, x); /* fits, but y is there anyhow */
    assert_int_equal(u.ins[u.n - 1].a, y);
    /* atomics have none */
    ir_ref a = ir_amo(&b, IR_AMO_ADD, 3, y, x);
    assert_int_equal(u.ins[a].a, y);
    ir_exit(&b, 0x1004);
    end();
}

/* Uses every entry point. */
static void everything(void)
{
    for (u32 i = 0; i < 40; i++) {
        ir_insn(&b, 0x1000 + 4 * i, 4);
        ir_ref x = ir_get(&b, TEST_A0), w = ir_get(&b, TEST_W0), f = ir_get(&b, TEST_F0);
        x = ir_op2i(&b, IR_OP_add, x, i * 77 + 3);
        ir_ref l = ir_ld(&b, IR_I64, 3, x, 8);
        ir_st(&b, 3, x, 16, l);
        ir_ref c = ir_cas(&b, 3, x, l, x);
        ir_ref s = ir_sc(&b, 3, x, l, x, c);
        ir_amo(&b, IR_AMO_SWAP, 3, x, s);
        ir_fence(&b, IR_FENCE_PR | IR_FENCE_SW);
        ir_ref y = ir_select(&b, IR_LTU, x, l, ir_op1(&b, IR_OP_clz, x), ir_zext(&b, IR_I64, w, 32));
        ir_ref t = ir_op1(&b, IR_OP_bswap, ir_trunc(&b, y));
        ir_ref z = ir_fma(&b, IR_RNE, f, f, ir_fp1(&b, IR_OP_fsqrt, IR_RNE, f));
        ir_ref n = ir_fp_to(&b, IR_OP_f2i, IR_I64, IR_RTZ, ir_fp2(&b, IR_OP_fadd, IR_RUP, z, f));
        ir_ref p = ir_op2(&b, IR_OP_pair, n, x);
        n = ir_call(&b, IR_I64, TEST_FLAGS, ir_op1(&b, IR_OP_lo, p), n, 0, 0);
        ir_put(&b, TEST_A0, ir_op2(&b, IR_OP_xor, n, ir_cmp(&b, IR_I64, IR_LES, n, x)));
        ir_put(&b, TEST_W0, t);
        ir_put(&b, TEST_F0, z);
        ir_exit_if(&b, IR_EQ, n, x, 0x3000);
    }
    ir_exit_call(&b, 0x4000, 0x5000);
}

/* Fails the n-th allocation for each n, until there are enough. */
static void test_no_memory(void **state)
{
    bool done = false;
    u32 tries = 0;
    for (; !done; tries++) {
        arena_free(&arena);
        allocations_left = tries;
        begin();
        everything();
        allocations_left = ~0u;
        int e = ir_finish(&b);
        if (!e) {
            end();
            done = true;
        } else {
            assert_int_equal(e, -ENOMEM);
        }
    }
    assert_true(tries >= 2);
}

static int setup(void **state)
{
    return mk_thread_enter();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_after_get_and_put),
        cmocka_unit_test(test_put_of_what_is_there),
        cmocka_unit_test(test_helper_that_writes_slots),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_constants_go_right),
        cmocka_unit_test(test_uses),
        cmocka_unit_test(test_exits),
        cmocka_unit_test(test_displacements),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
