/* Random units.
 *
 * Values are picked so that what folding rules and backends look for comes up often: few constants, all of them telling
 * ones, and arguments that are mostly recent. */
#include "tests/ir/random_units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mk/mk.h"
#include "tests/ir/test_slots.h"
#include "tests/ir/vec_variant.h"
#include "translator/host/host.h"
#include "translator/ir/eval.h"
#include "translator/ir/ir_int.h"

static u64 rng_state;

void test_seed(u64 seed)
{
    rng_state = seed * 0x9e3779b97f4a7c15ull + 1;
}

u64 test_rnd(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state * 0x2545f4914f6cdd1dull;
}

u32 test_below(u32 n)
{
    return n ? (u32)((test_rnd() >> 33) % n) : 0;
}

static u64 last_amount; /* so that (x << c) >> c and x << c | x >> 64 - c come up */

u64 test_telling(void)
{
    if (!test_below(4)) {
        u64 c = last_amount;
        return test_below(2) ? c : 64 - c;
    }
    if (!test_below(6))
        return last_amount = (u64)test_below(8) * 8;
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
    u64 x = k[test_below(ARRAY_LEN(k))];
    return test_below(8) ? x : test_below(2) ? test_rnd() : test_rnd() >> test_below(64);
}

static void emit(struct test_pair *p, struct ir_ins in)
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

static u64 telling_float(u32 type)
{
    static const u64 f64[] = {0,
                              0x3ff0000000000000,
                              0x3fe0000000000000,
                              0x4004000000000000,
                              0x7ff0000000000000,
                              0x7ff8000000000000,
                              0x7ff0000000000001,
                              0x7fefffffffffffff,
                              1,
                              0x000fffffffffffff,
                              0x0010000000000000,
                              0x41dfffffffe00000,
                              0x41e0000000000000,
                              0x43e0000000000000,
                              0x43f0000000000000,
                              0x3ff0000000000001,
                              0x47efffffefffffff,
                              0x40effc0000000000,
                              0xffffffff3f800000,
                              0xffffffffffff3c00};
    static const u64 f32[] = {0,          0x3f800000, 0x3f000000, 0x40200000, 0x7f800000, 0x7fc00000,
                              0x7f800001, 0x7f7fffff, 1,          0x007fffff, 0x00800000, 0x4f000000,
                              0x4effffff, 0x5f000000, 0x5f800000, 0x3f800001, 0x477fe000, 0x33800000};
    static const u64 f16[] = {0, 0x3c00, 0x3800, 0x7c00, 0x7e00, 0x7c01, 0x7bff, 1, 0x03ff, 0x0400};
    u64 x = type == IR_F64   ? f64[test_below(ARRAY_LEN(f64))]
            : type == IR_F32 ? f32[test_below(ARRAY_LEN(f32))]
                             : f16[test_below(ARRAY_LEN(f16))];
    if (!test_below(4))
        x = test_rnd() >> (64 - ir_bits(type));
    return test_below(2) ? x : x ^ 1ull << (ir_bits(type) - 1);
}

void test_pair_constant(struct test_pair *p, u32 type)
{
    if (ir_is_float(type) && test_below(8)) {
        emit(p, (struct ir_ins){.op = IR_OP_const, .type = (u8)type, .imm = telling_float(type)});
        return;
    }
    emit(p, (struct ir_ins){.op = IR_OP_const, .type = (u8)type, .imm = test_telling() & ir_type_mask(type)});
}

static u16 slot_of_type(u32 type)
{
    u16 s;
    do
        s = (u16)test_below(TEST_NSLOTS);
    while (test_slot_table[s].type != type);
    return s;
}

/* A v128 constant, of lanes that say something or are all alike. */
static u32 vector_constant(struct test_pair *p)
{
    test_pair_constant(p, IR_I64);
    u32 lo = p->n;
    if (test_below(3))
        test_pair_constant(p, IR_I64);
    u32 hi = p->n;
    emit(p, (struct ir_ins){.op = IR_OP_vmake, .type = IR_V128, .a = lo, .b = hi});
    return p->n;
}

/* A value of the type: mostly a recent one that is not known to be constant, or what a recent one was made of; now and
 * then a new constant. */
