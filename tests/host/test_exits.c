/* How translated code goes on: links, calls and returns, the jump cache, polls; and running out of room.
 *
 * The driver below does for a handful of units what the engine does: it links exits, fills the jump cache, and goes on
 * until a trap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/hosted/hosted.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "tests/host/harness.h"

static struct harness h;
static struct arena arena;

enum { A0, A1, A2, A3, NSLOTS };
static const struct ir_slot table[] = {
    {"a0", IR_I64, IR_CLASS_INT, 1, 0},  {"a1", IR_I64, IR_CLASS_INT, 2, 8},    {"a2", IR_I64, IR_CLASS_INT, 0, 16},
    {"a3", IR_I64, IR_CLASS_INT, 3, 24}, {"f0", IR_F64, IR_CLASS_FLOAT, 1, 32},
};
static const struct ir_slots slots = {table, ARRAY_LEN(table)};

static u64 slot(u32 s)
{
    u64 x;
    memcpy(&x, h.v->slots + table[s].offset, 8);
    return x;
}
static void set_slot(u32 s, u64 x)
{
    memcpy(h.v->slots + table[s].offset, &x, 8);
}

/* --- a small engine --- */

#define MAX_BLOCKS 16
struct blk {
    struct ir_unit u;
    struct ir_builder b;
    struct emitted e;
};
static struct blk *blk[MAX_BLOCKS];
static u32 nblk, next_exit, links, lookups;
static size_t used;

static void fresh(void **state)
{
    for (u32 i = 0; i < nblk; i++)
        free(blk[i]);
    nblk = links = lookups = 0;
    next_exit = 100;
    used = 0;
    arena_reset(&arena);
    harness_slots(&h, &slots);
    memset(h.v->slots, 0, sizeof h.v->slots);
    h.v->poll = 0;
    h.own_faults = 0;
}

/* Begins a block at pc. */
static struct ir_builder *begin(gva_t pc)
{
    struct blk *k = calloc(1, sizeof *k);
    blk[nblk++] = k;
    k->u = (struct ir_unit){.arena = &arena, .slots = &slots};
    ir_begin(&k->b, &k->u, pc);
    ir_insn(&k->b, pc, 4);
    return &k->b;
}

static struct emitted *finish(void)
{
    struct blk *k = blk[nblk - 1];
    char why[200] = "";
    assert_int_equal(ir_finish(&k->b), 0);
    assert_true(ir_verify(&k->u, why, sizeof why) == 0 || why[0]);
    assert_string_equal(why, "");
    assert_int_equal(harness_emit(&h, &k->u, used, next_exit, &k->e), 0);
    used += (k->e.hc.size + 63) & ~63ull;
    next_exit += k->e.hc.nexits;
    return &k->e;
}

static struct emitted *find(gva_t pc)
{
    for (u32 i = 0; i < nblk; i++)
        if (blk[i]->u.pc == pc)
            return &blk[i]->e;
    fail_msg("no block at %lx", (unsigned long)pc);
    return NULL;
}

static void link_exit(u32 id, const struct emitted *to)
{
    for (u32 i = 0; i < nblk; i++) {
        struct host_code *hc = &blk[i]->e.hc;
        if (id - hc->exit_id >= hc->nexits)
            continue;
        const struct host_exit *x = &hc->exits[id - hc->exit_id];
        harness_link(&h, hc, x, to ? to->hc.rx : hc->rx + x->stub_off);
        return;
    }
    fail_msg("no exit %u", id);
}

/* Goes on from pc until something else than a link or a look-up is wanted. */
static void go(gva_t pc)
{
    struct vcpu *v = h.v;
    assert_int_equal(mk_hosted_take_signals(), 0); /* cmocka has them */
    v->pc = pc;
    for (u32 turns = 0;; turns++) {
        assert_true(turns < 100000);
        harness_enter(&h, find(v->pc));
        if (v->exit == VCPU_LINK) {
            links++;
            link_exit(v->exit_id, find(v->pc));
        } else if (v->exit == VCPU_LOOKUP) {
            lookups++;
            struct vcpu_jc *j = &v->jc[vcpu_jc_index(v, v->pc)];
            *j = (struct vcpu_jc){v->pc, find(v->pc)->hc.rx};
        } else {
            return;
        }
    }
}

