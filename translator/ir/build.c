/* The builder: how instructions get into a unit.
 *
 * ir_emit is the one way in. It asks the folder (fold.c) whether the instruction can be simpler, then looks whether the
 * same value exists already, and only then appends:
 *
 *   - slots: `slot[s]` is the value that slot s is known to hold. A `get` gives it, a `put` of the value that the slot
 *     holds already is left out. A helper that writes slots clears the whole table.
 *   - PURE instructions are shared by value: `cse[]` is a direct-mapped table by hash over (op, type, aux, imm,
 * arguments). A unit is straight-line code, so each earlier value is there for each later instruction. A collision
 * forgets the older one, which costs an instruction and never correctness.
 *
 * Arguments are counted in `uses` when an instruction is appended, so a value that folding made superfluous has uses ==
 * 0 and a backend can skip it if its op is PURE or a `get`.
 *
 * Out of memory is sticky: from then on ir_emit does nothing and returns 0, every query on ref 0 is answered, and
 * ir_finish reports it. */
#include "translator/ir/ir_build.h"

#include "lib/arena.h"
#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/ir/eval.h"
#include "translator/ir/ir_int.h"

#define FIRST_CAP 128

bool ir_unit_init(struct ir_unit *u, gva_t pc)
{
    u->ins = arena_alloc(u->arena, FIRST_CAP * sizeof u->ins[0], _Alignof(struct ir_ins));
    u->cap = u->ins ? FIRST_CAP : 0;
    u->n = u->ins ? 1 : 0;
    u->pc = pc;
    u->guest_bytes = 0;
    u->guest_insns = 0;
    u->nexits = 0;
    u->nlabels = u->nphis = 0;
    if (u->ins)
        u->ins[0] = (struct ir_ins){.op = IR_OP_nop};
    return u->ins != NULL;
}

static bool grow(struct ir_unit *u, u32 cap)
{
    struct ir_ins *ins = arena_alloc(u->arena, cap * sizeof ins[0], _Alignof(struct ir_ins));
    if (!ins)
        return false;
    memcpy(ins, u->ins, u->n * sizeof ins[0]);
    u->ins = ins;
    u->cap = cap;
    return true;
}

/* An instruction is written as a few words, and copied by such. Written field by field and copied as a whole, each copy
 * would wait until all the fields have left for the cache. */
struct words {
    u64 head, bc, d, imm;
};
_Static_assert(sizeof(struct words) == sizeof(struct ir_ins) && offsetof(struct ir_ins, type) == 1 &&
                   offsetof(struct ir_ins, aux) == 2 && offsetof(struct ir_ins, a) == 4 &&
                   offsetof(struct ir_ins, b) == offsetof(struct words, bc) &&
                   offsetof(struct ir_ins, d) == offsetof(struct words, d) &&
                   offsetof(struct ir_ins, uses) == offsetof(struct words, d) + 4 &&
                   offsetof(struct ir_ins, imm) == offsetof(struct words, imm) && __BYTE_ORDER__ == 1234,
               "the words of an instruction");

static inline struct words words_of(u32 op, u32 type, u32 aux, u64 imm, ir_ref a, ir_ref b, ir_ref c, ir_ref d)
{
    return (struct words){op | type << 8 | aux << 16 | (u64)a << 32, b | (u64)c << 32, d, imm};
}

/* One word, as it is in the register: the compiler makes no larger copy of two. */
static inline u64 word_at(const void *p, size_t off)
{
    u64 w;
    memcpy(&w, (const u8 *)p + off, sizeof w);
    __asm__("" : "+r"(w));
    return w;
}

static inline struct words words_in(const struct ir_ins *in)
{
    return (struct words){word_at(in, 0), word_at(in, 8), (u32)word_at(in, 16), word_at(in, 24)};
}

static inline void words_to(struct ir_ins *in, struct words w)
{
    u8 *p = (u8 *)in;
    memcpy(p, &w.head, 8);
    memcpy(p + 8, &w.bc, 8);
    memcpy(p + 16, &w.d, 8);
    memcpy(p + 24, &w.imm, 8);
}

static inline void count_use(struct ir_unit *u, ir_ref r)
{
    if (r)
        u->ins[r].uses++;
}

