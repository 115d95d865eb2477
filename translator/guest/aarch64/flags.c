/* aarch64: NZCV.
 *
 * Flags are lazy, in two ways.
 *
 * The slots cc_kind, cc_a, cc_b, cc_c say what made them (enum a64_cc_kind), not what they are: a compare costs two
 * stores, or three of two registers, and no arithmetic. For a result that a register holds anyway the pair (result,
 * second operand) is kept, which spares a copy of the first operand.
 *
 * Within a unit the frontend knows what made them last (struct a64_flags), so that a consumer becomes a comparison of
 * the operands themselves, and the slots are written only where they may be looked at: before an instruction that may
 * leave the unit (translate.c calls a64_flags_flush between instructions; the marker of such an instruction is where
 * slots must be exact). Of flags that nothing looks at before the next ones come, nothing is left.
 *
 * ccmp makes a CHOICE: the flags of a comparison if a condition holds, else a constant. Its consumers become logic on
 * the two conditions; for the slots, kind and first operand are selected. A forward branch by it comes before that is
 * stored, as it knows at its exits which of the two the flags are (exit_either).
 *
 * A consumer at the head of a unit finds the kind unknown. Z alone is computed from the slots. A branch by another
 * condition compares the operands as if a comparison had made the flags, and leaves if one had (a64_exit_head). For all
 * else NZCV is made from the slots by a helper, and from then on is a literal. */
#include "translator/guest/aarch64/a64_int.h"

enum { EQ, NE, CS, CC, MI, PL, VS, VC, HI, LS, GE, LT, GT, LE, AL, NV };
enum { N = 8, Z = 4, C = 2, V = 1 };

/* --- the architecture's flags, outside of translated code --- */

/* NZCV of one of `kind`. */
static u64 nzcv_of(u64 kind, u64 a, u64 b, u64 c)
{
    static const u8 ords[4] = {Z | C, N, C, C | V};
    u64 r, carry, over; /* `over`: its top bit is V */
    if (kind & A64_CC_IMM) {
        b = (u64)((s64)kind >> 16);
        kind &= A64_CC_IMM - 1;
    }

    if (kind == A64_CC_LIT)
        return a & 15;
    if (kind == A64_CC_ORD)
        return ords[a & 3];
    const u32 up = kind & 1 ? 32 : 0; /* 32 bits: in the upper half */
    a <<= up;
    b <<= up;
    switch (kind & ~1ull) {
    case A64_CC_RES: /* the first operand was a + b */
        a += b;
        __attribute__((fallthrough));
    case A64_CC_SUB:
        r = a - b;
        carry = a >= b;
        over = (a ^ b) & (a ^ r);
        break;
    case A64_CC_ADD: /* the first operand was a - b */
        r = a;
        carry = r < b;
        over = ((r - b) ^ r) & (b ^ r);
        break;
    case A64_CC_ADC:
        c <<= up;
        r = a + b + c;
        carry = (a + b < a) | (r < c);
        over = (a ^ r) & (b ^ r);
        break;
    default: /* LOGIC */
        r = a;
        carry = over = 0;
        break;
    }
    return (r >> 63) * N | (r == 0) * Z | carry * C | (over >> 63) * V;
}

u64 a64_help_nzcv(struct vcpu *v, u64 kind, u64 a, u64 b, u64 c)
{
    return nzcv_of(kind, a, b, c);
}

u32 a64_get_nzcv(const struct vcpu *v)
{
    const struct a64_state *s = (const struct a64_state *)v->slots;
    return (u32)nzcv_of(s->cc_kind, s->cc_a, s->cc_b, s->cc_c) << 28;
}

void a64_set_nzcv(struct vcpu *v, u32 pstate)
{
    a64_state(v)->cc_kind = A64_CC_LIT;
    a64_state(v)->cc_a = pstate >> 28;
}

/* --- what is known --- */

/* An i64 of which v, an i32 or i64, is the low part. */
static ir_ref wide(struct a64_ctx *c, ir_ref v)
{
    u64 bits;
    if (!v || ir_type_of(c->b, v) == IR_I64)
        return v;
    if (ir_is_const(c->b, v, &bits))
        return ir_const(c->b, IR_I64, (u32)bits);
    const struct ir_ins *in = &c->b->u->ins[v];
    return in->op == IR_OP_trunc ? in->a : ir_zext(c->b, IR_I64, v, 32);
}

