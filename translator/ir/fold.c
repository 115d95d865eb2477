/* The folder: what an instruction becomes before it is emitted.
 *
 * `rules[op]` lists the rules for each op, tried in order. A rule looks at the instruction that is about to be emitted
 * and at the instructions that made its arguments, and
 *
 *     returns NEXT          it does not apply (it may have swapped arguments)
 *     returns AGAIN         it rewrote `in`, perhaps to another op; matching starts over
 *     returns a value       which is what the instruction would have computed
 *     returns IR_FOLD_DROP  the instruction has no effect
 *
 * Requirements on a rule. The tests (tests/ir/test_fold.c) hold 1 against eval.h with random values.
 *  1. The instruction means the same after as before, for all values, in both widths. Nothing is assumed of the upper
 *     half of an i32's register.
 *  2. It refers only to values that exist; what it makes new are constants, or PURE instructions through ir_emit.
 *  3. Progress: it lowers the count (instructions under this one, ops ranked as below, constants on the left), so that
 * folding ends. No rule undoes another: the canonical forms are constants right;  x - c as x + -c;  x ^ -1 as ~x;  0 -
 * x as neg x;  masks of 8, 16, 32 ones as zext;  sext of what is not negative as zext;  rotr by c as rotl; x <u 1 as x
 * == 0;  x >u 0 as x != 0;  a test of a cmp's result against 0 or 1 as that cmp's own condition.
 *  4. What may fault, touch memory, or raise floating-point flags stays: of such an instruction only operands change.
 *  5. Its cost is bounded: it looks at most DEPTH levels down.
 *  6. ir_emit and ir_const may move u->ins: no pointer into it is kept across them.
 *  7. A rule that uses what an argument was made of instead of the argument itself (looks through it) asks fresh()
 * first. An argument that is used already was most likely put into a slot: there it costs nothing, while the older
 * value would have to be kept alive beside it, often in a copy, because its own slot has been overwritten (addi a0, a0,
 * -1; bnez a0). Only rules whose op is dear and vanishes altogether do without: boxes, pairs, casts, reversals; and
 * rotations and zero-extensions from 32 bits, as the results of the shifts that they are made of are mostly overwritten
 * soon.
 *  8. x ^ x, x - x, x & 0 and x * 0 are left alone. Their value is known, but guests of weak memory order write them to
 * make an access wait for the load that gave x (address and data dependencies), and weak hosts honour that.
 *
 * Vector ops have no row in the table: their rules are in fold_vec.c.
 *
 * What a value's bits are known to be: zwidth (value < 2^n) and swidth (value is the sign extension of its low n
 * bits) make extensions and masks that change nothing vanish. */
#include "translator/ir/ir_int.h"

#include "lib/assert.h"
#include "translator/ir/eval.h"

#define NEXT  IR_FOLD_NONE
#define AGAIN IR_FOLD_AGAIN
#define DROP  IR_FOLD_DROP
#define DEPTH 3
#define STEPS 64 /* no instruction takes more rewrites; see requirement 3 */

typedef ir_ref rule_fn(struct ir_builder *b, struct ir_ins *in);

static inline const struct ir_ins *def(const struct ir_builder *b, ir_ref r)
{
    return &b->u->ins[r];
}

static inline bool is_op(const struct ir_builder *b, ir_ref r, u32 op)
{
    return def(b, r)->op == op;
}

static inline bool konst(const struct ir_builder *b, ir_ref r, u64 *k)
{
    return ir_is_const(b, r, k);
}

/* Nothing uses r yet; see requirement 7. */
static inline bool fresh(const struct ir_builder *b, ir_ref r)
{
    return !def(b, r)->uses;
}

/* `in` becomes op(x, y) of the same type. */
static ir_ref to(struct ir_ins *in, u32 op, u32 aux, ir_ref x, ir_ref y)
{
    *in = (struct ir_ins){.op = (u8)op, .type = in->type, .aux = (u16)aux, .a = x, .b = y};
    return AGAIN;
}

static ir_ref make_const(struct ir_builder *b, const struct ir_ins *in, u64 k)
{
    return ir_const(b, in->type, k);
}

static bool single_bit(u64 k)
{
    return k && !(k & (k - 1));
}

/* --- known bits --- */

static u32 min_u32(u32 x, u32 y)
{
    return x < y ? x : y;
}

static u32 max_u32(u32 x, u32 y)
{
    return x > y ? x : y;
}