/* Appends what has no part in the unit's numbers. */
static inline ir_ref append_words(struct ir_unit *u, struct words w)
{
    if (UNLIKELY(u->n == u->cap) && !grow(u, u->cap * 2))
        return 0;
    ir_ref r = u->n++;
    words_to(&u->ins[r], w);
    count_use(u, (ir_ref)(w.head >> 32));
    count_use(u, (ir_ref)w.bc);
    count_use(u, (ir_ref)(w.bc >> 32));
    count_use(u, (ir_ref)w.d);
    return r;
}

static inline void count_insn(struct ir_unit *u, gva_t pc, u32 len)
{
    u64 end = pc - u->pc + len;
    if (end > u->guest_bytes && pc >= u->pc)
        u->guest_bytes = (u32)end;
    u->guest_insns++;
}

ir_ref ir_append(struct ir_unit *u, const struct ir_ins *in)
{
    ir_ref r = append_words(u, words_in(in));
    const struct ir_ins *p = &u->ins[r];
    switch (p->op) {
    case IR_OP_insn:
        count_insn(u, p->imm, p->aux);
        break;
    case IR_OP_exit:
    case IR_OP_exit_if:
        u->nexits++;
        break;
    case IR_OP_label:
        if (p->aux >= u->nlabels)
            u->nlabels = p->aux + 1u;
        break;
    case IR_OP_phi:
        if (p->aux >= u->nphis)
            u->nphis = p->aux + 1u;
        break;
    default:
        break;
    }
    return r;
}

void ir_begin(struct ir_builder *b, struct ir_unit *u, gva_t pc)
{
    dgm_assert(u->slots && u->slots->n <= IR_MAX_SLOTS, "a unit needs a slot table of at most IR_MAX_SLOTS");
    *b = (struct ir_builder){.u = u, .insn_pc = pc};
    u->scaled = false;
    if (!ir_unit_init(u, pc))
        b->error = -ENOMEM;
}

void ir_expect(struct ir_builder *b, u32 n)
{
    if (n > b->u->cap && !b->error && !grow(b->u, n))
        b->error = -ENOMEM;
}

int ir_finish(struct ir_builder *b)
{
    if (b->error)
        return b->error;
    dgm_assert(ir_flags[b->u->ins[b->u->n - 1].op] & IR_END, "a unit must end with an END instruction");
    return 0;
}

static inline u32 hash(const struct words *w)
{
    u64 h = (w->head ^ w->imm) * 0x9e3779b97f4a7c15ull;
    h = (h ^ (u32)w->bc ^ w->bc >> 32 << 20 ^ w->d << 40) * 0x9e3779b97f4a7c15ull;
    return (u32)(h >> 56); /* ARRAY_LEN(cse) is 256 */
}

static inline bool same(const struct ir_ins *x, const struct words *w)
{
    const struct words y = words_in(x);
    return y.head == w->head && y.imm == w->imm && y.bc == w->bc && y.d == w->d;
}

/* A PURE instruction: the value that there is, or a new one. */
static ir_ref emit_pure(struct ir_builder *b, struct words w)
{
    struct ir_unit *u = b->u;
    ir_ref *shared = NULL;
    if (!ir_is_off(u, IR_PASS_SHARE)) {
        shared = &b->cse[hash(&w)];
        if (*shared && same(&u->ins[*shared], &w) && (!b->visible || b->visible(b, *shared)))
            return *shared;
    }
    ir_ref r = append_words(u, w);
    if (!r)
        b->error = -ENOMEM;
    else if (shared)
        *shared = r;
    return r;
}

/* A lifted region is made by what slots are known to hold: there it is no choice. */
static inline bool forwards(const struct ir_unit *u)
{
    return u->lifted || !ir_is_off(u, IR_PASS_FORWARD);
}