static u32 value(struct test_pair *p, u32 type)
{
    if (type == IR_V128 && (p->constants_only || !test_below(6)))
        return vector_constant(p);
    if (type != IR_I128 && type != IR_V128 && (p->constants_only || !test_below(6))) {
        test_pair_constant(p, type);
        return p->n;
    }
    const bool any = !test_below(16);
    if (p->n && !test_below(4)) {
        const struct ir_ins *def = &p->raw.ins[p->v[p->n - 1 - test_below(p->n < 3 ? p->n : 3)].raw];
        ir_ref r = ir_arg(def, test_below(2));
        for (u32 i = p->n; r && i > 0; i--)
            if (p->v[i - 1].raw == r && p->v[i - 1].type == type &&
                (any || p->made.ins[p->v[i - 1].made].op != IR_OP_const))
                return i;
    }
    u32 seen = 0, want = test_below(3) ? test_below(4) : test_below(p->n);
    u32 last = 0;
    for (u32 i = p->n; i > 0; i--)
        if (p->v[i - 1].type == type && (any || p->made.ins[p->v[i - 1].made].op != IR_OP_const)) {
            last = i;
            if (seen++ == want)
                break;
        }
    if (!last || !test_below(16)) {
        emit(p, (struct ir_ins){.op = IR_OP_get, .type = (u8)type, .aux = slot_of_type(type)});
        last = p->n;
    }
    return last;
}

u32 test_int_type(void)
{
    return test_below(3) ? IR_I64 : IR_I32;
}

u32 test_float_type(void)
{
    return test_below(2) ? IR_F64 : IR_F32;
}

static u32 below(void *cx, u32 n)
{
    return test_below(n);
}

/* Vector op `op`, or any. */
static void vector(struct test_pair *p, u32 op)
{
    struct vec_variant k;
    if (!op)
        op = IR_OP_vmake + test_below(IR_OP_vfnarrow - IR_OP_vmake + 1);
    vec_variant_of(op, test_below(2) ? (u32)IR_RDYN : test_below(5), below, NULL, &k);
    struct ir_ins in = {.op = (u8)op, .type = k.type, .aux = k.aux, .imm = k.imm};
    for (u32 i = 0; i < 3 && k.arg[i]; i++)
        (&in.a)[i] = i && !test_below(8) && k.arg[i] == k.arg[0] ? in.a : value(p, k.arg[i]);
    emit(p, in);
}

/* One random PURE instruction. */
void test_pair_pure(struct test_pair *p)
{
    u32 op;
    static const u8 common[] = {IR_OP_add, IR_OP_sub, IR_OP_neg, IR_OP_not, IR_OP_and,  IR_OP_or,   IR_OP_xor,
                                IR_OP_shl, IR_OP_shr, IR_OP_sar, IR_OP_cmp, IR_OP_sext, IR_OP_zext, IR_OP_trunc};
    do
        op = test_below(2) ? common[test_below(ARRAY_LEN(common))] : test_below(IR_NOPS);
    while (!(ir_flags[op] & IR_PURE) || op == IR_OP_const);
    if (ir_is_vec_op(op)) {
        vector(p, op);
        return;
    }
    const char *sig = ir_ops[op].sig;
    struct ir_ins in = {.op = (u8)op};
    u32 u = 0;
    switch (sig[0]) {
    case 'T':
        in.type = (u8)test_int_type();
        break;
    case 'F':
        in.type = (u8)test_float_type();
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
        u32 k = test_below(4);
        in.type = types[k];
        in.a = value(p, of[k]);
        emit(p, in);
        return;
    }
    case IR_OP_nanunbox:
        in.type = test_below(2) ? IR_F32 : IR_F16;
        break;
    case IR_OP_nanbox:
        in.a = value(p, test_below(2) ? IR_F32 : IR_F16);
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
            t = test_int_type();
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
            t = test_below(4) ? test_float_type() : (u32)IR_F16;
            break;
        case 'U':
            if (!u)
                u = test_int_type();
            t = u;
            break;
        default:
            fail_msg("signature %s", sig);
        }
        arg[i] = i && !test_below(10) && p->v[arg[0] - 1].type == t ? arg[0] : value(p, t);
    }
    if (op == IR_OP_select && !test_below(3) && p->v[in.a - 1].type == in.type) {
        in.c = test_below(2) ? in.a : in.b;
        in.d = in.c == in.a ? in.b : in.a;
    }
    if (ir_ops[op].aux == IR_AUX_BITS)
        in.aux = (u16)(8u << test_below(3));
    if (ir_ops[op].aux == IR_AUX_CC)
        in.aux = (u16)test_below(IR_NCC);
    emit(p, in);
}

