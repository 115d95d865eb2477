/* Random units for tests: each is made twice, as it is and through the builder. Failures end in cmocka's. */
#pragma once

#include "lib/arena.h"
#include "tests/ir/filetest.h"
#include "translator/ir/ir_build.h"

struct test_pair {
    struct ir_unit raw, made;
    struct ir_builder b;
    struct {
        ir_ref raw, made;
        u32 type;
    } v[1024]; /* values that may be used */
    u32 n;
    bool constants_only; /* arguments are always new constants */
};

/* Starts the sequence of random numbers. */
void test_seed(u64 seed);
u64 test_rnd(void);
/* A number below n; 0 when n is 0. */
u32 test_below(u32 n);
/* A number that is likely to matter to some rule. */
u64 test_telling(void);

/* Empty units at pc 0x1000 with one marker. Resets the arena. */
void test_pair_begin(struct test_pair *p, struct arena *arena);
u32 test_int_type(void);
u32 test_float_type(void);
/* A random constant, a random PURE instruction on values of p. */
void test_pair_constant(struct test_pair *p, u32 type);
void test_pair_pure(struct test_pair *p);

/* A whole random unit of about `len` values. It touches memory in [TEST_MEM_RW, TEST_MEM_RW + 0x10000) only, and never
 * faults but by misalignment. */
void test_random_unit(struct test_pair *p, struct arena *arena, u32 len);

void test_show(const char *what, const struct ir_unit *u);
void test_verified(const struct ir_unit *u, const char *what, u64 seed);

/* Before test_agree, once, inside the test: cmocka takes the signals that faults come as when a test begins. */
void test_start_running(void);
/* Runs u1 on t1 and u2 on t2 from the same random state; both must end alike. */
void test_agree(const struct filetest_tier *t1, const struct ir_unit *u1, const struct filetest_tier *t2,
                const struct ir_unit *u2, u64 seed);
