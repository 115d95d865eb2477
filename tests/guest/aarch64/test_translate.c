/* The aarch64 frontend: how units are formed, and what instructions mean where no other emulator is asked (difftest
 * does that): traps, registers that do not exist, faults, flags at the ends of units, reservations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/guest/gen.h"
#include "translator/guest/aarch64/a64_int.h"
#include "translator/guest/aarch64/cpu.h"

#include "tests/guest/units.h" /* last: it declares `v` */

static struct a64_state *s;

static void word(u32 w)
{
    code_bytes(w, 4);
}

static u32 count(const struct ir_unit *u, u32 op, u32 aux)
{
    u32 n = 0;
    for (u32 k = 1; k < u->n; k++)
        n += u->ins[k].op == op && u->ins[k].aux == aux;
    return n;
}

/* --- units --- */

static void traps(void **state)
{
    static const struct {
        u32 w;
        u32 trap;
        u32 pc;
    } t[] = {
        {0xd40000a1 /* svc #5 */, IR_TRAP_SYSCALL, 4},
        {0xd4200020 /* brk #1 */, IR_TRAP_BREAK, 0},
        {0x00000000 /* udf #0 */, IR_TRAP_ILLEGAL, 0},
        {0xd4400020 /* hlt #1 */, IR_TRAP_ILLEGAL, 0},
        {0xd4000002 /* hvc #0 */, IR_TRAP_ILLEGAL, 0},
        {0xd4000003 /* smc #0 */, IR_TRAP_ILLEGAL, 0},
        {0xd69f03e0 /* eret */, IR_TRAP_ILLEGAL, 0},
        {0xd6bf03e0 /* drps */, IR_TRAP_ILLEGAL, 0},
        {0xd50342df /* msr daifset, #2 */, IR_TRAP_ILLEGAL, 0},
        {0xd5087640 /* dc isw, x0 */, IR_TRAP_ILLEGAL, 0},
        {0xd508751f /* ic iallu */, IR_TRAP_ILLEGAL, 0},
        {0xd508871f /* tlbi vmalle1 */, IR_TRAP_ILLEGAL, 0},
        {0xd5087840 /* at s1e0r, x0 */, IR_TRAP_ILLEGAL, 0},
        {0xd61f081f /* braaz x0 */, IR_TRAP_ILLEGAL, 0},
        {0xd65f0bff /* retaa */, IR_TRAP_ILLEGAL, 0},
        {0xdac10020 /* pacia x0, x1 */, IR_TRAP_ILLEGAL, 0},
        {0x9adf1000 /* irg x0, x0 */, IR_TRAP_ILLEGAL, 0},
        {0xd9400000 /* ldapur x0, [x0] */, IR_TRAP_ILLEGAL, 0},
        {0xffffffff, IR_TRAP_ILLEGAL, 0},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        begin();
        word(0xd503201f); /* nop */
        word(t[n].w);
        word(0xd503201f); /* nop */
        run();
        assert_trap(t[n].trap, CODE + 4 + t[n].pc);
    }
    begin();
    word(0xd50b7520); /* ic ivau, x0 */
    struct guest_request rq = request(CODE);
    struct ir_unit u = unit(&rq);
    assert_int_equal(last(&u)->op, IR_OP_trap);
    assert_int_equal(last(&u)->aux, IR_TRAP_SYNC);
    assert_int_equal(last(&u)->imm, CODE + 4);
    /* there are no instructions at other addresses */
    begin();
    word(0xd503201f); /* nop */
    word(0xd503201f); /* nop */
    v->pc = CODE + 2;
    run();
    assert_trap(IR_TRAP_ALIGN, CODE + 2);
}

/* What the table decodes has a meaning; only of system registers some are not there. */
static void all_exist(void **state)
{
    struct rng r = {7};
    for (u32 op = 1; op < A64_NOPS; op++)
        for (u32 n = 0; n < 40; n++) {
            struct a64_insn i;
            const u32 w = (rng_u32(&r) & ~a64_op_bits[op].mask) | a64_op_bits[op].value;
            if (!a64_decode32(w, &i) || i.op != op || op == A64_MRS || op == A64_MSR)
                continue;
            begin();
            word(w);
            a64_set_fpcr(v, rng_u32(&r));
            s->tags = n & 1;
            struct guest_request rq = request(CODE);
            struct ir_unit u = unit(&rq);
            if (last(&u)->op == IR_OP_trap && last(&u)->aux == IR_TRAP_ILLEGAL)
                fail_msg("%s: %08x is illegal", a64_op_bits[op].name, w);
        }
}

static void fetch_trap(void **state)
{
    begin();
    word(0xd503201f); /* nop */
    for (size_t len = 0; len < 4; len++) {
        struct guest_request rq = request(CODE);
        rq.len = len;
        struct ir_unit u = unit(&rq);
        assert_int_equal(last(&u)->op, IR_OP_trap);
        assert_int_equal(last(&u)->aux, IR_TRAP_FETCH);
        assert_int_equal(last(&u)->imm, CODE);
    }
    /* the second does not fit: an exit to it */
    word(0xd503201f); /* nop */
    struct guest_request rq = request(CODE);
    rq.len = 6;
    struct ir_unit u = unit(&rq);
    assert_int_equal(last(&u)->op, IR_OP_exit);
    assert_int_equal(last(&u)->imm, CODE + 4);
    assert_int_equal(u.guest_bytes, 4);
    assert_int_equal(u.guest_insns, 1);
}

static bool stop(void *cx, gva_t pc)
{
    return pc == *(gva_t *)cx;
}

static void limits(void **state)
{
    begin();
    for (u32 n = 0; n < 10; n++)
        word(0x91000400); /* add x0, x0, #1 */
    struct guest_request rq = request(CODE);
    rq.max_insns = 3;
    struct ir_unit u = unit(&rq);
    assert_int_equal(u.guest_insns, 3);
    assert_int_equal(last(&u)->op, IR_OP_exit);
    assert_int_equal(last(&u)->imm, CODE + 12);

    gva_t at = CODE + 8;
    rq = request(CODE);
    rq.stop_at = stop;
    rq.cx = &at;
    u = unit(&rq);
    assert_int_equal(u.guest_insns, 2);
    assert_int_equal(last(&u)->op, IR_OP_exit);
    assert_int_equal(last(&u)->imm, at);
    at = CODE; /* not at the first */
    u = unit(&rq);
    assert_int_equal(u.guest_insns, 10);

    rq = request(CODE);
    rq.max_insns = 1;
    rq.stop_after = true;
    u = unit(&rq);
    assert_int_equal(last(&u)->op, IR_OP_trap);
    assert_int_equal(last(&u)->aux, IR_TRAP_STOP);
    assert_int_equal(last(&u)->imm, CODE + 4);
}

