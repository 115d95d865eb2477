/* The decode table and what is made from it: every instruction goes through encoder, decoder and disassembler; what is
 * reserved is no instruction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/guest/gen.h"
#include "translator/guest/riscv64/rv_int.h"

static bool decode(u32 width, u32 w, struct rv_insn *i)
{
    return width == 16 ? rv_decode16(w, i) : rv_decode32(w, i);
}

/* Words of each instruction decode to it, and encode to what decodes the same. */
static void round_trip(void **state)
{
    struct rng r = {1};
    for (u32 op = 1; op < RV_NOPS; op++) {
        const struct rv_op_bits *b = &rv_op_bits[op];
        u32 hits = 0;
        for (u32 n = 0; n < 4000 && hits < 1000; n++) {
            struct rv_insn i, back;
            u32 again, w = (rng_u32(&r) & ~b->mask) | b->value;
            if (b->width == 16)
                w &= 0xffff;
            if (!decode(b->width, w, &i) || i.op != op)
                continue; /* a condition, or a special case */
            hits++;
            assert_int_equal(i.len, b->width / 8);
            if (!rv_encode(&i, &again) || !decode(b->width, again, &back))
                fail_msg("%s: %08x is not encoded again", b->name, w);
            assert_memory_equal(&i, &back, sizeof i);
        }
        if (!hits)
            fail_msg("%s: never decoded", b->name);
    }
}

/* What cannot be encoded is refused, not mangled. */
static void encoder_refuses(void **state)
{
    const struct rv_insn bad[] = {
        {.op = RV_ADDI, .rd = 1, .rs1 = 1, .imm = 2048},
        {.op = RV_ADDI, .rd = 32, .rs1 = 1},
        {.op = RV_BEQ, .rs1 = 1, .rs2 = 2, .imm = 3},
        {.op = RV_JAL, .imm = 1 << 20},
        {.op = RV_C_LW, .rd = 7, .rs1 = 8},
        {.op = RV_C_ADDI, .rd = 0, .rs1 = 0, .imm = 1},
        {.op = RV_C_ADDI, .rd = 8, .rs1 = 9, .imm = 1},
        {.op = RV_C_LUI, .rd = 2, .imm = 4096},
        {.op = RV_C_ADDI4SPN, .rd = 8, .rs1 = 2, .imm = 0},
        {.op = RV_FADD_S, .rm = 5},
        {.op = RV_AMOCAS_Q, .rd = 1, .rs1 = 1, .rs2 = 2},
        {.op = RV_ECALL, .rd = 1},
        {.op = RV_ILLEGAL},
        {.op = RV_NOPS},
    };
    for (u32 n = 0; n < ARRAY_LEN(bad); n++) {
        u32 w;
        if (rv_encode(&bad[n], &w))
            fail_msg("entry %u was encoded as %08x", n, w);
    }
}

static void reserved(void **state)
{
    static const u32 words[] = {
        0x0000, /* the defined illegal instruction */
        0x2001, /* c.addiw x0 */
        0x6101, /* c.addi16sp sp, 0 */
        0x6081, /* c.lui ra, 0: Zcmop's, which is not there */
        0x4002, /* c.lwsp x0 */
        0x6002, /* c.ldsp x0 */
        0x8002, /* c.jr x0 */
        0x9c7d, /* quadrant 1, 100 1 11, 11 111 */
        0x9c79, /* 11 110 */
        0x8c40, /* c.sh with bit 6 */
        0x9000, /* quadrant 0, 100 1.. */
        0xffffffff,
        0x00000013 | 31 << 2, /* longer than 32 bits */
        0x00200073,           /* uret */
        0x10500073,           /* wfi */
        0x30200073,           /* mret */
        0x12000073,           /* sfence.vma */
        0x31b01013,           /* aes64ks1i, round 11 */
        0x31f01013,           /* round 15 */
        0x0000200f,           /* cbo.inval */
        0x00102 << 12 | 0x200f,
        0x02000057,           /* vector */
        0x00005053,           /* fadd.s with rm 5 */
        0x00006053,           /* rm 6 */
        0x1000202f | 1 << 20, /* lr.w with rs2 */
        0x2800402f | 1 << 7,  /* amocas.q with an odd pair */
        0x2800402f | 1 << 20,
        0x02001033 ^ 0x40000000, /* mulh with a stray bit */
        0x2000101b,              /* slliw with bit 29 */
        0x0200101b,              /* slliw by 32 or more */
        0x0600000b,              /* custom-0 */
    };
    for (u32 n = 0; n < ARRAY_LEN(words); n++) {
        struct rv_insn i;
        const u32 w = words[n];
        const u8 bytes[4] = {(u8)w, (u8)(w >> 8), (u8)(w >> 16), (u8)(w >> 24)};
        assert_true(rv_fetch(bytes, 4, &i));
        if (i.op != RV_ILLEGAL)
            fail_msg("%08x was decoded as %s", w, rv_op_bits[i.op].name);
        assert_int_equal(i.len, (w & 3) == 3 ? 4 : 2);
    }
}

