/* What is this backend's own: registers and fcsr are as the host's ABI wants them after translated code, and exits lead
 * to where a single jump does not reach. */
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
static struct mk_code far; /* beyond a jump of the harness's code, but as near as code memory is */

#define NINT   20
#define NFLOAT 27
static struct ir_slot table[NINT + NFLOAT + 1];
static struct ir_slots slots = {table, ARRAY_LEN(table)};

/* More slots of each class than are pinned, and one that has no rank. */
static void make_slots(void)
{
    for (u32 i = 0; i < ARRAY_LEN(table); i++) {
        bool f = i >= NINT && i < NINT + NFLOAT;
        table[i] = (struct ir_slot){"s", f ? IR_F64 : IR_I64, f ? IR_CLASS_FLOAT : IR_CLASS_INT,
                                    (u16)(f ? i - NINT + 1 : i + 1), 8 * i};
    }
    table[ARRAY_LEN(table) - 1] = (struct ir_slot){"w", IR_I64, IR_CLASS_INT, 0, 8 * (ARRAY_LEN(table) - 1)};
}

static u32 fcsr(void)
{
    u32 x;
    __asm__ volatile("frcsr %0" : "=r"(x));
    return x;
}

/* Calls fn(a, b, c) with 10..21 in s0..s11 and 30..41 in fs0..fs11, and stores what is in them after. */
void call_marked(u64 a, u64 b, u64 c, void *fn, u64 out[24]);
__asm__(".text\n"
        ".type call_marked, @function\n"
        "call_marked:\n"
        "addi sp, sp, -224\n"
        "sd ra, 0(sp)\n sd a4, 8(sp)\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
        "sd s\\n, 16 + 8 * \\n(sp)\n fsd fs\\n, 112 + 8 * \\n(sp)\n"
        "li s\\n, 10 + \\n\n li t0, 30 + \\n\n fmv.d.x fs\\n, t0\n"
        ".endr\n"
        "jalr a3\n"
        "ld a4, 8(sp)\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
        "sd s\\n, 8 * \\n(a4)\n fsd fs\\n, 96 + 8 * \\n(a4)\n"
        "ld s\\n, 16 + 8 * \\n(sp)\n fld fs\\n, 112 + 8 * \\n(sp)\n"
        ".endr\n"
        "ld ra, 0(sp)\n"
        "addi sp, sp, 224\n"
        "ret\n"
        ".size call_marked, . - call_marked\n");

