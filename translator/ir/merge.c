/* Merging: words that a guest reads and writes byte by byte.
 *
 * Code for machines without accesses that are not aligned reads a word of unknown alignment as bytes, shifts and ors,
 * and writes one as shifts and bytes. Where all pieces are in one unit, one access does for them.
 *
 * For each integer value the pass knows which bytes of it were loaded from where (struct piece), through shifts by
 * whole bytes, extensions and or. A value whose low 2, 4 or 8 bytes are bytes of memory in a row becomes one load,
 * which stands where the first of the loads stood; what was made of the others takes its byte from the word, most often
 * for nobody. A row of stores of the bytes of one value, or of bytes that were loaded in a row, becomes one store,
 * where the first stood. A load of the word that was just stored so is that word.
 *
 * What stays as it was. Faults: an access of several bytes faults where not all of them would have, and tells another
 * address. So it is marked (IR_MEM_MERGED): when it faults, nothing of its row has been done yet, and the guest's own
 * code is run from there on as it stands. This thread's order: a load moves up over instructions without effect, side
 * exits, and accesses of the same base at other displacements; a store over these, but over no side exit. What other
 * threads see: pieces of a row are at different addresses, so that nothing orders them. But of two loads of one byte
 * the later must not see what was there before, so a load moves over one at another base only while there is no other
 * thread.
 *
 * It is a pass over a finished unit without labels, for backends alone (host_isa.merges): the interpreter runs what the
 * guest wrote. It is quick where no row is: a unit with fewer than two narrow accesses is left at once. */
#include "translator/ir/ir_int.h"

#include "lib/arena.h"
#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"

#define MAX_BYTES  8
#define MAX_DEPTH  6  /* of looking into a value that is stored */
#define MAX_ACCESS 16 /* accesses of one row, and between its first and its last */

/* Which bytes of a value come from memory: those of `mask`; the others are 0, or with `sign` from 4 on copies of the
 * sign. Where mask is 0, as it mostly is, nothing else but sign is set. */
struct piece {
    u8 mask;
    bool sign;
    ir_ref base;
    ir_ref load[MAX_BYTES];
    s64 off[MAX_BYTES];
};

/* One load or store that stands for several. */
struct row {
    ir_ref first; /* where it stands */
    ir_ref base;
    s64 off;
    u32 size; /* log2 */
    bool sign;
    ir_ref value; /* store: in the old unit; 0: `bits` */
    u64 bits;
    const struct row *from; /* store: instead, what this one loads */
    ir_ref word;            /* load: in the new unit */
};

struct merge {
    struct ir_unit *u;
    struct piece *piece;
    struct row **row; /* by instruction: which row a load or store belongs to */
    struct row **is;  /* by instruction: it is the word of this row */
    u32 nrows;
    struct ir_unit new;       /* what comes of it */
    ir_ref *to;               /* by instruction: what it is in the new unit */
    const struct row *stored; /* the word that memory was last written with, if nothing has looked since */
    ir_ref stored_word;       /* in the new unit */
    bool full;                /* memory has run out */
};

static const struct ir_ins *at(const struct merge *m, ir_ref i)
{
    return &m->u->ins[i];
}

static u32 bytes_of(const struct ir_ins *in)
{
    return 1u << (in->aux & IR_MEM_SIZE);
}

static bool is_int(u32 type)
{
    return type == IR_I32 || type == IR_I64;
}

/* A load or store without order, alignment or other wishes. */
static bool is_plain(const struct ir_ins *in)
{
    return (in->op == IR_OP_ld || in->op == IR_OP_st) && !(in->aux & ~(IR_MEM_SIZE | IR_MEM_SIGNED));
}

/* One of those that may be part of a word. */
static bool is_narrow(const struct ir_ins *in)
{
    return is_plain(in) && is_int(in->type) && bytes_of(in) < MAX_BYTES && !(in->aux & IR_MEM_SIGNED);
}

/* Do n bytes at off, and the access, of the same base, meet? */
static bool meets(const struct ir_ins *in, s64 off, u32 n)
{
    const s64 x = (s64)in->imm;
    return x < off + (s64)n && off < x + (s64)bytes_of(in);
}

/* --- what values are made of --- */