static u32 emit2(struct test_pair *p, u32 op, u32 type, u32 aux, u32 x, u32 y)
{
    emit(p, (struct ir_ins){.op = (u8)op, .type = (u8)type, .aux = (u16)aux, .a = x, .b = y});
    return p->n;
}

static u32 number(struct test_pair *p, u32 type, u64 k)
{
    emit(p, (struct ir_ins){.op = IR_OP_const, .type = (u8)type, .imm = k & ir_type_mask(type)});
    return p->n;
}

/* Several instructions that rules look for together. */
static void idiom(struct test_pair *p)
{
    static const u8 shifts[] = {IR_OP_shl, IR_OP_shr, IR_OP_sar, IR_OP_rotl, IR_OP_rotr};
    static const u8 joins[] = {IR_OP_or, IR_OP_add, IR_OP_xor};
    static const u8 signs[] = {IR_OP_fneg, IR_OP_fabs, IR_OP_fcopysign};
    const u32 t = test_int_type(), w = ir_bits(t), x = value(p, t);
    u32 y, z, c;
    switch (test_below(6)) {
    case 0: /* there and back */
        c = number(p, t, test_below(3) ? w - (8u << test_below(3)) : test_below(70));
        y = emit2(p, shifts[test_below(5)], t, 0, x, c);
        emit2(p, shifts[test_below(5)], t, 0, y, c);
        break;
    case 1: /* a rotation, or nearly */
        c = test_below(w + 1);
        y = emit2(p, IR_OP_shl, t, 0, x, number(p, t, c));
        z = emit2(p, IR_OP_shr, t, 0, x, number(p, t, test_below(8) ? w - c : test_below(w)));
        if (test_below(2))
            emit2(p, joins[test_below(3)], t, 0, y, z);
        else
            emit2(p, joins[test_below(3)], t, 0, z, y);
        break;
    case 2: { /* what is done with a condition */
        u32 to = test_int_type();
        y = emit2(p, IR_OP_cmp, to, test_below(IR_NCC), x, value(p, t));
        c = number(p, to, test_below(3));
        if (test_below(2)) {
            u32 one = number(p, t, test_below(2)), other_arm = number(p, t, test_below(2));
            emit(p, (struct ir_ins){.op = IR_OP_select,
                                    .type = (u8)t,
                                    .aux = (u16)test_below(IR_NCC),
                                    .a = y,
                                    .b = c,
                                    .c = one,
                                    .d = other_arm});
        } else if (test_below(2)) {
            emit2(p, IR_OP_cmp, test_int_type(), test_below(IR_NCC), y, c);
        } else {
            emit2(p, IR_OP_xor, to, 0, y, c);
        }
        break;
    }
    case 3: /* sums that cancel */
        z = value(p, t);
        y = emit2(p, test_below(2) ? IR_OP_sub : IR_OP_add, t, 0, x, z);
        z = test_below(2) ? x : z;
        switch (test_below(4)) {
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
            emit2(p, IR_OP_cmp, t, test_below(2), y, number(p, t, 0));
            break;
        }
        break;
    case 4: { /* signs */
        u32 f = test_float_type(), v = value(p, f), op = signs[test_below(3)];
        y = emit2(p, op, f, 0, v, op == IR_OP_fcopysign ? value(p, f) : 0);
        op = signs[test_below(3)];
        if (op == IR_OP_fcopysign && test_below(2))
            emit2(p, op, f, 0, v, y);
        else
            emit2(p, op, f, 0, y, op == IR_OP_fcopysign ? (test_below(2) ? v : value(p, f)) : 0);
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
        if (test_below(2))
            y = value(p, IR_I128);
        z = emit2(p, IR_OP_lo, IR_I64, 0, y, 0);
        emit2(p, IR_OP_pair, IR_I128, 0, z, emit2(p, IR_OP_hi, IR_I64, 0, y, 0));
        break;
    }
    }
}

/* Begins a guest instruction and gives an address in the middle of memory, aligned to `align` bytes or, seldom, not. */
static u32 address(struct test_pair *p, gva_t *pc, u32 align)
{
    emit(p, (struct ir_ins){.op = IR_OP_insn, .imm = *pc += 4, .aux = 4});
    u32 base = number(p, IR_I64, TEST_MEM_RW + 0x8000);
    u32 off = value(p, IR_I64);
    u32 x = emit2(p, IR_OP_and, IR_I64, 0, off, number(p, IR_I64, test_rnd() & 0xfff & ~(u64)(align - 1)));
    x = emit2(p, IR_OP_add, IR_I64, 0, base, x);
    u64 back = test_below(0x1000);
    if (test_below(8))
        back &= ~(u64)(align - 1);
    return emit2(p, IR_OP_add, IR_I64, 0, x, number(p, IR_I64, 0 - back));
}

