/* The folder against the reference semantics.
 *
 * Random units are made twice, as they are and through the builder, and run by the interpreter from the same random
 * states: slots, memory, flags and the way out must agree. Values are picked so that the rules' patterns come up often:
 * few constants, all of them telling ones, and arguments that are mostly recent. A failure prints the seed and both
 * units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "mk/mk.h"
#include "tests/ir/test_slots.h"
#include "translator/ir/eval.h"
#include "translator/ir/ir_build.h"
#include "translator/ir/ir_int.h"

static struct arena arena;
static struct vcpu *vcpu;
static u8 *memory; /* 64 KiB at guest address TEST_MEM_RW */

static u64 rng_state;

static u64 rnd(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state * 0x2545f4914f6cdd1dull;
}

static u32 below(u32 n)
{
    return n ? (u32)((rnd() >> 33) % n) : 0;
}

static u64 last_amount; /* so that (x << c) >> c and x << c | x >> 64 - c come up */

static u64 telling(void)
{
    if (!below(4)) {
        u64 c = last_amount;
        return below(2) ? c : 64 - c;
    }
    if (!below(6))
        return last_amount = (u64)below(8) * 8;
    static const u64 k[] = {0,           1,          2,
                            3,           4,          7,
                            8,           16,         24,
                            31,          32,         33,
                            48,          56,         63,
                            64,          0x7f,       0x80,
                            0xff,        0x100,      0x7fff,
                            0x8000,      0xffff,     0xff00,
                            0x7fffffff,  0x80000000, 0xffffffff,
                            0xfffffff8,  ~0ull,      ~1ull,
                            ~7ull,       ~0ull << 8, ~0ull << 31,
                            ~0ull << 32, 1ull << 32, 1ull << 63,
                            ~0ull >> 1,  0x12345678, 0xdeadbeefcafef00d};
    u64 x = k[below(ARRAY_LEN(k))];
    return below(8) ? x : below(2) ? rnd() : rnd() >> below(64);
}

/* --- pairs of units --- */

struct pair {
    struct ir_unit raw, made;
    struct ir_builder b;
    struct {
        ir_ref raw, made;
        u32 type;
    } v[512]; /* values that may be used */
    u32 n;
};

static void emit(struct pair *p, struct ir_ins in)
{
    /* arguments are indices into p->v here, plus one */
    struct ir_ins raw = in;
    ir_ref *arg = &raw.a, made_arg[4];
    for (u32 i = 0; i < 4; i++) {
        u32 k = arg[i];
        arg[i] = k ? p->v[k - 1].raw : 0;
        made_arg[i] = k ? p->v[k - 1].made : 0;
    }
    ir_ref r = ir_append(&p->raw, &raw);
    ir_ref m = ir_emit(&p->b, in.op, in.type, in.aux, in.imm, made_arg[0], made_arg[1], made_arg[2], made_arg[3]);
    assert_int_not_equal(r, 0);
    if (ir_ops[in.op].sig[0] == '-')
        return;
    assert_int_not_equal(m, 0);
    assert_int_equal(ir_type_of(&p->b, m), in.type);
    p->v[p->n].raw = r;
    p->v[p->n].made = m;
    p->v[p->n++].type = in.type;
}

static void constant(struct pair *p, u32 type)
{
    emit(p, (struct ir_ins){.op = IR_OP_const, .type = (u8)type, .imm = telling() & ir_type_mask(type)});
}

/* A value of the type, mostly a recent one; makes a constant now and then, or when there is none. */
static u32 value(struct pair *p, u32 type)
{
    if (type != IR_I128 && !below(4)) {
        constant(p, type);
        return p->n;
    }
    if (p->n && !below(4)) { /* what a recent value was made of */
        const struct ir_ins *def = &p->raw.ins[p->v[p->n - 1 - below(p->n < 3 ? p->n : 3)].raw];
        ir_ref r = ir_arg(def, below(2));
        for (u32 i = p->n; r && i > 0; i--)
            if (p->v[i - 1].raw == r && p->v[i - 1].type == type)
                return i;
    }
    u32 seen = 0, want = below(3) ? below(4) : below(p->n);
    u32 last = 0;
    for (u32 i = p->n; i > 0; i--)
        if (p->v[i - 1].type == type) {
            last = i;
            if (seen++ == want)
                break;
        }
    if (!last) {
        if (type == IR_I128)
            emit(p, (struct ir_ins){.op = IR_OP_get, .type = IR_I128, .aux = TEST_Q0});
        else
            constant(p, type);
        last = p->n;
    }
    return last;
}