static void branches(void **state)
{
    static const u32 forward[] = {0xb4000320 /* cbz x0, .+100 */, 0x35000320 /* cbnz w0, .+100 */,
                                  0xb6400320 /* tbz x0, #40, .+100 */, 0x37180320 /* tbnz w0, #3, .+100 */,
                                  0x54000321 /* b.ne .+100 */};
    static const u32 backward[] = {0xb4ffffe0 /* cbz x0, .-4 */,      0x35ffffe0 /* cbnz w0, .-4 */,
                                   0xb647ffe0 /* tbz x0, #40, .-4 */, 0x371fffe0 /* tbnz w0, #3, .-4 */,
                                   0x54ffffe1 /* b.ne .-4 */,         0x54000001 /* b.ne . */};
    for (u32 k = 0; k < ARRAY_LEN(forward); k++) {
        begin();
        for (u32 n = 0; n < 4; n++)
            word(forward[k]);
        struct guest_request rq = request(CODE);
        for (u32 exits = 0; exits < 6; exits++) {
            rq.max_exits = exits;
            struct ir_unit u = unit(&rq);
            const u32 want = exits + 1 < 4 ? exits + 1 : 4;
            assert_int_equal(u.guest_insns, want);
            assert_int_equal(u.nexits, want + 1);
            assert_int_equal(last(&u)->imm, CODE + 4 * want);
        }
    }
    for (u32 k = 0; k < ARRAY_LEN(backward); k++) {
        begin();
        word(0xeb01001f); /* cmp x0, x1 */
        word(backward[k]);
        word(0xd503201f); /* nop */
        struct guest_request rq = request(CODE);
        struct ir_unit u = unit(&rq);
        assert_int_equal(u.guest_insns, 2);
        assert_int_equal(u.nexits, 2);
    }
    /* but where flags are wanted behind it */
    static const u32 wanting[] = {0x54000208 /* b.hi .+64 */, 0x9a818002 /* csel x2, x0, x1, hi */,
                                  0x7a418009 /* ccmp w0, w1, #9, hi */, 0xba41b80f /* ccmn x0, #1, #15, lt */,
                                  0x9a9f97e2 /* cset x2, hi */};
    for (u32 k = 0; k < ARRAY_LEN(backward) * ARRAY_LEN(wanting); k++) {
        begin();
        word(0xeb01001f); /* cmp x0, x1 */
        word(backward[k / ARRAY_LEN(wanting)]);
        word(wanting[k % ARRAY_LEN(wanting)]);
        struct guest_request rq = request(CODE);
        struct ir_unit u = unit(&rq);
        assert_true(u.guest_insns >= 3);
        assert_int_equal(count(&u, IR_OP_call, A64_HELPER_NZCV), 0);
        rq.max_exits = 0;
        u = unit(&rq);
        assert_int_equal(u.guest_insns, 2);
    }
    /* or goes round */
    for (u32 k = 0; k + 1 < ARRAY_LEN(backward); k++) {
        begin();
        word(0xeb01001f); /* cmp x0, x1 */
        word(backward[k]);
        word(0xd503201f); /* nop */
        assert_rounds(false);
    }
    begin();
    word(0x91000400); /* add x0, x0, #1 */
    word(0x17ffffff); /* b .-4 */
    assert_rounds(true);
    /* stepping stops behind one that is not taken */
    begin();
    word(0xb4ffffe0); /* cbz x0, .-4 */
    s->x[0] = 1;
    struct guest_request rq = request(CODE);
    rq.max_insns = 1;
    rq.stop_after = true;
    struct ir_unit u = unit(&rq);
    assert_int_equal(last(&u)->aux, IR_TRAP_STOP);
    assert_int_equal(last(&u)->imm, CODE + 4);
    /* these two always branch */
    begin();
    word(0x5400020e); /* b.al .+64 */
    rq = request(CODE);
    u = unit(&rq);
    assert_int_equal(u.nexits, 1);
    assert_int_equal(last(&u)->imm, CODE + 64);
    begin();
    word(0x5400020f); /* b.nv .+64 */
    rq = request(CODE);
    u = unit(&rq);
    assert_int_equal(u.nexits, 1);
    assert_int_equal(last(&u)->imm, CODE + 64);
}

static void expect_exit(u32 op, u32 kind, u64 pc)
{
    struct guest_request rq = request(CODE);
    struct ir_unit u = unit(&rq);
    assert_int_equal(last(&u)->op, op);
    assert_int_equal(last(&u)->aux & (IR_EXIT_CALL | IR_EXIT_RET), kind);
    if (op == IR_OP_exit)
        assert_int_equal(last(&u)->imm, pc);
}

static void calls(void **state)
{
    begin();
    word(0x14000010); /* b .+64 */
    expect_exit(IR_OP_exit, 0, CODE + 64);
    begin();
    word(0x94000010); /* bl .+64 */
    expect_exit(IR_OP_exit, IR_EXIT_CALL, CODE + 64);
    begin();
    word(0xd61f00a0); /* br x5 */
    expect_exit(IR_OP_exit_ind, 0, 0);
    begin();
    word(0xd63f00a0); /* blr x5 */
    expect_exit(IR_OP_exit_ind, IR_EXIT_CALL, 0);
    begin();
    word(0xd65f03c0); /* ret */
    expect_exit(IR_OP_exit_ind, IR_EXIT_RET, 0);
    begin();
    word(0xd65f00a0); /* ret x5 */
    expect_exit(IR_OP_exit_ind, IR_EXIT_RET, 0);
    /* a destination that is known */
    begin();
    word(0x10000205); /* adr x5, .+64 */
    word(0xd61f00a0); /* br x5 */
    expect_exit(IR_OP_exit, 0, CODE + 64);
    begin();
    word(0x10000205); /* adr x5, .+64 */
    word(0xd63f00a0); /* blr x5 */
    expect_exit(IR_OP_exit, IR_EXIT_CALL, CODE + 64);
    /* the link register may be the destination */
    begin();
    word(0xd63f03c0); /* blr x30 */
    s->x[30] = CODE + 0x100;
    run();
    assert_int_equal(v->pc, CODE + 0x100);
    assert_int_equal(s->x[30], CODE + 4);
}

static void register_31(void **state)
{
    begin();
    word(0x910043ff); /* add sp, sp, #16 */
    word(0x8b1f0020); /* add x0, x1, xzr */
    word(0xab01003f); /* adds xzr, x1, x1 */
    word(0x110003e2); /* mov w2, wsp */
    word(0x1100003f); /* mov wsp, w1 */
    s->sp = 0x123456789a;
    s->x[1] = 0xffffffff00000001;
    run();
    assert_int_equal(s->x[0], s->x[1]);
    assert_int_equal(s->x[2], 0x345678aa);
    assert_int_equal(s->sp, 1); /* the upper half is cleared */
}

/* --- flags --- */

static void nzcv_from_outside(void **state)
{
    for (u32 nzcv = 0; nzcv < 16; nzcv++) {
        begin();
        word(0xd53b4200); /* mrs x0, nzcv */
        word(0x9a9f57e1); /* cset x1, mi */
        word(0x9a9f17e2); /* cset x2, eq */
        word(0x9a9f37e3); /* cset x3, cs */
        word(0x9a9f77e4); /* cset x4, vs */
        a64_set_nzcv(v, nzcv << 28 | 0x0fffffff);
        assert_int_equal(a64_get_nzcv(v), nzcv << 28);
        run();
        assert_int_equal(s->x[0], nzcv << 28);
        assert_int_equal(s->x[1] << 3 | s->x[2] << 2 | s->x[3] << 1 | s->x[4], nzcv);
        assert_int_equal(a64_get_nzcv(v), nzcv << 28);
        begin();
        word(0xd51b4200); /* msr nzcv, x0 */
        s->x[0] = ~0ull << 32 | nzcv << 28 | 0x0fffffff;
        run();
        assert_int_equal(a64_get_nzcv(v), nzcv << 28);
    }
}