static void add_to(struct ir_builder *b, u32 s, u64 n)
{
    ir_put(b, s, ir_op2i(b, IR_OP_add, ir_get(b, s), n));
}

/* A block that adds n to slot s and ends in a trap. */
static void trap_block(gva_t pc, u32 s, u64 n)
{
    struct ir_builder *b = begin(pc);
    add_to(b, s, n);
    ir_trap(b, IR_TRAP_SYSCALL, pc + 4);
    finish();
}

static size_t depth(void)
{
    return (size_t)((u8 *)h.v->ras_base + h.v->ras_size - 16 * VCPU_RAS_SENTINELS - (u8 *)h.v->ras_sp) / 16;
}

/* --- direct exits --- */

static void test_link(void **state)
{
    struct ir_builder *b = begin(0x1000);
    add_to(b, A0, 1);
    ir_exit_if(b, IR_EQ, ir_get(b, A1), ir_const(b, IR_I64, 5), 0x3000);
    ir_exit(b, 0x2000);
    struct emitted *a = finish();
    trap_block(0x2000, A2, 10);
    trap_block(0x3000, A2, 20);
    assert_int_equal(a->hc.nexits, 2);
    assert_int_equal(a->exits[0].pc, 0x3000);
    assert_int_equal(a->exits[1].pc, 0x2000);

    /* Unlinked, it says which exit and where it leads. */
    harness_enter(&h, a);
    assert_int_equal(h.v->exit, VCPU_LINK);
    assert_int_equal(h.v->exit_id, 101);
    assert_int_equal(h.v->pc, 0x2000);
    set_slot(A1, 5);
    harness_enter(&h, a);
    assert_int_equal(h.v->exit, VCPU_LINK);
    assert_int_equal(h.v->exit_id, 100);
    assert_int_equal(h.v->pc, 0x3000);

    go(0x1000);
    assert_int_equal(h.v->exit, VCPU_TRAP);
    assert_int_equal(h.v->trap, IR_TRAP_SYSCALL);
    assert_int_equal(h.v->pc, 0x3004);
    assert_int_equal(slot(A2), 20);
    /* Linked now: no more visits. */
    links = 0;
    go(0x1000);
    assert_int_equal(links, 0);
    assert_int_equal(slot(A2), 40);
    /* And unlinked again. */
    link_exit(100, NULL);
    harness_enter(&h, a);
    assert_int_equal(h.v->exit, VCPU_LINK);
    assert_int_equal(h.v->exit_id, 100);
}

static void test_large_pc(void **state)
{
    const gva_t far = 0x2aaaaaa00000;
    struct ir_builder *b = begin(far);
    ir_put(b, A0, ir_const(b, IR_I64, far + 4));
    ir_exit_call(b, far + 0x100, far + 4);
    finish();
    b = begin(far + 0x100);
    add_to(b, A1, 1);
    ir_exit_ret(b, ir_get(b, A0));
    finish();
    trap_block(far + 4, A2, 1);
    go(far);
    assert_int_equal(h.v->exit, VCPU_TRAP);
    assert_int_equal(h.v->pc, far + 8);
    assert_int_equal(slot(A1), 1);
    assert_int_equal(depth(), 0);
}