static u32 int_type(void)
{
    return below(3) ? IR_I64 : IR_I32;
}

static u32 float_type(void)
{
    return below(2) ? IR_F64 : IR_F32;
}

/* One random PURE instruction. */
static void pure(struct pair *p)
{
    u32 op;
    static const u8 common[] = {IR_OP_add, IR_OP_sub, IR_OP_neg, IR_OP_not, IR_OP_and,  IR_OP_or,   IR_OP_xor,
                                IR_OP_shl, IR_OP_shr, IR_OP_sar, IR_OP_cmp, IR_OP_sext, IR_OP_zext, IR_OP_trunc};
    do
        op = below(2) ? common[below(ARRAY_LEN(common))] : below(IR_NOPS);
    while (!(ir_ops[op].flags & IR_PURE) || op == IR_OP_const);
    const char *sig = ir_ops[op].sig;
    struct ir_ins in = {.op = (u8)op};
    u32 u = 0;
    switch (sig[0]) {
    case 'T':
        in.type = (u8)int_type();
        break;
    case 'F':
        in.type = (u8)float_type();
        break;
    case 'l':
        in.type = IR_I64;
        break;
    case 'q':
        in.type = IR_I128;
        break;
    case 'd':
        in.type = IR_F64;
        break;
    default:
        break;
    }
    switch (op) {
    case IR_OP_trunc:
        in.type = IR_I32;
        break;
    case IR_OP_bitcast: {
        static const u8 types[] = {IR_I32, IR_I64, IR_F32, IR_F64}, of[] = {IR_F32, IR_F64, IR_I32, IR_I64};
        u32 k = below(4);
        in.type = types[k];
        in.a = value(p, of[k]);
        emit(p, in);
        return;
    }
    case IR_OP_nanunbox:
        in.type = IR_F32;
        break;
    case IR_OP_nanbox:
        in.a = value(p, IR_F32);
        emit(p, in);
        return;
    default:
        break;
    }
    ir_ref *arg = &in.a;
    for (u32 i = 0; sig[2 + i]; i++) {
        u32 t = IR_VOID;
        switch (sig[2 + i]) {
        case 'T':
        case 'F':
            t = in.type;
            break;
        case 'i':
            t = int_type();
            break;
        case 'l':
            t = IR_I64;
            break;
        case 'q':
            t = IR_I128;
            break;
        case 'd':
            t = IR_F64;
            break;
        case 'f':
            t = float_type();
            break;
        case 'U':
            if (!u)
                u = int_type();
            t = u;
            break;
        default:
            fail_msg("signature %s", sig);
        }
        arg[i] = i && !below(10) && p->v[arg[0] - 1].type == t ? arg[0] : value(p, t);
    }
    if (op == IR_OP_select && !below(3) && p->v[in.a - 1].type == in.type) {
        in.c = below(2) ? in.a : in.b;
        in.d = in.c == in.a ? in.b : in.a;
    }
    if (ir_ops[op].aux == IR_AUX_BITS)
        in.aux = (u16)(8u << below(3));
    if (ir_ops[op].aux == IR_AUX_CC)
        in.aux = (u16)below(IR_NCC);
    emit(p, in);
}

static u32 emit2(struct pair *p, u32 op, u32 type, u32 aux, u32 x, u32 y)
{
    emit(p, (struct ir_ins){.op = (u8)op, .type = (u8)type, .aux = (u16)aux, .a = x, .b = y});
    return p->n;
}

static u32 number(struct pair *p, u32 type, u64 k)
{
    emit(p, (struct ir_ins){.op = IR_OP_const, .type = (u8)type, .imm = k & ir_type_mask(type)});
    return p->n;
}