/* Least n known such that v < 2^n, for an integer v. */
static u32 zwidth(const struct ir_builder *b, ir_ref v, u32 depth)
{
    const struct ir_ins *p = def(b, v);
    u32 w = ir_bits(p->type);
    u64 k;
    if (p->op == IR_OP_const)
        return p->imm ? 64 - (u32)__builtin_clzll(p->imm) : 0;
    if (!depth--)
        return w;
    switch (p->op) {
    case IR_OP_cmp:
    case IR_OP_fcmp:
    case IR_OP_sc:
        return 1;
    case IR_OP_clz:
    case IR_OP_ctz:
    case IR_OP_popcnt:
        return w == 32 ? 6 : 7;
    case IR_OP_ford:
        return 2;
    case IR_OP_vget:
        return p->aux & IR_V_SIGNED ? w : min_u32(w, 8u << (p->aux & IR_V_LANE));
    case IR_OP_fclass:
        return 10;
    case IR_OP_getflags:
        return 5;
    case IR_OP_zext:
        return min_u32(p->aux, zwidth(b, p->a, depth));
    case IR_OP_sext: {
        const u32 z = zwidth(b, p->a, depth);
        return z < p->aux ? z : w;
    }
    case IR_OP_add:
        return min_u32(w, max_u32(zwidth(b, p->a, depth), zwidth(b, p->b, depth)) + 1);
    case IR_OP_trunc:
        return min_u32(w, zwidth(b, p->a, depth));
    case IR_OP_ld:
    case IR_OP_amo:
    case IR_OP_cas:
        return p->aux & IR_MEM_SIGNED ? w : min_u32(w, 8u << (p->aux & IR_MEM_SIZE));
    case IR_OP_and:
    case IR_OP_minu:
        return min_u32(zwidth(b, p->a, depth), zwidth(b, p->b, depth));
    case IR_OP_or:
    case IR_OP_xor:
    case IR_OP_maxu:
        return max_u32(zwidth(b, p->a, depth), zwidth(b, p->b, depth));
    case IR_OP_select:
        return max_u32(zwidth(b, p->c, depth), zwidth(b, p->d, depth));
    case IR_OP_shl:
        return konst(b, p->b, &k) ? min_u32(w, zwidth(b, p->a, depth) + (u32)(k & (w - 1))) : w;
    case IR_OP_shr: {
        u32 z = zwidth(b, p->a, depth);
        if (!konst(b, p->b, &k))
            return z;
        k &= w - 1;
        return z > k ? z - (u32)k : 0;
    }
    case IR_OP_remu:
        return zwidth(b, p->a, depth);
    case IR_OP_divu: /* by zero gives all ones */
        return konst(b, p->b, &k) && k ? zwidth(b, p->a, depth) : w;
    default:
        return w;
    }
}

/* Least n >= 1 known such that v is the sign extension of its low n bits. */
static u32 swidth(const struct ir_builder *b, ir_ref v, u32 depth)
{
    const struct ir_ins *p = def(b, v);
    u32 w = ir_bits(p->type);
    u64 k;
    if (p->op == IR_OP_const) {
        u64 s = ir_sign_extend(p->imm, w);
        s ^= (u64)((s64)s >> 63); /* bits above the sign bit's run are 0 now */
        return s ? 65 - (u32)__builtin_clzll(s) : 1;
    }
    if (!depth)
        return w;
    u32 s = w;
    switch (p->op) {
    case IR_OP_sext:
        s = min_u32(p->aux, swidth(b, p->a, depth - 1));
        break;
    case IR_OP_ld:
    case IR_OP_amo:
    case IR_OP_cas:
        if (p->aux & IR_MEM_SIGNED)
            s = min_u32(w, 8u << (p->aux & IR_MEM_SIZE));
        break;
    case IR_OP_and:
    case IR_OP_or:
    case IR_OP_xor:
    case IR_OP_mins:
    case IR_OP_maxs:
    case IR_OP_minu:
    case IR_OP_maxu:
        s = max_u32(swidth(b, p->a, depth - 1), swidth(b, p->b, depth - 1));
        break;
    case IR_OP_not:
        s = swidth(b, p->a, depth - 1);
        break;
    case IR_OP_select:
        s = max_u32(swidth(b, p->c, depth - 1), swidth(b, p->d, depth - 1));
        break;
    case IR_OP_sar:
        s = swidth(b, p->a, depth - 1);
        if (konst(b, p->b, &k)) {
            k &= w - 1;
            s = s > k + 1 ? s - (u32)k : 1;
        }
        break;
    default:
        break;
    }
    u32 z = zwidth(b, v, depth);
    return min_u32(s, z + 1);
}

/* --- rules for many ops --- */

/* All arguments constant: the reference semantics says what comes out. */
static ir_ref const_args(struct ir_builder *b, struct ir_ins *in)
{
    u64 k[4] = {0}, out;
    u32 at = def(b, in->a)->type;
    for (u32 i = 0; i < 4; i++)
        if (ir_arg(in, i) && !konst(b, ir_arg(in, i), &k[i]))
            return NEXT;
    if (!ir_eval(in, at, k[0], k[1], k[2], k[3], &out))
        return NEXT;
    return make_const(b, in, out);
}

/* c op x is x op c */
static ir_ref const_right(struct ir_builder *b, struct ir_ins *in)
{
    if (is_op(b, in->a, IR_OP_const)) {
        ir_ref t = in->a;
        in->a = in->b;
        in->b = t;
    }
    return NEXT;
}

/* (x op c1) op c2 is x op (c1 op c2), where op is associative */
static ir_ref assoc_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 c1, c2, c;
    const struct ir_ins *p = def(b, in->a);
    if (p->op != in->op || !fresh(b, in->a) || !konst(b, in->b, &c2) || !konst(b, p->b, &c1))
        return NEXT;
    ir_ref x = p->a;
    if (!ir_eval(in, in->type, c1, c2, 0, 0, &c))
        return NEXT;
    return to(in, in->op, 0, x, make_const(b, in, c));
}