/* The argument of a shift by whole bytes; how many. 0: it is none. */
static ir_ref byte_shift(const struct merge *m, const struct ir_ins *in, u32 *bytes)
{
    const struct ir_ins *k = at(m, in->b);
    if (k->op != IR_OP_const || k->imm % 8 || k->imm >= ir_bits(in->type))
        return 0;
    *bytes = (u32)k->imm / 8;
    return in->a;
}

/* The bytes of q from `from` on, `n` of them, at `to`. */
static void take(struct piece *p, const struct piece *q, u32 from, u32 to, u32 n)
{
    p->base = q->base;
    for (u32 j = 0; j < n && from + j < MAX_BYTES && to + j < MAX_BYTES; j++) {
        if (!(q->mask >> (from + j) & 1))
            continue;
        p->mask |= (u8)(1u << (to + j));
        p->load[to + j] = q->load[from + j];
        p->off[to + j] = q->off[from + j];
    }
}

static void piece_of(struct merge *m, ir_ref i)
{
    const struct ir_ins *in = at(m, i);
    struct piece *p = &m->piece[i];
    const struct piece *q = &m->piece[in->a], *r = &m->piece[in->b];
    const u32 w = ir_bits(in->type) / 8;
    u32 n;
    if (in->op == IR_OP_ld && is_narrow(in)) {
        p->base = in->a;
        for (u32 j = 0; j < bytes_of(in); j++) {
            p->load[j] = i;
            p->off[j] = (s64)in->imm + j;
            p->mask |= (u8)(1u << j);
        }
        return;
    }
    if (!is_int(in->type) || !q->mask)
        return;
    switch (in->op) {
    case IR_OP_zext:
        if (in->aux % 8 == 0 && (!q->sign || in->aux <= 32))
            take(p, q, 0, 0, in->aux / 8);
        break;
    case IR_OP_sext:
        if (in->aux == 32 && w == 8) {
            take(p, q, 0, 0, 4);
            p->sign = p->mask >> 3 & 1;
        }
        break;
    case IR_OP_trunc:
        take(p, q, 0, 0, 4);
        break;
    case IR_OP_shl:
        if (!q->sign && byte_shift(m, in, &n))
            take(p, q, 0, n, w - n);
        break;
    case IR_OP_shr:
        if (!q->sign && byte_shift(m, in, &n))
            take(p, q, n, 0, w - n);
        break;
    case IR_OP_or:
    case IR_OP_xor:
    case IR_OP_add: /* of bits that are apart, all the same */
        if (!r->mask || r->base != q->base || (q->mask & r->mask) || (q->sign && r->mask > 15) ||
            (r->sign && q->mask > 15))
            break;
        take(p, q, 0, 0, MAX_BYTES);
        take(p, r, 0, 0, MAX_BYTES);
        p->sign = q->sign || r->sign;
        break;
    default:
        break;
    }
}

/* Log2 of how many bytes in a row p is, from its lowest on; 0: it is no row. */
static u32 row_size(const struct piece *p)
{
    if (p->mask != 3 && p->mask != 15 && p->mask != 255)
        return 0;
    const u32 size = p->mask == 3 ? 1 : p->mask == 15 ? 2 : 3;
    for (u32 j = 1; j < 1u << size; j++)
        if (p->off[j] != p->off[0] + j)
            return 0;
    return size;
}

/* A byte of a value: number `byte` of `v`; or, with v 0, that constant. */
struct source {
    ir_ref v;
    u32 byte;
};

static struct source source_of(const struct merge *m, ir_ref v, u32 j)
{
    for (u32 depth = 0; depth < MAX_DEPTH; depth++) {
        const struct ir_ins *in = at(m, v);
        const u32 w = ir_bits(in->type) / 8;
        const struct ir_ins *k = at(m, in->b);
        u32 n;
        if (in->op == IR_OP_const)
            return (struct source){0, (u32)(in->imm >> 8 * j) & 0xff};
        if (in->op == IR_OP_shr && byte_shift(m, in, &n)) {
            if (j + n >= w)
                return (struct source){0, 0};
            j += n;
        } else if (in->op == IR_OP_sar && byte_shift(m, in, &n) && j + n < w) {
            j += n;
        } else if (in->op == IR_OP_shl && byte_shift(m, in, &n)) {
            if (j < n)
                return (struct source){0, 0};
            j -= n;
        } else if (in->op == IR_OP_zext && in->aux % 8 == 0) {
            if (j >= in->aux / 8)
                return (struct source){0, 0};
        } else if (in->op == IR_OP_and && k->op == IR_OP_const && (k->imm >> 8 * j & 0xff) == 0xff) {
            /* as it is */
        } else if (!(in->op == IR_OP_sext && j < in->aux / 8) && in->op != IR_OP_trunc) {
            break;
        }
        v = in->a;
    }
    return (struct source){v, j};
}