/* Several instructions that rules look for together. */
static void idiom(struct pair *p)
{
    static const u8 shifts[] = {IR_OP_shl, IR_OP_shr, IR_OP_sar, IR_OP_rotl, IR_OP_rotr};
    static const u8 joins[] = {IR_OP_or, IR_OP_add, IR_OP_xor};
    static const u8 signs[] = {IR_OP_fneg, IR_OP_fabs, IR_OP_fcopysign};
    const u32 t = int_type(), w = ir_bits(t), x = value(p, t);
    u32 y, z, c;
    switch (below(6)) {
    case 0: /* there and back */
        c = number(p, t, below(3) ? w - (8u << below(3)) : below(70));
        y = emit2(p, shifts[below(5)], t, 0, x, c);
        emit2(p, shifts[below(5)], t, 0, y, c);
        break;
    case 1: /* a rotation, or nearly */
        c = below(w + 1);
        y = emit2(p, IR_OP_shl, t, 0, x, number(p, t, c));
        z = emit2(p, IR_OP_shr, t, 0, x, number(p, t, below(8) ? w - c : below(w)));
        if (below(2))
            emit2(p, joins[below(3)], t, 0, y, z);
        else
            emit2(p, joins[below(3)], t, 0, z, y);
        break;
    case 2: { /* what is done with a condition */
        u32 to = int_type();
        y = emit2(p, IR_OP_cmp, to, below(IR_NCC), x, value(p, t));
        c = number(p, to, below(3));
        if (below(2)) {
            u32 one = number(p, t, below(2)), other_arm = number(p, t, below(2));
            emit(p, (struct ir_ins){.op = IR_OP_select,
                                    .type = (u8)t,
                                    .aux = (u16)below(IR_NCC),
                                    .a = y,
                                    .b = c,
                                    .c = one,
                                    .d = other_arm});
        } else if (below(2)) {
            emit2(p, IR_OP_cmp, int_type(), below(IR_NCC), y, c);
        } else {
            emit2(p, IR_OP_xor, to, 0, y, c);
        }
        break;
    }
    case 3: /* sums that cancel */
        z = value(p, t);
        y = emit2(p, below(2) ? IR_OP_sub : IR_OP_add, t, 0, x, z);
        z = below(2) ? x : z;
        switch (below(4)) {
        case 0:
            emit2(p, IR_OP_sub, t, 0, y, z);
            break;
        case 1:
            emit2(p, IR_OP_add, t, 0, y, z);
            break;
        case 2:
            emit2(p, IR_OP_add, t, 0, z, y);
            break;
        default:
            emit2(p, IR_OP_cmp, t, below(2), y, number(p, t, 0));
            break;
        }
        break;
    case 4: { /* signs */
        u32 f = float_type(), v = value(p, f), op = signs[below(3)];
        y = emit2(p, op, f, 0, v, op == IR_OP_fcopysign ? value(p, f) : 0);
        op = signs[below(3)];
        if (op == IR_OP_fcopysign && below(2))
            emit2(p, op, f, 0, v, y);
        else
            emit2(p, op, f, 0, y, op == IR_OP_fcopysign ? (below(2) ? v : value(p, f)) : 0);
        break;
    }
    default: { /* there and back again */
        u32 f = t == IR_I64 ? IR_F64 : IR_F32;
        y = emit2(p, IR_OP_bitcast, f, 0, x, 0);
        emit2(p, IR_OP_bitcast, t, 0, y, 0);
        y = emit2(p, IR_OP_nanbox, IR_F64, 0, value(p, IR_F32), 0);
        emit2(p, IR_OP_nanunbox, IR_F32, 0, y, 0);
        z = value(p, IR_I64);
        y = emit2(p, IR_OP_pair, IR_I128, 0, z, value(p, IR_I64));
        if (below(2))
            y = value(p, IR_I128);
        z = emit2(p, IR_OP_lo, IR_I64, 0, y, 0);
        emit2(p, IR_OP_pair, IR_I128, 0, z, emit2(p, IR_OP_hi, IR_I64, 0, y, 0));
        break;
    }
    }
}

static u16 slot_of_type(u32 type)
{
    u16 s;
    do
        s = (u16)below(TEST_NSLOTS);
    while (test_slot_table[s].type != type);
    return s;
}