/* op(op(x)) is x */
static ir_ref involution(struct ir_builder *b, struct ir_ins *in)
{
    return is_op(b, in->a, in->op) && fresh(b, in->a) ? def(b, in->a)->a : NEXT;
}

/* op(x, x) is x */
static ir_ref idempotent(struct ir_builder *b, struct ir_ins *in)
{
    return in->a == in->b ? in->a : NEXT;
}

/* --- arithmetic --- */

static ir_ref add_zero(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    return konst(b, in->b, &k) && k == 0 ? in->a : NEXT;
}

/* x + -y is x - y; -x + y is y - x; (x - y) + y is x */
static ir_ref add_neg(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a), *q = def(b, in->b);
    const bool fa = fresh(b, in->a), fb = fresh(b, in->b);
    if (fa && p->op == IR_OP_sub && p->b == in->b)
        return p->a;
    if (fb && q->op == IR_OP_sub && q->b == in->a)
        return q->a;
    if (fb && q->op == IR_OP_neg)
        return to(in, IR_OP_sub, 0, in->a, q->a);
    if (fa && p->op == IR_OP_neg && q->op != IR_OP_const)
        return to(in, IR_OP_sub, 0, in->b, p->a);
    return NEXT;
}

/* x - c is x + -c; 0 - x is neg x; -1 - x is ~x */
static ir_ref sub_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (konst(b, in->b, &k))
        return to(in, IR_OP_add, 0, in->a, make_const(b, in, 0 - k));
    if (konst(b, in->a, &k)) {
        if (k == 0)
            return to(in, IR_OP_neg, 0, in->b, 0);
        if (k == ir_type_mask(in->type))
            return to(in, IR_OP_not, 0, in->b, 0);
    }
    return NEXT;
}

/* x - -y is x + y; (x + y) - x is y */
static ir_ref sub_same(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a), *q = def(b, in->b);
    if (q->op == IR_OP_neg && fresh(b, in->b))
        return to(in, IR_OP_add, 0, in->a, q->a);
    if (!fresh(b, in->a))
        return NEXT;
    if (p->op == IR_OP_add && p->a == in->b)
        return p->b;
    if (p->op == IR_OP_add && p->b == in->b)
        return p->a;
    return NEXT;
}

/* -(x - y) is y - x; -~x is x + 1 */
static ir_ref neg_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    if (!fresh(b, in->a))
        return NEXT;
    if (p->op == IR_OP_sub)
        return to(in, IR_OP_sub, 0, p->b, p->a);
    if (p->op == IR_OP_not)
        return to(in, IR_OP_add, 0, p->a, make_const(b, in, 1));
    return NEXT;
}

/* x * 1, -1, 2^n */
static ir_ref mul_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    if (k == 1)
        return in->a;
    if (k == ir_type_mask(in->type))
        return to(in, IR_OP_neg, 0, in->a, 0);
    if (single_bit(k))
        return to(in, IR_OP_shl, 0, in->a, make_const(b, in, (u32)__builtin_ctzll(k)));
    return NEXT;
}

/* High half of x * 0; unsigned, also of x * 2^n */
static ir_ref mulh_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    if (k == 0)
        return in->b;
    if (in->op == IR_OP_mulhu && k == 1)
        return make_const(b, in, 0);
    if (in->op == IR_OP_mulhu && single_bit(k))
        return to(in, IR_OP_shr, 0, in->a, make_const(b, in, ir_bits(in->type) - (u32)__builtin_ctzll(k)));
    return NEXT;
}

/* Division and remainder by 0, 1, -1; unsigned, also by 2^n */
static ir_ref div_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    const bool rem = in->op == IR_OP_rems || in->op == IR_OP_remu;
    const bool is_signed = in->op == IR_OP_divs || in->op == IR_OP_rems;
    if (k == 0)
        return rem ? in->a : make_const(b, in, ~0ull);
    if (k == 1)
        return rem ? make_const(b, in, 0) : in->a;
    if (is_signed) {
        if (k != ir_type_mask(in->type))
            return NEXT;
        return rem ? make_const(b, in, 0) : to(in, IR_OP_neg, 0, in->a, 0);
    }
    if (!single_bit(k))
        return NEXT;
    if (rem)
        return to(in, IR_OP_and, 0, in->a, make_const(b, in, k - 1));
    return to(in, IR_OP_shr, 0, in->a, make_const(b, in, (u32)__builtin_ctzll(k)));
}

/* min and max with the least or greatest value there is */
static ir_ref minmax_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    const u64 all = ir_type_mask(in->type), sign = all ^ (all >> 1);
    const bool is_signed = in->op == IR_OP_mins || in->op == IR_OP_maxs;
    const bool is_min = in->op == IR_OP_mins || in->op == IR_OP_minu;
    const u64 least = is_signed ? sign : 0, greatest = is_signed ? all >> 1 : all;
    if (k == least)
        return is_min ? in->b : in->a;
    if (k == greatest)
        return is_min ? in->a : in->b;
    return NEXT;
}

/* --- bits --- */

/* x & mask that keeps all x has, x & 2^n-1 as zext */
static ir_ref and_mask(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    u32 ones = ~k ? (u32)__builtin_ctzll(~k) : 64; /* trailing ones */
    if (zwidth(b, in->a, DEPTH) <= ones)
        return in->a;
    if (k == 0xff || k == 0xffff || k == 0xffffffff)
        return to(in, IR_OP_zext, ones, in->a, 0);
    return NEXT;
}