/* --- loads --- */

/* Has it no effect but on slots, so that memory is the same before and after? */
static bool is_quiet(const struct ir_ins *in)
{
    switch (in->op) {
    case IR_OP_nop:
    case IR_OP_insn:
    case IR_OP_get:
    case IR_OP_put:
        return true;
    default:
        return ir_flags[in->op] == IR_PURE;
    }
}

static bool is_of(const struct piece *p, ir_ref load)
{
    for (u32 j = 0; j < MAX_BYTES; j++)
        if ((p->mask >> j & 1) && p->load[j] == load)
            return true;
    return false;
}

/* May the loads of p, n bytes from off on, all be made where the first of them is? */
static bool loads_move(const struct merge *m, const struct piece *p, s64 off, u32 n, ir_ref first, ir_ref last)
{
    u32 others = 0;
    for (ir_ref i = first; i <= last; i++) {
        const struct ir_ins *in = at(m, i);
        if (is_quiet(in) || in->op == IR_OP_exit_if || is_of(p, i))
            continue;
        if (!is_plain(in) || ++others > MAX_ACCESS)
            return false;
        if (in->a == p->base ? meets(in, off, n) && !(in->op == IR_OP_ld && m->u->alone)
                             : in->op == IR_OP_st || !m->u->alone)
            return false;
    }
    return true;
}

/* The row that all loads of p belong to, all of it; made if there is none and it can be. NULL: none. p has 2^size bytes
 * in a row from its lowest on. */
static struct row *load_row(struct merge *m, const struct piece *p, u32 size)
{
    const u32 n = 1u << size;
    const s64 off = p->off[0];
    struct row *old = m->row[p->load[0]];
    ir_ref first = p->load[0], last = first;
    for (u32 j = 0; j < n; j++) {
        const struct ir_ins *in = at(m, p->load[j]);
        if (m->row[p->load[j]] != old || (s64)in->imm < off || (s64)in->imm + bytes_of(in) > off + n)
            return NULL;
        first = p->load[j] < first ? p->load[j] : first;
        last = p->load[j] > last ? p->load[j] : last;
    }
    if (old)
        return old->off == off && old->size == size ? old : NULL;
    if (first == last || !loads_move(m, p, off, n, first, last))
        return NULL;
    struct row *r = ARENA_NEW(m->u->arena, struct row);
    if (!r)
        return NULL;
    *r = (struct row){.first = first, .base = p->base, .off = off, .size = size, .sign = p->sign};
    for (u32 j = 0; j < n; j++)
        m->row[p->load[j]] = r;
    m->nrows++;
    return r;
}

/* --- stores --- */

struct stores {
    ir_ref at[MAX_ACCESS];
    u32 n;
};

/* Stores of one base from `first` on, and what else is of it, until something stands in the way. */
static void find_stores(const struct merge *m, ir_ref first, struct stores *s)
{
    const ir_ref base = at(m, first)->a;
    s->n = 0;
    for (ir_ref i = first; i < m->u->n && s->n < MAX_ACCESS; i++) {
        const struct ir_ins *in = at(m, i);
        if (is_quiet(in))
            continue;
        if (!is_plain(in) || in->a != base)
            break;
        s->at[s->n++] = i;
    }
}

/* Which store is the first to touch the byte at off, of a window of n bytes from lo on; 0: none, or not of this window
 * alone. */
static ir_ref store_of(const struct merge *m, const struct stores *s, s64 off, s64 lo, u32 n)
{
    for (u32 k = 0; k < s->n; k++) {
        const struct ir_ins *in = at(m, s->at[k]);
        if (!meets(in, off, 1))
            continue;
        const bool fits = in->op == IR_OP_st && is_narrow(in) && !m->row[s->at[k]] && (s64)in->imm >= lo &&
                          (s64)in->imm + bytes_of(in) <= lo + n;
        return fits ? s->at[k] : 0;
    }
    return 0;
}

