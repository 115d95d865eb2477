/* A guest that does not exist: slots of every type and some helpers, for tests of the IR and of backends.
 *
 * Some slots of each class are ranked and some are not, so that a backend pins a part of them. */
#pragma once

#include "translator/ir/ir.h"
#include "translator/vcpu.h"

#define TEST_MEM_RW   0x10000 /* guest memory of the tests: read-write, */
#define TEST_MEM_RO   0x20000 /* read-only, */
#define TEST_MEM_NONE 0x30000 /* nothing from here up to TEST_MEM_END */
#define TEST_MEM_END  0x100000000

#define INT64(name, rank, off)                                                                                         \
    {                                                                                                                  \
        name, IR_I64, IR_CLASS_INT, rank, off                                                                          \
    }
#define INT32(name, rank, off)                                                                                         \
    {                                                                                                                  \
        name, IR_I32, IR_CLASS_INT, rank, off                                                                          \
    }
#define F64(name, rank, off)                                                                                           \
    {                                                                                                                  \
        name, IR_F64, IR_CLASS_FLOAT, rank, off                                                                        \
    }
#define F32(name, rank, off)                                                                                           \
    {                                                                                                                  \
        name, IR_F32, IR_CLASS_FLOAT, rank, off                                                                        \
    }
#define V128(name, rank, off)                                                                                          \
    {                                                                                                                  \
        name, IR_V128, IR_CLASS_FLOAT, rank, off                                                                       \
    }
/* clang-format off */
static const struct ir_slot test_slot_table[] = {
    INT64("a0", 1, 0),    INT64("a1", 2, 8),    INT64("a2", 3, 16),   INT64("a3", 4, 24),
    INT64("a4", 5, 32),   INT64("a5", 6, 40),   INT64("a6", 7, 48),   INT64("a7", 8, 56),
    INT64("b0", 0, 64),   INT64("b1", 0, 72),   INT64("b2", 0, 80),   INT64("b3", 0, 88),
    INT64("b4", 12, 96),  INT64("b5", 11, 104), INT64("b6", 10, 112), INT64("b7", 9, 120),
    INT32("w0", 13, 128), INT32("w1", 14, 132), INT32("w2", 0, 136),  INT32("w3", 0, 140),
    F64("f0", 1, 144),    F64("f1", 2, 152),    F64("f2", 3, 160),    F64("f3", 4, 168),
    F64("f4", 5, 176),    F64("f5", 6, 184),    F64("f6", 0, 192),    F64("f7", 0, 200),
    F32("s0", 7, 208),    F32("s1", 8, 212),    F32("s2", 0, 216),    F32("s3", 0, 220),
    {"h0", IR_F16, IR_CLASS_FLOAT, 0, 224},
    {"q0", IR_I128, IR_CLASS_INT, 0, 240},
    {"q1", IR_I128, IR_CLASS_INT, 0, 256},
    V128("x0", 9, 272),   V128("x1", 10, 288),  V128("x2", 11, 304),  V128("x3", 12, 320),
    V128("x4", 0, 336),   V128("x5", 0, 352),   V128("x6", 0, 368),   V128("x7", 0, 384),
};
/* clang-format on */
#undef INT64
#undef INT32
#undef F64
#undef F32
#undef V128
#define TEST_NSLOTS     (sizeof test_slot_table / sizeof test_slot_table[0])
#define TEST_SLOT_BYTES 400

static const struct ir_slots test_slots = {test_slot_table, TEST_NSLOTS};

enum {
    TEST_A0 = 0,
    TEST_A1,
    TEST_A2,
    TEST_A3,
    TEST_W0 = 16,
    TEST_F0 = 20,
    TEST_S0 = 28,
    TEST_H0 = 32,
    TEST_Q0,
    TEST_X0 = 35
};

static inline u64 test_helper_sum(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    return a + 10 * b + 100 * c + 1000 * d;
}

/* a0 as it is in memory, plus a */
static inline u64 test_helper_reads(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    return *(const u64 *)(const void *)v->slots + a;
}

/* a0 = a, f0 = b (bits); gives the sum of both */
static inline u64 test_helper_writes(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    *(u64 *)(void *)v->slots = a;
    *(u64 *)(void *)(v->slots + 144) = b;
    return a + b;
}

/* Raises the sticky flags in a; gives those that were raised, with the rounding mode above. */
static inline u64 test_helper_flags(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    u32 was = v->fp_flags;
    v->fp_flags |= (u32)a & 31;
    return was | (u64)v->fp_round << 8;
}

/* a + 3 * b + 9 * c + imm */
static inline void test_helper_vsum(struct vcpu *v, u128 *out, const u128 *a, const u128 *b, const u128 *c, u64 imm)
{
    *out = *a + 3 * *b + 9 * *c + imm;
}

static const struct ir_helper test_helpers[] = {
    {"sum", test_helper_sum, IR_HELPER_PURE},
    {"reads", test_helper_reads, IR_HELPER_READS},
    {"writes", test_helper_writes, IR_HELPER_READS | IR_HELPER_WRITES},
    {"flags", test_helper_flags, IR_HELPER_FP},
    {"vsum", NULL, IR_HELPER_PURE, test_helper_vsum},
};
enum { TEST_SUM, TEST_READS, TEST_WRITES, TEST_FLAGS, TEST_VSUM, TEST_NHELPERS };