static u32 access_size(u32 type)
{
    switch (type) {
    case IR_I64:
        return test_below(4);
    case IR_I32:
        return test_below(3);
    case IR_V128:
        return test_below(5);
    case IR_I128:
        return 4;
    case IR_F64:
        return 3;
    case IR_F32:
        return 2;
    default:
        return 1;
    }
}

/* Only some hosts have it. */
static u32 granule(void)
{
    return host_native.granule() ? IR_MEM_GRANULE : 0;
}

static void load_or_store(struct test_pair *p, gva_t *pc, u32 t)
{
    static const u16 order[] = {
        0, 0, 0, IR_MEM_ACQ, IR_MEM_REL, IR_MEM_ACQ | IR_MEM_REL, IR_MEM_ACQ | IR_MEM_REL | IR_MEM_SEQ};
    u32 size = access_size(t), addr = address(p, pc, 1u << size);
    u32 aux = size | order[test_below(ARRAY_LEN(order))];
    aux |= test_below(8) ? 0 : IR_MEM_ALIGN | (test_below(2) ? granule() : 0);
    u64 imm = test_below(2) ? 0 : ((u64)test_below(0x1000) - 0x800) & ~(u64)((1u << size) - 1);
    if (test_below(2)) {
        aux |= ir_is_int(t) && test_below(2) ? IR_MEM_SIGNED : 0;
        emit(p, (struct ir_ins){.op = IR_OP_ld, .type = (u8)t, .aux = (u16)aux, .a = addr, .imm = imm});
    } else {
        u32 v = value(p, t);
        emit(p, (struct ir_ins){.op = IR_OP_st, .type = (u8)t, .aux = (u16)aux, .a = addr, .b = v, .imm = imm});
    }
}

static void atomic(struct test_pair *p, gva_t *pc)
{
    static const u16 order[] = {0, IR_MEM_ACQ, IR_MEM_REL, IR_MEM_ACQ | IR_MEM_REL};
    u32 o = order[test_below(4)] | (test_below(3) ? 0 : granule()), t = test_int_type(),
        size = t == IR_I64 ? 2 + test_below(2) : 2;
    switch (test_below(4)) {
    case 0:
    case 1: {
        u32 addr = address(p, pc, 1u << size), kind = test_below(IR_NAMO), v = value(p, t);
        o |= t == IR_I64 && size == 2 ? IR_MEM_SIGNED : 0;
        emit2(p, IR_OP_amo, t, size | o | kind << IR_AMO_SHIFT, addr, v);
        break;
    }
    case 2: {
        if (!test_below(3)) {
            t = IR_I128;
            size = 4;
        }
        u32 addr = address(p, pc, 1u << size), e = value(p, t), v = value(p, t);
        if (test_below(2)) { /* hits */
            emit(p, (struct ir_ins){.op = IR_OP_ld, .type = (u8)t, .aux = (u16)size, .a = addr});
            e = p->n;
        }
        emit(p, (struct ir_ins){.op = IR_OP_cas, .type = (u8)t, .aux = (u16)(size | o), .a = addr, .b = e, .c = v});
        break;
    }
    default: {
        size = test_below(t == IR_I64 ? 4 : 3);
        u32 addr = address(p, pc, 1u << size), v = value(p, t);
        emit(p, (struct ir_ins){.op = IR_OP_ld, .type = IR_I64, .aux = (u16)size, .a = addr});
        u32 d = test_below(4) ? p->n : value(p, IR_I64), c = test_below(4) ? addr : value(p, IR_I64);
        emit(p,
             (struct ir_ins){.op = IR_OP_sc, .type = (u8)t, .aux = (u16)(size | o), .a = addr, .b = v, .c = c, .d = d});
        break;
    }
    }
}