/* Fields of fences that the manual wants ignored. */
static void fences(void **state)
{
    struct rv_insn i;
    assert_true(rv_decode32(0x0330000f | 3 << 7 | 4 << 15, &i));
    assert_int_equal(i.op, RV_FENCE);
    assert_true(rv_decode32(0x8330000f, &i));
    assert_int_equal(i.op, RV_FENCE_TSO);
    assert_true(rv_decode32(0x0100000f, &i));
    assert_int_equal(i.op, RV_PAUSE);
    assert_true(rv_decode32(0x1230100f, &i));
    assert_int_equal(i.op, RV_FENCE_I);
}

static void fetching(void **state)
{
    struct rv_insn i;
    const u8 nop[4] = {0x13, 0, 0, 0}, c_nop[2] = {1, 0};
    assert_false(rv_fetch(nop, 0, &i));
    assert_false(rv_fetch(nop, 1, &i));
    assert_false(rv_fetch(nop, 2, &i));
    assert_false(rv_fetch(nop, 3, &i));
    assert_true(rv_fetch(nop, 4, &i));
    assert_false(rv_fetch(c_nop, 1, &i));
    assert_true(rv_fetch(c_nop, 2, &i));
}

static void text(void **state)
{
    static const struct {
        u32 w;
        const char *plain, *alias;
    } t[] = {
        {0x00000013, "addi\tzero,zero,0", "nop"},
        {0x00008067, "jalr\tzero,0(ra)", "ret"},
        {0x8082, "c.jr\tra", "c.ret"},
        {0xfff54513, "xori\ta0,a0,-1", "not\ta0,a0"},
        {0xfe0598e3, "bne\ta1,zero,0xff0", "bnez\ta1,0xff0"},
        {0x02b50533, "mul\ta0,a0,a1", "mul\ta0,a0,a1"},
        {0x06b5262f, "amoadd.w.aqrl\ta2,a1,(a0)", "amoadd.w.aqrl\ta2,a1,(a0)"},
        {0x00357553, "fadd.s\tfa0,fa0,ft3", "fadd.s\tfa0,fa0,ft3"},
        {0x00351553, "fadd.s\tfa0,fa0,ft3,rtz", "fadd.s\tfa0,fa0,ft3,rtz"},
        {0x22a50553, "fsgnj.d\tfa0,fa0,fa0", "fmv.d\tfa0,fa0"},
        {0x00102573, "csrrs\ta0,fflags,zero", "csrr\ta0,fflags"},
        {0x0ff0000f, "fence\tiorw,iorw", "fence"},
        {0x123457b7, "lui\ta5,0x12345", "lui\ta5,0x12345"},
        {0xf0188553, "fli.s\tfa0,1.25", "fli.s\tfa0,1.25"},
        {0xc2851553, "fcvtmod.w.d\ta0,fa0,rtz", "fcvtmod.w.d\ta0,fa0,rtz"},
        {0x0045200f, "cbo.zero\t(a0)", "cbo.zero\t(a0)"},
        {0x00000073, "ecall", "ecall"},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        struct rv_insn i;
        char buf[80];
        const u32 w = t[n].w;
        const u8 bytes[4] = {(u8)w, (u8)(w >> 8), (u8)(w >> 16), (u8)(w >> 24)};
        assert_true(rv_fetch(bytes, 4, &i));
        rv_print(&i, 0x1000, false, buf, sizeof buf);
        assert_string_equal(buf, t[n].plain);
        assert_int_equal(guest_riscv64.disasm(bytes, 4, 0x1000, buf, sizeof buf), i.len);
        assert_string_equal(buf, t[n].alias);
        rv_print(&i, 0x1000, false, buf, 3); /* cut */
        assert_int_equal(strlen(buf), 2);
    }
    char buf[80];
    const u8 none[2] = {0, 0};
    assert_int_equal(guest_riscv64.disasm(none, 2, 0, buf, sizeof buf), 2);
    assert_string_equal(buf, ".half\t0x0");
    assert_int_equal(guest_riscv64.disasm(none, 1, 0, buf, sizeof buf), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(encoder_refuses), cmocka_unit_test(reserved),
        cmocka_unit_test(fences),     cmocka_unit_test(fetching),        cmocka_unit_test(text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