/* Does each of these stores of a window's bytes give all that it writes? Of one that others begin to overwrite, or that
 * overwrites some of another's bytes, a part would be lost. */
static bool are_apart(const struct merge *m, const ir_ref *by, s64 lo, u32 n)
{
    for (u32 q = 0; q < n; q++)
        for (u32 j = 0; j < bytes_of(at(m, by[q])); j++)
            if (by[(s64)at(m, by[q])->imm - lo + j] != by[q])
                return false;
    return true;
}

/* Is no other access to the window between these stores of its bytes? */
static bool nothing_between(const struct merge *m, const struct stores *s, const ir_ref *by, s64 lo, u32 n)
{
    ir_ref last = 0;
    for (u32 q = 0; q < n; q++)
        last = by[q] > last ? by[q] : last;
    for (u32 k = 0; k < s->n && s->at[k] < last; k++) {
        bool one = !meets(at(m, s->at[k]), lo, n);
        for (u32 q = 0; q < n; q++)
            one |= by[q] == s->at[k];
        if (!one)
            return false;
    }
    return true;
}

/* The window of 2^size bytes from lo on as one store, at `first`. */
static bool store_row(struct merge *m, const struct stores *s, ir_ref first, s64 lo, u32 size)
{
    const u32 n = 1u << size;
    ir_ref by[MAX_BYTES];
    struct source src[MAX_BYTES];
    struct piece mem;
    mem.mask = 0;
    mem.base = 0;
    mem.sign = false;
    struct row r = {.first = first, .base = at(m, first)->a, .off = lo, .size = size};
    bool constant = true, whole = true;
    for (u32 q = 0; q < n; q++) {
        by[q] = store_of(m, s, lo + q, lo, n);
        if (!by[q])
            return false;
        const struct ir_ins *st = at(m, by[q]);
        const u32 j = (u32)(lo + q - (s64)st->imm);
        src[q] = source_of(m, st->b, j);
        constant &= !src[q].v;
        r.bits |= (u64)src[q].byte << 8 * q;
        const struct piece *p = &m->piece[st->b];
        if ((p->mask >> j & 1) && (!q || p->base == mem.base))
            take(&mem, p, j, q, 1);
        const struct source of_first = source_of(m, at(m, by[0])->b, q);
        whole &= of_first.v == src[q].v && of_first.byte == src[q].byte;
    }
    if (!are_apart(m, by, lo, n) || !nothing_between(m, s, by, lo, n))
        return false;
    r.value = at(m, by[0])->b;
    struct row *from = NULL;
    if (constant) {
        r.value = 0;
    } else if (!whole || r.value >= first || n > ir_bits(at(m, r.value)->type) / 8) {
        if (row_size(&mem) != size || !(from = load_row(m, &mem, size)) || from->first >= first)
            return false;
        r.from = from;
    }
    struct row *kept = ARENA_NEW(m->u->arena, struct row);
    if (!kept)
        return false;
    *kept = r;
    for (u32 q = 0; q < n; q++)
        m->row[by[q]] = kept;
    m->nrows++;
    return true;
}

static void store_rows(struct merge *m, ir_ref first)
{
    struct stores s;
    find_stores(m, first, &s);
    const struct ir_ins *in = at(m, first);
    for (u32 size = 3; s.n > 1 && size > (in->aux & IR_MEM_SIZE); size--)
        for (s64 lo = (s64)in->imm + bytes_of(in) - (1 << size); lo <= (s64)in->imm; lo++)
            if (store_row(m, &s, first, lo, size))
                return;
}

/* --- the new unit --- */

static ir_ref append(struct merge *m, struct ir_ins in)
{
    const ir_ref r = ir_append(&m->new, &in);
    m->full |= !r;
    return r;
}

static ir_ref extend(struct merge *m, u32 op, u32 bits, ir_ref x)
{
    return append(m, (struct ir_ins){.op = (u8)op, .type = IR_I64, .aux = (u16)bits, .a = x});
}