static struct a64_flags *fresh(struct a64_ctx *c, u32 kind, ir_ref a, ir_ref b)
{
    c->flags = (struct a64_flags){.kind = (u8)kind, .word = ir_type_of(c->b, a) == IR_I32, .a = a, .b = b};
    return &c->flags;
}

void a64_flags_sub(struct a64_ctx *c, ir_ref a, ir_ref b, ir_ref result)
{
    fresh(c, result ? A64_CC_RES : A64_CC_SUB, a, b)->r = result;
}

void a64_flags_add(struct a64_ctx *c, ir_ref a, ir_ref b, ir_ref result)
{
    const u64 min = ir_type_of(c->b, a) == IR_I64 ? 1ull << 63 : 1ull << 31;
    u64 k;
    if (ir_is_const(c->b, b, &k)) {
        k &= min | (min - 1);
        if (k && k != min) { /* adding k sets C and V as subtracting -k does */
            a64_flags_sub(c, a, ir_op1(c->b, IR_OP_neg, b), result);
            return;
        }
    }
    fresh(c, A64_CC_ADD, a, b)->r = result ? result : ir_op2(c->b, IR_OP_add, a, b);
}

void a64_flags_adc(struct a64_ctx *c, ir_ref a, ir_ref b, ir_ref carry)
{
    fresh(c, A64_CC_ADC, a, b)->c = carry;
}

void a64_flags_logic(struct a64_ctx *c, ir_ref result)
{
    fresh(c, A64_CC_LOGIC, result, 0)->r = result;
}

void a64_flags_lit(struct a64_ctx *c, ir_ref nzcv)
{
    fresh(c, A64_CC_LIT, nzcv, 0);
}

void a64_flags_ord(struct a64_ctx *c, ir_ref ord)
{
    fresh(c, A64_CC_ORD, ord, 0);
}

/* Makes of the flags just recorded a choice between them and a constant. */
static void choose(struct a64_ctx *c, enum ir_cc pcc, ir_ref px, ir_ref py, u32 nzcv)
{
    u64 x, y;
    struct a64_flags *f = &c->flags;
    if (ir_is_const(c->b, px, &x) && ir_is_const(c->b, py, &y)) { /* known: the comparison folds */
        u64 holds;
        if (ir_is_const(c->b, ir_cmp(c->b, IR_I64, pcc, px, py), &holds)) {
            if (!holds)
                a64_flags_lit(c, ir_const(c->b, IR_I64, nzcv));
            return;
        }
    }
    f->then = f->kind;
    f->kind = A64_CC_CHOICE;
    f->pcc = (u8)pcc;
    f->px = px;
    f->py = py;
    f->lit = (u8)nzcv;
}

void a64_flags_if_sub(struct a64_ctx *c, u32 cond, ir_ref a, ir_ref b, u32 nzcv)
{
    ir_ref px, py;
    const enum ir_cc pcc = a64_cond(c, cond, &px, &py);
    a64_flags_sub(c, a, b, 0);
    choose(c, pcc, px, py, nzcv);
}

void a64_flags_if_add(struct a64_ctx *c, u32 cond, ir_ref a, ir_ref b, u32 nzcv)
{
    ir_ref px, py;
    const enum ir_cc pcc = a64_cond(c, cond, &px, &py);
    a64_flags_add(c, a, b, 0);
    choose(c, pcc, px, py, nzcv);
}

void a64_flags_if_ord(struct a64_ctx *c, u32 cond, ir_ref ord, u32 nzcv)
{
    ir_ref px, py;
    const enum ir_cc pcc = a64_cond(c, cond, &px, &py);
    a64_flags_ord(c, ord);
    choose(c, pcc, px, py, nzcv);
}

/* The operands in the slots, of kind `kind`. Absent ones are 0. */
static void slot_values(struct a64_ctx *c, u32 kind, ir_ref v[3])
{
    const struct a64_flags *f = &c->flags;
    v[0] = v[1] = v[2] = 0;
    switch (kind) {
    case A64_CC_RES:
    case A64_CC_ADD:
        v[0] = wide(c, f->r);
        v[1] = wide(c, f->b);
        break;
    case A64_CC_ADC:
        v[2] = f->c;
        __attribute__((fallthrough));
    case A64_CC_SUB:
        v[0] = wide(c, f->a);
        v[1] = wide(c, f->b);
        break;
    default:
        v[0] = wide(c, f->a);
        break;
    }
}