static void floating(struct test_pair *p)
{
    static const u8 two[] = {IR_OP_fadd, IR_OP_fsub, IR_OP_fmul, IR_OP_fdiv};
    static const u8 minmax[] = {IR_OP_fmin, IR_OP_fmax};
    static const u8 cc[] = {IR_EQ, IR_LTS, IR_LES};
    static const u8 formats[] = {IR_F16, IR_F32, IR_F64};
    const u32 r = test_below(7), round = r > IR_RMM ? (u32)IR_RDYN : r;
    const u32 f = test_float_type(), nan = round | IR_FP_DEFNAN;
    u32 x = value(p, f), y = value(p, f), z, from;
    switch (test_below(15)) {
    case 11:
    case 12:
    case 13:
        vector(p, 0);
        break;
    case 14:
        emit2(p, IR_OP_ford, IR_I64, test_below(2) * IR_FCMP_SIGNAL, x, y);
        break;
    case 0:
    case 1:
        emit2(p, two[test_below(4)], f, nan, x, y);
        break;
    case 2:
        emit2(p, IR_OP_fsqrt, f, nan, x, 0);
        break;
    case 3:
        z = value(p, f);
        emit(p, (struct ir_ins){.op = IR_OP_fma,
                                .type = (u8)f,
                                .aux = (u16)(nan | test_below(4) * IR_FP_NEG_MUL),
                                .a = x,
                                .b = y,
                                .c = z});
        break;
    case 4:
        emit2(p, minmax[test_below(2)], f, IR_FP_DEFNAN | test_below(2) * IR_FP_NAN_WINS, x, y);
        break;
    case 5:
        emit2(p, IR_OP_fcmp, IR_I64, cc[test_below(3)] | test_below(2) * IR_FCMP_SIGNAL, x, y);
        break;
    case 6:
        from = formats[test_below(3)];
        x = value(p, from);
        emit2(p, IR_OP_fcvt, formats[(from - IR_F16 + 1 + test_below(2)) % 3], nan, x, 0);
        break;
    case 7:
        emit2(p, IR_OP_f2i, test_int_type(),
              round | test_below(2) * IR_F2I_UNSIGNED | (test_below(3) ? 0 : IR_F2I_NAN_ZERO), x, 0);
        break;
    case 8:
        x = value(p, test_int_type());
        emit2(p, IR_OP_i2f, f, round | test_below(2) * IR_F2I_UNSIGNED, x, 0);
        break;
    case 9:
        emit2(p, IR_OP_fround, f, nan | test_below(2) * IR_FP_EXACT, x, 0);
        break;
    default:
        if (test_below(4) == 0)
            emit2(p, IR_OP_setround, IR_VOID, 0, value(p, IR_I64), 0);
        else if (test_below(2))
            emit2(p, IR_OP_getflags, IR_I64, 0, 0, 0);
        else
            emit2(p, IR_OP_setflags, IR_VOID, 0, value(p, IR_I64), 0);
        break;
    }
}

/* An instruction that is not PURE. */
static void other(struct test_pair *p, gva_t *pc)
{
    static const u32 types[] = {IR_I64, IR_I64, IR_I64,  IR_I32,  IR_I32, IR_F64,
                                IR_F32, IR_F16, IR_I128, IR_V128, IR_V128};
    const u32 t = types[test_below(ARRAY_LEN(types))];
    u32 x, y;
    switch (test_below(18)) {
    case 0:
    case 1:
        emit(p, (struct ir_ins){.op = IR_OP_get, .type = (u8)t, .aux = slot_of_type(t)});
        break;
    case 2:
    case 3:
    case 4:
        x = value(p, t);
        emit(p, (struct ir_ins){.op = IR_OP_put, .type = (u8)t, .aux = slot_of_type(t), .a = x});
        break;
    case 5:
    case 6:
        load_or_store(p, pc, t);
        break;
    case 7:
        if (!test_below(2)) {
            u32 w = test_int_type();
            x = value(p, w);
            y = value(p, w);
            emit(p, (struct ir_ins){.op = IR_OP_exit_if,
                                    .type = (u8)w,
                                    .aux = (u16)test_below(IR_NCC),
                                    .a = x,
                                    .b = y,
                                    .imm = *pc += 4});
        }
        break;
    case 8:
        x = value(p, IR_I64);
        y = value(p, IR_I64);
        emit(p, (struct ir_ins){.op = IR_OP_call, .type = IR_I64, .aux = (u16)test_below(TEST_VSUM), .a = x, .b = y});
        break;
    case 9:
        if (!test_below(2))
            atomic(p, pc);
        else if (!test_below(4))
            emit(p, (struct ir_ins){.op = IR_OP_fence, .aux = (u16)test_below(16)});
        else if (!test_below(4))
            emit(p, (struct ir_ins){.op = IR_OP_prefetch, .a = value(p, IR_I64)});
        break;
    default:
        floating(p);
        break;
    }
}

