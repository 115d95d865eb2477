/* The backend of the machine that this was built for against the interpreter, on random units.
 *
 * DGM_TEST_SEED=N runs one unit, DGM_TEST_ROUNDS=N that many; DGM_TEST_HOST_MASK takes features of the host away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "tests/ir/random_units.h"

static struct arena arena;

static bool one(u64 seed)
{
    static struct test_pair p;
    test_seed(seed);
    test_random_unit(&p, &arena, 4 + test_below(test_below(4) ? 40 : 200));
    test_verified(&p.made, "made", seed);
    for (u32 i = 0; i < 2; i++)
        test_agree(&tier_interp, &p.made, &tier_baseline, &p.made, seed);
    struct ir_unit ahead = p.made, merged = p.made;
    assert_int_equal(ir_ahead(&ahead), 0);
    if (ahead.ins != p.made.ins) {
        test_verified(&ahead, "fetching ahead", seed);
        test_agree(&tier_interp, &p.made, &tier_baseline, &ahead, seed);
    }
    assert_int_equal(ir_merge(&merged), 0);
    if (merged.ins == p.made.ins)
        return false;
    test_verified(&merged, "merged", seed);
    test_agree(&tier_interp, &p.made, &tier_interp, &merged, seed);
    test_agree(&tier_interp, &p.made, &tier_baseline, &merged, seed);
    return true;
}

/* Seeds beyond the usual ones that found something: a store of a merged word that overwrites a byte of one before it in
 * the same word. */
static const u64 seeds[] = {32862};

static void test_random_units(void **state)
{
    u64 nmerged = 0;
    const char *given = getenv("DGM_TEST_SEED"), *rounds = getenv("DGM_TEST_ROUNDS");
    const u64 first = given ? strtoull(given, NULL, 0) : 1;
    const u64 last = given ? first : rounds ? strtoull(rounds, NULL, 0) : 6000;
    test_start_running();
    for (u64 seed = first; seed <= last; seed++)
        nmerged += one(seed);
    if (given)
        return;
    assert_true(nmerged > last / 64);
    for (u32 i = 0; i < ARRAY_LEN(seeds); i++)
        one(seeds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_units)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