static ir_ref as_type(struct merge *m, u32 type, ir_ref x)
{
    return type == IR_I64 ? x : append(m, (struct ir_ins){.op = IR_OP_trunc, .type = (u8)type, .a = x});
}

/* What load i of row r gave, from the word. */
static ir_ref part(struct merge *m, ir_ref i, struct row *r)
{
    const struct ir_ins *in = at(m, i);
    if (i == r->first)
        r->word = append(m, (struct ir_ins){.op = IR_OP_ld,
                                            .type = IR_I64,
                                            .aux = (u16)(r->size | IR_MEM_MERGED | (r->sign ? IR_MEM_SIGNED : 0)),
                                            .imm = (u64)r->off,
                                            .a = m->to[r->base]});
    ir_ref x = r->word;
    const u32 skip = (u32)((s64)in->imm - r->off);
    if (skip) {
        const ir_ref n = append(m, (struct ir_ins){.op = IR_OP_const, .type = IR_I64, .imm = 8 * skip});
        x = append(m, (struct ir_ins){.op = IR_OP_shr, .type = IR_I64, .a = x, .b = n});
    }
    const bool last = !r->sign && skip + bytes_of(in) == 1u << r->size;
    return as_type(m, in->type, last ? x : extend(m, IR_OP_zext, 8 * bytes_of(in), x));
}

/* The word of row r as what it is in the old unit. */
static ir_ref word(struct merge *m, ir_ref i, const struct row *r)
{
    ir_ref x = r->word;
    if (at(m, i)->type == IR_I64 && m->piece[i].sign != r->sign)
        x = extend(m, r->sign ? IR_OP_zext : IR_OP_sext, 32, x);
    return as_type(m, at(m, i)->type, x);
}

/* The row that i is bytes of, in their places and below 2^32, so that a mask gives it. NULL: none. */
static const struct row *masked(const struct merge *m, ir_ref i)
{
    const struct piece *p = &m->piece[i];
    const struct row *r = NULL;
    if (!p->mask || p->mask > 15 || p->sign || at(m, i)->op == IR_OP_ld)
        return NULL;
    for (u32 j = 0; j < 4; j++) {
        if (!(p->mask >> j & 1))
            continue;
        const struct row *of = m->row[p->load[j]];
        if (!of || (r && of != r) || p->off[j] != of->off + j)
            return NULL;
        r = of;
    }
    return r;
}

static ir_ref mask_of(struct merge *m, ir_ref i, const struct row *r)
{
    u64 bits = 0;
    for (u32 j = 0; j < 4; j++)
        bits |= m->piece[i].mask >> j & 1 ? 0xffull << 8 * j : 0;
    const ir_ref k = append(m, (struct ir_ins){.op = IR_OP_const, .type = IR_I64, .imm = bits});
    const ir_ref x = append(m, (struct ir_ins){.op = IR_OP_and, .type = IR_I64, .a = r->word, .b = k});
    return as_type(m, at(m, i)->type, x);
}

static void store_word(struct merge *m, const struct row *r)
{
    ir_ref x = r->from ? r->from->word : m->to[r->value];
    if (!r->from && !r->value)
        x = append(m, (struct ir_ins){.op = IR_OP_const, .type = IR_I64, .imm = r->bits});
    append(m, (struct ir_ins){.op = IR_OP_st,
                              .type = m->new.ins[x].type,
                              .aux = (u16)(r->size | IR_MEM_MERGED),
                              .imm = (u64)r->off,
                              .a = m->to[r->base],
                              .b = x});
    m->stored = m->new.ins[x].type == IR_I64 || r->size < 3 ? r : NULL;
    m->stored_word = x;
}

/* Does `in` load the word that was just stored? It is known, then, and the address is good. */
static bool is_stored(const struct merge *m, const struct ir_ins *in)
{
    const struct row *r = m->stored;
    return r && in->op == IR_OP_ld && is_plain(in) && in->type == IR_I64 && in->a == r->base &&
           (s64)in->imm == r->off && (in->aux & IR_MEM_SIZE) == r->size;
}

static ir_ref stored(struct merge *m, const struct ir_ins *in)
{
    if (m->stored->size == 3)
        return m->stored_word;
    return extend(m, in->aux & IR_MEM_SIGNED ? IR_OP_sext : IR_OP_zext, 8 * bytes_of(in), m->stored_word);
}