/* Equal or not, where a unit begins, without C. What comes out every_condition checks. */
static void zero_without_a_call(void **state)
{
    static const u32 wanting[] = {0x54000200 /* b.eq .+64 */, 0x54000201 /* b.ne .+64 */, 0x9a9f17e2 /* cset x2, eq */,
                                  0x7a410009 /* ccmp w0, w1, #9, eq */, 0x54000208 /* b.hi .+64 */};
    for (u32 k = 0; k < ARRAY_LEN(wanting); k++) {
        begin();
        word(wanting[k]);
        struct guest_request rq = request(CODE);
        struct ir_unit u = unit(&rq);
        assert_int_equal(count(&u, IR_OP_call, A64_HELPER_NZCV), k == 4);
        assert_int_equal(u.nexits, k == 4 ? 4 : k == 2 || k == 3 ? 1 : 2); /* the call is behind two exits */
    }
}

/* What sets the flags, and operands for it. */
static const u32 makers[] = {
    0xeb01001f /* cmp x0, x1 */,
    0x6b01001f /* cmp w0, w1 */,
    0xf1000c1f /* cmp x0, #3 */,
    0x7100001f /* cmp w0, #0 */,
    0xab01001f /* cmn x0, x1 */,
    0x2b01001f /* cmn w0, w1 */,
    0xb100041f /* cmn x0, #1 */,
    0x3100001f /* cmn w0, #0 */,
    0xeb010005 /* subs x5, x0, x1 */,
    0x6b010000 /* subs w0, w0, w1 */,
    0xab010005 /* adds x5, x0, x1 */,
    0x2b010005 /* adds w5, w0, w1 */,
    0xba010005 /* adcs x5, x0, x1 */,
    0x3a010005 /* adcs w5, w0, w1 */,
    0xfa010005 /* sbcs x5, x0, x1 */,
    0x7a010005 /* sbcs w5, w0, w1 */,
    0xea01001f /* tst x0, x1 */,
    0x7201001f /* tst w0, #0x80000000 */,
    0xea010005 /* ands x5, x0, x1 */,
    0x6a210005 /* bics w5, w0, w1 */,
    0xfa411005 /* ccmp x0, x1, #5, ne */,
    0x7a418009 /* ccmp w0, w1, #9, hi */,
    0xba41b80f /* ccmn x0, #1, #15, lt */,
    0x3a416000 /* ccmn w0, w1, #0, vs */,
    0xd500401f /* cfinv */,
    0xba1e840b /* rmif x0, #61, #11 */,
    0x3a00080d /* setf8 w0 */,
    0x3a00482d /* setf16 w1 */,
    0xd51b4201 /* msr nzcv, x1 */,
    0x1e612000 /* fcmp d0, d1 */,
    0x1e61c406 /* fccmp d0, d1, #6, gt */,
};

static const u64 values[] = {0, 1, 2, 3, ~0ull, ~1ull, 1ull << 63, ~(1ull << 63), 1u << 31, ~0u, 0x7fffffff};

/* What sets the flags, then what looks at them: the same unit against one where each instruction is its own. */
static void every_condition(void **state)
{
    struct rng r = {1};
    for (u32 m = 0; m < ARRAY_LEN(makers); m++)
        for (u32 round = 0; round < 60; round++) {
            struct a64_state results[2];
            const u64 a = values[rng_below(&r, ARRAY_LEN(values))], b = values[rng_below(&r, ARRAY_LEN(values))];
            const u32 first = makers[rng_below(&r, ARRAY_LEN(makers))], before = rng_below(&r, 16);
            for (u32 step = 0; step < 2; step++) {
                begin();
                word(first);
                word(makers[m]);
                for (u32 cond = 0; cond < 16; cond++)
                    word(0x9a9f07ea /* csinc x10, xzr, xzr, eq */ | cond << 12 | cond);
                word(0x9a01001c); /* adc x28, x0, x1 */
                word(0x9a81801d); /* csel x29, x0, x1, hi */
                s->x[0] = a;
                s->x[1] = b;
                s->v[0] = b & 1 ? 0 : 0x3ff0000000000000ull;
                s->v[1] = a & 1 ? 0x4000000000000000ull : a & 2 ? 0x7ff8000000000000ull : 0;
                a64_set_nzcv(v, before << 28);
                while (v->pc < CODE + code_len()) {
                    struct guest_request rq = request(v->pc);
                    rq.max_insns = step ? 1 : 100;
                    struct ir_unit u = unit(&rq);
                    ir_interp(&u, v);
                    assert_int_equal(v->exit, VCPU_NONE);
                }
                const u32 nzcv = a64_get_nzcv(v);
                results[step] = *s;
                results[step].cc_kind = nzcv; /* the same flags may have been made in another way */
                results[step].cc_a = results[step].cc_b = results[step].cc_c = 0;
            }
            assert_memory_equal(&results[0], &results[1], sizeof results[0]);
        }
}

/* Does condition `cond` hold, by the architecture's definition? */
static bool holds(u32 nzcv, u32 cond)
{
    const bool n = nzcv & 8, z = nzcv & 4, c = nzcv & 2, o = nzcv & 1;
    const bool r[] = {z, c, n, o, c && !z, n == o, n == o && !z, true};
    return r[cond / 2] ^ (cond % 2 && cond != 15);
}

/* A unit that begins with a branch, after every instruction that sets flags: what it makes of them without C, and with.
 */
static void branch_first(void **state)
{
    struct rng r = {7};
    for (u32 m = 0; m < ARRAY_LEN(makers); m++)
        for (u32 round = 0; round < 40; round++)
            for (u32 cond = 0; cond < 16; cond++) {
                begin();
                word(makers[m]);
                word(0x54000060 /* b.eq .+12 */ | cond);
                word(0xd503201f); /* nop */
                s->x[0] = values[rng_below(&r, ARRAY_LEN(values))];
                s->x[1] = values[rng_below(&r, ARRAY_LEN(values))];
                s->v[0] = s->x[1] & 1 ? 0 : 0x3ff0000000000000ull;
                s->v[1] = s->x[0] & 1 ? 0x4000000000000000ull : s->x[0] & 2 ? 0x7ff8000000000000ull : 0;
                a64_set_nzcv(v, rng_below(&r, 16) << 28);
                struct guest_request rq = request(CODE);
                rq.max_insns = 1;
                struct ir_unit u = unit(&rq);
                ir_interp(&u, v);
                assert_int_equal(v->pc, CODE + 4);
                const u32 nzcv = a64_get_nzcv(v) >> 28;
                rq = request(CODE + 4);
                u = unit(&rq);
                ir_interp(&u, v);
                assert_int_equal(v->pc == CODE + 16, holds(nzcv, cond));
                assert_int_equal(a64_get_nzcv(v) >> 28, nzcv);
            }
}