ir_ref ir_emit(struct ir_builder *b, enum ir_op op, enum ir_type type, u32 aux, u64 imm, ir_ref a1, ir_ref a2,
               ir_ref a3, ir_ref a4)
{
    _Static_assert(ARRAY_LEN(b->cse) == 256, "hash() gives eight bits");
    if (b->error)
        return 0;
    struct ir_unit *u = b->u;
    struct ir_ins in;
    words_to(&in, words_of(op, type, aux, imm, a1, a2, a3, a4));
    dgm_assert(aux <= 0xffff, "aux has 16 bits");
    dgm_assert(a1 < u->n && a2 < u->n && a3 < u->n && a4 < u->n, "an argument must be an earlier instruction");
    dgm_assert(!(ir_flags[u->ins[u->n - 1].op] & IR_END) || op == IR_OP_label,
               "nothing but a label may follow an END instruction");

    ir_ref r = ir_fold(b, &in);
    if (r == IR_FOLD_DROP || b->error)
        return 0;
    if (r)
        return r;

    if (ir_flags[in.op] & IR_PURE) {
        if (in.op == IR_OP_const) {
            dgm_assert(ir_bits(in.type) && ir_bits(in.type) <= 64, "no constants of this type");
            in.imm &= ir_type_mask(in.type);
        } else if (in.op == IR_OP_add) {
            u->scaled |= u->ins[in.a].op == IR_OP_shl || u->ins[in.b].op == IR_OP_shl;
        }
        return emit_pure(b, words_in(&in));
    }
    const bool forward = forwards(u);
    switch (in.op) {
    case IR_OP_get:
        dgm_assert(in.aux < u->slots->n, "no such slot");
        if (b->slot[in.aux] && forward)
            return b->slot[in.aux];
        break;
    case IR_OP_put:
        dgm_assert(in.aux < u->slots->n, "no such slot");
        dgm_assert(u->ins[in.a].type == u->slots->slot[in.aux].type, "put: the value has not the slot's type");
        if (b->slot[in.aux] == in.a && forward)
            return 0;
        in.type = u->ins[in.a].type;
        b->slot[in.aux] = in.a;
        break;
    case IR_OP_insn:
        b->insn_pc = in.imm;
        break;
    case IR_OP_st:
        in.type = u->ins[in.b].type;
        break;
    case IR_OP_label: /* what is known holds on one way here */
        memset(b->slot, 0, sizeof b->slot);
        if (!b->visible)
            memset(b->cse, 0, sizeof b->cse);
        break;
    case IR_OP_phi_set:
    case IR_OP_jump_if:
        in.type = u->ins[in.a].type;
        break;
    case IR_OP_exit_if:
        in.type = u->ins[in.a].type;
        if (in.imm <= b->insn_pc)
            in.aux |= IR_EXIT_POLL;
        break;
    case IR_OP_exit:
        if (in.imm <= b->insn_pc)
            in.aux |= IR_EXIT_POLL;
        break;
    case IR_OP_call:
        dgm_assert(in.aux < u->nhelpers, "no such helper");
        if (u->helpers[in.aux].flags & IR_HELPER_WRITES)
            memset(b->slot, 0, sizeof b->slot);
        break;
    default:
        break;
    }

    r = ir_append(u, &in);
    if (!r) {
        b->error = -ENOMEM;
        return 0;
    }
    if (in.op == IR_OP_get)
        b->slot[in.aux] = r;
    return r;
}

void ir_insn(struct ir_builder *b, gva_t pc, u32 len)
{
    if (b->error)
        return;
    if (!append_words(b->u, words_of(IR_OP_insn, IR_VOID, len, pc, 0, 0, 0, 0))) {
        b->error = -ENOMEM;
        return;
    }
    count_insn(b->u, pc, len);
    b->insn_pc = pc;
}

ir_ref ir_const(struct ir_builder *b, enum ir_type type, u64 bits)
{
    if (b->error)
        return 0;
    dgm_assert(ir_bits(type) && ir_bits(type) <= 64, "no constants of this type");
    return emit_pure(b, words_of(IR_OP_const, type, 0, bits & ir_type_mask(type), 0, 0, 0, 0));
}

ir_ref ir_get(struct ir_builder *b, u32 slot)
{
    dgm_assert(slot < b->u->slots->n, "no such slot");
    if (b->slot[slot] && forwards(b->u))
        return b->slot[slot];
    return ir_emit(b, IR_OP_get, b->u->slots->slot[slot].type, slot, 0, 0, 0, 0, 0);
}

