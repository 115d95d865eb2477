/* The riscv64 frontend: how units are formed, and what instructions mean where no other emulator is asked (difftest
 * does that): traps, registers that do not exist, faults, and the newer extensions with values from their
 * specifications. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/guest/gen.h"
#include "translator/guest/riscv64/rv_int.h"

#include "tests/guest/units.h" /* last: it declares `v` */

static struct rv_state *s;

static void word(u32 w)
{
    code_bytes(w, (w & 3) == 3 ? 4 : 2);
}

static void put(struct rv_insn i)
{
    u32 w;
    if (!rv_encode(&i, &w))
        fail_msg("%s can not be encoded", rv_op_bits[i.op].name);
    word(w);
}
#define I(...) put((struct rv_insn){.op = __VA_ARGS__})

/* --- units --- */

static void traps(void **state)
{
    static const struct {
        u32 w;
        u32 trap;
        u32 pc;
    } t[] = {
        {0x00000073, IR_TRAP_SYSCALL, 4}, {0x00100073, IR_TRAP_BREAK, 0},   {0x9002, IR_TRAP_BREAK, 0},
        {0x00000000, IR_TRAP_ILLEGAL, 0}, {0xffffffff, IR_TRAP_ILLEGAL, 0}, {0xc0001073, IR_TRAP_ILLEGAL, 0},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        begin();
        word(0x00000013);
        word(t[n].w);
        word(0x00000013);
        run();
        assert_trap(t[n].trap, CODE + 4 + t[n].pc);
    }
    begin();
    word(0x0000100f); /* fence.i */
    struct guest_request rq = request(CODE);
    struct ir_unit u = unit(&rq);
    assert_int_equal(last(&u)->op, IR_OP_trap);
    assert_int_equal(last(&u)->aux, IR_TRAP_SYNC);
    assert_int_equal(last(&u)->imm, CODE + 4);
}