/* An instruction that is not PURE. */
static void other(struct pair *p, gva_t *pc)
{
    static const u32 types[] = {IR_I64, IR_I64, IR_I32, IR_F64, IR_F32, IR_I128};
    u32 t = types[below(ARRAY_LEN(types))];
    switch (below(8)) {
    case 0:
    case 1:
        emit(p, (struct ir_ins){.op = IR_OP_get, .type = (u8)t, .aux = slot_of_type(t)});
        break;
    case 2:
    case 3: {
        u32 v = value(p, t);
        emit(p, (struct ir_ins){.op = IR_OP_put, .type = (u8)t, .aux = slot_of_type(t), .a = v});
        break;
    }
    case 4: { /* loads and stores near a0, which lies in the middle of memory */
        emit(p, (struct ir_ins){.op = IR_OP_insn, .imm = *pc += 4, .aux = 4});
        emit(p, (struct ir_ins){.op = IR_OP_const, .type = IR_I64, .imm = TEST_MEM_RW + 0x8000});
        u32 base = p->n;
        u32 off = value(p, IR_I64);
        emit(p, (struct ir_ins){.op = IR_OP_const, .type = IR_I64, .imm = rnd() & 0xfff});
        emit(p, (struct ir_ins){.op = IR_OP_and, .type = IR_I64, .a = off, .b = p->n});
        emit(p, (struct ir_ins){.op = IR_OP_add, .type = IR_I64, .a = base, .b = p->n});
        emit(p, (struct ir_ins){.op = IR_OP_const, .type = IR_I64, .imm = 0 - (u64)below(0x1000)});
        emit(p, (struct ir_ins){.op = IR_OP_add, .type = IR_I64, .a = p->n - 1, .b = p->n});
        u32 addr = p->n, size = t == IR_I64 ? below(4) : t == IR_I32 ? below(3) : t == IR_F64 ? 3 : t == IR_F32 ? 2 : 4;
        u32 sign = ir_is_int(t) && below(2) ? IR_MEM_SIGNED : 0;
        u64 imm = (u64)(s64)(s32)below(0x1000) - 0x800;
        if (below(2)) {
            emit(p, (struct ir_ins){.op = IR_OP_ld, .type = (u8)t, .aux = (u16)(size | sign), .a = addr, .imm = imm});
        } else {
            u32 v = value(p, t);
            emit(p, (struct ir_ins){.op = IR_OP_st, .type = (u8)t, .aux = (u16)size, .a = addr, .b = v, .imm = imm});
        }
        break;
    }
    case 5: {
        u32 w = int_type(), x = value(p, w), y = value(p, w);
        emit(p, (struct ir_ins){
                    .op = IR_OP_exit_if, .type = (u8)w, .aux = (u16)below(IR_NCC), .a = x, .b = y, .imm = *pc += 4});
        break;
    }
    case 6: {
        u32 helper = below(3), x = value(p, IR_I64), y = value(p, IR_I64);
        emit(p, (struct ir_ins){.op = IR_OP_call, .type = IR_I64, .aux = (u16)helper, .a = x, .b = y});
        break;
    }
    default: {
        static const u8 ops[] = {IR_OP_fadd, IR_OP_fmul, IR_OP_fdiv};
        u32 f = float_type(), x = value(p, f), y = value(p, f);
        emit(p, (struct ir_ins){.op = ops[below(ARRAY_LEN(ops))], .type = (u8)f, .aux = IR_FP_DEFNAN, .a = x, .b = y});
        break;
    }
    }
}

static void begin(struct pair *p)
{
    arena_reset(&arena);
    memset(p, 0, sizeof *p);
    p->raw = p->made =
        (struct ir_unit){.arena = &arena, .slots = &test_slots, .helpers = test_helpers, .nhelpers = TEST_NHELPERS};
    assert_true(ir_unit_init(&p->raw, 0x1000));
    ir_begin(&p->b, &p->made, 0x1000);
    emit(p, (struct ir_ins){.op = IR_OP_insn, .imm = 0x1000, .aux = 4});
}

static void random_unit(struct pair *p, u32 len)
{
    gva_t pc = 0x1000;
    begin(p);
    while (p->n < len) {
        if (!below(8))
            idiom(p);
        else if (below(5))
            pure(p);
        else
            other(p, &pc);
    }
    /* all that was made last is seen */
    for (u32 i = p->n > 16 ? p->n - 16 : 0; i < p->n; i++)
        emit(p,
             (struct ir_ins){.op = IR_OP_put, .type = (u8)p->v[i].type, .aux = slot_of_type(p->v[i].type), .a = i + 1});
    emit(p, (struct ir_ins){.op = IR_OP_exit, .imm = pc + 4});
    assert_int_equal(ir_finish(&p->b), 0);
}

static void show(const char *what, const struct ir_unit *u)
{
    static char buf[1 << 18];
    ir_print(u, buf, sizeof buf);
    print_message("%s:\n%s\n", what, buf);
}