void ir_put(struct ir_builder *b, u32 slot, ir_ref v)
{
    struct ir_unit *u = b->u;
    if (b->error)
        return;
    dgm_assert(slot < u->slots->n, "no such slot");
    dgm_assert(u->ins[v].type == u->slots->slot[slot].type, "put: the value has not the slot's type");
    if (b->slot[slot] == v && forwards(u))
        return;
    b->slot[slot] = v;
    if (!append_words(u, words_of(IR_OP_put, u->ins[v].type, slot, 0, v, 0, 0, 0)))
        b->error = -ENOMEM;
}

bool ir_is_const(const struct ir_builder *b, ir_ref v, u64 *bits)
{
    if (v == 0 || b->u->ins[v].op != IR_OP_const)
        return false;
    *bits = b->u->ins[v].imm;
    return true;
}

enum ir_type ir_type_of(const struct ir_builder *b, ir_ref v)
{
    return v ? b->u->ins[v].type : IR_VOID;
}

/* The type of an op's result, when it has one type alone; else `other`. */
static enum ir_type result_type(enum ir_op op, enum ir_type other)
{
    switch (ir_ops[op].sig[0]) {
    case 'l':
        return IR_I64;
    case 'q':
        return IR_I128;
    case 'd':
        return IR_F64;
    case 'v':
        return IR_V128;
    default:
        return op == IR_OP_trunc ? IR_I32 : other;
    }
}

ir_ref ir_op2(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y)
{
    return ir_emit(b, op, result_type(op, ir_type_of(b, x)), 0, 0, x, y, 0, 0);
}

ir_ref ir_op1(struct ir_builder *b, enum ir_op op, ir_ref x)
{
    return ir_emit(b, op, result_type(op, ir_type_of(b, x)), 0, 0, x, 0, 0, 0);
}

ir_ref ir_op2i(struct ir_builder *b, enum ir_op op, ir_ref x, u64 y)
{
    return ir_op2(b, op, x, b->error ? 0 : ir_const(b, ir_type_of(b, x), y));
}

ir_ref ir_sext(struct ir_builder *b, enum ir_type to, ir_ref x, u32 bits)
{
    return ir_emit(b, IR_OP_sext, to, bits, 0, x, 0, 0, 0);
}

ir_ref ir_zext(struct ir_builder *b, enum ir_type to, ir_ref x, u32 bits)
{
    return ir_emit(b, IR_OP_zext, to, bits, 0, x, 0, 0, 0);
}

ir_ref ir_trunc(struct ir_builder *b, ir_ref x)
{
    return ir_emit(b, IR_OP_trunc, IR_I32, 0, 0, x, 0, 0, 0);
}

ir_ref ir_cmp(struct ir_builder *b, enum ir_type to, enum ir_cc cc, ir_ref x, ir_ref y)
{
    return ir_emit(b, IR_OP_cmp, to, cc, 0, x, y, 0, 0);
}

ir_ref ir_select(struct ir_builder *b, enum ir_cc cc, ir_ref x, ir_ref y, ir_ref t, ir_ref f)
{
    return ir_emit(b, IR_OP_select, ir_type_of(b, t), cc, 0, x, y, t, f);
}

ir_ref ir_ld(struct ir_builder *b, enum ir_type type, u32 mem, ir_ref addr, s64 off)
{
    return ir_emit(b, IR_OP_ld, type, mem, (u64)off, addr, 0, 0, 0);
}

void ir_st(struct ir_builder *b, u32 mem, ir_ref addr, s64 off, ir_ref v)
{
    ir_emit(b, IR_OP_st, ir_type_of(b, v), mem, (u64)off, addr, v, 0, 0);
}

ir_ref ir_amo(struct ir_builder *b, enum ir_amo kind, u32 mem, ir_ref addr, ir_ref v)
{
    return ir_emit(b, IR_OP_amo, ir_type_of(b, v), mem | (u32)kind << IR_AMO_SHIFT, 0, addr, v, 0, 0);
}

ir_ref ir_cas(struct ir_builder *b, u32 mem, ir_ref addr, ir_ref expect, ir_ref v)
{
    return ir_emit(b, IR_OP_cas, ir_type_of(b, v), mem, 0, addr, expect, v, 0);
}

