/* The folder against the reference semantics.
 *
 * Random units are made twice, as they are and through the builder, and run by the interpreter from the same random
 * states: slots, memory, flags and the way out must agree. A failure prints the seed and both units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "mk/mk.h"
#include "tests/ir/random_units.h"
#include "tests/ir/test_slots.h"
#include "translator/ir/eval.h"
#include "translator/ir/ir_build.h"
#include "translator/ir/ir_int.h"

static struct arena arena;

static void test_random_units(void **state)
{
    static struct test_pair p;
    const char *given = getenv("DGM_TEST_SEED"), *rounds = getenv("DGM_TEST_ROUNDS");
    const u64 first = given ? strtoull(given, NULL, 0) : 1;
    const u64 last = given ? first : rounds ? strtoull(rounds, NULL, 0) : 10000;
    u64 raw = 0, made = 0;
    test_start_running();
    for (u64 seed = first; seed <= last; seed++) {
        test_seed(seed);
        test_random_unit(&p, &arena, 8 + test_below(60));
        test_verified(&p.raw, "as it is", seed);
        test_verified(&p.made, "made", seed);
        for (u32 i = 0; i < 3; i++)
            test_agree(&tier_interp, &p.raw, &tier_interp, &p.made, seed);
        raw += p.raw.n;
        made += p.made.n;
    }
    /* It must be worth something, too. */
    if (!given)
        assert_true(made * 20 < raw * 19);
}

/* Each PURE op on constants is the constant that the reference semantics gives. */
static void test_constants(void **state)
{
    static struct test_pair p;
    test_seed(42);
    for (u32 round = 0; round < 20000; round++) {
        test_pair_begin(&p, &arena);
        p.constants_only = true;
        test_pair_pure(&p);
        const struct ir_ins *in = &p.raw.ins[p.raw.n - 1];
        if (in->op == IR_OP_pair || in->op == IR_OP_lo || in->op == IR_OP_hi)
            continue;
        if (ir_is_vec_op(in->op)) { /* by ir_eval_vec, which the interpreter uses too: that it folds at all */
            const struct ir_ins *made = &p.made.ins[p.v[p.n - 1].made];
            if (made->op != IR_OP_const && (made->op != IR_OP_vmake || p.made.ins[made->a].op != IR_OP_const)) {
                test_show("not folded", &p.made);
                fail_msg("round %u: constants do not fold", round);
            }
            continue;
        }
        u64 k[4] = {0}, want, got;
        for (u32 i = 0; i < 4; i++)
            k[i] = p.raw.ins[ir_arg(in, i)].imm;
        assert_true(ir_eval(in, p.raw.ins[in->a].type, k[0], k[1], k[2], k[3], &want));
        if (!ir_is_const(&p.b, p.v[p.n - 1].made, &got)) {
            test_show("not folded", &p.made);
            fail_msg("round %u: constants do not fold", round);
        }
        assert_int_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_constants), cmocka_unit_test(test_random_units)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