static void verified(const struct pair *p, u64 seed)
{
    char err[200];
    if (ir_verify(&p->raw, err, sizeof err)) {
        show("as it is", &p->raw);
        fail_msg("seed %llu: as it is: %s", (unsigned long long)seed, err);
    }
    if (ir_verify(&p->made, err, sizeof err)) {
        show("made", &p->made);
        fail_msg("seed %llu: made: %s", (unsigned long long)seed, err);
    }
}

static void agree(const struct pair *p, u64 seed)
{
    static struct vcpu start, end;
    static u8 mem_start[0x10000], mem_end[0x10000];
    memset(&start, 0, sizeof start);
    start.mem_base = (hva_t)memory - TEST_MEM_RW;
    for (u32 i = 0; i < TEST_SLOT_BYTES; i += 8) {
        u64 x = telling();
        memcpy(start.slots + i, &x, 8);
    }
    for (u32 i = 0; i < sizeof mem_start; i += 8) {
        u64 x = rnd();
        memcpy(mem_start + i, &x, 8);
    }
    memcpy(memory, mem_start, sizeof mem_start);
    *vcpu = start;
    ir_interp(&p->raw, vcpu);
    end = *vcpu;
    memcpy(mem_end, memory, sizeof mem_end);
    memcpy(memory, mem_start, sizeof mem_start);
    *vcpu = start;
    ir_interp(&p->made, vcpu);
    if (memcmp(&end, vcpu, sizeof end) || memcmp(mem_end, memory, sizeof mem_end)) {
        show("as it is", &p->raw);
        show("made", &p->made);
        for (u32 i = 0; i < TEST_NSLOTS; i++) {
            const struct ir_slot *s = &test_slot_table[i];
            if (memcmp(end.slots + s->offset, vcpu->slots + s->offset, ir_bits(s->type) / 8))
                print_message("slot %s differs\n", s->name);
        }
        fail_msg("seed %llu: pc 0x%llx and 0x%llx", (unsigned long long)seed, (unsigned long long)end.pc,
                 (unsigned long long)vcpu->pc);
    }
}

static void test_random_units(void **state)
{
    static struct pair p;
    const char *given = getenv("DGM_TEST_SEED"), *rounds = getenv("DGM_TEST_ROUNDS");
    const u64 first = given ? strtoull(given, NULL, 0) : 1;
    const u64 last = given ? first : rounds ? strtoull(rounds, NULL, 0) : 12000;
    u64 raw = 0, made = 0;
    for (u64 seed = first; seed <= last; seed++) {
        rng_state = seed * 0x9e3779b97f4a7c15ull + 1;
        random_unit(&p, 8 + below(60));
        verified(&p, seed);
        for (u32 i = 0; i < 3; i++)
            agree(&p, seed);
        raw += p.raw.n;
        made += p.made.n;
    }
    /* It must be worth something, too. */
    if (!given)
        assert_true(made * 10 < raw * 9);
}

/* Each PURE op on constants is the constant that the reference semantics gives. */
static void test_constants(void **state)
{
    static struct pair p;
    rng_state = 42;
    for (u32 round = 0; round < 20000; round++) {
        begin(&p);
        while (p.n < 12)
            constant(&p, round & 1 ? int_type() : below(2) ? int_type() : float_type());
        pure(&p);
        const struct ir_ins *in = &p.raw.ins[p.raw.n - 1];
        if (in->op == IR_OP_pair || in->op == IR_OP_lo || in->op == IR_OP_hi)
            continue;
        u64 k[4] = {0}, want, got;
        for (u32 i = 0; i < 4; i++)
            k[i] = p.raw.ins[ir_arg(in, i)].imm;
        assert_true(ir_eval(in, p.raw.ins[in->a].type, k[0], k[1], k[2], k[3], &want));
        if (!ir_is_const(&p.b, p.v[p.n - 1].made, &got)) {
            show("not folded", &p.made);
            fail_msg("round %u: constants do not fold", round);
        }
        assert_int_equal(got, want);
    }
}

static int setup(void **state)
{
    void *p;
    if (mk_thread_enter() || mk_pages_alloc(&p, sizeof *vcpu))
        return -1;
    vcpu = p;
    if (mk_pages_alloc(&p, 0x10000))
        return -1;
    memory = p;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_constants), cmocka_unit_test(test_random_units)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