static void rebuild(struct merge *m)
{
    for (ir_ref i = 1; i < m->u->n && !m->full; i++) {
        struct ir_ins in = *at(m, i);
        struct row *r = m->row[i];
        if (!is_quiet(&in) && r != m->stored && !is_stored(m, &in))
            m->stored = NULL;
        if (r && in.op == IR_OP_ld) {
            m->to[i] = part(m, i, r);
        } else if (r) {
            if (i == r->first)
                store_word(m, r);
        } else if (m->is[i]) {
            m->to[i] = word(m, i, m->is[i]);
        } else if (is_stored(m, &in)) {
            m->to[i] = stored(m, &in);
        } else if (masked(m, i)) {
            m->to[i] = mask_of(m, i, masked(m, i));
        } else {
            in.a = m->to[in.a];
            in.b = m->to[in.b];
            in.c = m->to[in.c];
            in.d = m->to[in.d];
            m->to[i] = append(m, in);
        }
    }
}

/* May there be a row? One of loads takes a shift by bytes, as nothing else brings a byte to where it was not; one of
 * stores takes two of one base at a distance below MAX_BYTES. */
static bool is_worth_a_look(const struct ir_unit *u)
{
    ir_ref store[MAX_ACCESS];
    u32 nloads = 0, nstores = 0, shifts = 0;
    if (u->nlabels || ir_is_off(u, IR_PASS_MERGE))
        return false;
    for (ir_ref i = 1; i < u->n; i++) {
        const struct ir_ins *in = &u->ins[i], *k;
        switch (in->op) {
        case IR_OP_ld:
            nloads += is_narrow(in);
            break;
        case IR_OP_shl:
            k = &u->ins[in->b];
            shifts += k->op == IR_OP_const && k->imm % 8 == 0 && is_int(in->type);
            break;
        case IR_OP_st:
            if (!is_narrow(in))
                break;
            if (nstores == MAX_ACCESS)
                return true;
            for (u32 j = 0; j < nstores; j++) {
                const struct ir_ins *st = &u->ins[store[j]];
                if (st->a == in->a && in->imm - st->imm + MAX_BYTES < 2 * MAX_BYTES)
                    return true;
            }
            store[nstores++] = i;
            break;
        default:
            break;
        }
    }
    return nloads > 1 && shifts;
}

int ir_merge(struct ir_unit *u)
{
    if (!is_worth_a_look(u))
        return 0;
    struct merge m = {.u = u, .new = *u};
    m.piece = ARENA_NEW_N(u->arena, struct piece, u->n);
    m.row = ARENA_NEW_N(u->arena, struct row *, u->n);
    m.is = ARENA_NEW_N(u->arena, struct row *, u->n);
    m.to = ARENA_NEW_N(u->arena, ir_ref, u->n);
    if (!m.piece || !m.row || !m.is || !m.to)
        return -ENOMEM;
    for (ir_ref i = 0; i < u->n; i++) {
        m.piece[i].mask = 0;
        m.piece[i].sign = false;
    }
    memset(m.row, 0, u->n * sizeof(struct row *));
    memset(m.is, 0, u->n * sizeof(struct row *));
    memset(m.to, 0, u->n * sizeof *m.to);
    for (ir_ref i = 1; i < u->n; i++)
        piece_of(&m, i);
    /* The widest first, which are made last. */
    for (ir_ref i = u->n - 1; i > 0; i--) {
        const u32 size = u->ins[i].uses ? row_size(&m.piece[i]) : 0;
        if (size && u->ins[i].op != IR_OP_ld)
            m.is[i] = load_row(&m, &m.piece[i], size);
    }
    for (ir_ref i = 1; i < u->n; i++)
        if (u->ins[i].op == IR_OP_st && is_narrow(&u->ins[i]) && !m.row[i])
            store_rows(&m, i);
    if (!m.nrows)
        return 0;
    if (!ir_unit_init(&m.new, u->pc))
        return -ENOMEM;
    rebuild(&m);
    if (m.full)
        return -ENOMEM;
    *u = m.new;
#ifndef NDEBUG
    char why[200];
    dgm_assert(ir_verify(u, why, sizeof why) == 0, "merged unit at %lx: %s", u->pc, why);
#endif
    return 0;
}