/* Where an exit and a poll lead is told wherever that is, and the return-address stack stays as it is. */
static void test_places(void **state)
{
    static const gva_t places[] = {0x1000,       0x7ffffffc,    0x80000000,     0xfffffffc,        0x3456789a00,
                                   0xfffffffffc, 0x10000000000, 0x2aaaaaa00000, 0xfffffffffffff000};
    for (u32 i = 0; i < ARRAY_LEN(places); i++) {
        fresh(NULL);
        next_exit = 1u << (3 * i);
        struct ir_builder *b = begin(places[i]);
        add_to(b, A1, 1);
        ir_exit(b, places[i]);
        struct emitted *e = finish();
        const size_t deep = depth();
        for (u32 poll = 0; poll < 2; poll++) {
            h.v->poll = poll ? VCPU_POLLED : 0;
            h.v->pc = 0;
            h.v->exit_id = 0;
            harness_enter(&h, e);
            assert_int_equal(h.v->exit, poll ? VCPU_POLL : VCPU_LINK);
            assert_int_equal(h.v->pc, places[i]);
            assert_int_equal(h.v->exit_id, poll ? 0 : 1u << (3 * i));
            assert_int_equal(depth(), deep);
        }
    }
}

/* --- calls and returns --- */

static void test_call_return(void **state)
{
    struct ir_builder *b = begin(0x1000);
    ir_put(b, A3, ir_const(b, IR_I64, 0x1004));
    ir_exit_call(b, 0x2000, 0x1004);
    struct emitted *a = finish();
    b = begin(0x2000);
    add_to(b, A0, 7);
    ir_exit_ret(b, ir_get(b, A3));
    finish();
    trap_block(0x1004, A1, 1);
    assert_int_equal(a->hc.nexits, 2); /* the call, and its landing */
    go(0x1000);
    assert_int_equal(slot(A0), 7);
    assert_int_equal(slot(A1), 1);
    assert_int_equal(links, 2);
    assert_int_equal(lookups, 0);
    assert_int_equal(depth(), 0);
    go(0x1000);
    assert_int_equal(links, 2);
    assert_int_equal(depth(), 0);
}

/* A return that goes elsewhere than it was called from. */
static void test_wrong_return(void **state)
{
    struct ir_builder *b = begin(0x1000);
    ir_exit_call(b, 0x2000, 0x1004);
    finish();
    b = begin(0x2000);
    ir_exit_ret(b, ir_const(b, IR_I64, 0x3000));
    finish();
    trap_block(0x1004, A1, 1);
    trap_block(0x3000, A1, 100);
    go(0x1000);
    assert_int_equal(slot(A1), 100);
    assert_int_equal(lookups, 1);
    go(0x1000);
    assert_int_equal(slot(A1), 200);
    assert_int_equal(lookups, 1);
}

static void test_empty_stack(void **state)
{
    struct ir_builder *b = begin(0x2000);
    ir_exit_ret(b, ir_get(b, A0));
    finish();
    trap_block(0x3000, A1, 1);
    set_slot(A0, 0x3000);
    for (u32 i = 0; i < 3; i++)
        go(0x2000);
    assert_int_equal(slot(A1), 3);
    assert_int_equal(depth(), 0);
    /* Pcs that look like a sentinel's, or like nothing. */
    u64 odd[] = {0, VCPU_RAS_NONE, VCPU_RAS_NONE - 1, 2, 3, ~0ull, ~1ull, 0xfffffffffffffffeull};
    for (u32 i = 0; i < ARRAY_LEN(odd); i++) {
        set_slot(A0, odd[i]);
        harness_enter(&h, find(0x2000));
        assert_int_equal(h.v->exit, VCPU_LOOKUP);
        assert_int_equal(h.v->pc, odd[i]);
    }
}

/* Frames are left out, as a guest's longjmp does. */
static void test_longjmp(void **state)
{
    for (u32 i = 0; i < 4; i++) {
        struct ir_builder *b = begin(0x1000 + 0x100 * i);
        ir_exit_call(b, 0x1100 + 0x100 * i, 0x1004 + 0x100 * i);
        finish();
    }
    struct ir_builder *b = begin(0x1400);
    ir_exit_ret(b, ir_get(b, A0));
    finish();
    for (u32 i = 0; i < 4; i++)
        trap_block(0x1004 + 0x100 * i, A1, 1 + i);
    for (u32 i = 0; i < 4; i++) {
        set_slot(A0, 0x1004 + 0x100 * i);
        set_slot(A1, 0);
        lookups = 0;
        harness_forget(&h);
        go(0x1000);
        assert_int_equal(slot(A1), 1 + i);
        assert_int_equal(lookups, 0);
        assert_int_equal(depth(), i);
    }
}