static u32 slot_kind(u32 kind, bool word)
{
    return kind >= A64_CC_SUB && word ? kind + 1 : kind;
}

/* A second operand that is a small constant goes with the kind: one store less. */
static u64 with_operand(struct a64_ctx *c, u64 kind, ir_ref v[3])
{
    u64 k;
    if (!v[1] || v[2] || !ir_is_const(c->b, v[1], &k))
        return kind;
    const s64 x = c->flags.word ? (s64)(s32)k : (s64)k;
    if (x != (s16)x)
        return kind;
    v[1] = 0;
    return kind | A64_CC_IMM | (u64)x << 16;
}

void a64_flags_flush(struct a64_ctx *c)
{
    struct a64_flags *f = &c->flags;
    struct ir_builder *b = c->b;
    ir_ref v[3], kind;

    if (f->put || f->kind == A64_CC_UNKNOWN)
        return;
    if (f->kind == A64_CC_CHOICE) {
        slot_values(c, f->then, v);
        kind = ir_select(b, f->pcc, f->px, f->py, ir_const(b, IR_I64, slot_kind(f->then, f->word)),
                         ir_const(b, IR_I64, A64_CC_LIT));
        v[0] = ir_select(b, f->pcc, f->px, f->py, v[0], ir_const(b, IR_I64, f->lit));
    } else {
        slot_values(c, f->kind, v);
        kind = ir_const(b, IR_I64, with_operand(c, slot_kind(f->kind, f->word), v));
    }
    ir_put(b, A64_SLOT_CC_KIND, kind);
    for (u32 n = 0; n < 3; n++)
        if (v[n])
            ir_put(b, A64_SLOT_CC_A + n, v[n]);
    f->put = true;
}

/* --- consumers --- */

/* If it is not known what made the flags: asks the slots. */
static void know(struct a64_ctx *c)
{
    struct ir_builder *b = c->b;
    if (c->flags.kind != A64_CC_UNKNOWN)
        return;
    a64_flags_lit(c, ir_call(b, IR_I64, A64_HELPER_NZCV, ir_get(b, A64_SLOT_CC_KIND), ir_get(b, A64_SLOT_CC_A),
                             ir_get(b, A64_SLOT_CC_B), ir_get(b, A64_SLOT_CC_C)));
    c->flags.put = true; /* in another form */
}

/* A value that is 0 where Z is set, from the slots, whatever made the flags. Without a call: of all conditions this is
 * what the head of a unit mostly asks for. ORDER a64_cc_kind */
static ir_ref not_zero(struct a64_ctx *c)
{
    struct ir_builder *b = c->b;
    const ir_ref how = ir_get(b, A64_SLOT_CC_KIND), x = ir_get(b, A64_SLOT_CC_A), y = ir_get(b, A64_SLOT_CC_B);
    const ir_ref kind = ir_op2i(b, IR_OP_and, how, 0xfe), none = ir_const(b, IR_I64, 0);
    ir_ref imm = ir_op2i(b, IR_OP_and, how, A64_CC_IMM);
    ir_ref sum = ir_op2(b, IR_OP_add, ir_op2(b, IR_OP_add, x, y), ir_get(b, A64_SLOT_CC_C));
    ir_ref r = ir_op2(b, IR_OP_sub, x, ir_select(b, IR_NE, imm, none, ir_op2i(b, IR_OP_sar, how, 16), y));
    r = ir_select(b, IR_EQ, kind, ir_const(b, IR_I64, A64_CC_SUB), r, x);
    r = ir_select(b, IR_EQ, kind, ir_const(b, IR_I64, A64_CC_ADC), sum, r);
    /* Of 32 bits the lower half; what ORD has lies in it. */
    r = ir_op2(b, IR_OP_shl, r, ir_op2i(b, IR_OP_shl, ir_op2i(b, IR_OP_and, how, 1), 5));
    return ir_select(b, IR_EQ, ir_op2i(b, IR_OP_and, how, 0xff), ir_const(b, IR_I64, A64_CC_LIT),
                     ir_op2i(b, IR_OP_xor, ir_op2i(b, IR_OP_and, x, Z), Z), r);
}