static ir_ref or_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    if (k == 0)
        return in->a;
    return k == ir_type_mask(in->type) ? in->b : NEXT;
}

/* x ^ 0, x ^ -1, (x cc y) ^ 1 */
static ir_ref xor_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    if (k == 0)
        return in->a;
    if (k == ir_type_mask(in->type))
        return to(in, IR_OP_not, 0, in->a, 0);
    const struct ir_ins *p = def(b, in->a);
    if (k == 1 && p->op == IR_OP_cmp && fresh(b, in->a))
        return to(in, IR_OP_cmp, p->aux ^ 1u, p->a, p->b);
    return NEXT;
}

/* What an extension from an i32 to an i64 has extended, else v. */
static ir_ref narrow(const struct ir_builder *b, ir_ref v)
{
    const struct ir_ins *p = def(b, v);
    const bool extends = (p->op == IR_OP_sext || p->op == IR_OP_zext) && p->type == IR_I64 && p->aux == 32;
    return extends && def(b, p->a)->type == IR_I32 ? p->a : v;
}

/* What v was before it was widened or narrowed, in neither of which a shift amount's bits are lost. */
static ir_ref amount_of(const struct ir_builder *b, ir_ref v)
{
    for (u32 level = 0; level < DEPTH; level++) {
        const struct ir_ins *p = def(b, v);
        if (p->op != IR_OP_trunc && p->op != IR_OP_sext && p->op != IR_OP_zext)
            break;
        v = p->a;
    }
    return v;
}

/* Is shift amount y 0 - x, modulo the width w? */
static bool is_minus(const struct ir_builder *b, ir_ref y, ir_ref x, u32 w)
{
    u64 k;
    const struct ir_ins *p = def(b, amount_of(b, y));
    if (p->op == IR_OP_sub && konst(b, p->a, &k) && !(k & (w - 1)))
        return amount_of(b, p->b) == amount_of(b, x);
    return p->op == IR_OP_neg && amount_of(b, p->a) == amount_of(b, x);
}

/* x << c op x >> w - c is a rotation, for op in +, |, ^; with | also by what is not constant. So it is of i32s that
 * were extended. The shifts have been put into slots, mostly, where they die soon. x is most likely in a slot still. */
static ir_ref rotation(struct ir_builder *b, struct ir_ins *in)
{
    ir_ref left = in->a, right = in->b;
    if (def(b, narrow(b, left))->op == IR_OP_shr) {
        left = in->b;
        right = in->a;
    }
    const struct ir_ins p = *def(b, narrow(b, left)), q = *def(b, narrow(b, right));
    if (p.op != IR_OP_shl || q.op != IR_OP_shr || p.type != q.type || p.a != q.a)
        return NEXT;
    const u32 w = ir_bits(p.type), ext = p.type == in->type ? 0 : def(b, left)->op;
    u64 l, r;
    u32 op = IR_OP_rotl;
    ir_ref n = p.b;
    if (konst(b, p.b, &l) && konst(b, q.b, &r)) {
        if (l >= w || r >= w || l + r != w)
            return NEXT;
    } else {
        if (in->op != IR_OP_or || (ext && ext != def(b, right)->op))
            return NEXT;
        if (is_minus(b, p.b, q.b, w)) {
            op = IR_OP_rotr;
            n = q.b;
        } else if (!is_minus(b, q.b, p.b, w)) {
            return NEXT;
        }
    }
    if (!ext)
        return to(in, op, 0, p.a, n);
    const ir_ref x = ir_emit(b, op, IR_I32, 0, 0, p.a, n, 0, 0);
    return to(in, ext, 32, x, 0); /* of constant amounts, the right one's sign is 0 */
}

/* Amounts count modulo the width: constants are reduced, and masks and extensions that keep the low bits vanish. */
static ir_ref shift_amount(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *q = def(b, in->b);
    u32 w = ir_bits(in->type);
    u64 k;
    if (q->op == IR_OP_const && q->imm >= w)
        return to(in, in->op, 0, in->a, make_const(b, in, q->imm & (w - 1)));
    if (!fresh(b, in->b))
        return NEXT;
    if (q->op == IR_OP_and && konst(b, q->b, &k) && (k & (w - 1)) == w - 1)
        return to(in, in->op, 0, in->a, q->a);
    if ((q->op == IR_OP_zext || q->op == IR_OP_sext) && def(b, q->a)->type == in->type)
        return to(in, in->op, 0, in->a, q->a);
    return NEXT;
}

static ir_ref shift_zero(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (konst(b, in->b, &k) && k == 0)
        return in->a;
    if (konst(b, in->a, &k) && k == 0)
        return in->a;
    return NEXT;
}