static void put(struct test_pair *p, u32 type, u32 x)
{
    emit(p, (struct ir_ins){.op = IR_OP_put, .type = (u8)type, .aux = slot_of_type(type), .a = x});
}

/* As guests compute: one thing from another, each put to a slot or two at once, with accesses and exits between. */
static void chain(struct test_pair *p, gva_t *pc)
{
    static const u8 two[] = {IR_OP_fadd, IR_OP_fsub, IR_OP_fmul, IR_OP_fdiv};
    const u32 t = test_below(3) ? IR_F64 : test_below(2) ? IR_F32 : IR_I64;
    u32 last = value(p, t);
    for (u32 n = 3 + test_below(6); n; n--) {
        const u32 x = test_below(3) ? last : value(p, t), y = test_below(2) ? last : value(p, t);
        last =
            emit2(p, t == IR_I64 ? IR_OP_add : two[test_below(4)], t, t == IR_I64 ? 0 : IR_RDYN | IR_FP_DEFNAN, x, y);
        u32 type = t, what = last;
        if (t == IR_F32 && test_below(2)) {
            what = emit2(p, IR_OP_nanbox, IR_F64, 0, last, 0);
            type = IR_F64;
        }
        for (u32 k = test_below(4); k; k /= 2)
            put(p, type, what);
        if (!test_below(2))
            load_or_store(p, pc, t);
        else if (!test_below(3))
            other(p, pc);
    }
}

static u32 load_at(struct test_pair *p, gva_t *pc, u32 t, u32 size, u32 base, u64 imm)
{
    emit(p, (struct ir_ins){.op = IR_OP_insn, .imm = *pc += 4, .aux = 4});
    emit(p, (struct ir_ins){.op = IR_OP_ld, .type = (u8)t, .aux = (u16)size, .a = base, .imm = imm});
    return p->n;
}

static void store_at(struct test_pair *p, gva_t *pc, u32 size, u32 base, u64 imm, u32 v)
{
    emit(p, (struct ir_ins){.op = IR_OP_insn, .imm = *pc += 4, .aux = 4});
    emit(p, (struct ir_ins){
                .op = IR_OP_st, .type = (u8)p->v[v - 1].type, .aux = (u16)size, .a = base, .b = v, .imm = imm});
}

/* A word that is read, and one that is written, in pieces, in any order, and what else may come between (ir/merge.c).
 */
static void word(struct test_pair *p, gva_t *pc)
{
    static const u8 joins[] = {IR_OP_or, IR_OP_add, IR_OP_xor};
    const u32 t = test_int_type(), size = test_below(4) ? 0 : 1, bytes = 1u << size;
    const u32 n = t == IR_I64 ? (2u << test_below(3)) / bytes : (2u << test_below(2)) / bytes;
    const u32 from = address(p, pc, 1), to = test_below(3) ? address(p, pc, 1) : from;
    const u64 imm = test_below(16), imm_to = test_below(16);
    u32 piece[8], order[8] = {0}, v = 0;
    for (u32 k = 0; k < n; k++) {
        const u32 other = test_below(k + 1);
        order[k] = order[other];
        order[other] = k;
    }
    for (u32 k = 0; k < n; k++) {
        const u32 q = order[k];
        piece[q] = load_at(p, pc, t, size, from, imm + bytes * (test_below(64) ? q : test_below(n)));
        if (!test_below(3))
            put(p, t, piece[q]);
        if (!test_below(24))
            other(p, pc);
        else if (!test_below(24))
            store_at(p, pc, 0, test_below(3) ? from : to, test_below(32), value(p, IR_I64));
        else if (!test_below(24))
            load_at(p, pc, t, 0, test_below(3) ? from : to, test_below(32));
    }
    if (test_below(3)) { /* together */
        for (u32 q = 0; q < n; q++) {
            u32 x = q ? emit2(p, IR_OP_shl, t, 0, piece[q], number(p, t, 8 * bytes * q)) : piece[q];
            if (t == IR_I64 && q == n - 1 && n * bytes == 4 && test_below(2)) {
                x = emit2(p, IR_OP_trunc, IR_I32, 0, x, 0);
                x = emit2(p, IR_OP_sext, IR_I64, 32, x, 0);
            }
            if (!test_below(4))
                put(p, t, x);
            v = q ? emit2(p, joins[test_below(3)], t, 0, v, x) : x;
            if (!test_below(4))
                put(p, t, v);
        }
        put(p, t, v);
    }
    if (test_below(3))
        return;
    const u32 whole = v && test_below(2) ? v : value(p, t), way = test_below(3);
    for (u32 q = 0; q < n && way == 0; q++)
        piece[q] =
            q ? emit2(p, test_below(8) ? IR_OP_shr : IR_OP_sar, t, 0, whole, number(p, t, 8 * bytes * q)) : whole;
    for (u32 q = 0; q < n && way == 1; q++)
        piece[q] = number(p, t, test_telling());
    for (u32 k = 0; k < n; k++) {
        const u32 q = order[k];
        store_at(p, pc, size, to, imm_to + bytes * (test_below(64) ? q : test_below(n)), piece[q]);
        if (!test_below(32))
            load_at(p, pc, t, 0, test_below(3) ? from : to, test_below(32));
    }
}