static void enter_checked(const struct emitted *e)
{
    u64 out[24] = {0};
    assert_int_equal(mk_hosted_take_signals(), 0); /* cmocka has them */
    harness_arm(&h, true);
    void *fn;
    memcpy(&fn, &host_native.enter, sizeof fn);
    call_marked((u64)(uintptr_t)h.v, (u64)(uintptr_t)e->hc.rx, (u64)(uintptr_t)h.common, fn, out);
    harness_arm(&h, false);
    for (u32 i = 0; i < 12; i++) {
        assert_int_equal(out[i], 10 + i);
        assert_int_equal(out[12 + i], 30 + i);
    }
    assert_int_equal(fcsr(), 0);
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

/* Emits a unit that adds n to slot 0 and traps at pc, into `code` at `off`. */
static void trap_unit(const struct mk_code *code, size_t off, gva_t pc, u64 n, struct emitted *e)
{
    static struct ir_unit u;
    struct ir_builder b;
    u = (struct ir_unit){.arena = &arena, .slots = &slots};
    ir_begin(&b, &u, pc);
    ir_insn(&b, pc, 4);
    ir_put(&b, 0, ir_op2i(&b, IR_OP_add, ir_get(&b, 0), n));
    ir_trap(&b, IR_TRAP_STOP, pc);
    assert_int_equal(ir_finish(&b), 0);
    e->unit = &u;
    e->hc = (struct host_code){.rw = code->rw + off,
                               .rx = code->rx + off,
                               .cap = 4096,
                               .common = h.common,
                               .marks = e->marks,
                               .nmarks_cap = ARRAY_LEN(e->marks),
                               .exits = e->exits,
                               .nexits_cap = ARRAY_LEN(e->exits)};
    assert_int_equal(host_native.emit(&u, &e->hc), 0);
    mk_code_sync(code, off, e->hc.size);
}

static u64 run(const struct emitted *e, gva_t pc)
{
    u64 x = 0;
    memcpy(h.v->slots, &x, 8);
    enter_checked(e);
    assert_int_equal(h.v->pc, pc);
    memcpy(&x, h.v->slots, 8);
    return x;
}

/* Links out of reach of a jump, from jumps, calls and landings; back to the stub; to another such place; to a near one.
 */
static void test_far_links(void **state)
{
    static struct emitted e, a, b, c;
    struct ir_unit u = {.arena = &arena, .slots = &slots};
    struct ir_builder ib;
    arena_reset(&arena);
    h.v->fp_round = IR_RNE;
    ir_begin(&ib, &u, 0x1000);
    ir_insn(&ib, 0x1000, 4);
    ir_exit_if(&ib, IR_EQ, ir_get(&ib, 1), ir_const(&ib, IR_I64, 5), 0x3000);
    ir_exit_call(&ib, 0x2000, 0x1004);
    assert_int_equal(ir_finish(&ib), 0);
    assert_int_equal(harness_emit(&h, &u, 0, 50, &e), 0);
    assert_int_equal(e.hc.nexits, 3);
    trap_unit(&far, 4 << 20, 0x2000, 1, &a);
    trap_unit(&far, 12 << 20, 0x2000, 10, &b);
    trap_unit(&h.code, 512 << 10, 0x2000, 100, &c);
    for (u32 side = 0; side < 2; side++) {
        const struct host_exit *x = &e.exits[1 - side];
        u64 k = side ? 5 : 0;
        memcpy(h.v->slots + 8, &k, 8);
        for (u32 turn = 0; turn < 2; turn++) {
            harness_link(&h, &e.hc, x, a.hc.rx);
            assert_int_equal(run(&e, 0x2000), 1);
            harness_link(&h, &e.hc, x, b.hc.rx);
            assert_int_equal(run(&e, 0x2000), 10);
            harness_link(&h, &e.hc, x, c.hc.rx);
            assert_int_equal(run(&e, 0x2000), 100);
            harness_link(&h, &e.hc, x, e.hc.rx + x->stub_off);
            assert_int_equal(run(&e, x->pc), 0);
            assert_int_equal(h.v->exit, VCPU_LINK);
            assert_int_equal(h.v->exit_id, 51 - side);
        }
    }
    /* The landing: where a matched return arrives. */
    u64 zero = 0;
    memcpy(h.v->slots + 8, &zero, 8);
    harness_forget(&h);
    run(&e, 0x2000); /* pushes */
    struct emitted ret;
    struct ir_unit r = {.arena = &arena, .slots = &slots};
    ir_begin(&ib, &r, 0x2000);
    ir_insn(&ib, 0x2000, 4);
    ir_exit_ret(&ib, ir_const(&ib, IR_I64, 0x1004));
    assert_int_equal(ir_finish(&ib), 0);
    assert_int_equal(harness_emit(&h, &r, 256 << 10, 60, &ret), 0);
    void *top = h.v->ras_sp;
    for (u32 turn = 0; turn < 2; turn++) {
        h.v->ras_sp = top;
        harness_link(&h, &e.hc, &e.exits[2], turn ? b.hc.rx : a.hc.rx);
        assert_int_equal(run(&ret, 0x2000), turn ? 10 : 1);
    }
    h.v->ras_sp = top;
    harness_link(&h, &e.hc, &e.exits[2], e.hc.rx + e.exits[2].stub_off);
    run(&ret, 0x1004);
    assert_int_equal(h.v->exit, VCPU_LINK);
    assert_int_equal(h.v->exit_id, 52);
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
    make_slots();
    if (mk_code_create(&far, 16 << 20)) /* before the harness's window comes to lie between */
        return 2;
    harness_start(&h, 0);
    arena_init(&arena);
    harness_slots(&h, &slots);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_leave_by_fault),
        cmocka_unit_test(test_far_links),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests_name("riscv64", tests, NULL, NULL);
}