static void fetch_trap(void **state)
{
    begin();
    word(0x00000013);
    for (size_t len = 0; len < 4; len++) {
        struct guest_request rq = request(CODE);
        rq.len = len;
        struct ir_unit u = unit(&rq);
        assert_int_equal(last(&u)->op, IR_OP_trap);
        assert_int_equal(last(&u)->aux, IR_TRAP_FETCH);
        assert_int_equal(last(&u)->imm, CODE);
    }
    /* the second does not fit: an exit to it */
    word(0x00000013);
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
        I(RV_ADDI, .rd = 10, .rs1 = 10, .imm = 1);
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
    begin();
    for (u32 n = 0; n < 4; n++)
        I(RV_BEQ, .rs1 = 10, .rs2 = 11, .imm = 100);
    struct guest_request rq = request(CODE);
    for (u32 exits = 0; exits < 6; exits++) {
        rq.max_exits = exits;
        struct ir_unit u = unit(&rq);
        const u32 want = exits + 1 < 4 ? exits + 1 : 4;
        assert_int_equal(u.guest_insns, want);
        assert_int_equal(u.nexits, want + 1);
        assert_int_equal(last(&u)->imm, CODE + 4 * want);
    }
    /* a backward one ends the unit */
    begin();
    I(RV_ADDI, .rd = 10, .rs1 = 10, .imm = 1);
    I(RV_BNE, .rs1 = 10, .rs2 = 11, .imm = -4);
    I(RV_ADDI, .rd = 10, .rs1 = 10, .imm = 1);
    rq = request(CODE);
    struct ir_unit u = unit(&rq);
    assert_int_equal(u.guest_insns, 2);
    /* or goes round */
    assert_rounds(false);
    begin();
    I(RV_ADDI, .rd = 10, .rs1 = 10, .imm = 1);
    I(RV_JAL, .imm = -4);
    assert_rounds(true);
    /* decided ones */
    static const u16 always[] = {RV_BEQ, RV_BGE, RV_BGEU}, never[] = {RV_BNE, RV_BLT, RV_BLTU};
    for (u32 n = 0; n < 3; n++) {
        begin();
        I(always[n], .rs1 = 5, .rs2 = 5, .imm = 64);
        rq = request(CODE);
        u = unit(&rq);
        assert_int_equal(u.nexits, 1);
        assert_int_equal(last(&u)->imm, CODE + 64);
        begin();
        I(never[n], .rs1 = 5, .rs2 = 5, .imm = 64);
        rq = request(CODE);
        u = unit(&rq);
        assert_int_equal(u.nexits, 1);
        assert_int_equal(last(&u)->imm, CODE + 4);
    }
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

/* Which jumps are calls and returns: the manual's table of return-address-stack hints. */
static u32 prefetches_in(const struct guest_request *rq)
{
    struct ir_unit u = unit(rq);
    u32 n = 0;
    for (ir_ref r = 1; r < u.n; r++)
        n += u.ins[r].op == IR_OP_prefetch;
    return n;
}

static void prefetches(void **state)
{
    struct guest_request rq = request(CODE);
    rq.max_exits = 4;
    /* the alignment of a place in a table is asked for; others are no alignments, or too large ones */
    static const s32 masks[] = {7, 15, 63, 1, 8, 127};
    for (u32 n = 0; n < ARRAY_LEN(masks); n++) {
        begin();
        I(RV_SLLI, .rd = 13, .rs1 = 13, .imm = 4);
        I(RV_ADD, .rd = 13, .rs1 = 27, .rs2 = 13);
        I(RV_ANDI, .rd = 15, .rs1 = 13, .imm = masks[n]);
        I(RV_BNE, .rs1 = 15, .rs2 = 0, .imm = 100);
        rq = request(CODE);
        rq.max_exits = 4;
        assert_int_equal(prefetches_in(&rq), n < 3);
    }
    /* a pointer is none */
    begin();
    I(RV_ANDI, .rd = 15, .rs1 = 13, .imm = 15);
    I(RV_BNE, .rs1 = 15, .rs2 = 0, .imm = 100);
    assert_int_equal(prefetches_in(&rq), 0);
    /* prefetch.r, prefetch.w; prefetch.i is a hint that means nothing here, others are no prefetches */
    for (s32 low = 0; low < 32; low++) {
        begin();
        I(RV_ORI, .rd = 0, .rs1 = 13, .imm = -64 + low);
        rq = request(CODE);
        assert_int_equal(prefetches_in(&rq), low == 1 || low == 3);
    }
}

static void calls(void **state)
{
    static const u8 regs[] = {0, 1, 5, 10};
    for (u32 a = 0; a < 4; a++) {
        begin();
        I(RV_JAL, .rd = regs[a], .imm = 64);
        expect_exit(IR_OP_exit, regs[a] == 1 || regs[a] == 5 ? IR_EXIT_CALL : 0, CODE + 64);
        for (u32 b = 1; b < 4; b++) {
            const bool d = regs[a] == 1 || regs[a] == 5, from = regs[b] == 1 || regs[b] == 5;
            begin();
            I(RV_JALR, .rd = regs[a], .rs1 = regs[b], .imm = 8);
            expect_exit(IR_OP_exit_ind, d ? IR_EXIT_CALL : from ? IR_EXIT_RET : 0, 0);
        }
    }
    /* a destination that is known */
    begin();
    I(RV_AUIPC, .rd = 1, .imm = 0x1000);
    I(RV_JALR, .rd = 1, .rs1 = 1, .imm = 0x21);
    expect_exit(IR_OP_exit, IR_EXIT_CALL, CODE + 0x1020);
    begin();
    I(RV_AUIPC, .rd = 6, .imm = 0x1000);
    I(RV_JALR, .rd = 0, .rs1 = 6, .imm = 0x20);
    expect_exit(IR_OP_exit, 0, CODE + 0x1020);
    begin();
    word(0x8082); /* c.jr ra */
    expect_exit(IR_OP_exit_ind, IR_EXIT_RET, 0);
    begin();
    word(0x9502); /* c.jalr a0 */
    expect_exit(IR_OP_exit_ind, IR_EXIT_CALL, 0);
    /* rd may be rs1 */
    begin();
    I(RV_JALR, .rd = 10, .rs1 = 10, .imm = 3);
    s->x[10] = CODE + 0x100;
    run();
    assert_int_equal(v->pc, CODE + 0x102);
    assert_int_equal(s->x[10], CODE + 4);
}

static void x0(void **state)
{
    begin();
    I(RV_ADDI, .rd = 0, .rs1 = 0, .imm = 5);
    I(RV_ADD, .rd = 10, .rs1 = 0, .rs2 = 0);
    I(RV_LUI, .rd = 0, .imm = 4096);
    I(RV_CSRRS, .rd = 0, .rs1 = 0, .csr = 1);
    run();
    assert_int_equal(s->x[0], 0);
    assert_int_equal(s->x[10], 0);
}

/* --- CSRs --- */

static void csrs_that_are_not(void **state)
{
    static const u16 none[] = {0, 4, 8, 9, 0x15, 0x100, 0x300, 0xc03, 0xc1f, 0xc20, 0xc22, 0xc80, 0xf11, 0xfff};
    static const u16 ops[] = {RV_CSRRW, RV_CSRRS, RV_CSRRC, RV_CSRRWI, RV_CSRRSI, RV_CSRRCI};
    for (u32 n = 0; n < ARRAY_LEN(none); n++)
        for (u32 k = 0; k < ARRAY_LEN(ops); k++) {
            begin();
            I(ops[k], .rd = 10, .rs1 = 0, .csr = none[n]);
            run();
            assert_trap(IR_TRAP_ILLEGAL, CODE);
        }
    /* read-only ones: set and clear with x0 or 0 do not write */
    for (u16 csr = 0xc00; csr < 0xc03; csr++)
        for (u32 k = 0; k < ARRAY_LEN(ops); k++)
            for (u8 rs1 = 0; rs1 < 2; rs1++) {
                begin();
                I(ops[k], .rd = 10, .rs1 = rs1, .csr = csr);
                run();
                if (rs1 || ops[k] == RV_CSRRW || ops[k] == RV_CSRRWI) {
                    assert_trap(IR_TRAP_ILLEGAL, CODE);
                } else {
                    assert_int_equal(v->pc, CODE + 4);
                    assert_true(s->x[10] != 0);
                }
            }
}

static void counters(void **state)
{
    u64 before[3];
    for (u32 n = 0; n < 2000; n++)
        for (u16 k = 0; k < 3; k++) {
            begin();
            I(RV_CSRRS, .rd = 10, .csr = (u16)(0xc00 + k));
            run();
            assert_true(n == 0 || s->x[10] >= before[k]);
            before[k] = s->x[10];
        }
    assert_true(before[1] < before[0] / 99 && before[1] > before[0] / 101); /* 10 MHz beside 1 GHz */
}

/* Rounding 1 + 2^-53 (a tie) tells the modes apart. */
static u64 tie(u32 frm, u32 rm)
{
    begin();
    I(RV_FADD_D, .rd = 1, .rs1 = 2, .rs2 = 3, .rm = (u8)rm);
    s->f[2] = 0x3ff0000000000000;
    s->f[3] = 0x3ca0000000000000;
    rv_set_fcsr(v, frm << 5);
    run();
    return v->exit == VCPU_TRAP ? v->trap : s->f[1];
}

static void rounding(void **state)
{
    static const u64 want[8] = {0x3ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x3ff0000000000001,
                                0x3ff0000000000001, IR_TRAP_ILLEGAL,    IR_TRAP_ILLEGAL,    IR_TRAP_ILLEGAL};
    for (u32 frm = 0; frm < 8; frm++) {
        assert_int_equal(tie(frm, 7), want[frm]);
        for (u32 rm = 0; rm < 5; rm++)
            assert_int_equal(tie(frm, rm), want[rm]);
    }
    /* whatever has a rounding mode field needs a valid one, even where it makes no difference */
    begin();
    I(RV_FCVT_D_W, .rd = 1, .rs1 = 1, .rm = 7);
    rv_set_fcsr(v, 5 << 5);
    run();
    assert_trap(IR_TRAP_ILLEGAL, CODE);
    /* others do not look at it */
    begin();
    I(RV_FMIN_D, .rd = 1, .rs1 = 1, .rs2 = 2);
    I(RV_FCVTMOD_W_D, .rd = 1, .rs1 = 1);
    rv_set_fcsr(v, 5 << 5);
    run();
    assert_int_equal(v->pc, CODE + 8);
}

/* Writing frm ends the unit; its value is kept, valid or not. */
static void frm_writes(void **state)
{
    for (u32 frm = 0; frm < 8; frm++) {
        begin();
        I(RV_CSRRW, .rd = 11, .rs1 = 10, .csr = 2);
        I(RV_CSRRS, .rd = 12, .csr = 3);
        s->x[10] = frm | 0xfff8;
        rv_set_fcsr(v, 0x1f);
        struct guest_request rq = request(CODE);
        struct ir_unit u = unit(&rq);
        assert_int_equal(last(&u)->op, IR_OP_trap);
        assert_int_equal(last(&u)->aux, IR_TRAP_MODE);
        run();
        assert_int_equal(s->x[11], 0);
        assert_int_equal(s->x[12], frm << 5 | 0x1f);
        assert_int_equal(rv_get_fcsr(v), frm << 5 | 0x1f);
        assert_int_equal(guest_riscv64.mode(v), frm < 4 ? RV_MODE_HOST : frm == 4 ? RV_MODE_RMM : RV_MODE_INVALID);
        assert_int_equal(v->fp_round, frm & 3); /* above 3 what is dynamically rounded does not ask for it */
    }
    begin();
    I(RV_CSRRW, .rd = 10, .rs1 = 10, .csr = 3); /* rd == rs1 */
    s->x[10] = 0xffffff00 | 2 << 5 | 9;
    rv_set_fcsr(v, 3 << 5 | 4);
    run();
    assert_int_equal(s->x[10], 3 << 5 | 4);
    assert_int_equal(rv_get_fcsr(v), 2 << 5 | 9);
    begin();
    I(RV_CSRRSI, .rd = 10, .rs1 = 0, .csr = 2); /* no write: the unit goes on */
    I(RV_CSRRSI, .rd = 11, .rs1 = 6, .csr = 1);
    I(RV_CSRRCI, .rd = 12, .rs1 = 3, .csr = 1);
    I(RV_CSRRCI, .rd = 13, .rs1 = 1, .csr = 2);
    rv_set_fcsr(v, 3 << 5 | 1);
    run();
    assert_int_equal(s->x[10], 3);
    assert_int_equal(s->x[11], 1);
    assert_int_equal(s->x[12], 7);
    assert_int_equal(s->x[13], 3);
    assert_int_equal(rv_get_fcsr(v), 2 << 5 | 4);
}

/* --- faults --- */

/* A fault leaves everything as it was, and says where. */
static void faults(void **state)
{
    own_faults();
    static const struct {
        struct rv_insn i;
        u64 addr; /* in a1 */
        u64 at;
        u8 kind, access;
    } t[] = {
        {{.op = RV_LD, .rd = 11, .rs1 = 11, .imm = 8}, MEM + 4096, MEM + 4104, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {{.op = RV_LB, .rd = 0, .rs1 = 11}, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {{.op = RV_FLW, .rd = 11, .rs1 = 11}, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {{.op = RV_SD, .rs1 = 11, .rs2 = 11}, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {{.op = RV_AMOADD_W, .rd = 11, .rs1 = 11}, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {{.op = RV_CBO_ZERO, .rs1 = 11}, MEM + 4097, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_WRITE},
        {{.op = RV_LR_W, .rd = 11, .rs1 = 11}, MEM + 2, MEM + 2, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {{.op = RV_LR_D, .rd = 11, .rs1 = 11}, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_READ},
        {{.op = RV_LR_D, .rd = 11, .rs1 = 11}, MEM + 4096, MEM + 4096, VCPU_FAULT_UNMAPPED, VCPU_READ},
        {{.op = RV_SC_W, .rd = 11, .rs1 = 11}, MEM + 2, MEM + 2, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {{.op = RV_SC_D, .rd = 11, .rs1 = 11}, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {{.op = RV_AMOSWAP_W, .rd = 11, .rs1 = 11}, MEM + 1, MEM + 1, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {{.op = RV_AMOMAX_D, .rd = 11, .rs1 = 11}, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {{.op = RV_AMOCAS_W, .rd = 11, .rs1 = 11}, MEM + 2, MEM + 2, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {{.op = RV_AMOCAS_D, .rd = 11, .rs1 = 11}, MEM + 4, MEM + 4, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
        {{.op = RV_AMOCAS_Q, .rd = 12, .rs1 = 11}, MEM + 8, MEM + 8, VCPU_FAULT_MISALIGNED, VCPU_WRITE},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        begin();
        word(0x0001);
        put(t[n].i);
        for (u32 k = 1; k < 32; k++)
            s->x[k] = k * 0x0101010101010101ull;
        s->x[11] = t[n].addr;
        s->resv_addr = 0x77;
        struct rv_state before = *s;
        run();
        if (v->exit != VCPU_FAULT)
            fail_msg("entry %u did not fault", n);
        assert_int_equal(v->pc, CODE + 2);
        assert_int_equal(v->fault.addr, t[n].at);
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
    I(RV_LD, .rd = 10, .rs1 = 11, .imm = 1);
    I(RV_SW, .rs2 = 10, .rs1 = 11, .imm = 17);
    s->x[11] = MEM;
    set_mem(0, 0x1122334455667788);
    set_mem(8, 0x99);
    run();
    assert_int_equal(s->x[10], 0x9911223344556677);
    assert_int_equal(mem(17) & 0xffffffff, 0x44556677);
}

/* --- atomics --- */

static void reservations(void **state)
{
    begin();
    I(RV_LR_W, .rd = 10, .rs1 = 11);
    I(RV_SC_W, .rd = 12, .rs1 = 11, .rs2 = 13);
    I(RV_SC_W, .rd = 14, .rs1 = 11, .rs2 = 13); /* the reservation is gone */
    s->x[11] = MEM;
    s->x[13] = 7;
    set_mem(0, 0xaaaaaaaa80000000);
    run();
    assert_int_equal(s->x[10], 0xffffffff80000000);
    assert_int_equal(s->x[12], 0);
    assert_int_equal(s->x[14], 1);
    assert_int_equal(mem(0), 0xaaaaaaaa00000007);
    assert_int_equal(s->resv_addr, RV_RESV_NONE);
    /* elsewhere: fails, and ends the reservation too */
    begin();
    I(RV_LR_D, .rd = 10, .rs1 = 11);
    I(RV_SC_D, .rd = 12, .rs1 = 15, .rs2 = 13);
    I(RV_SC_D, .rd = 14, .rs1 = 11, .rs2 = 13);
    s->x[11] = MEM;
    s->x[15] = MEM + 8;
    s->x[13] = 7;
    run();
    assert_int_equal(s->x[12], 1);
    assert_int_equal(s->x[14], 1);
    assert_int_equal(mem(0), 0);
    /* changed between */
    begin();
    I(RV_LR_D, .rd = 10, .rs1 = 11);
    I(RV_SD, .rs1 = 11, .rs2 = 11);
    I(RV_SC_D, .rd = 12, .rs1 = 11, .rs2 = 13);
    s->x[11] = MEM;
    run();
    assert_int_equal(s->x[12], 1);
    assert_int_equal(mem(0), MEM);
    /* none at the start, and none at its marker */
    begin();
    I(RV_SC_D, .rd = 12, .rs1 = 11);
    s->x[11] = MEM;
    run();
    assert_int_equal(s->x[12], 1);
}

static void compare_and_swap(void **state)
{
    begin();
    I(RV_AMOCAS_W, .rd = 10, .rs1 = 11, .rs2 = 12);
    s->x[10] = 0x1234567880000001; /* only the low half counts */
    s->x[11] = MEM;
    s->x[12] = 0xdeadbeefcafef00d;
    set_mem(0, 0x7777777780000001);
    run();
    assert_int_equal(s->x[10], 0xffffffff80000001);
    assert_int_equal(mem(0), 0x77777777cafef00d);
    begin();
    I(RV_AMOCAS_D, .rd = 10, .rs1 = 11, .rs2 = 12);
    s->x[10] = 5;
    s->x[11] = MEM;
    s->x[12] = 9;
    set_mem(0, 6);
    run();
    assert_int_equal(s->x[10], 6);
    assert_int_equal(mem(0), 6);
    for (u32 hit = 0; hit < 2; hit++) {
        begin();
        I(RV_AMOCAS_Q, .rd = 10, .rs1 = 15, .rs2 = 12, .aqrl = 3);
        s->x[10] = 1;
        s->x[11] = hit ? 2 : 3;
        s->x[12] = 100;
        s->x[13] = 200;
        s->x[15] = MEM + 16;
        set_mem(16, 1);
        set_mem(24, 2);
        run();
        assert_int_equal(s->x[10], 1);
        assert_int_equal(s->x[11], 2);
        assert_int_equal(mem(16), hit ? 100 : 1);
        assert_int_equal(mem(24), hit ? 200 : 2);
    }
    /* x0 as a pair is zero, and takes nothing */
    begin();
    I(RV_AMOCAS_Q, .rd = 0, .rs1 = 15, .rs2 = 0);
    s->x[1] = 99;
    s->x[15] = MEM;
    run();
    assert_int_equal(mem(0), 0);
    assert_int_equal(s->x[1], 99);
    set_mem(8, 1);
    v->pc = CODE;
    run();
    assert_int_equal(mem(8), 1);
    assert_int_equal(s->x[0], 0);
}

static void block_zero(void **state)
{
    begin();
    I(RV_CBO_ZERO, .rs1 = 11);
    memset(window + MEM, 0xff, 256);
    s->x[11] = MEM + 64 + 37;
    run();
    for (u64 at = 0; at < 256; at += 8)
        assert_int_equal(mem(at), at >= 64 && at < 128 ? 0 : ~0ull);
}

/* --- integers that qemu is not asked about --- */

static u64 two(u16 op, u64 a, u64 b)
{
    begin();
    I(op, .rd = 10, .rs1 = 11, .rs2 = 12);
    s->x[11] = a;
    s->x[12] = b;
    run();
    return s->x[10];
}

static void integers(void **state)
{
    assert_int_equal(two(RV_CZERO_EQZ, 5, 0), 0);
    assert_int_equal(two(RV_CZERO_EQZ, 5, 1ull << 63), 5);
    assert_int_equal(two(RV_CZERO_NEZ, 5, 0), 5);
    assert_int_equal(two(RV_CZERO_NEZ, 5, 2), 0);
    static const u64 ctz[][2] = {{0, 32}, {1ull << 63, 32}, {1, 0}, {0x80000000, 31}, {0xffffffff00000000, 32}};
    for (u32 n = 0; n < ARRAY_LEN(ctz); n++) {
        begin();
        I(RV_CTZW, .rd = 10, .rs1 = 11);
        s->x[11] = ctz[n][0];
        run();
        assert_int_equal(s->x[10], ctz[n][1]);
    }
}

/* Zcb: 16-bit forms against the values that they must give. */
static void zcb(void **state)
{
    static const struct {
        u16 op;
        u64 want;
    } t[] = {{RV_C_ZEXT_B, 0x85},       {RV_C_SEXT_B, 0xffffffffffffff85},
             {RV_C_ZEXT_H, 0x9685},     {RV_C_SEXT_H, 0xffffffffffff9685},
             {RV_C_ZEXT_W, 0x80009685}, {RV_C_NOT, 0xedcba9877fff697a}};
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        begin();
        const s32 imm = t[n].op == RV_C_ZEXT_B ? 255 : t[n].op == RV_C_NOT ? -1 : 0;
        I(t[n].op, .rd = 9, .rs1 = 9, .imm = imm);
        s->x[9] = 0x1234567880009685;
        run();
        assert_int_equal(s->x[9], t[n].want);
    }
    begin();
    I(RV_C_MUL, .rd = 9, .rs1 = 9, .rs2 = 10);
    s->x[9] = 7;
    s->x[10] = -3;
    run();
    assert_int_equal(s->x[9], -21);
    begin();
    I(RV_C_LBU, .rd = 8, .rs1 = 15, .imm = 3);
    I(RV_C_LHU, .rd = 9, .rs1 = 15, .imm = 2);
    I(RV_C_LH, .rd = 10, .rs1 = 15, .imm = 2);
    I(RV_C_SB, .rs2 = 8, .rs1 = 15, .imm = 1);
    I(RV_C_SH, .rs2 = 9, .rs1 = 15, .imm = 0);
    s->x[15] = MEM;
    set_mem(0, 0xfedc0000);
    run();
    assert_int_equal(s->x[8], 0xfe);
    assert_int_equal(s->x[9], 0xfedc);
    assert_int_equal(s->x[10], 0xfffffffffffffedc);
    assert_int_equal(mem(0), 0xfedcfedc);
}

/* --- Zfa --- */

#define BOX(x) (0xffffffff00000000ull | (x))
static const u64 one_d = 0x3ff0000000000000, nan_d = 0x7ff8000000000000, snan_d = 0x7ff0000000000001;

static void fli(void **state)
{
    for (u32 n = 0; n < 32; n++) {
        static const double values[32] = {-1,    0,      0x1p-16, 0x1p-15, 0x1p-8, 0x1p-7, 0.0625, 0.125, 0.25,  0.3125,
                                          0.375, 0.4375, 0.5,     0.625,   0.75,   0.875,  1,      1.25,  1.5,   1.75,
                                          2,     2.5,    3,       4,       8,      16,     128,    256,   32768, 65536};
        begin();
        I(RV_FLI_D, .rd = 1, .rs1 = (u8)n);
        I(RV_FLI_S, .rd = 2, .rs1 = (u8)n);
        run();
        double d = values[n];
        float f = (float)d;
        u64 want_d;
        u32 want_s;
        memcpy(&want_d, &d, 8);
        memcpy(&want_s, &f, 4);
        if (n == 1) {
            want_d = 0x0010000000000000;
            want_s = 0x00800000;
        } else if (n == 30) {
            want_d = 0x7ff0000000000000;
            want_s = 0x7f800000;
        } else if (n == 31) {
            want_d = nan_d;
            want_s = 0x7fc00000;
        }
        assert_int_equal(s->f[1], want_d);
        assert_int_equal(s->f[2], BOX(want_s));
    }
}

static u64 fp(u16 op, u64 a, u64 b, u32 rm, u32 *flags)
{
    begin();
    I(op, .rd = 1, .rs1 = 2, .rs2 = (u8)(op == RV_FROUND_D || op == RV_FROUNDNX_D || op == RV_FROUND_S ? 0 : 3),
      .rm = (u8)rm);
    s->f[2] = a;
    s->f[3] = b;
    run();
    *flags = v->fp_flags;
    return s->f[1];
}

static void zfa_min_max(void **state)
{
    u32 flags;
    assert_int_equal(fp(RV_FMINM_D, one_d, 0x4000000000000000, 0, &flags), one_d);
    assert_int_equal(fp(RV_FMAXM_D, 0x8000000000000000, 0, 0, &flags), 0);
    assert_int_equal(fp(RV_FMINM_D, 0, 0x8000000000000000, 0, &flags), 0x8000000000000000);
    assert_int_equal(flags, 0);
    assert_int_equal(fp(RV_FMINM_D, one_d, 0xfff8000000000123, 0, &flags), nan_d);
    assert_int_equal(flags, 0);
    assert_int_equal(fp(RV_FMAXM_D, snan_d, one_d, 0, &flags), nan_d);
    assert_int_equal(flags, IR_FLAG_NV);
    assert_int_equal(fp(RV_FMIN_D, one_d, nan_d, 0, &flags), one_d);
    assert_int_equal(flags, 0);
    assert_int_equal(fp(RV_FMINM_S, BOX(0x3f800000), 0x3f800000, 0, &flags),
                     BOX(0x7fc00000)); /* the other is not boxed */
    assert_int_equal(flags, 0);
}

static void zfa_round(void **state)
{
    static const struct {
        double x, rne, rtz, rdn, rup, rmm;
    } t[] = {{2.5, 2, 2, 2, 3, 3},
             {-2.5, -2, -2, -3, -2, -3},
             {0.4, 0, 0, 0, 1, 0},
             {-0.4, -0.0, -0.0, -1, -0.0, -0.0},
             {0x1p60, 0x1p60, 0x1p60, 0x1p60, 0x1p60, 0x1p60},
             {-0.0, -0.0, -0.0, -0.0, -0.0, -0.0}};
    for (u32 n = 0; n < ARRAY_LEN(t); n++)
        for (u32 rm = 0; rm < 5; rm++) {
            u64 x, want;
            u32 flags;
            memcpy(&x, &t[n].x, 8);
            memcpy(&want, &t[n].rne + rm, 8);
            assert_int_equal(fp(RV_FROUND_D, x, 0, rm, &flags), want);
            assert_int_equal(flags, 0);
            assert_int_equal(fp(RV_FROUNDNX_D, x, 0, rm, &flags), want);
            assert_int_equal(flags, x == want ? 0 : IR_FLAG_NX);
        }
    u32 flags;
    assert_int_equal(fp(RV_FROUND_D, snan_d, 0, 0, &flags), nan_d);
    assert_int_equal(flags, IR_FLAG_NV);
    assert_int_equal(fp(RV_FROUND_D, 0x7ff8000000000777, 0, 0, &flags), nan_d);
    assert_int_equal(flags, 0);
    assert_int_equal(fp(RV_FROUND_S, BOX(0x40200000), 0, 4, &flags), BOX(0x40400000));
}

static void zfa_compare(void **state)
{
    static const struct {
        u16 op;
        u64 a, b, want;
        u32 flags;
    } t[] = {
        {RV_FLTQ_D, one_d, 0x4000000000000000, 1, 0},
        {RV_FLTQ_D, one_d, one_d, 0, 0},
        {RV_FLEQ_D, one_d, one_d, 1, 0},
        {RV_FLEQ_D, one_d, nan_d, 0, 0},
        {RV_FLTQ_D, snan_d, one_d, 0, IR_FLAG_NV},
        {RV_FLE_D, one_d, nan_d, 0, IR_FLAG_NV},
        {RV_FLT_D, nan_d, one_d, 0, IR_FLAG_NV},
        {RV_FEQ_D, nan_d, one_d, 0, 0},
        {RV_FEQ_D, snan_d, one_d, 0, IR_FLAG_NV},
        {RV_FLEQ_S, BOX(0x3f800000), BOX(0x3f800000), 1, 0},
        {RV_FLTQ_S, BOX(0x7fc00000), BOX(0x3f800000), 0, 0},
    };
    for (u32 n = 0; n < ARRAY_LEN(t); n++) {
        begin();
        I(t[n].op, .rd = 10, .rs1 = 2, .rs2 = 3);
        s->f[2] = t[n].a;
        s->f[3] = t[n].b;
        run();
        assert_int_equal(s->x[10], t[n].want);
        assert_int_equal(v->fp_flags, t[n].flags);
    }
}

static u64 fcvtmod(double x, u32 *flags)
{
    begin();
    I(RV_FCVTMOD_W_D, .rd = 10, .rs1 = 2);
    memcpy(&s->f[2], &x, 8);
    run();
    *flags = v->fp_flags;
    return s->x[10];
}

static void zfa_modular(void **state)
{
    struct rng r = {5};
    for (u32 n = 0; n < 20000; n++) {
        u32 flags, want_flags = 0;
        double x;
        u64 bits = rng_u64(&r);
        if (n % 2) /* around the interesting sizes */
            bits = (bits & 0x800fffffffffffff) | (u64)(1020 + rng_below(&r, 130)) << 52;
        if (n % 7 == 0)
            bits &= ~0ull << rng_below(&r, 53);
        memcpy(&x, &bits, 8);
        u64 got = fcvtmod(x, &flags);
        u64 want = 0;
        if (!isfinite(x)) {
            want_flags = IR_FLAG_NV;
        } else {
            double whole = trunc(x), m = fmod(fabs(whole), 4294967296.0);
            want = (u64)(s64)(s32)(u32)(x < 0 ? -(u64)m : (u64)m);
            if (whole < -2147483648.0 || whole > 2147483647.0)
                want_flags = IR_FLAG_NV;
            else if (whole != x)
                want_flags = IR_FLAG_NX;
        }
        if (got != want || flags != want_flags)
            fail_msg("%a: %llx flags %x, not %llx flags %x", x, (unsigned long long)got, flags,
                     (unsigned long long)want, want_flags);
    }
}

int main(void)
{
    if (!units_open(&guest_riscv64))
        return 1;
    s = rv_state(v);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traps),
        cmocka_unit_test(fetch_trap),
        cmocka_unit_test(limits),
        cmocka_unit_test(branches),
        cmocka_unit_test(prefetches),
        cmocka_unit_test(calls),
        cmocka_unit_test(x0),
        cmocka_unit_test(csrs_that_are_not),
        cmocka_unit_test(counters),
        cmocka_unit_test(rounding),
        cmocka_unit_test(frm_writes),
        cmocka_unit_test(faults),
        cmocka_unit_test(misaligned_is_fine),
        cmocka_unit_test(reservations),
        cmocka_unit_test(compare_and_swap),
        cmocka_unit_test(block_zero),
        cmocka_unit_test(integers),
        cmocka_unit_test(zcb),
        cmocka_unit_test(fli),
        cmocka_unit_test(zfa_min_max),
        cmocka_unit_test(zfa_round),
        cmocka_unit_test(zfa_compare),
        cmocka_unit_test(zfa_modular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