/* Even, as those of instructions are, or any. */
static u32 some_pc(struct test_pair *p)
{
    u32 x = value(p, IR_I64);
    return test_below(4) == 0 ? x : emit2(p, IR_OP_and, IR_I64, 0, x, number(p, IR_I64, ~1ull));
}

static void end(struct test_pair *p, gva_t pc)
{
    u32 x;
    switch (test_below(8)) {
    case 0:
        x = some_pc(p);
        emit(p, (struct ir_ins){.op = IR_OP_exit_ind, .a = x, .aux = test_below(2) ? IR_EXIT_RET : 0});
        break;
    case 1:
        x = number(p, IR_I64, pc + 4);
        emit(p, (struct ir_ins){.op = IR_OP_exit, .imm = pc + 0x1000, .a = x, .aux = IR_EXIT_CALL});
        break;
    case 2:
        x = some_pc(p);
        emit(p, (struct ir_ins){.op = IR_OP_exit_ind, .a = x, .b = number(p, IR_I64, pc + 4), .aux = IR_EXIT_CALL});
        break;
    case 3:
        emit(p, (struct ir_ins){.op = IR_OP_trap, .imm = pc + 4, .aux = (u16)test_below(IR_NTRAPS)});
        break;
    case 4:
        emit(p, (struct ir_ins){.op = IR_OP_exit, .imm = 0x1000, .aux = IR_EXIT_POLL});
        break;
    default:
        emit(p, (struct ir_ins){.op = IR_OP_exit, .imm = pc + 4});
        break;
    }
}

void test_pair_begin(struct test_pair *p, struct arena *arena)
{
    arena_reset(arena);
    memset(p, 0, sizeof *p);
    p->raw = p->made =
        (struct ir_unit){.arena = arena, .slots = &test_slots, .helpers = test_helpers, .nhelpers = TEST_NHELPERS};
    assert_true(ir_unit_init(&p->raw, 0x1000));
    ir_begin(&p->b, &p->made, 0x1000);
    p->made.alone = test_below(2);
    emit(p, (struct ir_ins){.op = IR_OP_insn, .imm = 0x1000, .aux = 4});
}

void test_random_unit(struct test_pair *p, struct arena *arena, u32 len)
{
    gva_t pc = 0x1000;
    test_pair_begin(p, arena);
    while (p->n < len) {
        if (!test_below(8))
            idiom(p);
        else if (!test_below(24))
            chain(p, &pc);
        else if (!test_below(24))
            word(p, &pc);
        else if (test_below(3))
            test_pair_pure(p);
        else
            other(p, &pc);
    }
    /* all that was made last is seen */
    for (u32 i = p->n > 12 ? p->n - 12 : 0; i < p->n; i++)
        emit(p,
             (struct ir_ins){.op = IR_OP_put, .type = (u8)p->v[i].type, .aux = slot_of_type(p->v[i].type), .a = i + 1});
    end(p, pc);
    assert_int_equal(ir_finish(&p->b), 0);
}

void test_show(const char *what, const struct ir_unit *u)
{
    static char buf[1 << 18];
    ir_print(u, buf, sizeof buf);
    fprintf(stderr, "%s:\n%s\n", what, buf); /* print_message cuts it short */
}

void test_verified(const struct ir_unit *u, const char *what, u64 seed)
{
    char err[200];
    if (ir_verify(u, err, sizeof err)) {
        test_show(what, u);
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, what, err);
    }
}

/* --- running them --- */

static struct vcpu *vcpu;
static u8 *memory; /* 64 KiB at guest address TEST_MEM_RW */