static void test_indirect_call(void **state)
{
    struct ir_builder *b = begin(0x1000);
    ir_exit_ind_call(b, ir_get(b, A0), 0x1004);
    finish();
    b = begin(0x2000);
    add_to(b, A1, 1);
    ir_exit_ret(b, ir_const(b, IR_I64, 0x1004));
    finish();
    trap_block(0x1004, A2, 1);
    set_slot(A0, 0x2000);
    /* Not in the jump cache: it is entered by the engine, and yet the return finds its way. */
    go(0x1000);
    assert_int_equal(lookups, 1);
    assert_int_equal(depth(), 0);
    assert_int_equal(slot(A1), 1);
    assert_int_equal(slot(A2), 1);
    go(0x1000);
    assert_int_equal(lookups, 1);
    assert_int_equal(depth(), 0);
    assert_int_equal(slot(A1), 2);
    assert_int_equal(slot(A2), 2);
}

/* Deeper recursion than the stack holds, and back. */
static void test_deep_recursion(void **state)
{
    const u64 levels = 5000;
    /* a0 counts down, a1 counts returns; from level 1 on they go to 0x1008, the outermost one to 0x4000. */
    struct ir_builder *b = begin(0x1000);
    add_to(b, A0, (u64)-1);
    ir_exit_if(b, IR_EQ, ir_get(b, A0), ir_const(b, IR_I64, 0), 0x2000);
    ir_insn(b, 0x1004, 4);
    ir_exit_call(b, 0x1000, 0x1008);
    finish();
    for (u32 i = 0; i < 2; i++) {
        b = begin(i ? 0x1008 : 0x2000);
        add_to(b, A1, 1);
        ir_ref last = ir_const(b, IR_I64, levels);
        ir_exit_ret(b,
                    ir_select(b, IR_EQ, ir_get(b, A1), last, ir_const(b, IR_I64, 0x4000), ir_const(b, IR_I64, 0x1008)));
        finish();
    }
    trap_block(0x4000, A2, 1);
    for (u32 turn = 1; turn <= 3; turn++) {
        set_slot(A0, levels);
        set_slot(A1, 0);
        h.own_faults = 0;
        go(0x1000);
        assert_int_equal(h.v->exit, VCPU_TRAP);
        assert_int_equal(slot(A1), levels);
        assert_int_equal(slot(A2), turn);
        assert_true(h.own_faults >= levels * 16 / h.v->ras_size - 1);
        assert_in_range((uintptr_t)h.v->ras_sp, (uintptr_t)h.v->ras_base,
                        (uintptr_t)h.v->ras_base + h.v->ras_size - 16 * VCPU_RAS_SENTINELS);
    }
}

/* --- polls --- */