/* (x shift c1) shift c2, the same way; all bits may go */
static ir_ref shift_shift(struct ir_builder *b, struct ir_ins *in)
{
    u64 c1, c2;
    const struct ir_ins *p = def(b, in->a);
    u32 w = ir_bits(in->type);
    if (!konst(b, in->b, &c2) || c2 >= w)
        return NEXT;
    if (in->op == IR_OP_shr && zwidth(b, in->a, DEPTH) <= c2)
        return make_const(b, in, 0);
    if (p->op != in->op || !fresh(b, in->a) || !konst(b, p->b, &c1) || c1 >= w)
        return NEXT;
    u64 c = c1 + c2;
    if (in->op == IR_OP_rotl)
        c &= w - 1;
    if (c >= w) {
        if (in->op != IR_OP_sar)
            return make_const(b, in, 0);
        c = w - 1;
    }
    ir_ref x = p->a;
    return to(in, in->op, 0, x, make_const(b, in, c));
}

/* (x << c) >> c is an extension; (x << 32) >> c, with c below 32, one that is shifted: how an index of 32 bits is made
 * an offset where no instruction does it. (x >> c) << c is a mask. */
static ir_ref shift_back(struct ir_builder *b, struct ir_ins *in)
{
    u64 c1, c2;
    const struct ir_ins *p = def(b, in->a);
    u32 w = ir_bits(in->type);
    if (!(p->op == IR_OP_shl || p->op == IR_OP_shr || p->op == IR_OP_sar) || !konst(b, in->b, &c2) ||
        !konst(b, p->b, &c1) || c1 >= w || c1 == 0)
        return NEXT;
    u32 rest = w - (u32)c1;
    if (in->op != IR_OP_shl && p->op == IR_OP_shl && rest == 32 && c1 == 32 && c2 < c1 && c2) {
        const ir_ref x = ir_emit(b, in->op == IR_OP_sar ? IR_OP_sext : IR_OP_zext, IR_I64, 32, 0, p->a, 0, 0, 0);
        return to(in, IR_OP_shl, 0, x, make_const(b, in, 32 - c2));
    }
    if (c1 != c2 || !(fresh(b, in->a) || (in->op == IR_OP_shr && p->op == IR_OP_shl && rest == 32)))
        return NEXT;
    if (in->op == IR_OP_shl && p->op != IR_OP_shl && c1 < 32) {
        ir_ref x = p->a;
        return to(in, IR_OP_and, 0, x, make_const(b, in, ~0ull << c1));
    }
    if (in->op != IR_OP_shl && p->op == IR_OP_shl && (rest == 8 || rest == 16 || rest == 32))
        return to(in, in->op == IR_OP_sar ? IR_OP_sext : IR_OP_zext, rest, p->a, 0);
    return NEXT;
}

/* x rotr c is x rotl w - c */
static ir_ref rotr_const(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if (!konst(b, in->b, &k))
        return NEXT;
    u32 w = ir_bits(in->type);
    return to(in, IR_OP_rotl, 0, in->a, make_const(b, in, (w - k) & (w - 1)));
}

/* --- extensions --- */

/* An extension of a value that is extended already, in the same type, is the value. */
static ir_ref ext_known(struct ir_builder *b, struct ir_ins *in)
{
    u32 at = def(b, in->a)->type;
    u32 known = in->op == IR_OP_sext ? swidth(b, in->a, DEPTH) : zwidth(b, in->a, DEPTH);
    if (at == in->type && known <= in->aux)
        return in->a;
    if (in->op == IR_OP_sext && zwidth(b, in->a, DEPTH) < in->aux) /* of what is not negative */
        return to(in, IR_OP_zext, in->aux, in->a, 0);
    if (in->aux == 32 && in->type == IR_I32 && at == IR_I64)
        return to(in, IR_OP_trunc, 0, in->a, 0);
    return NEXT;
}

/* An extension of an extension, a truncation or a mask. */
static ir_ref ext_chain(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    u64 k;
    u32 n = in->aux;
    if (n == 32 && p->op == IR_OP_sext && p->aux == 32 && in->type == IR_I64 && def(b, p->a)->type == IR_I32)
        return to(in, in->op, n, p->a, 0); /* what it is of may be extended as it stands in its register */
    if (!fresh(b, in->a))
        return NEXT;
    switch (p->op) {
    case IR_OP_sext:
    case IR_OP_zext:
        if (p->aux >= n) /* the low n bits are x's own */
            return to(in, in->op, n, p->a, 0);
        if (p->op == in->op || p->op == IR_OP_zext) /* a zext to fewer bits has a zero sign bit */
            return to(in, p->op, p->aux, p->a, 0);
        return NEXT;
    case IR_OP_trunc: /* n <= 32 */
        return to(in, in->op, n, p->a, 0);
    case IR_OP_and:
        if (konst(b, p->b, &k) && ir_low_bits(k, n) == ir_low_bits(~0ull, n))
            return to(in, in->op, n, p->a, 0);
        return NEXT;
    default:
        return NEXT;
    }
}

static ir_ref trunc_chain(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    u64 k;
    if (!fresh(b, in->a))
        return NEXT;
    switch (p->op) {
    case IR_OP_sext:
    case IR_OP_zext:
        if (p->aux < 32)
            return to(in, p->op, p->aux, p->a, 0);
        if (def(b, p->a)->type == IR_I32)
            return p->a;
        return to(in, IR_OP_trunc, 0, p->a, 0);
    case IR_OP_and:
        if (konst(b, p->b, &k) && (u32)k == 0xffffffff)
            return to(in, IR_OP_trunc, 0, p->a, 0);
        return NEXT;
    case IR_OP_cmp:
        return to(in, IR_OP_cmp, p->aux, p->a, p->b);
    default:
        return NEXT;
    }
}