/* The result, of kinds that have one: N and Z. */
static ir_ref result(struct a64_ctx *c, u32 kind)
{
    struct a64_flags *f = &c->flags;
    if (f->r)
        return f->r;
    if (kind == A64_CC_SUB)
        return ir_op2(c->b, IR_OP_sub, f->a, f->b);
    /* ADC */
    ir_ref carry = f->word ? ir_trunc(c->b, f->c) : f->c;
    return ir_op2(c->b, IR_OP_add, ir_op2(c->b, IR_OP_add, f->a, f->b), carry);
}

/* A value whose sign is V, of ADD, ADC, SUB, RES. */
static ir_ref overflow(struct a64_ctx *c, u32 kind)
{
    struct ir_builder *b = c->b;
    const struct a64_flags *f = &c->flags;
    ir_ref r = result(c, kind), x = ir_op2(b, IR_OP_xor, f->a, r);
    ir_ref y = ir_op2(b, IR_OP_xor, f->b, kind == A64_CC_SUB || kind == A64_CC_RES ? f->a : r);
    return ir_op2(b, IR_OP_and, x, y);
}

/* C of ADD or ADC, as an i64. */
static ir_ref add_carry(struct a64_ctx *c, u32 kind)
{
    struct ir_builder *b = c->b;
    const struct a64_flags *f = &c->flags;
    ir_ref r = result(c, kind);
    if (kind == A64_CC_ADD)
        return ir_cmp(b, IR_I64, IR_LTU, r, f->b);
    ir_ref sum = ir_op2(b, IR_OP_add, f->a, f->b);
    return ir_op2(b, IR_OP_or, ir_cmp(b, IR_I64, IR_LTU, sum, f->b), ir_cmp(b, IR_I64, IR_LTU, r, sum));
}

/* Bit `flag` of a literal, at bit 0; what lies above it is not cleared. */
static ir_ref lit_at(struct a64_ctx *c, ir_ref nzcv, u32 shift)
{
    return shift ? ir_op2i(c->b, IR_OP_shr, nzcv, shift) : nzcv;
}

static bool lit_holds(u32 nzcv, u32 cond)
{
    const bool n = nzcv & N, z = nzcv & Z, cy = nzcv & C, v = nzcv & V;
    const bool holds[8] = {z, cy, n, v, cy && !z, n == v, n == v && !z, true};
    return holds[cond >> 1] ^ (cond & 1 && cond != NV);
}

/* Conditions come in pairs: from here on `cond` is even, and the caller inverts. Compared with zero where *y stays 0.
 */
static enum ir_cc lit_cond(struct a64_ctx *c, u32 cond, ir_ref *x, ir_ref *y)
{
    struct ir_builder *b = c->b;
    ir_ref a = c->flags.a, ge;
    switch (cond) {
    case EQ:
        *x = ir_op2i(b, IR_OP_and, a, Z);
        return IR_NE;
    case CS:
        *x = ir_op2i(b, IR_OP_and, a, C);
        return IR_NE;
    case MI:
        *x = ir_op2i(b, IR_OP_and, a, N);
        return IR_NE;
    case VS:
        *x = ir_op2i(b, IR_OP_and, a, V);
        return IR_NE;
    case HI:
        *x = ir_op2i(b, IR_OP_and, a, C | Z);
        *y = ir_const(b, IR_I64, C);
        return IR_EQ;
    }
    ge = ir_op2(b, IR_OP_xor, lit_at(c, a, 3), a); /* bit 0: N != V */
    if (cond == GT)
        ge = ir_op2(b, IR_OP_or, ge, lit_at(c, a, 2));
    *x = ir_op2i(b, IR_OP_and, ge, 1);
    return IR_EQ;
}

static enum ir_cc ord_cond(struct a64_ctx *c, u32 cond, ir_ref *x, ir_ref *y)
{
    static const struct {
        u8 cc, with;
    } how[] = {[EQ] = {IR_EQ, 0}, [CS] = {IR_NE, 1},  [MI] = {IR_EQ, 1},
               [VS] = {IR_EQ, 3}, [HI] = {IR_GEU, 2}, [GT] = {IR_EQ, 2}};
    if (cond == GE) { /* equal or greater */
        *x = ir_op2i(c->b, IR_OP_and, c->flags.a, 1);
        return IR_EQ;
    }
    *x = c->flags.a;
    *y = ir_const(c->b, IR_I64, how[cond].with);
    return how[cond].cc;
}