/* Flags are in their slots where something may leave the unit, and nowhere else. */
static void flags_are_stored_late(void **state)
{
    begin();
    word(0xeb01001f); /* cmp x0, x1 */
    word(0x9a81b002); /* csel x2, x0, x1, lt */
    word(0xeb03005f); /* cmp x2, x3 */
    word(0x9a9f17e4); /* cset x4, eq */
    word(0xf100049f); /* cmp x4, #1 */
    word(0x54000200); /* b.eq .+64 */
    struct guest_request rq = request(CODE);
    struct ir_unit u = unit(&rq);
    assert_int_equal(count(&u, IR_OP_put, A64_SLOT_CC_A), 1);
    assert_int_equal(count(&u, IR_OP_put, A64_SLOT_CC_KIND), 1);
    assert_int_equal(count(&u, IR_OP_get, A64_SLOT_CC_A), 0);

    own_faults();
    begin();
    word(0xeb01001f); /* cmp x0, x1 */
    word(0xf9400062); /* ldr x2, [x3] */
    s->x[0] = s->x[1] = 5;
    s->x[3] = MEM + 4096;
    run();
    assert_int_equal(v->exit, VCPU_FAULT);
    assert_int_equal(a64_get_nzcv(v), 6u << 28);
    begin();
    word(0xeb010000); /* subs x0, x0, x1 */
    word(0x00000000); /* udf #0 */
    s->x[0] = 5;
    s->x[1] = 6;
    run();
    assert_trap(IR_TRAP_ILLEGAL, CODE + 4);
    assert_int_equal(a64_get_nzcv(v), 8u << 28);
    begin();
    word(0x2b010000); /* adds w0, w0, w1 */
    word(0xfa41180f); /* ccmp x0, #1, #15, ne */
    word(0x5f000000); /* no instruction, among those that are */
    s->x[0] = 5;
    s->x[1] = -5ull;
    run();
    assert_trap(IR_TRAP_ILLEGAL, CODE + 8);
    assert_int_equal(a64_get_nzcv(v), 15u << 28);
}

/* --- system registers --- */

static u64 read_reg(u32 mrs)
{
    begin();
    word(mrs);
    run();
    assert_int_equal(v->exit, VCPU_NONE);
    return s->x[0];
}

static void registers_that_are_not(void **state)
{
    static const u32 none[] = {0xd5381000 /* mrs x0, sctlr_el1 */,
                               0xd538d080 /* mrs x0, tpidr_el1 */,
                               0xd53be020 /* mrs x0, cntpct_el0 */,
                               0xd53be320 /* mrs x0, cntv_ctl_el0 */,
                               0xd53b9d00 /* mrs x0, pmccntr_el0 */,
                               0xd5384240 /* mrs x0, currentel */,
                               0xd53b4220 /* mrs x0, daif */,
                               0xd53b2400 /* mrs x0, s3_3_c2_c4_0 */,
                               0xd53b42a0 /* mrs x0, s3_3_c4_c2_5 */,
                               0xd5330100 /* mrs x0, s2_3_c0_c1_0 */,
                               0xd5390020 /* mrs x0, clidr_el1 */,
                               0xd5380100 /* mrs x0, s3_0_c0_c1_0 */,
                               0xd5380800 /* mrs x0, s3_0_c0_c8_0 */,
                               0xd51b0020 /* msr ctr_el0, x0 */,
                               0xd51bd060 /* msr tpidrro_el0, x0 */,
                               0xd51be040 /* msr cntvct_el0, x0 */,
                               0xd51b00e0 /* msr dczid_el0, x0 */,
                               0xd5180600 /* msr s3_0_c0_c6_0, x0 */,
                               0xd5181000 /* msr sctlr_el1, x0 */};
    for (u32 n = 0; n < ARRAY_LEN(none); n++) {
        begin();
        word(none[n]);
        run();
        assert_trap(IR_TRAP_ILLEGAL, CODE);
    }
}

static void registers_that_are(void **state)
{
    assert_int_equal(read_reg(0xd5380000 /* mrs x0, midr_el1 */), A64_MIDR);
    assert_int_equal(read_reg(0xd53800a0 /* mrs x0, mpidr_el1 */), 1u << 31);
    assert_int_equal(read_reg(0xd53800c0 /* mrs x0, revidr_el1 */), 0);
    assert_int_equal(read_reg(0xd5380400 /* mrs x0, id_aa64pfr0_el1 */), a64_id_value(A64_ID_PFR0, false));
    assert_int_equal(read_reg(0xd5380600 /* mrs x0, id_aa64isar0_el1 */), a64_id_value(A64_ID_ISAR0, false));
    assert_int_equal(read_reg(0xd5380620 /* mrs x0, id_aa64isar1_el1 */), a64_id_value(A64_ID_ISAR1, false));
    assert_int_equal(read_reg(0xd5380720 /* mrs x0, id_aa64mmfr1_el1 */), 0);
    assert_int_equal(read_reg(0xd5380740 /* mrs x0, id_aa64mmfr2_el1 */), 0);
    v->cpu = A64_CPU_LSE2;
    assert_int_equal(read_reg(0xd5380740 /* mrs x0, id_aa64mmfr2_el1 */), 1ull << 32);
    v->cpu = 0;
    assert_true(a64_hwcap(0, true) >> 25 & 1 && !(a64_hwcap(0, false) >> 25 & 1));
    assert_int_equal(read_reg(0xd53807e0 /* mrs x0, s3_0_c0_c7_7 */), 0);
    assert_int_equal(read_reg(0xd53b00e0 /* mrs x0, dczid_el0 */), 4);
    assert_int_equal(read_reg(0xd53b0020 /* mrs x0, ctr_el0 */) >> 16 & 15, 4);
    assert_int_equal(read_reg(0xd53bd060 /* mrs x0, tpidrro_el0 */), 0);
    assert_int_equal(read_reg(0xd53be000 /* mrs x0, cntfrq_el0 */), A64_COUNTER_HZ);
    const u64 t = read_reg(0xd53be040 /* mrs x0, cntvct_el0 */);
    assert_true(read_reg(0xd53be040 /* mrs x0, cntvct_el0 */) >= t);
    begin();
    word(0xd51bd041); /* msr tpidr_el0, x1 */
    word(0xd53bd040); /* mrs x0, tpidr_el0 */
    s->x[1] = 0x123456789abcdef0;
    run();
    assert_int_equal(s->x[0], 0x123456789abcdef0);
    assert_int_equal(s->tpidr, 0x123456789abcdef0);
}