/* --- conditions: cmp, select, exit_if begin with (cc, a, b) --- */

enum { COND_FALSE, COND_TRUE, COND_OPEN, COND_CHANGED };

static int set_cond(struct ir_ins *in, u32 cc, ir_ref x, ir_ref y)
{
    u32 mask = in->op == IR_OP_exit_if ? IR_EXIT_CC : 0xffff;
    in->aux = (u16)((in->aux & ~mask) | cc);
    in->a = x;
    in->b = y;
    return COND_CHANGED;
}

static int cond(struct ir_builder *b, struct ir_ins *in)
{
    const u32 cc = in->op == IR_OP_exit_if ? in->aux & IR_EXIT_CC : in->aux;
    const struct ir_ins *p = def(b, in->a), *q = def(b, in->b);
    const u32 type = p->type, w = ir_bits(type);
    const u64 all = ir_type_mask(type), sign = all ^ (all >> 1);

    if (p->op == IR_OP_const) {
        if (q->op == IR_OP_const)
            return ir_eval_cc(cc, p->imm, q->imm, w) ? COND_TRUE : COND_FALSE;
        return set_cond(in, ir_swap_cc(cc), in->b, in->a);
    }
    if (in->a == in->b)
        return cc == IR_EQ || cc == IR_GES || cc == IR_LES || cc == IR_GEU || cc == IR_LEU ? COND_TRUE : COND_FALSE;
    if (q->op != IR_OP_const)
        return COND_OPEN;

    const u64 k = q->imm;
    switch (cc) {
    case IR_LTU:
    case IR_GEU:
        if (k == 0)
            return cc == IR_GEU ? COND_TRUE : COND_FALSE;
        if (k == 1)
            return set_cond(in, cc == IR_LTU ? IR_EQ : IR_NE, in->a, ir_const(b, type, 0));
        break;
    case IR_GTU:
    case IR_LEU:
        if (k == all)
            return cc == IR_LEU ? COND_TRUE : COND_FALSE;
        if (k == 0)
            return set_cond(in, cc == IR_LEU ? IR_EQ : IR_NE, in->a, in->b);
        break;
    case IR_LTS:
    case IR_GES:
        if (k == sign)
            return cc == IR_GES ? COND_TRUE : COND_FALSE;
        break;
    case IR_GTS:
    case IR_LES:
        if (k == (all >> 1))
            return cc == IR_LES ? COND_TRUE : COND_FALSE;
        break;
    case IR_EQ:
    case IR_NE: {
        ir_ref x = p->a;
        u64 c;
        if (zwidth(b, in->a, DEPTH) < 64 - (k ? (u32)__builtin_clzll(k) : 64))
            return cc == IR_NE ? COND_TRUE : COND_FALSE; /* k has a bit that a cannot have */
        if (!fresh(b, in->a))
            break;
        if (p->op == IR_OP_cmp && k <= 1)
            return set_cond(in, p->aux ^ ((cc == IR_EQ) ^ (k == 1)), p->a, p->b);
        if (k == 0 && (p->op == IR_OP_sub || p->op == IR_OP_xor))
            return set_cond(in, cc, p->a, p->b);
        if (p->op == IR_OP_add && konst(b, p->b, &c))
            return set_cond(in, cc, x, ir_const(b, type, k - c));
        if (p->op == IR_OP_xor && konst(b, p->b, &c))
            return set_cond(in, cc, x, ir_const(b, type, k ^ c));
        break;
    }
    default:
        break;
    }
    return COND_OPEN;
}

static ir_ref cmp_cond(struct ir_builder *b, struct ir_ins *in)
{
    switch (cond(b, in)) {
    case COND_FALSE:
        return make_const(b, in, 0);
    case COND_TRUE:
        return make_const(b, in, 1);
    case COND_CHANGED:
        return AGAIN;
    default:
        return NEXT;
    }
}

static ir_ref select_cond(struct ir_builder *b, struct ir_ins *in)
{
    if (in->c == in->d)
        return in->c;
    switch (cond(b, in)) {
    case COND_FALSE:
        return in->d;
    case COND_TRUE:
        return in->c;
    case COND_CHANGED:
        return AGAIN;
    default:
        return NEXT;
    }
}

/* cc ? 1 : 0 is cmp; x < y ? x : y is min; x == y ? x : y is y */
static ir_ref select_arms(struct ir_builder *b, struct ir_ins *in)
{
    u64 t, f;
    u32 cc = in->aux;
    if (konst(b, in->c, &t) && konst(b, in->d, &f)) {
        if (t == 1 && f == 0)
            return to(in, IR_OP_cmp, cc, in->a, in->b);
        if (t == 0 && f == 1)
            return to(in, IR_OP_cmp, cc ^ 1u, in->a, in->b);
    }
    const bool straight = in->c == in->a && in->d == in->b, crossed = in->c == in->b && in->d == in->a;
    if (!straight && !crossed)
        return NEXT;
    if (cc == IR_EQ)
        return in->d;
    if (cc == IR_NE)
        return in->c;
    static const u8 op_of[IR_NCC] = {0,          0,          IR_OP_mins, IR_OP_maxs, IR_OP_maxs,
                                     IR_OP_mins, IR_OP_minu, IR_OP_maxu, IR_OP_maxu, IR_OP_minu}; /* ORDER CC */
    if (crossed)
        cc = ir_swap_cc(cc); /* x cc y ? y : x is y cc' x ? y : x */
    return to(in, op_of[cc], 0, in->a, in->b);
}