static enum ir_cc sub_cond(struct a64_ctx *c, u32 kind, u32 cond, ir_ref *x, ir_ref *y)
{
    static const u8 ccs[] = {[EQ] = IR_EQ, [CS] = IR_GEU, [HI] = IR_GTU, [GE] = IR_GES, [GT] = IR_GTS};
    if (cond == VS) {
        *x = overflow(c, kind);
        return IR_LTS;
    }
    if (cond == MI || (cond == EQ && c->flags.r)) {
        *x = result(c, kind);
        return cond == MI ? IR_LTS : IR_EQ;
    }
    *x = c->flags.a;
    *y = c->flags.b;
    return ccs[cond];
}

static enum ir_cc add_cond(struct a64_ctx *c, u32 kind, u32 cond, ir_ref *x, ir_ref *y)
{
    struct ir_builder *b = c->b;
    ir_ref r = result(c, kind), ge;
    const ir_ref zero = ir_const(b, ir_type_of(b, r), 0);
    switch (cond) {
    case EQ:
        *x = r;
        return IR_EQ;
    case MI:
        *x = r;
        return IR_LTS;
    case VS:
        *x = overflow(c, kind);
        return IR_LTS;
    case CS:
        if (kind == A64_CC_ADD) {
            *x = r;
            *y = c->flags.b;
            return IR_LTU;
        }
        *x = add_carry(c, kind);
        return IR_NE;
    case HI:
        *x = ir_op2(b, IR_OP_and, add_carry(c, kind), ir_cmp(b, IR_I64, IR_NE, r, zero));
        return IR_NE;
    }
    ge = ir_op2(b, IR_OP_xor, r, overflow(c, kind)); /* sign: N != V */
    if (cond == GE) {
        *x = ge;
        return IR_GES;
    }
    *x = ir_op2(b, IR_OP_and, ir_cmp(b, IR_I64, IR_GES, ge, zero), ir_cmp(b, IR_I64, IR_NE, r, zero));
    return IR_NE;
}

static enum ir_cc logic_cond(struct a64_ctx *c, u32 cond, ir_ref *x, ir_ref *y)
{
    *x = c->flags.a;
    switch (cond) {
    case EQ:
        return IR_EQ;
    case MI:
        return IR_LTS;
    case GE:
        return IR_GES;
    case GT:
        return IR_GTS;
    default: /* C and V are clear: CS, VS, HI never hold */
        *x = ir_const(c->b, IR_I64, 0);
        return IR_NE;
    }
}

/* The condition of flags of a kind that is no choice. */
static enum ir_cc plain_cond(struct a64_ctx *c, u32 kind, u32 cond, ir_ref *x, ir_ref *y)
{
    const u32 even = cond & ~1u;
    enum ir_cc cc;
    *y = 0;
    switch (kind) {
    case A64_CC_LIT:
        cc = lit_cond(c, even, x, y);
        break;
    case A64_CC_ORD:
        cc = ord_cond(c, even, x, y);
        break;
    case A64_CC_SUB:
    case A64_CC_RES:
        cc = sub_cond(c, kind, even, x, y);
        break;
    case A64_CC_LOGIC:
        cc = logic_cond(c, even, x, y);
        break;
    default:
        cc = add_cond(c, kind, even, x, y);
        break;
    }
    if (!*y)
        *y = ir_const(c->b, ir_type_of(c->b, *x), 0);
    return cond & 1 ? cc ^ 1 : cc;
}

enum ir_cc a64_cond(struct a64_ctx *c, u32 cond, ir_ref *x, ir_ref *y)
{
    struct ir_builder *b = c->b;
    const struct a64_flags *f = &c->flags;

    if (cond >= AL) {
        *x = *y = ir_const(b, IR_I64, 0);
        return IR_EQ;
    }
    if (f->kind == A64_CC_UNKNOWN && cond <= NE) {
        *x = not_zero(c);
        *y = ir_const(b, IR_I64, 0);
        return cond == EQ ? IR_EQ : IR_NE;
    }
    know(c);
    if (f->kind != A64_CC_CHOICE)
        return plain_cond(c, f->kind, cond, x, y);

    const bool otherwise = lit_holds(f->lit, cond);
    const enum ir_cc cc = plain_cond(c, f->then, cond, x, y);
    ir_ref q = ir_cmp(b, IR_I32, cc, *x, *y);
    ir_ref p = ir_cmp(b, IR_I32, otherwise ? f->pcc ^ 1 : f->pcc, f->px, f->py);
    *x = ir_op2(b, otherwise ? IR_OP_or : IR_OP_and, p, q);
    *y = ir_const(b, IR_I32, 0);
    return IR_NE;
}