static void test_polls(void **state)
{
    struct ir_builder *b = begin(0x1000);
    add_to(b, A0, 1);
    ir_insn(b, 0x1004, 4);
    ir_exit_if(b, IR_NE, ir_get(b, A0), ir_const(b, IR_I64, 3), 0x1000);
    ir_exit(b, 0x1008);
    finish();
    b = begin(0x1008);
    ir_exit(b, 0x1000); /* back */
    finish();
    b = begin(0x3000);
    ir_exit_ind(b, ir_get(b, A1));
    finish();
    b = begin(0x3100);
    ir_exit_ret(b, ir_get(b, A1));
    finish();
    b = begin(0x3200);
    ir_exit_ind_call(b, ir_get(b, A1), 0x3204);
    finish();
    b = begin(0x3300);
    ir_exit(b, 0x3400); /* forward: no poll */
    finish();
    trap_block(0x3400, A2, 1);

    h.v->poll = VCPU_POLLED;
    go(0x1000);
    assert_int_equal(h.v->exit, VCPU_POLL);
    assert_int_equal(h.v->pc, 0x1004); /* exact, at the branch or behind it */
    assert_int_equal(slot(A0), 1);
    go(0x1008);
    assert_int_equal(h.v->exit, VCPU_POLL);
    assert_int_equal(h.v->pc, 0x1000);
    set_slot(A1, 0x5000);
    for (gva_t pc = 0x3000; pc < 0x3300; pc += 0x100) {
        go(pc);
        assert_int_equal(h.v->exit, VCPU_POLL);
        assert_int_equal(h.v->pc, 0x5000);
    }
    go(0x3300);
    assert_int_equal(h.v->exit, VCPU_TRAP);
}

/* A side exit that has changed something already must not start its instruction again. */
static void test_poll_after_change(void **state)
{
    struct ir_builder *b = begin(0x2000);
    add_to(b, A0, 1);
    ir_exit_if(b, IR_NE, ir_get(b, A0), ir_const(b, IR_I64, 5), 0x1000);
    ir_exit(b, 0x2004);
    finish();
    trap_block(0x2004, A2, 1);
    h.v->poll = VCPU_POLLED;
    go(0x2000);
    assert_int_equal(h.v->exit, VCPU_POLL);
    assert_int_equal(h.v->pc, 0x1000);
    assert_int_equal(slot(A0), 1);
    set_slot(A0, 4);
    go(0x2000);
    assert_int_equal(h.v->exit, VCPU_TRAP);
    assert_int_equal(slot(A0), 5);
}

/* --- faults --- */

static void test_fault_in_call(void **state)
{
    struct ir_builder *b = begin(0x1000);
    ir_exit_call(b, 0x2000, 0x1004);
    finish();
    b = begin(0x2000);
    add_to(b, A0, 1);
    ir_insn(b, 0x2004, 4);
    ir_put(b, A1, ir_ld(b, IR_I64, 3, ir_get(b, A3), 8));
    ir_exit_ret(b, ir_const(b, IR_I64, 0x1004));
    finish();
    trap_block(0x1004, A2, 1);
    set_slot(A3, MEM_NONE);
    set_slot(A1, 77);
    go(0x1000);
    assert_int_equal(h.v->exit, VCPU_FAULT);
    assert_int_equal(h.v->pc, 0x2004);
    assert_int_equal(h.v->fault.addr, MEM_NONE + 8);
    assert_int_equal(h.v->fault.access, VCPU_READ);
    assert_int_equal(slot(A0), 1);
    assert_int_equal(slot(A1), 77);
    assert_int_equal(depth(), 1);
    /* Mended, it goes on where it was, and the return still matches. */
    set_slot(A3, MEM_RW);
    b = begin(0x2004);
    ir_put(b, A1, ir_ld(b, IR_I64, 3, ir_get(b, A3), 8));
    ir_exit_ret(b, ir_const(b, IR_I64, 0x1004));
    finish();
    go(0x2004);
    assert_int_equal(h.v->exit, VCPU_TRAP);
    assert_int_equal(lookups, 0);
    assert_int_equal(depth(), 0);
    /* Again, with the call linked: the stack is as it was at the fault, not as it was on entry. */
    set_slot(A3, MEM_NONE);
    go(0x1000);
    assert_int_equal(h.v->exit, VCPU_FAULT);
    assert_int_equal(depth(), 1);
}

/* --- room --- */