/* A side exit that is never taken goes. One that always is stays as it is: what follows is dead, and harmless. */
static ir_ref exit_cond(struct ir_builder *b, struct ir_ins *in)
{
    switch (cond(b, in)) {
    case COND_FALSE:
        return DROP;
    case COND_CHANGED:
        return AGAIN;
    default:
        return NEXT;
    }
}

/* What v is with neighbouring groups of `by` bits swapped, of which mask has every other; 0: nothing. */
static ir_ref swapped(const struct ir_builder *b, ir_ref v, u32 by, u64 mask)
{
    const struct ir_ins *p = def(b, v), *up = def(b, p->a), *down = def(b, p->b);
    u64 k;
    mask &= ir_type_mask(p->type);
    if (p->op != IR_OP_or || up->op != IR_OP_shl || !konst(b, up->b, &k) || k != by || down->op != IR_OP_and ||
        !konst(b, down->b, &k) || k != mask)
        return 0;
    const struct ir_ins *even = def(b, up->a), *odd = def(b, down->a);
    if (even->op != IR_OP_and || !konst(b, even->b, &k) || k != mask || odd->op != IR_OP_shr || !konst(b, odd->b, &k) ||
        k != by || odd->a != even->a)
        return 0;
    return even->a;
}

/* Leading zeros of bits that were reversed, by swaps within bytes and of bytes, are trailing zeros: guests without a
 * count of those. */
static ir_ref clz_reversed(struct ir_builder *b, struct ir_ins *in)
{
    ir_ref v = swapped(b, in->a, 1, 0x5555555555555555);
    v = v ? swapped(b, v, 2, 0x3333333333333333) : 0;
    v = v ? swapped(b, v, 4, 0x0f0f0f0f0f0f0f0f) : 0;
    return v && def(b, v)->op == IR_OP_bswap ? to(in, IR_OP_ctz, 0, def(b, v)->a, 0) : NEXT;
}

/* --- pairs --- */

static ir_ref lo_of(struct ir_builder *b, struct ir_ins *in)
{
    return is_op(b, in->a, IR_OP_pair) ? def(b, in->a)->a : NEXT;
}

static ir_ref hi_of(struct ir_builder *b, struct ir_ins *in)
{
    return is_op(b, in->a, IR_OP_pair) ? def(b, in->a)->b : NEXT;
}

static ir_ref pair_of_halves(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a), *q = def(b, in->b);
    return p->op == IR_OP_lo && q->op == IR_OP_hi && p->a == q->a ? p->a : NEXT;
}

/* --- memory --- */

/* [x + c + imm] is [x + imm'] while imm' is a displacement that every host has. */
static ir_ref address(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    const struct ir_ins *p = def(b, in->a);
    if (p->op != IR_OP_add || !fresh(b, in->a) || !konst(b, p->b, &k))
        return NEXT;
    u64 off = in->imm + k;
    if ((s64)off != (s32)off)
        return NEXT;
    in->a = p->a;
    in->imm = off;
    return AGAIN;
}

/* A whole value may be stored in whichever type it had first. */
static ir_ref store_bitcast(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->b);
    if (p->op != IR_OP_bitcast || !fresh(b, in->b) || ir_bits(p->type) != 8u << (in->aux & IR_MEM_SIZE))
        return NEXT;
    in->b = p->a;
    return AGAIN;
}

/* The low bytes of a vector, or what went into one as it is. */
static ir_ref store_vector(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->b);
    const u32 bits = 8u << (in->aux & IR_MEM_SIZE);
    if (!fresh(b, in->b) || !((p->op == IR_OP_vlow && bits <= ir_bits(p->type)) ||
                              (p->op == IR_OP_vzext && bits <= ir_bits(def(b, p->a)->type))))
        return NEXT;
    in->b = p->a;
    return AGAIN;
}

/* --- floating point, bit by bit --- */

/* |-x| and ||x|| and |copysign x y| are |x| */
static ir_ref fabs_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    if (p->op == IR_OP_fabs)
        return in->a;
    if ((p->op == IR_OP_fneg || p->op == IR_OP_fcopysign) && fresh(b, in->a))
        return to(in, IR_OP_fabs, 0, p->a, 0);
    return NEXT;
}

/* copysign x x is x; copysign x -x is -x; the sign that x had does not matter */
static ir_ref copysign_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a), *q = def(b, in->b);
    if (in->a == in->b)
        return in->a;
    if (q->op == IR_OP_fneg && q->a == in->a)
        return in->b;
    if ((p->op == IR_OP_fneg || p->op == IR_OP_fabs || p->op == IR_OP_fcopysign) && fresh(b, in->a))
        return to(in, IR_OP_fcopysign, 0, p->a, in->b);
    if (!fresh(b, in->b))
        return NEXT;
    if (q->op == IR_OP_fcopysign)
        return to(in, IR_OP_fcopysign, 0, in->a, q->b);
    if (q->op == IR_OP_fabs)
        return to(in, IR_OP_fabs, 0, in->a, 0);
    return NEXT;
}