ir_ref ir_sc(struct ir_builder *b, u32 mem, ir_ref addr, ir_ref v, ir_ref reserved_addr, ir_ref reserved_value)
{
    return ir_emit(b, IR_OP_sc, ir_type_of(b, v), mem, 0, addr, v, reserved_addr, reserved_value);
}

void ir_fence(struct ir_builder *b, u32 bits)
{
    ir_emit(b, IR_OP_fence, IR_VOID, bits, 0, 0, 0, 0, 0);
}

ir_ref ir_fp2(struct ir_builder *b, enum ir_op op, u32 aux, ir_ref x, ir_ref y)
{
    return ir_emit(b, op, result_type(op, ir_type_of(b, x)), aux, 0, x, y, 0, 0);
}

ir_ref ir_fp1(struct ir_builder *b, enum ir_op op, u32 aux, ir_ref x)
{
    return ir_emit(b, op, ir_type_of(b, x), aux, 0, x, 0, 0, 0);
}

ir_ref ir_fp_to(struct ir_builder *b, enum ir_op op, enum ir_type to, u32 aux, ir_ref x)
{
    return ir_emit(b, op, to, aux, 0, x, 0, 0, 0);
}

ir_ref ir_fma(struct ir_builder *b, u32 aux, ir_ref x, ir_ref y, ir_ref z)
{
    return ir_emit(b, IR_OP_fma, ir_type_of(b, x), aux, 0, x, y, z, 0);
}

ir_ref ir_call(struct ir_builder *b, enum ir_type type, u32 helper, ir_ref x, ir_ref y, ir_ref z, ir_ref w)
{
    return ir_emit(b, IR_OP_call, type, helper, 0, x, y, z, w);
}

ir_ref ir_vcall(struct ir_builder *b, u32 helper, ir_ref x, ir_ref y, ir_ref z, u64 imm)
{
    return ir_emit(b, IR_OP_vcall, IR_V128, helper, imm, x, y, z, 0);
}

ir_ref ir_vec(struct ir_builder *b, enum ir_op op, u32 aux, u64 imm, ir_ref x, ir_ref y, ir_ref z)
{
    return ir_emit(b, op, IR_V128, aux, imm, x, y, z, 0);
}

ir_ref ir_vconst(struct ir_builder *b, u64 lo, u64 hi)
{
    ir_ref l = ir_const(b, IR_I64, lo), h = ir_const(b, IR_I64, hi);
    return ir_emit(b, IR_OP_vmake, IR_V128, 0, 0, l, h, 0, 0);
}

void ir_exit_if(struct ir_builder *b, enum ir_cc cc, ir_ref x, ir_ref y, gva_t pc)
{
    ir_emit(b, IR_OP_exit_if, ir_type_of(b, x), cc, pc, x, y, 0, 0);
}

void ir_exit(struct ir_builder *b, gva_t pc)
{
    ir_emit(b, IR_OP_exit, IR_VOID, 0, pc, 0, 0, 0, 0);
}

void ir_exit_call(struct ir_builder *b, gva_t pc, gva_t return_pc)
{
    ir_ref ret = ir_const(b, IR_I64, return_pc);
    ir_emit(b, IR_OP_exit, IR_VOID, IR_EXIT_CALL, pc, ret, 0, 0, 0);
}

void ir_exit_ind(struct ir_builder *b, ir_ref pc)
{
    ir_emit(b, IR_OP_exit_ind, IR_VOID, 0, 0, pc, 0, 0, 0);
}

void ir_exit_ind_call(struct ir_builder *b, ir_ref pc, gva_t return_pc)
{
    ir_ref ret = ir_const(b, IR_I64, return_pc);
    ir_emit(b, IR_OP_exit_ind, IR_VOID, IR_EXIT_CALL, 0, pc, ret, 0, 0);
}

void ir_exit_ret(struct ir_builder *b, ir_ref pc)
{
    ir_emit(b, IR_OP_exit_ind, IR_VOID, IR_EXIT_RET, 0, pc, 0, 0, 0);
}

void ir_trap(struct ir_builder *b, enum ir_trap why, gva_t resume_pc)
{
    ir_emit(b, IR_OP_trap, IR_VOID, why, resume_pc, 0, 0, 0, 0);
}