void test_start_running(void)
{
    void *p;
    assert_int_equal(mk_thread_enter(), 0);
    assert_int_equal(mk_pages_alloc(&p, sizeof *vcpu), 0);
    vcpu = p;
    assert_int_equal(mk_pages_alloc(&p, 0x10000), 0);
    memory = p;
}

struct state {
    struct vcpu_fault fault;
    u32 exit, trap, flags;
    gva_t pc;
    u8 slots[TEST_SLOT_BYTES];
    u8 memory[0x10000];
};

static void start_from(const struct state *s, u32 round, u32 poll)
{
    memcpy(vcpu->slots, s->slots, sizeof s->slots);
    memcpy(memory, s->memory, sizeof s->memory);
    vcpu->mem_base = (hva_t)memory - TEST_MEM_RW;
    vcpu->fp_flags = s->flags;
    vcpu->fp_round = round;
    vcpu->poll = poll;
    vcpu->exit = ~0u;
    vcpu->trap = 0;
    vcpu->pc = 1;
    vcpu->fault = (struct vcpu_fault){0};
}

static void result(struct state *s)
{
    memset(s, 0, sizeof *s);
    memcpy(s->slots, vcpu->slots, sizeof s->slots);
    memcpy(s->memory, memory, sizeof s->memory);
    s->flags = vcpu->fp_flags;
    s->exit = vcpu->exit;
    s->pc = vcpu->pc;
    if (s->exit == VCPU_TRAP)
        s->trap = vcpu->trap;
    if (s->exit == VCPU_FAULT)
        s->fault = vcpu->fault;
}

void test_agree(const struct filetest_tier *t1, const struct ir_unit *u1, const struct filetest_tier *t2,
                const struct ir_unit *u2, u64 seed)
{
    static struct state from, one, two;
    for (u32 i = 0; i < TEST_SLOT_BYTES; i += 8) {
        u64 x = i >= 144 && i < 208 && test_below(2) ? telling_float(IR_F64) : test_telling();
        memcpy(from.slots + i, &x, 8);
    }
    for (u32 i = 0; i < sizeof from.memory; i += 8) {
        u64 x = test_rnd();
        memcpy(from.memory + i, &x, 8);
    }
    from.flags = test_below(32);
    const u32 round = test_below(4), poll = test_below(4) ? 0 : VCPU_POLLED;
    start_from(&from, round, poll);
    assert_int_equal(t1->run(u1, vcpu), 0);
    result(&one);
    start_from(&from, round, poll);
    assert_int_equal(t2->run(u2, vcpu), 0);
    result(&two);
    if (!memcmp(&one, &two, sizeof one))
        return;
    test_show("first unit", u1);
    if (u1 != u2)
        test_show("second unit", u2);
    for (u32 i = 0; i < TEST_NSLOTS; i++) {
        const struct ir_slot *s = &test_slot_table[i];
        for (u32 k = 0, left = ir_bits(s->type) / 8; left; k += 8, left -= left < 8 ? left : 8) {
            u64 in = 0, x = 0, y = 0;
            const u32 n = left < 8 ? left : 8;
            memcpy(&in, from.slots + s->offset + k, n);
            memcpy(&x, one.slots + s->offset + k, n);
            memcpy(&y, two.slots + s->offset + k, n);
            print_message("%s %s%s: began as 0x%llx, ends as 0x%llx and 0x%llx\n", x == y ? "     " : "  !! ", s->name,
                          k ? ", above" : "", (unsigned long long)in, (unsigned long long)x, (unsigned long long)y);
        }
    }
    print_message("rounding mode %u\n", round);
    print_message("exit %u and %u, pc 0x%llx and 0x%llx, flags 0x%x and 0x%x, memory %s\n", one.exit, two.exit,
                  (unsigned long long)one.pc, (unsigned long long)two.pc, one.flags, two.flags,
                  memcmp(one.memory, two.memory, sizeof one.memory) ? "differs" : "agrees");
    if (one.exit == VCPU_FAULT && two.exit == VCPU_FAULT)
        print_message("faults: kind %u and %u, access %u and %u, 0x%llx and 0x%llx\n", one.fault.kind, two.fault.kind,
                      one.fault.access, two.fault.access, (unsigned long long)one.fault.addr,
                      (unsigned long long)two.fault.addr);
    fail_msg("seed %llu: %s and %s end differently", (unsigned long long)seed, t1->name, t2->name);
}