static void fpsr_and_fpcr(void **state)
{
    for (u32 n = 0; n < 64; n++) {
        const u32 fpsr = (n & 31) | (n & 1 ? A64_FPSR_QC : 0) | (n & 32 ? A64_FPSR_IDC : 0);
        begin();
        word(0xd53b4420); /* mrs x0, fpsr */
        a64_set_fpsr(v, fpsr | 0x40);
        assert_int_equal(a64_get_fpsr(v), fpsr);
        run();
        assert_int_equal(s->x[0], fpsr);
        begin();
        word(0xd51b4420); /* msr fpsr, x0 */
        s->x[0] = ~0ull << 32 | fpsr | 0x40;
        run();
        assert_int_equal(a64_get_fpsr(v), fpsr);
    }
    for (u32 n = 0; n < 2; n++) { /* its flags matter from the first access on */
        begin();
        word(n ? 0xd51b4420 /* msr fpsr, x0 */ : 0xd53b4420 /* mrs x0, fpsr */);
        word(0xd503201f); /* nop */
        for (u32 again = 0; again < 2; again++) {
            struct guest_request rq = request(CODE);
            struct ir_unit u = unit(&rq);
            assert_int_equal(u.guest_insns, 1 + again);
            assert_int_equal(u.tiny_any, !again);
            run();
            v->pc = CODE;
        }
    }
    static const u8 rounds[4] = {IR_RNE, IR_RUP, IR_RDN, IR_RTZ};
    for (u32 n = 0; n < 4; n++) {
        begin();
        word(0xd51b4400); /* msr fpcr, x0 */
        word(0xd53b4401); /* mrs x1, fpcr */
        s->x[0] = n << 22;
        struct guest_request rq = request(CODE);
        struct ir_unit u = unit(&rq);
        ir_interp(&u, v);
        assert_int_equal(v->exit, VCPU_NONE); /* a rounding mode alone does not end the mode */
        run();
        assert_int_equal(v->fp_round, rounds[n]);
        assert_int_equal(s->x[1], n << 22);
        a64_set_fpcr(v, n << 22 | 0xff);
        assert_int_equal(v->fp_round, rounds[n]);
        assert_int_equal(a64_get_fpcr(v), n << 22);
    }
    static const u32 bits[] = {A64_FPCR_DN, A64_FPCR_FZ, A64_FPCR_AHP, A64_FPCR_FZ16};
    for (u32 n = 0; n < 4; n++) {
        begin();
        word(0xd51b4400); /* msr fpcr, x0 */
        s->x[0] = bits[n];
        struct guest_request rq = request(CODE);
        struct ir_unit u = unit(&rq);
        ir_interp(&u, v);
        assert_trap(IR_TRAP_MODE, CODE + 4);
        assert_int_not_equal(guest_aarch64.mode(v), rq.mode);
    }
}

static void hints(void **state)
{
    static const u32 some[] = {0xd503201f /* nop */,
                               0xd503203f /* yield */,
                               0xd503205f /* wfe */,
                               0xd503207f /* wfi */,
                               0xd503209f /* sev */,
                               0xd50320bf /* sevl */,
                               0xd503233f /* paciasp */,
                               0xd50323bf /* autiasp */,
                               0xd503237f /* pacibsp */,
                               0xd50320ff /* xpaclri */,
                               0xd50324df /* bti jc */,
                               0xd5032fff /* hint #127 */,
                               0xd5033fdf /* isb */,
                               0xd5033bbf /* dmb ish */,
                               0xd5033f9f /* dsb sy */,
                               0xd50339bf /* dmb ishld */,
                               0xd5033a9f /* dsb ishst */,
                               0xf9800000 /* prfm pldl1keep, [x0] */,
                               0xd5033f5f /* clrex */};
    begin();
    for (u32 n = 0; n < ARRAY_LEN(some); n++)
        word(some[n]);
    for (u32 n = 0; n < 31; n++)
        s->x[n] = n * 0x0101010101010101ull;
    const struct a64_state before = *s;
    run();
    assert_int_equal(v->exit, VCPU_NONE);
    assert_memory_equal(s, &before, sizeof before);
}

/* --- memory --- */

/* Prefetches of data are hints to the host; none faults, and those of code, of the stack and next to the pc are
 * nothing. */
static void prefetches(void **state)
{
    begin();
    word(0xf9800420 /* prfm pldl1keep, [x1, #8] */);
    word(0xf8a26831 /* prfm pstl1strm, [x1, x2] */);
    word(0xf9800028 /* prfm plil1keep, [x1] */);
    word(0xf98003e0 /* prfm pldl1keep, [sp] */);
    word(0xd8000000 /* prfm pldl1keep, . */);
    s->x[1] = MEM + 4096;
    s->x[2] = 1ull << 62;
    struct guest_request rq = request(CODE);
    struct ir_unit u = unit(&rq);
    assert_int_equal(count(&u, IR_OP_prefetch, 0), 2);
    run();
    assert_int_equal(v->exit, VCPU_NONE);
}