static ir_ref bitcast_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    if (p->type == in->type)
        return in->a;
    if (p->op == IR_OP_vlow)
        return to(in, IR_OP_vlow, 0, p->a, 0);
    if (p->op == IR_OP_bitcast)
        return to(in, IR_OP_bitcast, 0, p->a, 0);
    return NEXT;
}

static ir_ref unbox_of_box(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    return p->op == IR_OP_nanbox && def(b, p->a)->type == in->type ? p->a : NEXT;
}

/* --- the table --- */

static ir_ref drop(struct ir_builder *b, struct ir_ins *in)
{
    return DROP;
}

/* clang-format off */
static rule_fn *const rules[IR_NOPS][8] = {
    [IR_OP_nop]    = {drop},
    [IR_OP_add]    = {const_args, const_right, add_zero, assoc_const, add_neg, rotation},
    [IR_OP_sub]    = {const_args, sub_const, sub_same},
    [IR_OP_mul]    = {const_args, const_right, mul_const, assoc_const},
    [IR_OP_mulhu]  = {const_args, const_right, mulh_const},
    [IR_OP_mulhs]  = {const_args, const_right, mulh_const},
    [IR_OP_mulhsu] = {const_args, mulh_const},
    [IR_OP_divs]   = {const_args, div_const},
    [IR_OP_divu]   = {const_args, div_const},
    [IR_OP_rems]   = {const_args, div_const},
    [IR_OP_remu]   = {const_args, div_const},
    [IR_OP_neg]    = {const_args, involution, neg_of},
    [IR_OP_mins]   = {const_args, const_right, idempotent, minmax_const, assoc_const},
    [IR_OP_maxs]   = {const_args, const_right, idempotent, minmax_const, assoc_const},
    [IR_OP_minu]   = {const_args, const_right, idempotent, minmax_const, assoc_const},
    [IR_OP_maxu]   = {const_args, const_right, idempotent, minmax_const, assoc_const},
    [IR_OP_and]    = {const_args, const_right, idempotent, assoc_const, and_mask},
    [IR_OP_or]     = {const_args, const_right, idempotent, or_const, assoc_const, rotation},
    [IR_OP_xor]    = {const_args, const_right, xor_const, assoc_const, rotation},
    [IR_OP_not]    = {const_args, involution},
    [IR_OP_shl]    = {const_args, shift_amount, shift_zero, shift_shift, shift_back},
    [IR_OP_shr]    = {const_args, shift_amount, shift_zero, shift_shift, shift_back},
    [IR_OP_sar]    = {const_args, shift_amount, shift_zero, shift_shift, shift_back},
    [IR_OP_rotl]   = {const_args, shift_amount, shift_zero, shift_shift},
    [IR_OP_rotr]   = {const_args, shift_amount, shift_zero, rotr_const},
    [IR_OP_clz]    = {const_args, clz_reversed},
    [IR_OP_ctz]    = {const_args},
    [IR_OP_popcnt] = {const_args},
    [IR_OP_bswap]  = {const_args, involution},
    [IR_OP_sext]   = {const_args, ext_known, ext_chain},
    [IR_OP_zext]   = {const_args, ext_known, ext_chain},
    [IR_OP_trunc]  = {const_args, trunc_chain},
    [IR_OP_cmp]    = {cmp_cond},
    [IR_OP_select] = {select_cond, select_arms},
    [IR_OP_pair]   = {pair_of_halves},
    [IR_OP_lo]     = {lo_of},
    [IR_OP_hi]     = {hi_of},
    [IR_OP_ld]     = {address},
    [IR_OP_st]     = {address, store_bitcast, store_vector},
    [IR_OP_fclass] = {const_args},
    [IR_OP_fneg]   = {const_args, involution},
    [IR_OP_fabs]   = {const_args, fabs_of},
    [IR_OP_fcopysign] = {const_args, copysign_of},
    [IR_OP_bitcast]   = {const_args, bitcast_of},
    [IR_OP_nanbox]    = {const_args},
    [IR_OP_nanunbox]  = {const_args, unbox_of_box},
    [IR_OP_exit_if]   = {exit_cond},
};
/* clang-format on */

ir_ref ir_fold(struct ir_builder *b, struct ir_ins *in)
{
    u64 k;
    if ((!rules[in->op][0] && !ir_is_vec_op(in->op)) || ir_is_off(b->u, IR_PASS_FOLD))
        return NEXT;
    if (ir_is_broken(b->u, IR_PASS_FOLD) && in->op == IR_OP_xor && konst(b, in->b, &k) && k == IR_SEED)
        in->op = IR_OP_or;
    for (u32 step = 0; step < STEPS; step++) {
        ir_ref r = NEXT;
        for (u32 i = 0; i < ARRAY_LEN(rules[0]) && rules[in->op][i] && !r; i++)
            r = rules[in->op][i](b, in);
        if (ir_is_vec_op(in->op) && ir_flags[in->op] & IR_PURE)
            r = ir_fold_vec(b, in);
        if (b->error)
            return NEXT;
        if (r != AGAIN)
            return r;
    }
    dgm_assert(false, "folding does not end");
    return NEXT;
}
