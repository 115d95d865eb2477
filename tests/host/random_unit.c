/* How a unit is made. Guest instructions follow each other; each is some ops on values made before, then puts. Operands
 * are mostly recent values, sometimes old ones (long lives), constants, or slots read anew. Types, arity and aux come
 * from the op table, so a new op takes part by itself unless it needs care. */
#include "tests/host/random_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/harness.h"
#include "tests/ir/vec_variant.h"
#include "translator/ir/ir_int.h"

u64 rng_next(struct rng *r)
{
    u64 x = r->state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

const u64 random_edges[] = {
    0,
    1,
    2,
    31,
    32,
    63,
    64,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
    0xffffffff80000000,
    0xffffffff7fc00000, /* boxed f32: NaN, signalling NaN, 1, -inf, subnormal, -0 */
    0xffffffff7f800001,
    0xffffffff3f800000,
    0xffffffffff800000,
    0xffffffff00000001,
    0xffffffff80000000,
    0xffffffffffff7e00, /* boxed f16 */
    0xffffffffffff3c00,
    0x7ff8000000000000, /* f64: NaNs, infinities, 1, limits of integers */
    0x7ff0000000000001,
    0xfff8000000000123,
    0x7ff0000000000000,
    0xfff0000000000000,
    0x3ff0000000000000,
    0xbff0000000000000,
    0x3fe0000000000000,
    0x3ff8000000000000,
    0xbfe0000000000000,
    0x0000000000000001,
    0x000fffffffffffff,
    0x0010000000000000,
    0x7fefffffffffffff,
    0x43e0000000000000,
    0xc3e0000000000000,
    0x43f0000000000000,
    0x41e0000000000000,
    0xc1e0000000000000,
    0x41dfffffffc00000,
    0x41dfffffffe00000,
    0x41efffffffe00000,
    0x41effffffff00000,
    0x41f0000000000000,
    0xc1e0000000100000,
    0x4330000000000001,
    0x7fc00000, /* f32 in the low half */
    0x7f800001,
    0x3f800000,
    0xbf800000,
    0x4f000000,
    0xcf000000,
    0x4f800000,
    0x4f7fffff,
    0x5f000000,
    0x5f800000,
    0x00800000,
    0x477ff000,
    0x1f8000001fc00001, /* f32 and f64 whose products and quotients are tiny, or nearly */
    0x5e8000002ff00001,
    0x00c0000080800001,
    0x3810000030800000,
    0x8000000000000400, /* u64 that round to even, and just not */
    0x8000000000000401,
    0x80000000000003ff,
    0x8000000000000c00,
    0x8000008000000000,
    0x8000008000000001,
    0xfffffffffffffbff,
    0x0020000000000001,
};
const u32 random_nedges = ARRAY_LEN(random_edges);

u64 rng_value(struct rng *r)
{
    u64 x = rng_next(r);
    switch (rng_below(r, 8)) {
    case 0:
    case 1:
    case 2:
        return random_edges[x % random_nedges];
    case 3:
        return (u64)((s64)x >> (rng_below(r, 64)));
    case 4:
        return x >> rng_below(r, 64);
    case 5: /* floats near 1 and of like size, where things cancel */
        return rng_chance(r, 50) ? (x & 0x800fffffffffffff) | (u64)(0x3fc + rng_below(r, 8)) << 52
                                 : 0xffffffff00000000 | (x & 0x807fffff) | (u64)(0x7c + rng_below(r, 8)) << 23;
    case 6:
        return random_edges[x % random_nedges] + rng_below(r, 5) - 2;
    default:
        return x;
    }
}

/* --- the guest --- */

static const u8 slot_types[RANDOM_SLOTS] = {
    IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,
    IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,  IR_I64,
    IR_I64,  IR_I64,  IR_I32,  IR_I32,  IR_I32,  IR_I32,  IR_I32,  IR_I32,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,
    IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,  IR_F64,
    IR_F32,  IR_F32,  IR_F32,  IR_F32,  IR_F32,  IR_F32,  IR_F16,  IR_F16,  IR_I128, IR_I128, IR_V128, IR_V128, IR_V128,
    IR_V128, IR_V128, IR_V128, IR_V128, IR_V128, IR_V128, IR_V128, IR_V128, IR_V128, IR_V128, IR_V128};

static char names[RANDOM_SLOTS][16];

void random_slots(struct rng *r, struct ir_slot table[RANDOM_SLOTS], struct ir_slots *slots)
{
    u32 off = 0, order[RANDOM_SLOTS], rank[IR_NCLASSES] = {0};
    for (u32 i = 0; i < RANDOM_SLOTS; i++) {
        u32 size = ir_bits(slot_types[i]) / 8;
        off = (off + size - 1) / size * size;
        bool is_int = slot_types[i] == IR_I64 || slot_types[i] == IR_I32 || slot_types[i] == IR_I128;
        snprintf(names[i], sizeof names[i], "%s_%u", ir_type_names[slot_types[i]], i);
        table[i] = (struct ir_slot){
            .name = names[i], .type = slot_types[i], .cls = is_int ? IR_CLASS_INT : IR_CLASS_FLOAT, .offset = off};
        off += size;
        order[i] = i;
    }
    u32 wanted = rng_chance(r, 20) ? rng_below(r, 8) : 20; /* sometimes fewer than the backend could pin */
    for (u32 i = RANDOM_SLOTS; i-- > 0;) {
        u32 j = rng_below(r, i + 1), s = order[j];
        order[j] = order[i];
        u32 t = table[s].type;
        if (t != IR_F16 && t != IR_I128 && rank[table[s].cls] < wanted)
            table[s].rank = (u16)++rank[table[s].cls];
    }
    *slots = (struct ir_slots){table, RANDOM_SLOTS};
}

static u64 helper_mix(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    return a + 3 * b + 5 * c + 7 * d;
}

static u64 helper_reads(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    u64 sum = a;
    for (u32 i = 0; i < RANDOM_SLOT_BYTES; i++)
        sum = sum * 31 + v->slots[i];
    return sum;
}

static u64 helper_writes(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    for (u32 i = 0; i < RANDOM_SLOT_BYTES; i += 1 + (a & 7))
        v->slots[i] ^= (u8)(b + i);
    return a ^ c;
}

static u64 helper_flags(struct vcpu *v, u64 a, u64 b, u64 c, u64 d)
{
    u32 was = v->fp_flags;
    v->fp_flags = (v->fp_flags | (u32)a) & 31;
    return was;
}

static void helper_vmix(struct vcpu *v, u128 *out, const u128 *a, const u128 *b, const u128 *c, u64 imm)
{
    *out = *a + 3 * *b + 5 * *c + (u128)imm * imm;
}

static void helper_vflags(struct vcpu *v, u128 *out, const u128 *a, const u128 *b, const u128 *c, u64 imm)
{
    *out = v->fp_flags | (u128)v->fp_round << 64;
    v->fp_flags |= (u32)*a & 31;
}

const struct ir_helper random_helpers[] = {
    {"mix", helper_mix, IR_HELPER_PURE},
    {"reads", helper_reads, IR_HELPER_READS},
    {"writes", helper_writes, IR_HELPER_READS | IR_HELPER_WRITES},
    {"flags", helper_flags, IR_HELPER_FP},
    {"vmix", NULL, IR_HELPER_PURE, helper_vmix},
    {"vflags", NULL, IR_HELPER_FP, helper_vflags},
};
const u32 random_nhelpers = ARRAY_LEN(random_helpers);

/* --- making a unit --- */

#define MAX_REFS 4096

struct maker {
    struct rng *r;
    const struct random_mix *mix;
    struct ir_unit *u;
    bool ok;
    ir_ref val[IR_NTYPES][MAX_REFS];
    u32 nval[IR_NTYPES];
    gva_t pc;
    bool tiny_known;
    u32 tiny; /* IR_FP_TINY_BEFORE, or 0 */
};

static ir_ref add(struct maker *m, struct ir_ins in)
{
    ir_ref r = m->u->n < MAX_REFS ? ir_append(m->u, &in) : 0;
    if (!r)
        m->ok = false;
    else if (in.type != IR_VOID && ir_ops[in.op].sig[0] != '-')
        m->val[in.type][m->nval[in.type]++] = r;
    return r;
}

static ir_ref konst(struct maker *m, u32 type, u64 x)
{
    u64 mask = ir_bits(type) >= 64 ? ~0ull : (1ull << ir_bits(type)) - 1;
    return add(m, (struct ir_ins){.op = IR_OP_const, .type = (u8)type, .imm = x & mask});
}

static ir_ref get(struct maker *m, u32 type)
{
    u32 s, tries = 0;
    do
        s = rng_below(m->r, RANDOM_SLOTS);
    while (m->u->slots->slot[s].type != type && ++tries < 1000);
    return add(m, (struct ir_ins){.op = IR_OP_get, .type = (u8)type, .aux = (u16)s});
}

/* A constant that instructions like to treat by itself, or any. */
static ir_ref pick_const(struct maker *m, u32 type)
{
    static const u64 likely[] = {0, 1, ~0ull, 2, 3, 31, 63, 0xff, 0xffff, 0xffffffff, 0x80000000, 8, 16};
    bool like = rng_chance(m->r, 50);
    return konst(m, type, like ? likely[rng_below(m->r, ARRAY_LEN(likely))] : rng_value(m->r));
}

/* An operand. */
static ir_ref pick(struct maker *m, u32 type)
{
    u32 n = m->nval[type], how = rng_below(m->r, 100);
    if (rng_chance(m->r, m->mix->fresh))
        return get(m, type);
    if (n && how < 55) {
        u32 k = 1 + rng_below(m->r, n < 5 ? n : 5);
        return m->val[type][n - k];
    }
    if (n && how < 70)
        return m->val[type][rng_below(m->r, n)];
    if (how < 80 && type != IR_I128 && type != IR_V128)
        return pick_const(m, type);
    return get(m, type);
}

static u32 pick_int(struct maker *m)
{
    return rng_chance(m->r, 65) ? IR_I64 : IR_I32;
}
static u32 pick_float(struct maker *m, bool half)
{
    u32 k = rng_below(m->r, half ? 10 : 9);
    return k < 5 ? IR_F64 : k < 9 ? IR_F32 : IR_F16;
}
static u32 pick_any(struct maker *m)
{
    u32 k = rng_below(m->r, 20);
    return k < 10 ? pick_int(m) : k < 15 ? pick_float(m, true) : k < 16 ? IR_I128 : IR_V128;
}

static u32 fp_aux(struct maker *m)
{
    u32 round = rng_below(m->r, 10);
    if (round > IR_RMM)
        round = m->mix->any_round ? rng_below(m->r, 5) : IR_RDYN;
    /* A guest has one way to tell what is tiny. */
    if (!m->tiny_known) {
        m->tiny = rng_chance(m->r, 40) ? IR_FP_TINY_BEFORE : 0;
        m->tiny_known = true;
    }
    return round | (rng_chance(m->r, 80) ? IR_FP_DEFNAN : 0) | m->tiny;
}

/* An address where 2^size bytes can be accessed as `aux` says, or with some chance not. *imm: displacement to use, or
 * NULL. */
static ir_ref address(struct maker *m, u32 size, u32 aux, u64 *imm)
{
    struct rng *r = m->r;
    u64 base = MEM_RW, mask = MEM_RW_SIZE - 1 - 31;
    if (rng_chance(r, m->mix->bad)) {
        static const u64 far[] = {0x7000000000000000, 0x8000000000000000, 0x0001000000000000, 0xfedc000000000000};
        base = rng_chance(r, 50)   ? MEM_RO
               : rng_chance(r, 50) ? MEM_NONE
               : rng_chance(r, 50) ? MEM_RW + MEM_RW_SIZE - 4096
                                   : far[rng_below(r, 4)]; /* the host's addresses end before */
        mask = rng_chance(r, 50) ? 4095 : 0xff;
    }
    if ((aux & IR_MEM_ALIGN) && !rng_chance(r, m->mix->bad)) {
        if ((aux & IR_MEM_GRANULE) && size < 4)
            mask &= ~(1ull << size); /* so it ends before the next multiple of 16 */
        else
            mask &= ~((1ull << size) - 1);
    }
    u64 disp = 0;
    if (imm) {
        u32 how = rng_below(r, 10);
        disp = how < 4   ? 0
               : how < 8 ? (u64)(s64)(s32)(rng_next(r) & 0xff0) - 0x800
               : how < 9 ? rng_next(r) & ~31ull
                         : (u64)(s64)(s32)rng_next(r) & ~31ull;
        *imm = disp;
        base -= disp;
    }
    if (rng_chance(r, 15))
        return konst(m, IR_I64, base + (rng_next(r) & mask));
    if (rng_chance(r, 20)) { /* base and scaled index */
        ir_ref i = add(m, (struct ir_ins){
                              .op = IR_OP_and, .type = IR_I64, .a = pick(m, IR_I64), .b = konst(m, IR_I64, mask >> 3)});
        ir_ref sh = add(m, (struct ir_ins){.op = IR_OP_shl, .type = IR_I64, .a = i, .b = konst(m, IR_I64, 3)});
        ir_ref b = add(
            m, (struct ir_ins){.op = IR_OP_or, .type = IR_I64, .a = konst(m, IR_I64, base), .b = konst(m, IR_I64, 0)});
        bool swap = rng_chance(r, 50);
        return add(m, (struct ir_ins){.op = IR_OP_add, .type = IR_I64, .a = swap ? sh : b, .b = swap ? b : sh});
    }
    ir_ref off =
        add(m, (struct ir_ins){.op = IR_OP_and, .type = IR_I64, .a = pick(m, IR_I64), .b = konst(m, IR_I64, mask)});
    return add(m, (struct ir_ins){.op = IR_OP_add, .type = IR_I64, .a = off, .b = konst(m, IR_I64, base)});
}

static u32 log2_bytes(u32 type)
{
    return (u32)__builtin_ctz(ir_bits(type) / 8);
}

static u32 mem_bits(struct maker *m)
{
    return (rng_chance(m->r, 20) ? IR_MEM_ACQ : 0) | (rng_chance(m->r, 20) ? IR_MEM_REL : 0);
}

static u32 granule(struct maker *m)
{
    return host_native.granule() && rng_chance(m->r, 30) ? IR_MEM_GRANULE : 0;
}

static void memory_op(struct maker *m)
{
    struct rng *r = m->r;
    struct ir_ins in = {0};
    u32 type = rng_chance(r, 70) ? pick_int(m) : pick_any(m), size = log2_bytes(type);
    bool is_int = type == IR_I32 || type == IR_I64;
    switch (rng_below(r, 10)) {
    case 0:
    case 1:
    case 2:
    case 3:
        in.op = IR_OP_ld;
        in.type = (u8)type;
        if (is_int || type == IR_V128)
            size = rng_below(r, size + 1);
        if (is_int)
            in.aux = rng_chance(r, 50) ? IR_MEM_SIGNED : 0;
        in.aux |= (u16)(size | mem_bits(m));
        if ((in.aux & IR_MEM_ACQ) && rng_chance(r, 50))
            in.aux |= IR_MEM_SEQ;
        if (rng_chance(r, 15))
            in.aux |= (u16)(IR_MEM_ALIGN | granule(m));
        in.a = address(m, size, in.aux, &in.imm);
        break;
    case 4:
    case 5:
    case 6:
        in.op = IR_OP_st;
        in.type = (u8)type;
        size = rng_below(r, size + 1);
        in.aux = (u16)(size | mem_bits(m));
        if ((in.aux & IR_MEM_REL) && rng_chance(r, 50))
            in.aux |= IR_MEM_SEQ;
        if (rng_chance(r, 15))
            in.aux |= (u16)(IR_MEM_ALIGN | granule(m));
        in.b = pick(m, type);
        in.a = address(m, size, in.aux, &in.imm);
        break;
    case 7:
        type = pick_int(m);
        size = rng_below(r, log2_bytes(type) + 1);
        in = (struct ir_ins){.op = IR_OP_amo,
                             .type = (u8)type,
                             .aux = (u16)(size | mem_bits(m) | (rng_chance(r, 50) ? IR_MEM_SIGNED : 0) | granule(m) |
                                          rng_below(r, IR_NAMO) << IR_AMO_SHIFT)};
        in.b = pick(m, type);
        in.a = address(m, size, in.aux | IR_MEM_ALIGN, NULL);
        break;
    case 8:
        type = rng_chance(r, 30) ? IR_I128 : pick_int(m);
        size = type == IR_I128 ? 4 : rng_below(r, log2_bytes(type) + 1);
        in = (struct ir_ins){
            .op = IR_OP_cas,
            .type = (u8)type,
            .aux = (u16)(size | mem_bits(m) | granule(m) | (type != IR_I128 && rng_chance(r, 50) ? IR_MEM_SIGNED : 0))};
        in.a = address(m, size, in.aux | IR_MEM_ALIGN, NULL);
        in.b = pick(m, type);
        if (rng_chance(r, 60) && type != IR_I128) /* what is there, so that it succeeds */
            in.b = add(m, (struct ir_ins){.op = IR_OP_ld, .type = (u8)type, .aux = (u16)size, .a = in.a});
        else if (rng_chance(r, 60) && type == IR_I128)
            in.b = add(m, (struct ir_ins){.op = IR_OP_ld, .type = (u8)type, .aux = (u16)size, .a = in.a});
        in.c = pick(m, type);
        break;
    default:
        type = pick_int(m);
        size = rng_below(r, log2_bytes(type) + 1);
        in = (struct ir_ins){.op = IR_OP_sc, .type = (u8)type, .aux = (u16)(size | mem_bits(m) | granule(m))};
        in.a = address(m, size, in.aux | IR_MEM_ALIGN, NULL);
        in.b = pick(m, type);
        in.c = rng_chance(r, 70) ? in.a : pick(m, IR_I64);
        in.d = pick(m, IR_I64);
        if (rng_chance(r, 60))
            in.d = add(m, (struct ir_ins){.op = IR_OP_ld, .type = IR_I64, .aux = (u16)size, .a = in.a});
        break;
    }
    add(m, in);
}

static u32 below(void *r, u32 n)
{
    return rng_below(r, n);
}

static void vector_op(struct maker *m)
{
    struct rng *r = m->r;
    if (rng_chance(r, 4)) {
        struct ir_ins in = {
            .op = IR_OP_vcall, .type = IR_V128, .imm = rng_value(r), .aux = (u16)(RANDOM_VMIX + rng_below(r, 2))};
        u32 n = rng_below(r, 4);
        for (u32 i = 0; i < n; i++)
            (&in.a)[i] = rng_chance(r, 80) ? pick(m, IR_V128) : 0;
        add(m, in);
        return;
    }
    u32 op = IR_OP_vmake + rng_below(r, IR_OP_vfnarrow - IR_OP_vmake + 1);
    struct vec_variant k;
    vec_variant_of(op, fp_aux(m) & IR_FP_ROUND, below, r, &k);
    struct ir_ins in = {.op = (u8)op, .type = k.type, .aux = k.aux, .imm = k.imm};
    for (u32 i = 0; i < 3 && k.arg[i]; i++)
        (&in.a)[i] = pick(m, k.arg[i]);
    if (rng_chance(r, 8) && in.b && k.arg[0] == k.arg[1])
        in.b = in.a;
    add(m, in);
}

/* An op with operands by its signature. */
static void plain_op(struct maker *m)
{
    struct rng *r = m->r;
    if (rng_chance(r, m->mix->vec)) {
        vector_op(m);
        return;
    }
    u32 op;
    bool want_fp = rng_chance(r, m->mix->fp);
    for (;;) {
        op = rng_below(r, IR_NOPS);
        u32 f = ir_flags[op];
        if ((f & (IR_END | IR_SLOT | IR_READ | IR_WRITE)) || op == IR_OP_nop || op == IR_OP_insn || op == IR_OP_const ||
            op == IR_OP_exit_if || op == IR_OP_setflags || op == IR_OP_setround || op == IR_OP_call ||
            op == IR_OP_vcall || ir_is_vec_op(op) || ir_is_region_op(op))
            continue;
        if (want_fp == (op >= IR_OP_fadd && op <= IR_OP_nanunbox))
            break;
    }
    const char *sig = ir_ops[op].sig;
    u32 T = pick_int(m), F = pick_float(m, false), X = 0, U = pick_int(m);
    struct ir_ins in = {.op = (u8)op};
    u32 type = IR_VOID, shared = U, at = 0;
    switch (op) {
    case IR_OP_fcmp:
    case IR_OP_ford:
        shared = pick_float(m, false);
        break;
    case IR_OP_fcvt:
        at = pick_float(m, true);
        do
            X = pick_float(m, true);
        while (X == at);
        break;
    case IR_OP_bitcast: {
        static const u8 pairs[][2] = {{IR_I32, IR_F32}, {IR_F32, IR_I32}, {IR_I64, IR_F64}, {IR_F64, IR_I64}};
        u32 k = rng_below(r, 4);
        X = pairs[k][0];
        at = pairs[k][1];
        break;
    }
    case IR_OP_nanbox:
        at = rng_chance(r, 80) ? IR_F32 : IR_F16;
        break;
    case IR_OP_nanunbox:
        X = rng_chance(r, 80) ? IR_F32 : IR_F16;
        break;
    case IR_OP_trunc:
        T = IR_I32;
        break;
    default:
        break;
    }
    switch (sig[0]) {
    case 'T':
        type = T;
        break;
    case 'F':
        type = F;
        break;
    case 'X':
        type = X;
        break;
    case 'l':
        type = IR_I64;
        break;
    case 'q':
        type = IR_I128;
        break;
    case 'd':
        type = IR_F64;
        break;
    default:
        break;
    }
    in.type = (u8)type;
    ir_ref *arg = &in.a;
    for (u32 i = 0; sig[2 + i]; i++) {
        u32 t;
        switch (sig[2 + i]) {
        case 'T':
            t = T;
            break;
        case 'F':
            t = F;
            break;
        case 'U':
            t = shared;
            break;
        case 'i':
            t = at ? at : pick_int(m);
            break;
        case 'f':
            t = at ? at : pick_float(m, true);
            break;
        case 'x':
            t = at;
            break;
        case 'q':
            t = IR_I128;
            break;
        case 'd':
            t = IR_F64;
            break;
        default:
            t = IR_I64;
        }
        arg[i] = pick(m, t);
    }
    if (sig[2] && (sig[2] != 'i' || sig[3]) && rng_chance(r, 5) && sig[3] && sig[2] == sig[3])
        in.b = in.a;
    switch (ir_ops[op].aux) {
    case IR_AUX_BITS: {
        static const u8 bits[] = {8, 16, 32};
        in.aux = bits[rng_below(r, 3)];
        break;
    }
    case IR_AUX_CC:
        in.aux = (u16)rng_below(r, IR_NCC);
        break;
    case IR_AUX_FENCE:
        in.aux = (u16)rng_below(r, 16);
        break;
    case IR_AUX_FP:
        in.aux = (u16)fp_aux(m);
        if (op == IR_OP_fmin || op == IR_OP_fmax)
            in.aux &= IR_FP_DEFNAN;
        if ((op == IR_OP_fmin || op == IR_OP_fmax) && rng_chance(r, 30))
            in.aux |= IR_FP_SNAN_WINS;
        if (op == IR_OP_fma)
            in.aux |= (u16)(rng_below(r, 4) * IR_FP_NEG_MUL);
        if ((op == IR_OP_fmin || op == IR_OP_fmax || op == IR_OP_fround) && rng_chance(r, 40))
            in.aux |= 1 << 4;
        break;
    case IR_AUX_FCMP: {
        static const u8 cc[] = {IR_EQ, IR_LTS, IR_LES};
        in.aux = (u16)((op == IR_OP_ford ? 0 : cc[rng_below(r, 3)]) | (rng_chance(r, 50) ? IR_FCMP_SIGNAL : 0));
        break;
    }
    case IR_AUX_F2I:
        in.aux = (u16)((fp_aux(m) & IR_FP_ROUND) | (rng_chance(r, 50) ? IR_F2I_UNSIGNED : 0) |
                       (op == IR_OP_f2i && rng_chance(r, 30) ? IR_F2I_NAN_ZERO : 0));
        break;
    default:
        break;
    }
    add(m, in);
}

static void call_op(struct maker *m)
{
    u32 h = rng_below(m->r, RANDOM_VMIX);
    struct ir_ins in = {.op = IR_OP_call, .type = (u8)(rng_chance(m->r, 10) ? IR_VOID : pick_int(m)), .aux = (u16)h};
    ir_ref *arg = &in.a;
    u32 n = rng_below(m->r, 5);
    for (u32 i = 0; i < n; i++)
        arg[i] = pick(m, pick_int(m));
    add(m, in);
}

/* Many values, all needed at the end. */
static void pressure(struct maker *m)
{
    ir_ref live[200];
    u32 n = 5 + rng_below(m->r, rng_chance(m->r, 10) ? 195 : 30);
    u32 type = rng_chance(m->r, 60) ? IR_I64 : rng_chance(m->r, 50) ? IR_F64 : IR_V128;
    for (u32 i = 0; i < n; i++)
        live[i] = add(m, (struct ir_ins){.op = type == IR_I64   ? IR_OP_add
                                               : type == IR_F64 ? IR_OP_fcopysign
                                                                : IR_OP_vadd,
                                         .type = (u8)type,
                                         .a = pick(m, type),
                                         .b = pick(m, type)});
    ir_ref sum = live[0];
    for (u32 i = 1; i < n; i++)
        sum = add(m, (struct ir_ins){.op = type == IR_I64   ? IR_OP_xor
                                           : type == IR_F64 ? IR_OP_fcopysign
                                                            : IR_OP_vxor,
                                     .type = (u8)type,
                                     .a = live[i],
                                     .b = sum});
}

static void put(struct maker *m)
{
    u32 s = rng_below(m->r, RANDOM_SLOTS), type = m->u->slots->slot[s].type;
    ir_ref v = pick(m, type);
    add(m, (struct ir_ins){.op = IR_OP_put, .type = (u8)type, .aux = (u16)s, .a = v});
}

/* slot d = slot a op slot b, or a constant: many of them, on few slots, so that each stays in use for long. */
static void guest_like(struct maker *m)
{
    static const u8 ops[] = {IR_OP_add,  IR_OP_sub, IR_OP_and,    IR_OP_or,   IR_OP_xor,  IR_OP_shl,  IR_OP_shr,
                             IR_OP_sar,  IR_OP_mul, IR_OP_mulhu,  IR_OP_divs, IR_OP_remu, IR_OP_mins, IR_OP_maxu,
                             IR_OP_rotl, IR_OP_cmp, IR_OP_select, IR_OP_not,  IR_OP_neg};
    struct rng *r = m->r;
    u32 few = 2 + rng_below(r, 8);
    u32 s[3];
    for (u32 i = 0; i < 3; i++)
        s[i] = rng_below(r, few); /* the first slots are all i64; which of them are pinned changes */
    ir_ref v[4];
    for (u32 i = 0; i < 4; i++)
        v[i] = rng_chance(r, 25) ? pick_const(m, IR_I64)
                                 : add(m, (struct ir_ins){.op = IR_OP_get, .type = IR_I64, .aux = (u16)s[i % 3]});
    u32 op = ops[rng_below(r, ARRAY_LEN(ops))];
    bool narrow = rng_chance(r, 25), inverted = rng_chance(r, 15);
    u32 type = narrow ? IR_I32 : IR_I64;
    if (narrow)
        for (u32 i = 0; i < 4; i++)
            v[i] = add(m, (struct ir_ins){.op = IR_OP_trunc, .type = IR_I32, .a = v[i]});
    if (inverted)
        v[1] = add(m, (struct ir_ins){.op = IR_OP_not, .type = (u8)type, .a = v[1]});
    if (op == IR_OP_add && rng_chance(r, 30))
        for (u32 i = rng_below(r, 2); i < 2; i++)
            v[i] = add(
                m, (struct ir_ins){.op = IR_OP_shl, .type = (u8)type, .a = v[i], .b = konst(m, type, rng_below(r, 5))});
    struct ir_ins in = {.op = (u8)op, .type = (u8)type, .a = v[0], .b = v[1]};
    if (op == IR_OP_not || op == IR_OP_neg)
        in.b = 0;
    if (op == IR_OP_cmp || op == IR_OP_select)
        in.aux = (u16)rng_below(r, IR_NCC);
    if (op == IR_OP_select) {
        in.c = v[2];
        in.d = v[3];
    }
    ir_ref x = add(m, in);
    if (rng_chance(r, 15)) { /* there and back, as guests extend */
        ir_ref n = konst(m, type, (narrow ? 8 : 32) + 8 * rng_below(r, 4));
        x = add(m, (struct ir_ins){.op = IR_OP_shl, .type = (u8)type, .a = x, .b = n});
        x = add(m, (struct ir_ins){.op = rng_chance(r, 50) ? IR_OP_shr : IR_OP_sar, .type = (u8)type, .a = x, .b = n});
    }
    if (narrow)
        x = add(m,
                (struct ir_ins){.op = rng_chance(r, 70) ? IR_OP_sext : IR_OP_zext, .type = IR_I64, .aux = 32, .a = x});
    add(m, (struct ir_ins){.op = IR_OP_put, .type = IR_I64, .aux = (u16)s[rng_below(r, 3)], .a = x});
}

static gva_t some_pc(struct maker *m)
{
    return rng_chance(m->r, 70) ? m->pc + 4 : rng_chance(m->r, 50) ? m->pc + 0x40 : 0x2aaaaaaa0000 + m->pc;
}

static void exit_if(struct maker *m)
{
    u32 type = pick_int(m);
    add(m, (struct ir_ins){.op = IR_OP_exit_if,
                           .type = (u8)type,
                           .aux = (u16)rng_below(m->r, IR_NCC),
                           .a = pick(m, type),
                           .b = pick(m, type),
                           .imm = some_pc(m)});
}

/* A pc to go to: even, as all are. */
static ir_ref even_pc(struct maker *m)
{
    bool shift = rng_chance(m->r, 30);
    return add(m, (struct ir_ins){.op = shift ? IR_OP_shl : IR_OP_and,
                                  .type = IR_I64,
                                  .a = pick(m, IR_I64),
                                  .b = konst(m, IR_I64, shift ? 1 : (u64)-2)});
}

static void end(struct maker *m)
{
    struct rng *r = m->r;
    gva_t back = rng_chance(r, 70) ? m->pc + 4 : 0x2aaaaaaa0004 + m->pc;
    struct ir_ins in = {.op = IR_OP_exit_ind};
    switch (rng_below(r, 6)) {
    case 0:
        in = (struct ir_ins){.op = IR_OP_exit, .aux = IR_EXIT_CALL, .a = konst(m, IR_I64, back), .imm = some_pc(m)};
        break;
    case 1:
        in.a = even_pc(m);
        break;
    case 2:
        in.a = even_pc(m);
        in.b = konst(m, IR_I64, back);
        in.aux = IR_EXIT_CALL;
        break;
    case 3:
        in.a = even_pc(m);
        in.aux = IR_EXIT_RET;
        break;
    case 4:
        in = (struct ir_ins){.op = IR_OP_trap, .aux = (u16)rng_below(r, IR_NTRAPS), .imm = some_pc(m)};
        break;
    default:
        in = (struct ir_ins){.op = IR_OP_exit, .imm = some_pc(m)};
    }
    add(m, in);
}

bool random_unit(struct rng *r, const struct random_mix *mix, struct ir_unit *u)
{
    struct maker *m = calloc(1, sizeof *m);
    gva_t pc = rng_chance(r, 80) ? 0x1000 : 0x2aaaaaa01000;
    if (!m || !ir_unit_init(u, pc)) {
        free(m);
        return false;
    }
    u->alone = rng_chance(r, 50);
    u->nans_trap = rng_chance(r, 50) && host_native.nans_trap && host_native.nans_trap();
    m->r = r;
    m->mix = mix;
    m->u = u;
    m->ok = true;
    u32 insns = 1 + rng_below(r, mix->insns);
    for (u32 i = 0; i < insns && m->ok && u->n < MAX_REFS - 600; i++) {
        m->pc = pc + 4ull * i;
        add(m, (struct ir_ins){.op = IR_OP_insn, .aux = 4, .imm = m->pc});
        if (rng_chance(r, mix->guest)) {
            guest_like(m);
            continue;
        }
        if (rng_chance(r, mix->pressure))
            pressure(m);
        u32 ops = rng_below(r, mix->ops + 1);
        for (u32 k = 0; k < ops; k++) {
            if (rng_chance(r, mix->mem))
                memory_op(m);
            else
                plain_op(m);
        }
        if (rng_chance(r, mix->exits))
            exit_if(m);
        if (rng_chance(r, 5)) { /* between the making of values and their puts */
            call_op(m);
            plain_op(m);
        }
        u32 puts = rng_chance(r, 70) ? 1 : rng_below(r, 5);
        for (u32 k = 0; k < puts; k++)
            put(m);
        if (rng_chance(r, 3))
            call_op(m);
        if (rng_chance(r, 3))
            add(m, (struct ir_ins){.op = rng_chance(r, 50) ? IR_OP_setflags : IR_OP_setround, .a = pick(m, IR_I64)});
        if (rng_chance(r, mix->exits / 4))
            exit_if(m);
        if (rng_chance(r, 10))
            put(m);
    }
    end(m);
    bool ok = m->ok;
    free(m);
    return ok;
}