/* A fault leaves everything as it was, and says where. */
static void faults(void **state)
{
    own_faults();
    static const struct {
        u32 w;
        u64 addr; /* in x1 */
        u64 at;
        u8 kind, access;
    } t[] = {
        {0xf9400421 /* ldr x1, [x1, #8] */, MEM + 4096, MEM + 4104, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0xf940003f /* ldr xzr, [x1] */, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0xf8408422 /* ldr x2, [x1], #8 */, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0xf8408c22 /* ldr x2, [x1, #8]! */, MEM + 4088, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0xa8c10422 /* ldp x2, x1, [x1], #16 */, MEM + 4088, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0xadc08c22 /* ldp q2, q3, [x1, #16]! */, MEM + 4064, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0xa9bf0c22 /* stp x2, x3, [x1, #-16]! */, MEM + 4104, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {0x3c810422 /* str q2, [x1], #16 */, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {0x4cdf2022 /* ld1 {v2.16b-v5.16b}, [x1], #64 */, MEM + 4048, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0x4cc20422 /* ld4 {v2.8h-v5.8h}, [x1], x2 */, MEM + 4048, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0x0ddf2c22 /* ld3 {v2.b-v4.b}[3], [x1], #3 */, MEM + 4094, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0x4dffc822 /* ld2r {v2.4s, v3.4s}, [x1], #8 */, MEM + 4092, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0x4d9f8422 /* st1 {v2.d}[1], [x1], #8 */, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {0xf8220021 /* ldadd x2, x1, [x1] */, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {0xd50b7421 /* dc zva, x1 */, MEM + 4097, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {0xd50b7b21 /* dc cvau, x1 */, MEM + 4097, MEM + 4097, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0xc85f7c21 /* ldxr x1, [x1] */, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {0x885f7c21 /* ldxr w1, [x1] */, MEM + 2, MEM + 2, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {0x485f7c21 /* ldxrh w1, [x1] */, MEM + 1, MEM + 1, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {0xc87f0422 /* ldxp x2, x1, [x1] */, MEM + 8, MEM + 8, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {0x887f0422 /* ldxp w2, w1, [x1] */, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {0xc8dffc21 /* ldar x1, [x1] */, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {0xb8bfc021 /* ldapr w1, [x1] */, MEM + 2, MEM + 2, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {0xc89ffc22 /* stlr x2, [x1] */, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0x489ffc22 /* stlrh w2, [x1] */, MEM + 1, MEM + 1, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0xc8027c23 /* stxr w2, x3, [x1] */, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0xc8221023 /* stxp w2, x3, x4, [x1] */, MEM + 8, MEM + 8, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0x78228021 /* swph w2, w1, [x1] */, MEM + 1, MEM + 1, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0xf8226021 /* ldumax x2, x1, [x1] */, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0x88a17c22 /* cas w1, w2, [x1] */, MEM + 2, MEM + 2, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0x48227c24 /* casp x2, x3, x4, x5, [x1] */, MEM + 8, MEM + 8, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {0x08227c24 /* casp w2, w3, w4, w5, [x1] */, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        begin();
        word(0xd503201f); /* nop */
        word(t[n].w);
        for (u32 k = 0; k < 31; k++)
            s->x[k] = k * 0x0101010101010101ull;
        for (u32 k = 0; k < 32; k++)
            s->v[k] = k;
        s->x[1] = t[n].addr;
        s->resv_addr = 0x77;
        struct a64_state before = *s;
        run();
        if (v->exit != VCPU_FAULT)
            fail_msg("entry %u did not fault", n);
        assert_int_equal(v->pc, CODE + 4);
        if (v->fault.addr != t[n].at)
            fail_msg("entry %u faulted at 0x%llx", n, (unsigned long long)v->fault.addr);
        assert_int_equal(v->fault.access, t[n].access);
        if (t[n].kind == VCPU_FAULT_MISALIGNED)
            assert_int_equal(v->fault.kind, VCPU_FAULT_MISALIGNED);
        else
            assert_int_not_equal(v->fault.kind, VCPU_FAULT_MISALIGNED);
        assert_memory_equal(s, &before, sizeof before);
    }
}

static void misaligned_is_fine(void **state)
{
    begin();
    word(0xf8401020); /* ldur x0, [x1, #1] */
    word(0xb8011020); /* stur w0, [x1, #17] */
    word(0x3cc01020); /* ldur q0, [x1, #1] */
    s->x[1] = MEM;
    set_mem(0, 0x1122334455667788);
    set_mem(8, 0x99);
    run();
    assert_int_equal(s->x[0], 0x9911223344556677);
    assert_int_equal(mem(17) & 0xffffffff, 0x44556677);
    assert_int_equal((u64)s->v[0], 0x9911223344556677);
}

/* LSE2: what must be aligned need only lie within 16 aligned bytes. */
static void granules(void **state)
{
    static const struct {
        u32 w, size;
    } t[] = {
        {0x485f7c22 /* ldxrh w2, [x1] */, 2},
        {0x885ffc22 /* ldaxr w2, [x1] */, 4},
        {0xc85f7c22 /* ldxr x2, [x1] */, 8},
        {0x887f0c22 /* ldxp w2, w3, [x1] */, 8},
        {0xc87f0c22 /* ldxp x2, x3, [x1] */, 16},
        {0xc8dffc22 /* ldar x2, [x1] */, 8},
        {0xb8bfc022 /* ldapr w2, [x1] */, 4},
        {0xc89ffc22 /* stlr x2, [x1] */, 8},
        {0x489ffc22 /* stlrh w2, [x1] */, 2},
        {0xc8047c23 /* stxr w4, x3, [x1] */, 8},
        {0x88241022 /* stxp w4, w2, w4, [x1] */, 8},
        {0xc8251022 /* stxp w5, x2, x4, [x1] */, 16},
        {0x78228023 /* swph w2, w3, [x1] */, 2},
        {0xf8226023 /* ldumax x2, x3, [x1] */, 8},
        {0x88a27c23 /* cas w2, w3, [x1] */, 4},
        {0x48227c24 /* casp x2, x3, x4, x5, [x1] */, 16},
        {0x08227c24 /* casp w2, w3, w4, w5, [x1] */, 8},
    };
    v->cpu = A64_CPU_LSE2;
    for (u32 n = 0; n < 16 * ARRAY_LEN(t); n++) {
        const u32 at = n % 16, size = t[n / 16].size;
        begin();
        word(t[n / 16].w);
        s->x[1] = MEM + at;
        run();
        const bool good = at + size <= 16;
        if (v->exit != (good ? VCPU_NONE : VCPU_FAULT))
            fail_msg("entry %u at %u: exit %u", n / 16, at, v->exit);
        if (!good) {
            assert_int_equal(v->fault.kind, VCPU_FAULT_MISALIGNED);
            assert_int_equal(v->fault.addr, MEM + at);
        }
    }
    for (u32 at = 0; at <= 8; at++) { /* neighbours stay as they are */
        begin();
        word(0xf8220023 /* ldadd x2, x3, [x1] */);
        word(0xc85f7c24 /* ldxr x4, [x1] */);
        word(0xc8057c22 /* stxr w5, x2, [x1] */);
        memset(window + MEM, 0xee, 32);
        memset(window + MEM + at, 0x11, 8);
        s->x[1] = MEM + at;
        s->x[2] = 0x2222222222222222;
        run();
        assert_int_equal(s->x[3], 0x1111111111111111);
        assert_int_equal(s->x[4], 0x3333333333333333);
        assert_int_equal(s->x[5], 0);
        u8 want[32];
        memset(want, 0xee, sizeof want);
        memset(want + at, 0x22, 8);
        assert_memory_equal(window + MEM, want, sizeof want);
    }
    v->cpu = 0;
}

/* LSE2: a pair is one access where somebody could see that it is not. */
static void pairs_in_one(void **state)
{
    static const struct {
        u32 w, op, one, two; /* aux of the one access, or of the two (0: none) */
    } t[] = {
        {0xa9400c22 /* ldp x2, x3, [x1] */, IR_OP_ld, 4, 0},
        {0xa8400c22 /* ldnp x2, x3, [x1] */, IR_OP_ld, 4, 0},
        {0xa9400fe2 /* ldp x2, x3, [sp] */, IR_OP_ld, 4, 0},
        {0xa9408fe2 /* ldp x2, x3, [sp, #8] */, IR_OP_ld, 0, 3},
        {0xa9be0fe2 /* stp x2, x3, [sp, #-32]! */, IR_OP_st, 4, 0},
        {0xa9000c22 /* stp x2, x3, [x1] */, IR_OP_st, 4, 0},
        {0x29400c22 /* ldp w2, w3, [x1] */, IR_OP_ld, 3, 0},
        {0x69400c22 /* ldpsw x2, x3, [x1] */, IR_OP_ld, 3, 0},
        {0x29018fe2 /* stp w2, w3, [sp, #12] */, IR_OP_st, 0, 2},
        {0x29000c22 /* stp w2, w3, [x1] */, IR_OP_st, 3, 0},
        {0x2d400c22 /* ldp s2, s3, [x1] */, IR_OP_ld, 3, 0},
        {0x2d000c22 /* stp s2, s3, [x1] */, IR_OP_st, 3, 0},
        {0x6d400c22 /* ldp d2, d3, [x1] */, IR_OP_ld, 4, 0},
        {0x6d000c22 /* stp d2, d3, [x1] */, IR_OP_st, 4, 0},
        {0xad400c22 /* ldp q2, q3, [x1] */, IR_OP_ld, 0, 4},
        {0xad000c22 /* stp q2, q3, [x1] */, IR_OP_st, 0, 4},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        struct a64_state after[2];
        u8 bytes[2][64];
        for (u32 k = 0; k < 2; k++) {
            begin();
            v->cpu = k ? A64_CPU_LSE2 : 0;
            word(t[n].w);
            s->sp = s->x[1] = MEM + 32;
            for (u32 r = 2; r < 4; r++) {
                s->x[r] = r * 0x8081828384858687;
                s->v[r] = (u128)(r * 0x9091929394959697) << 64 | r * 0xa0a1a2a3a4a5a6a7;
            }
            for (u32 j = 0; j < 64; j++)
                window[MEM + j] = (u8)(0x71 * (j + 1));
            run();
            assert_int_equal(v->exit, VCPU_NONE);
            after[k] = *s;
            memcpy(bytes[k], window + MEM, 64);
        }
        assert_memory_equal(&after[0], &after[1], sizeof after[0]);
        assert_memory_equal(bytes[0], bytes[1], sizeof bytes[0]);
        struct guest_request rq = request(CODE);
        struct ir_unit u = unit(&rq);
        if (count(&u, t[n].op, 4) + count(&u, t[n].op, 3) + count(&u, t[n].op, 2) != (t[n].one ? 1 : 2) ||
            (t[n].one && !count(&u, t[n].op, t[n].one)) || (t[n].two && count(&u, t[n].op, t[n].two) != 2))
            fail_msg("entry %u", n);
    }
    own_faults();
    begin(); /* what cannot be written whole is not begun */
    word(0xa9000c22 /* stp x2, x3, [x1] */);
    s->x[1] = MEM + 4088;
    s->x[2] = 1;
    run();
    assert_int_equal(v->exit, VCPU_FAULT);
    assert_int_equal(v->fault.addr, MEM + 4096);
    assert_int_equal(mem(4088), 0);
    v->cpu = 0;
}

/* sp as a base must be a multiple of 16, however it came to be none, and whatever is added to it. */
static void odd_sp(void **state)
{
    static const u32 uses[] = {0xf94003e0 /* ldr x0, [sp] */,          0xf94007e0 /* ldr x0, [sp, #8] */,
                               0xa8c10fe2 /* ldp x2, x3, [sp], #16 */, 0x3c9f0fe0 /* str q0, [sp, #-16]! */,
                               0xf8636be0 /* ldr x0, [sp, x3] */,      0xf82103e2 /* ldadd x1, x2, [sp] */,
                               0x4c4073e0 /* ld1 {v0.16b}, [sp] */,    0xc85f7fe0 /* ldxr x0, [sp] */};
    static const u32 makes[] = {0x9100003f /* mov sp, x1 */, 0x8b2163ff /* add sp, sp, x1 */,
                                0xd10023ff /* sub sp, sp, #8 */, 0xf81f8fe1 /* str x1, [sp, #-8]! */};
    for (u32 n = 0; n < ARRAY_LEN(uses) * ARRAY_LEN(makes); n++) {
        begin();
        word(makes[n % ARRAY_LEN(makes)]);
        word(0xd503201f /* nop */);
        word(0xf98003e0 /* prfm pldl1keep, [sp] */);
        word(0xf9400040 /* ldr x0, [x2] */);
        word(uses[n / ARRAY_LEN(makes)]);
        s->sp = s->x[2] = MEM + 256;
        s->x[1] = n % ARRAY_LEN(makes) == 0 ? MEM + 24 : 8;
        s->x[3] = 8;
        run();
        assert_int_equal(v->exit, VCPU_FAULT);
        assert_int_equal(v->fault.kind, VCPU_FAULT_MISALIGNED);
        assert_int_equal(v->fault.addr, s->sp);
        assert_int_equal(v->pc, CODE + 16);
    }
    /* even again, however; and what keeps sp even does not end the unit */
    begin();
    word(0xd10023ff /* sub sp, sp, #8 */);
    word(0xd10023ff /* sub sp, sp, #8 */);
    word(0xf94003e0 /* ldr x0, [sp] */);
    s->sp = MEM + 256;
    set_mem(240, 77);
    run();
    assert_int_equal(s->x[0], 77);
    begin();
    word(0xd10083ff /* sub sp, sp, #32 */);
    word(0x3c9f0fe0 /* str q0, [sp, #-16]! */);
    word(0x927cec3f /* and sp, x1, #-16 */);
    word(0xf94003e0 /* ldr x0, [sp] */);
    struct guest_request rq = request(CODE);
    assert_int_equal(unit(&rq).guest_insns, 4);
}

/* Where the architecture leaves it open, the new address wins. */
static void base_is_loaded(void **state)
{
    begin();
    word(0xf8408421); /* ldr x1, [x1], #8 */
    s->x[1] = MEM;
    set_mem(0, 5);
    run();
    assert_int_equal(s->x[1], MEM + 8);
}

static void block_zero(void **state)
{
    begin();
    word(0xd50b7421); /* dc zva, x1 */
    memset(window + MEM, 0xff, 256);
    s->x[1] = MEM + 64 + 37;
    run();
    for (u64 at = 0; at < 256; at += 8)
        assert_int_equal(mem(at), at >= 64 && at < 128 ? 0 : ~0ull);
}

static void tags(void **state)
{
    begin();
    word(0xf8408c20); /* ldr x0, [x1, #8]! */
    word(0xc89ffc40); /* stlr x0, [x2] */
    word(0x4ddf8440); /* ld1 {v0.d}[1], [x2], #8 */
    s->tags = 1;
    s->x[1] = MEM | 0xabull << 56;
    s->x[2] = MEM | 0x12ull << 56;
    set_mem(8, 77);
    run();
    assert_int_equal(v->exit, VCPU_NONE);
    assert_int_equal(s->x[0], 77);
    assert_int_equal(s->x[1], (MEM + 8) | 0xabull << 56); /* kept */
    assert_int_equal(mem(0), 77);
    assert_int_equal((u64)(s->v[0] >> 64), 77);
}

/* --- atomics --- */

static void reservations(void **state)
{
    static const struct {
        u32 w[4];
        bool stores;
    } t[] = {
        {{0xc85f7c20 /* ldxr x0, [x1] */, 0xc8027c23 /* stxr w2, x3, [x1] */}, true},
        {{0xd503201f /* nop */, 0xc8027c23 /* stxr w2, x3, [x1] */}, false},
        {{0xc85f7c20 /* ldxr x0, [x1] */, 0xd5033f5f /* clrex */, 0xc8027c23 /* stxr w2, x3, [x1] */}, false},
        {{0xc85ffc20 /* ldaxr x0, [x1] */, 0x91002021 /* add x1, x1, #8 */, 0xc802fc23 /* stlxr w2, x3, [x1] */},
         false},
        {{0xc85f7c20 /* ldxr x0, [x1] */, 0xf9000024 /* str x4, [x1] */, 0xc8027c23 /* stxr w2, x3, [x1] */}, false},
        {{0xc85f7c20 /* ldxr x0, [x1] */, 0xc8057cc4 /* stxr w5, x4, [x6] */, 0xc8027c23 /* stxr w2, x3, [x1] */},
         false},
        {{0x085f7c20 /* ldxrb w0, [x1] */, 0x08027c23 /* stxrb w2, w3, [x1] */}, true},
        {{0x485ffc20 /* ldaxrh w0, [x1] */, 0x4802fc23 /* stlxrh w2, w3, [x1] */}, true},
        {{0xc87f1c20 /* ldxp x0, x7, [x1] */, 0xc8221023 /* stxp w2, x3, x4, [x1] */}, true},
        {{0x887f1c20 /* ldxp w0, w7, [x1] */, 0x88221023 /* stxp w2, w3, w4, [x1] */}, true},
        {{0xc87f9c20 /* ldaxp x0, x7, [x1] */, 0xf9000424 /* str x4, [x1, #8] */,
          0xc8229023 /* stlxp w2, x3, x4, [x1] */},
         false},
        {{0xc87f9c20 /* ldaxp x0, x7, [x1] */, 0x91004021 /* add x1, x1, #16 */,
          0xc8229023 /* stlxp w2, x3, x4, [x1] */},
         false},
        {{0xd503201f /* nop */, 0xc8221023 /* stxp w2, x3, x4, [x1] */}, false},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        begin();
        for (u32 k = 0; k < 4 && t[n].w[k]; k++)
            word(t[n].w[k]);
        s->x[1] = MEM;
        s->x[2] = 99;
        s->x[3] = 0x33;
        s->x[4] = 0x44;
        s->x[6] = MEM + 64;
        set_mem(0, 0x11);
        run();
        assert_int_equal(v->exit, VCPU_NONE);
        if (s->x[2] != !t[n].stores)
            fail_msg("entry %u: status %llu", n, (unsigned long long)s->x[2]);
        const bool stored = mem(0) == 0x33 || mem(0) == (0x44ull << 32 | 0x33);
        assert_int_equal(stored, t[n].stores);
        assert_int_equal(s->resv_addr, A64_RESV_NONE);
    }
}

static void compare_and_swap(void **state)
{
    for (u32 hit = 0; hit < 2; hit++) {
        begin();
        word(0x48227c24); /* casp x2, x3, x4, x5, [x1] */
        word(0x08267d48); /* casp w6, w7, w8, w9, [x10] */
        word(0x08ab7dac); /* casb w11, w12, [x13] */
        s->x[1] = MEM;
        s->x[2] = 1;
        s->x[3] = hit ? 2 : 3;
        s->x[4] = 100;
        s->x[5] = 200;
        s->x[6] = 0xff00000001;
        s->x[7] = hit ? 0xff00000002 : 3;
        s->x[8] = 0x100;
        s->x[9] = 0x200;
        s->x[10] = MEM + 32;
        s->x[11] = hit ? 0x1105 : 0x1106;
        s->x[12] = 0x77;
        s->x[13] = MEM + 41;
        set_mem(0, 1);
        set_mem(8, 2);
        set_mem(32, 2ull << 32 | 1);
        set_mem(40, 0x112205aa);
        run();
        assert_int_equal(s->x[2], 1);
        assert_int_equal(s->x[3], 2);
        assert_int_equal(mem(0), hit ? 100 : 1);
        assert_int_equal(mem(8), hit ? 200 : 2);
        assert_int_equal(s->x[6], 1);
        assert_int_equal(s->x[7], 2);
        assert_int_equal(mem(32), hit ? 0x20000000100 : 0x200000001);
        assert_int_equal(s->x[11], 5);
        assert_int_equal(mem(40), hit ? 0x112277aa : 0x112205aa);
    }
    /* the register after x30 is zero, and takes nothing */
    begin();
    word(0x483e7c3e); /* casp x30, xzr, x30, xzr, [x1] */
    s->x[1] = MEM;
    s->x[30] = 0;
    run();
    assert_int_equal(s->x[30], 0);
    assert_int_equal(mem(8), 0);
}

/* Barriers order what they say, and a store-release is ordered before a later load-acquire, but no ldapr. */
static void ordering(void **state)
{
    begin();
    word(0xd5033bbf); /* dmb ish */
    word(0xd50339bf); /* dmb ishld */
    word(0xd5033abf); /* dmb ishst */
    word(0xc8dffc20); /* ldar x0, [x1] */
    word(0xc89ffc20); /* stlr x0, [x1] */
    word(0xf8bfc020); /* ldapr x0, [x1] */
    word(0xf8e00022); /* ldaddal x0, x2, [x1] */
    struct guest_request rq = request(CODE);
    struct ir_unit u = unit(&rq);
    assert_int_equal(count(&u, IR_OP_fence, IR_FENCE_PR | IR_FENCE_PW | IR_FENCE_SR | IR_FENCE_SW), 1);
    assert_int_equal(count(&u, IR_OP_fence, IR_FENCE_PR | IR_FENCE_SR | IR_FENCE_SW), 1);
    assert_int_equal(count(&u, IR_OP_fence, IR_FENCE_PW | IR_FENCE_SW), 1);
    assert_int_equal(count(&u, IR_OP_ld, 3 | IR_MEM_ACQ | IR_MEM_SEQ | IR_MEM_ALIGN), 1);
    assert_int_equal(count(&u, IR_OP_ld, 3 | IR_MEM_ACQ | IR_MEM_ALIGN), 1);
    assert_int_equal(count(&u, IR_OP_st, 3 | IR_MEM_REL | IR_MEM_SEQ | IR_MEM_ALIGN), 1);
    assert_int_equal(count(&u, IR_OP_amo, 3 | IR_MEM_ACQ | IR_MEM_REL | IR_AMO_ADD << IR_AMO_SHIFT), 1);
}

int main(void)
{
    if (!units_open(&guest_aarch64))
        return 1;
    s = a64_state(v);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traps),
        cmocka_unit_test(all_exist),
        cmocka_unit_test(fetch_trap),
        cmocka_unit_test(limits),
        cmocka_unit_test(branches),
        cmocka_unit_test(calls),
        cmocka_unit_test(register_31),
        cmocka_unit_test(nzcv_from_outside),
        cmocka_unit_test(zero_without_a_call),
        cmocka_unit_test(every_condition),
        cmocka_unit_test(branch_first),
        cmocka_unit_test(flags_are_stored_late),
        cmocka_unit_test(registers_that_are_not),
        cmocka_unit_test(registers_that_are),
        cmocka_unit_test(fpsr_and_fpcr),
        cmocka_unit_test(hints),
        cmocka_unit_test(prefetches),
        cmocka_unit_test(faults),
        cmocka_unit_test(misaligned_is_fine),
        cmocka_unit_test(granules),
        cmocka_unit_test(pairs_in_one),
        cmocka_unit_test(odd_sp),
        cmocka_unit_test(base_is_loaded),
        cmocka_unit_test(block_zero),
        cmocka_unit_test(tags),
        cmocka_unit_test(reservations),
        cmocka_unit_test(compare_and_swap),
        cmocka_unit_test(ordering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