static void test_no_room(void **state)
{
    struct ir_builder *b = begin(0x1000);
    for (u32 i = 0; i < 40; i++) {
        ir_put(b, A1, ir_op2(b, IR_OP_divs, ir_get(b, A0), ir_get(b, A1)));
        ir_insn(b, 0x1004 + 4 * i, 4);
        ir_exit_if(b, IR_EQ, ir_get(b, A1), ir_get(b, A0), 0x2000);
    }
    ir_exit(b, 0x3000);
    assert_int_equal(ir_finish(b), 0);
    const struct ir_unit *u = &blk[nblk - 1]->u;
    struct emitted e = {.unit = u};
    static u8 buf[32768 + 64];
    bool fitted = false;
    for (size_t cap = 0; cap <= 32768; cap += cap < 2000 ? 1 : 61) {
        memset(buf, 0x5a, sizeof buf);
        e.hc = (struct host_code){.rw = buf,
                                  .rx = h.rx + 8192,
                                  .cap = cap,
                                  .common = h.common,
                                  .marks = e.marks,
                                  .nmarks_cap = ARRAY_LEN(e.marks),
                                  .exits = e.exits,
                                  .nexits_cap = ARRAY_LEN(e.exits)};
        int rc = host_native.emit(u, &e.hc);
        assert_true(rc == 0 || rc == -ENOSPC);
        assert_false(fitted && rc);
        fitted = rc == 0;
        for (size_t i = 0; i < 64; i++)
            assert_int_equal(buf[cap + i], 0x5a);
    }
    assert_true(fitted);
    e.hc.nmarks_cap = 10;
    assert_int_equal(host_native.emit(u, &e.hc), -ENOSPC);
    e.hc.nmarks_cap = ARRAY_LEN(e.marks);
    e.hc.nexits_cap = 20;
    assert_int_equal(host_native.emit(u, &e.hc), -ENOSPC);
    assert_int_equal(host_native.common(buf, h.rx, 100, &slots), 0);
}

static void test_too_many_values(void **state)
{
    for (u32 n = 200; n <= 1000; n += 400) {
        struct ir_builder *b = begin(0x1000);
        ir_ref live[1000];
        u64 want = 0;
        for (u32 i = 0; i < n; i++) {
            live[i] = ir_op2i(b, IR_OP_mul, ir_get(b, A0), 2 * i + 3);
            want ^= 1000 * (2 * i + 3);
        }
        ir_ref sum = live[0];
        for (u32 i = 1; i < n; i++)
            sum = ir_op2(b, IR_OP_xor, sum, live[i]);
        ir_put(b, A1, sum);
        ir_trap(b, IR_TRAP_STOP, 0x1004);
        assert_int_equal(ir_finish(b), 0);
        struct blk *k = blk[nblk - 1];
        int rc = harness_emit(&h, &k->u, 0, 0, &k->e);
        if (n > 400) {
            assert_int_equal(rc, -ENOSPC);
        } else {
            assert_int_equal(rc, 0);
            set_slot(A0, 1000);
            harness_enter(&h, &k->e);
            assert_int_equal(slot(A1), want);
        }
    }
}

static int setup(void **state)
{
    fresh(state);
    return 0;
}

int main(void)
{
    harness_start(&h, 0);
    arena_init(&arena);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_link, setup),
        cmocka_unit_test_setup(test_large_pc, setup),
        cmocka_unit_test_setup(test_places, setup),
        cmocka_unit_test_setup(test_call_return, setup),
        cmocka_unit_test_setup(test_wrong_return, setup),
        cmocka_unit_test_setup(test_empty_stack, setup),
        cmocka_unit_test_setup(test_longjmp, setup),
        cmocka_unit_test_setup(test_indirect_call, setup),
        cmocka_unit_test_setup(test_deep_recursion, setup),
        cmocka_unit_test_setup(test_polls, setup),
        cmocka_unit_test_setup(test_poll_after_change, setup),
        cmocka_unit_test_setup(test_fault_in_call, setup),
        cmocka_unit_test_setup(test_no_room, setup),
        cmocka_unit_test_setup(test_too_many_values, setup),
    };
    return cmocka_run_group_tests_name("exits", tests, NULL, NULL);
}