ir_ref a64_cond_value(struct a64_ctx *c, u32 cond)
{
    ir_ref x, y;
    const enum ir_cc cc = a64_cond(c, cond, &x, &y);
    return ir_cmp(c->b, IR_I64, cc, x, y);
}

/* Either of a choice's conditions leads there. At the first exit the flags are the constant; behind it they are those
 * of the comparison. */
static u32 exit_either(struct a64_ctx *c, u32 cond, gva_t to)
{
    struct ir_builder *b = c->b;
    struct a64_flags *f = &c->flags;
    ir_ref x, y;
    if (!f->put) {
        ir_put(b, A64_SLOT_CC_KIND, ir_const(b, IR_I64, A64_CC_LIT));
        ir_put(b, A64_SLOT_CC_A, ir_const(b, IR_I64, f->lit));
    }
    ir_exit_if(b, f->pcc ^ 1, f->px, f->py, to);
    f->kind = f->then;
    a64_flags_flush(c);
    const enum ir_cc cc = plain_cond(c, f->kind, cond, &x, &y);
    ir_exit_if(b, cc, x, y, to);
    return 2;
}

u32 a64_exit_cond(struct a64_ctx *c, u32 cond, gva_t to)
{
    const struct a64_flags *f = &c->flags;
    ir_ref x, y;
    if (cond < AL && f->kind == A64_CC_CHOICE && lit_holds(f->lit, cond))
        return exit_either(c, cond, to);
    a64_flags_flush(c);
    const enum ir_cc cc = a64_cond(c, cond, &x, &y);
    ir_exit_if(c->b, cc, x, y, to);
    return 1;
}

bool a64_exit_head(struct a64_ctx *c, u32 cond, gva_t to, gva_t next)
{
    static const u8 ccs[] = {[CS] = IR_GEU, [MI] = IR_LTS, [HI] = IR_GTU, [GE] = IR_GES, [GT] = IR_GTS};
    struct ir_builder *b = c->b;
    const u32 even = cond & ~1u;
    if (c->flags.kind != A64_CC_UNKNOWN || even == EQ || even == VS || cond >= AL)
        return false;
    const ir_ref how = ir_get(b, A64_SLOT_CC_KIND), none = ir_const(b, IR_I64, 0);
    const ir_ref up = ir_op2i(b, IR_OP_shl, ir_op2i(b, IR_OP_and, how, 1), 5); /* of 32 bits: to the upper half */
    ir_ref x = ir_get(b, A64_SLOT_CC_A), y = ir_get(b, A64_SLOT_CC_B);
    y = ir_select(b, IR_NE, ir_op2i(b, IR_OP_and, how, A64_CC_IMM), none, ir_op2i(b, IR_OP_sar, how, 16), y);
    x = ir_op2(b, IR_OP_shl, x, up);
    y = ir_op2(b, IR_OP_shl, y, up);
    if (even == MI) {
        x = ir_op2(b, IR_OP_sub, x, y);
        y = none;
    }
    const ir_ref holds = ir_cmp(b, IR_I64, ccs[even] ^ (cond & 1), x, y);
    const ir_ref known = ir_cmp(b, IR_I64, IR_EQ, ir_op2i(b, IR_OP_and, how, 0xfe), ir_const(b, IR_I64, A64_CC_SUB));
    ir_exit_if(b, IR_NE, ir_op2(b, IR_OP_and, holds, known), none, to);
    ir_exit_if(b, IR_NE, known, none, next);
    return true;
}

ir_ref a64_carry(struct a64_ctx *c)
{
    return a64_cond_value(c, CS);
}

ir_ref a64_nzcv(struct a64_ctx *c)
{
    struct ir_builder *b = c->b;
    if (c->flags.kind == A64_CC_LIT)
        return c->flags.a;
    /* As there is no hurry: through the slots. What is known stays known. */
    a64_flags_flush(c);
    return ir_call(b, IR_I64, A64_HELPER_NZCV, ir_get(b, A64_SLOT_CC_KIND), ir_get(b, A64_SLOT_CC_A),
                   ir_get(b, A64_SLOT_CC_B), ir_get(b, A64_SLOT_CC_C));
}
