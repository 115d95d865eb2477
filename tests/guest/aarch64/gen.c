/* Random aarch64 programs; see tests/guest/gen.h.
 *
 * An instruction is a random word of the table's pattern; then the registers and immediates that must not be random are
 * put right and the word is encoded anew. What can not be encoded is thrown away and made again.
 *
 * An instruction that might write the base register is thrown away as well, by the registers that it names: some that
 * only read it go with them. */
#include "tests/guest/gen.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "translator/guest/aarch64/a64_int.h"

struct record {
    struct record_head head;
    u64 x[31];
    u64 sp;
    u128 v[32];
    u64 nzcv, fpsr, fpcr, tpidr;
    u64 spare; /* the turn's */
    u64 pad[3];
    u8 sandbox[672];
};
_Static_assert(sizeof(struct record) == 1536, "records keep the sandbox aligned");
#define BEFORE      320 /* bytes of the sandbox before where the base register points */
#define SPARE       15
#define BASE_OFFSET (offsetof(struct record, sandbox) + BEFORE)
#define OFF(member) ((u32)offsetof(struct record, member))

enum { NZCV = 0x5a10, FPCR = 0x5a20, FPSR = 0x5a21, TPIDR = 0x5e82 };
static const struct {
    u32 off;
    u16 reg;
} system_regs[] = {{OFF(nzcv), NZCV}, {OFF(fpcr), FPCR}, {OFF(fpsr), FPSR}, {OFF(tpidr), TPIDR}};

/* Encodes *i; false, with nothing emitted, when that is impossible. */
static bool emit(struct gen *g, const struct a64_insn *i)
{
    u32 w;
    if (!a64_encode(i, &w))
        return false;
    gen_bytes(g, w, 4);
    return true;
}

/* The members that an instruction of the table always has. */
static struct a64_insn base_insn(u32 op)
{
    struct a64_insn i;
    a64_decode32(a64_op_bits[op].value, &i);
    return i;
}

static void must(struct gen *g, const struct a64_insn *i)
{
    if (!emit(g, i)) {
        fprintf(stderr, "gen: %s can not be encoded\n", a64_op_bits[i->op].name);
        abort();
    }
}

/* op rd, rn, #imm */
static void op_imm(struct gen *g, u32 op, u32 rd, u32 rn, u32 imm, u32 shift)
{
    struct a64_insn i = base_insn(op);
    i.sf = 1;
    i.rd = (u8)rd;
    i.rn = (u8)rn;
    i.imm = (s32)imm;
    i.amount = (u8)shift;
    must(g, &i);
}

static void movz(struct gen *g, u32 rd, u32 imm, u32 hw)
{
    struct a64_insn i = base_insn(A64_MOVZ);
    i.sf = 1;
    i.imm2 = 2 | hw >> 1; /* sf and hw's upper bit */
    i.rd = (u8)rd;
    i.imm = (s32)imm;
    i.amount = (u8)hw;
    must(g, &i);
}

/* rd = rn + v; both may be sp */
static void add_const(struct gen *g, u32 rd, u32 rn, s64 v)
{
    const u32 op = v < 0 ? A64_SUB_IMM : A64_ADD_IMM, m = (u32)(v < 0 ? -v : v);
    op_imm(g, op, rd, rn, m & 0xfff, 0);
    if (m >> 12)
        op_imm(g, op, rd, rd, m >> 12, 1);
}

static void load_address(struct gen *g, u32 rd, u64 address)
{
    struct a64_insn i = base_insn(A64_MOVK);
    movz(g, rd, address & 0xffff, 0);
    i.sf = 1;
    i.imm2 = 2;
    i.rd = (u8)rd;
    i.imm = (s32)(address >> 16 & 0xffff);
    i.amount = 1;
    must(g, &i);
}

/* --- what each instruction needs --- */

enum kind { PLAIN, MEMORY, LITERAL, ATOMIC, BRANCH, JUMP_REG, SYSTEM, LINE, CHOICE };

static bool is_sem(u32 op, const char *const *names)
{
    static const char *const sems[A64_NOPS] = {
#define INSN(op, sem) [A64_##op] = #sem,
        A64_INSNS(INSN)
#undef INSN
    };
    for (; *names; names++)
        if (!strcmp(sems[op], *names))
            return true;
    return false;
}

static enum kind kind_of(u32 op)
{
    static const char *const memory[] = {
        "load", "store", "load_pair", "store_pair", "load_v", "store_v", "load_pair_v", "store_pair_v", "ld1",  "st1",
        "ld2",  "st2",   "ld3",       "st3",        "ld4",    "st4",     "ld_lane",     "st_lane",      "ld_r", NULL};
    static const char *const literal[] = {"load_lit", "load_lit_v", NULL};
    static const char *const atomic[] = {"ldar",  "ldapr",  "stlr",   "ldxr",   "ldaxr",  "stxr",  "stlxr", "ldxp",
                                         "ldaxp", "stxp",   "stlxp",  "casp",   "cas",    "ldadd", "ldclr", "ldeor",
                                         "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp",   NULL};
    static const char *const branches[] = {"b", "bl", "cbz", "cbnz", "tbz", "tbnz", "b_cond", NULL};
    static const char *const jumps[] = {"br", "blr", "ret", NULL};
    static const char *const system[] = {"msr", "mrs", "hint", NULL};
    static const char *const lines[] = {"dc", "dc_zva", NULL};
    static const char *const choices[] = {"ccmp", "ccmp_imm", "ccmn", "ccmn_imm", "fccmp", "fccmpe", NULL};
    static u8 known[A64_NOPS]; /* kind + 1 */
    if (!known[op])
        known[op] = 1 + (is_sem(op, memory)     ? MEMORY
                         : is_sem(op, literal)  ? LITERAL
                         : is_sem(op, atomic)   ? ATOMIC
                         : is_sem(op, branches) ? BRANCH
                         : is_sem(op, jumps)    ? JUMP_REG
                         : is_sem(op, system)   ? SYSTEM
                         : is_sem(op, lines)    ? LINE
                         : is_sem(op, choices)  ? CHOICE
                                                : PLAIN);
    return known[op] - 1;
}

static bool has(u32 op, enum a64_operand operand)
{
    return a64_op_bits[op].operands >> operand & 1;
}

/* May instruction `op` set bits of FPSR? True for some that do not. */
static bool may_raise(u32 op)
{
    switch (a64_op_bits[op].ext) {
    case A64_EXT_ASIMD:
    case A64_EXT_FP16:
    case A64_EXT_RDM:
    case A64_EXT_FCMA:
    case A64_EXT_FP:
    case A64_EXT_FRINTTS:
    case A64_EXT_JSCVT:
        return true;
    default:
        return false;
    }
}

/* May *i write general register `reg`? True for some that do not. */
static bool may_write(const struct a64_insn *i, u32 reg)
{
    const enum kind kind = kind_of(i->op);
    if (i->rd == reg || (kind == MEMORY && i->mode >= 2 && i->mode <= 3 && i->rn == reg))
        return true;
    if (kind == MEMORY || kind == ATOMIC)
        return i->ra == reg || (kind == ATOMIC && (i->rm == reg || i->rm + 1u == reg));
    return false;
}

/* A random instruction `op` as it comes. */
static bool roll(struct gen *g, u32 op, struct a64_insn *i)
{
    const struct a64_op_bits *b = &a64_op_bits[op];
    return a64_decode32((rng_u32(&g->r) & ~b->mask) | b->value, i) && i->op == op && !may_write(i, g->s->base);
}

/* --- units --- */

/* Now and then makes the memory operand of *i, of `size` bytes at its register + off, one that faults: in unmapped
 * memory, or its end there. */
static bool bad_address(struct gen *g, const struct a64_insn *i, s64 off, u32 size)
{
    if (rng_below(&g->r, 1000) >= g->o->faults || i->rn == g->s->base || i->rn == 31)
        return false;
    load_address(g, i->rn, GEN_HOLE - (rng_below(&g->r, 2) ? rng_below(&g->r, size) : 0) - (u64)off);
    return true;
}

/* Bytes that a MEMORY instruction accesses. */
static u32 bytes_of(const struct a64_insn *i)
{
    static const char *const whole[] = {"ld1", "st1", "ld2", "st2", "ld3", "st3", "ld4", "st4", NULL};
    static const char *const lanes[] = {"ld_lane", "st_lane", "ld_r", NULL};
    static const char *const pairs[] = {"load_pair", "store_pair", "load_pair_v", "store_pair_v", NULL};
    if (is_sem(i->op, whole))
        return i->amount * (8u << i->q);
    if (is_sem(i->op, lanes))
        return (u32)i->amount << i->size;
    return (is_sem(i->op, pairs) ? 2u : 1u) << i->size;
}

/* A place for `size` bytes in the sandbox, from base. */
static s32 place(struct gen *g, u32 size, u32 align)
{
    const u32 at = rng_below(&g->r, (u32)sizeof(((struct record *)0)->sandbox) - SPARE - size + 1);
    return (s32)(at & ~(align - 1)) - BEFORE;
}

/* Where sp is the base it must be a multiple of 16, or the access faults. The sandbox has some bytes to spare. */
static s64 even_sp(struct gen *g, s64 from_base)
{
    return rng_below(&g->r, 1000) < g->o->faults ? from_base : (from_base + 15) & ~15;
}

static bool memory_unit(struct gen *g, struct a64_insn *i)
{
    const u32 base = g->s->base, size = bytes_of(i);
    const s32 at = place(g, size, rng_below(&g->r, 4) ? 1u << i->size : 1);
    static const char *const load_pairs[] = {"load_pair", "load_pair_v", NULL};
    if (is_sem(i->op, load_pairs) && i->rd == i->ra) /* left open */
        return false;
    const bool structure = has(i->op, A64_OPERAND_VLIST) || has(i->op, A64_OPERAND_VLANE);
    s64 off = structure || i->mode == 2 ? 0 : (s64)i->imm * (i->scaled ? 1 << i->size : 1);
    if (i->rn == base) {
        if (i->mode == 4)
            return false;
        if (!structure) {
            off = i->scaled ? at & -(1 << i->size) : at;
            i->imm = (s32)(i->scaled ? off >> i->size : off);
        }
        return off >= -BEFORE && emit(g, i);
    }
    if (i->mode == 4) {
        const u32 index = rng_below(&g->r, 256);
        if (i->rm == base || i->rm == i->rn)
            return false;
        if (i->rm != 31)
            movz(g, i->rm, index, 0);
        off = i->rm == 31 ? 0 : (s64)index << (i->amount ? i->size : 0);
    }
    if (!bad_address(g, i, off, size))
        add_const(g, i->rn, base, i->rn == 31 ? even_sp(g, at - off) : at - off);
    return emit(g, i);
}

/* Is it the store of the same kind for a load-exclusive? 0: it is none. */
static u32 store_of(u32 op)
{
    static const struct {
        u16 load, store;
    } pairs[] = {{A64_LDXRB, A64_STXRB},     {A64_LDXRH, A64_STXRH},     {A64_LDXR_W, A64_STXR_W},
                 {A64_LDXR_X, A64_STXR_X},   {A64_LDAXRB, A64_STLXRB},   {A64_LDAXRH, A64_STLXRH},
                 {A64_LDAXR_W, A64_STLXR_W}, {A64_LDAXR_X, A64_STLXR_X}, {A64_LDXP_W, A64_STXP_W},
                 {A64_LDXP_X, A64_STXP_X},   {A64_LDAXP_W, A64_STLXP_W}, {A64_LDAXP_X, A64_STLXP_X}};
    for (u32 n = 0; n < ARRAY_LEN(pairs); n++)
        if (pairs[n].load == op)
            return pairs[n].store;
    return 0;
}

/* Now and then a load-exclusive is followed by its store, which else would hardly ever succeed. Whether a store of
 * another size than its load succeeds is an implementation's own choice, so there is none; with turns, the load
 * may be one that comes later. */
static bool atomic_unit(struct gen *g, struct a64_insn *i)
{
    static const char *const pairs[] = {"ldxp", "ldaxp", "stxp", "stlxp", "casp", NULL};
    static const char *const stores[] = {"stxr", "stlxr", "stxp", "stlxp", NULL};
    const u32 base = g->s->base, pair = is_sem(i->op, pairs), size = 1u << i->size << pair, store = store_of(i->op);
    const u32 kind = 1u << (i->size + 4 * pair);
    s32 at = place(g, size, size);
    const bool conditional = is_sem(i->op, stores);
    if ((conditional || (store && g->o->turns > 1)) && g->reserved & ~kind)
        return false;
    if (store || (conditional && g->o->turns > 1))
        g->reserved |= kind;
    if (i->rn == base && at != 0)
        at = 0;
    if (i->rn != base && !bad_address(g, i, 0, 1)) /* unmapped, or else misaligned */
        add_const(g, i->rn, base, rng_below(&g->r, 1000) < g->o->faults ? at + 1 : i->rn == 31 ? at & ~15 : at);
    must(g, i);
    if (!store)
        return true;
    if (i->rd == i->rn || (pair && i->ra == i->rn) || !rng_below(&g->r, 4))
        return true;
    struct a64_insn second;
    if (!roll(g, store, &second))
        return true;
    second.rn = i->rn;
    if (!may_write(&second, base))
        must(g, &second);
    return true;
}

/* A literal from the snippet's own code. */
static bool literal_unit(struct gen *g, struct a64_insn *i)
{
    i->imm = -4 * (s32)rng_below(&g->r, 1 + ((u32)g->im->code_len - g->s->begin) / 4);
    return emit(g, i);
}

/* Reading and writing NZCV, FPCR, FPSR, TPIDR_EL0; hints that other emulators may do something about are left out. */
static bool system_unit(struct gen *g, struct a64_insn *i)
{
    if (i->op == A64_HINT)
        return i->imm != 2 && i->imm != 3 && emit(g, i);
    i->sysreg = system_regs[rng_below(&g->r, ARRAY_LEN(system_regs))].reg;
    const bool fpcr = i->sysreg == FPCR;
    if (i->op == A64_MSR && (fpcr || i->sysreg == FPSR)) { /* no bits but those that we have */
        if (i->rd == 31)
            return false;
        const bool high = fpcr || rng_below(&g->r, 4) == 0;
        const u32 bits = fpcr ? A64_FPCR_BITS : A64_FPSR_BITS;
        movz(g, i->rd, rng_u32(&g->r) & (bits >> (high ? 16 : 0)) & 0xffff, high);
    }
    return emit(g, i);
}

static bool line_unit(struct gen *g, struct a64_insn *i)
{
    if (i->rd == 31)
        return false;
    add_const(g, i->rd, g->s->base, place(g, 1, 1));
    return emit(g, i);
}

/* Jumps are made with offset 0 and get their destination some units later. */
static bool jump_unit(struct gen *g, struct a64_insn *i, enum kind kind)
{
    if (g->fix_left || g->s->base == A64_LR)
        return false;
    i->imm = 0;
    g->fix_base = 0;
    if (kind == JUMP_REG) {
        struct a64_insn adr = base_insn(A64_ADR);
        if (i->rn == 31 || i->rn == g->s->base)
            return false;
        adr.rd = i->rn;
        g->fix_base = (u32)g->im->code_len;
        must(g, &adr);
    }
    g->fix_at = (u32)g->im->code_len;
    must(g, i);
    g->fix_left = 1 + rng_below(&g->r, 4);
    return true;
}

static void land(struct gen *g)
{
    const u32 from = g->fix_base ? g->fix_base : g->fix_at;
    u8 *p = g->im->code + from;
    struct a64_insn i;
    u32 w;
    memcpy(&w, p, 4);
    if (!a64_decode32(w, &i))
        abort();
    i.imm = (s32)((u32)g->im->code_len - from);
    if (!a64_encode(&i, &w))
        abort();
    memcpy(p, &w, 4);
}

static void system_reg(struct gen *g, u32 op, u32 rd, u32 reg)
{
    struct a64_insn i = base_insn(op);
    i.rd = (u8)rd;
    i.sysreg = (u16)reg;
    must(g, &i);
}

/* FPSR's flags would soon all be set, and then tell nothing. So now and then they are cleared before an instruction
 * that may raise them, and shown in a register after it. */
static bool plain_unit(struct gen *g, struct a64_insn *i)
{
    const u32 how = may_raise(i->op) ? rng_below(&g->r, 4) : 0, shown = rng_below(&g->r, 31);
    if (how & 1)
        system_reg(g, A64_MSR, 31, FPSR);
    if (!emit(g, i))
        return false;
    if (how & 2 && shown != g->s->base)
        system_reg(g, A64_MRS, shown, FPSR);
    return true;
}

/* What compares if a condition holds has a comparison before it, mostly, and a branch behind it. */
static bool choice_unit(struct gen *g, struct a64_insn *i)
{
    struct a64_insn other;
    if (rng_below(&g->r, 4) && roll(g, rng_below(&g->r, 2) ? A64_SUBS : A64_SUBS_IMM, &other))
        (void)emit(g, &other);
    if (!plain_unit(g, i))
        return false;
    if (rng_below(&g->r, 4) && roll(g, A64_B__COND, &other))
        (void)jump_unit(g, &other, BRANCH);
    return true;
}

static bool unit(struct gen *g, u32 op)
{
    struct a64_insn i;
    const enum kind kind = kind_of(op);
    if (!roll(g, op, &i))
        return false;
    switch (kind) {
    case MEMORY:
        return memory_unit(g, &i);
    case LITERAL:
        return literal_unit(g, &i);
    case ATOMIC:
        return atomic_unit(g, &i);
    case BRANCH:
    case JUMP_REG:
        return jump_unit(g, &i, kind);
    case SYSTEM:
        return system_unit(g, &i);
    case LINE:
        return line_unit(g, &i);
    case CHOICE:
        return choice_unit(g, &i);
    default:
        return plain_unit(g, &i);
    }
}

/* --- snippets --- */

/* Lanes of one size, mostly; half of all vectors as `theme` says. */
#define THEMES 8
static u128 random_vector(struct rng *r, u32 theme)
{
    const u32 how = rng_below(r, 2) ? theme : rng_below(r, THEMES);
    u128 v = 0;
    for (u32 n = 0; n < 128;) {
        u64 x;
        u32 bits = 64;
        switch (how) {
        case 0:
        case 1:
            x = random_float(r, 11, 52);
            break;
        case 2:
        case 3:
            x = random_float(r, 8, 23);
            bits = 32;
            break;
        case 4:
            x = random_float(r, 5, 10);
            bits = 16;
            break;
        case 5:
            x = random_int(r);
            break;
        case 6:
            x = random_int(r) & 0xffff;
            bits = 16;
            break;
        default:
            x = rng_u64(r);
            break;
        }
        v |= (u128)x << n;
        n += bits;
    }
    return rng_below(r, 4) ? v : (u128)(u64)v;
}

static void random_record(struct rng *r, void *record)
{
#define EACH(bits, x) ((~(u128)0 / ((1ull << (bits)) - 1)) * (x)) /* x in each lane */
    static const u128 signs[] = {EACH(8, 1ull << 7), EACH(16, 1ull << 15), EACH(32, 1ull << 31),
                                 (u128)1 << 127 | 1ull << 63};
    struct record *rec = record;
    /* Some registers are equal to one before, or nearly, as comparisons and sums find their edges there. */
    const u32 theme = rng_below(r, THEMES), lane = rng_below(r, 4);
    for (u32 n = 0; n < 31; n++)
        rec->x[n] = n && !rng_below(r, 8) ? rec->x[rng_below(r, n)] - rng_below(r, 2) : random_int(r);
    rec->sp = random_int(r);
    rec->tpidr = rng_u64(r);
    for (u32 n = 0; n < 32; n++) {
        rec->v[n] = random_vector(r, theme);
        if (n && !rng_below(r, 8))
            rec->v[n] = rec->v[rng_below(r, n)] ^ (rng_below(r, 2) ? signs[lane] : 0);
    }
    rec->nzcv = (u64)rng_below(r, 16) << 28;
    rec->fpsr = rng_below(r, 2) ? rng_u32(r) & A64_FPSR_BITS : 0;
    rec->fpcr = rng_below(r, 4) ? 0 : rng_u32(r) & A64_FPCR_BITS;
    for (u32 n = 0; n < sizeof rec->sandbox; n += 16) {
        const u128 v = random_vector(r, theme);
        memcpy(rec->sandbox + n, &v, 16);
    }
}

static void access_x(struct gen *g, u32 op, u32 rd, u32 rn, u32 off)
{
    struct a64_insn i = base_insn(op);
    i.rd = (u8)rd;
    i.rn = (u8)rn;
    i.imm = (s32)(off >> i.size);
    must(g, &i);
}

static void begin(struct gen *g)
{
    const u32 base = g->s->base = (u8)rng_below(&g->r, 31), tmp = base == 0;
    load_address(g, base, GEN_ROUND);
    access_x(g, A64_LDR_IMM_X, base, base, 0);
    add_const(g, base, base, (s64)(g->index * sizeof(struct record)));
    for (u32 n = 0; n < ARRAY_LEN(system_regs); n++) {
        access_x(g, A64_LDR_IMM_X, tmp, base, system_regs[n].off);
        system_reg(g, A64_MSR, tmp, system_regs[n].reg);
    }
    access_x(g, A64_LDR_IMM_X, tmp, base, OFF(sp));
    op_imm(g, A64_ADD_IMM, 31, tmp, 0, 0);
    for (u32 n = 0; n < 32; n++)
        access_x(g, A64_LDR_IMM_Q, n, base, OFF(v) + 16 * n);
    for (u32 n = 0; n < 31; n++)
        if (n != base)
            access_x(g, A64_LDR_IMM_X, n, base, OFF(x) + 8 * n);
    add_const(g, base, base, BASE_OFFSET);
}

static void turn(struct gen *g, u32 to)
{
    const u32 base = g->s->base, tmp = base == 0;
    add_const(g, base, base, -(s64)BASE_OFFSET);
    access_x(g, A64_STR_IMM_X, tmp, base, OFF(spare));
    access_x(g, A64_LDR_IMM_X, tmp, base, OFF(head.turns));
    add_const(g, tmp, tmp, -1);
    access_x(g, A64_STR_IMM_X, tmp, base, OFF(head.turns));
    gen_bytes(g, 0xb4000000u | 5 << 5 | tmp, 4); /* cbz tmp, .+20 */
    access_x(g, A64_LDR_IMM_X, tmp, base, OFF(spare));
    add_const(g, base, base, BASE_OFFSET);
    gen_bytes(g, 0x14000000u | ((to - (u32)g->im->code_len) >> 2 & 0x3ffffff), 4);
    access_x(g, A64_LDR_IMM_X, tmp, base, OFF(spare));
    add_const(g, base, base, BASE_OFFSET);
}

static void end(struct gen *g)
{
    const u32 base = g->s->base, tmp = base == 0;
    add_const(g, base, base, -(s64)BASE_OFFSET);
    for (u32 n = 0; n < 31; n++)
        if (n != base)
            access_x(g, A64_STR_IMM_X, n, base, OFF(x) + 8 * n);
    for (u32 n = 0; n < 32; n++)
        access_x(g, A64_STR_IMM_Q, n, base, OFF(v) + 16 * n);
    op_imm(g, A64_ADD_IMM, tmp, 31, 0, 0);
    access_x(g, A64_STR_IMM_X, tmp, base, OFF(sp));
    for (u32 n = 0; n < ARRAY_LEN(system_regs); n++) {
        system_reg(g, A64_MRS, tmp, system_regs[n].reg);
        access_x(g, A64_STR_IMM_X, tmp, base, system_regs[n].off);
    }
}

static void again(struct gen *g, u64 size)
{
    load_address(g, 1, GEN_ROUND);
    access_x(g, A64_LDR_IMM_X, 0, 1, 0);
    load_address(g, 2, size);
    gen_bytes(g, 0x8b020000u, 4); /* add x0, x0, x2 */
    access_x(g, A64_STR_IMM_X, 0, 1, 0);
    load_address(g, 2, GEN_DATA + g->im->nrounds * size);
    gen_bytes(g, 0xeb02001fu, 4); /* cmp x0, x2 */
    gen_bytes(g, 0x54000040u, 4); /* b.eq .+8 */
    gen_bytes(g, 0x14000000u | (-(u32)g->im->code_len >> 2 & 0x3ffffff), 4);
}

static void finish(struct gen *g, u64 size)
{
    const struct a64_insn svc = base_insn(A64_SVC);
    movz(g, 0, 1, 0);
    load_address(g, 1, GEN_DATA);
    load_address(g, 2, size);
    movz(g, 8, 64, 0); /* write */
    must(g, &svc);
    movz(g, 0, 0, 0);
    movz(g, 8, 93, 0); /* exit */
    must(g, &svc);
}

#define NOP 0xd503201fu

static void blank(u8 *code, u32 len)
{
    const u32 nop = NOP;
    for (u32 at = 0; at < len; at += 4)
        memcpy(code + at, &nop, 4);
}

static void jump(u8 *code, s32 offset)
{
    const u32 b = 0x14000000u | ((u32)offset >> 2 & 0x3ffffff);
    memcpy(code, &b, 4);
}

/* --- looking at what it did --- */

static bool names(const u8 *code, bool reg[32])
{
    struct a64_insn i;
    u32 w;
    memcpy(&w, code, 4);
    if (w == NOP)
        return false;
    if (a64_decode32(w, &i))
        reg[i.rd & 31] = reg[i.rn & 31] = reg[i.rm & 31] = reg[i.ra & 31] = true;
    return true;
}

static bool wrote(const struct vcpu *v)
{
    return ((const struct a64_state *)v->slots)->x[8] == 64;
}

static void save(struct vcpu *v, u32 base, void *record)
{
    struct record *rec = record;
    const struct a64_state *s = a64_state(v);
    const u64 kept = rec->x[base];
    memcpy(rec->x, s->x, sizeof rec->x);
    rec->x[base] = kept;
    rec->sp = s->sp;
    memcpy(rec->v, s->v, sizeof rec->v);
    rec->nzcv = a64_get_nzcv(v);
    rec->fpsr = a64_get_fpsr(v);
    rec->fpcr = a64_get_fpcr(v);
    rec->tpidr = s->tpidr;
}

static void show_vector(const char *name, u32 n, u128 v)
{
    printf("%s%-2u %016llx:%016llx ", name, n, (unsigned long long)(v >> 64), (unsigned long long)v);
}

static void show(const void *before, const void *ra, const void *rb, const bool named[32])
{
    const struct record *seed = before, *a = ra, *b = rb;
#define SHOW(name, k, member)                                                                                          \
    if (a->member != b->member)                                                                                        \
    printf("  %-4s%-4d %018llx %018llx %018llx\n", name, (int)(k), (unsigned long long)seed->member,                   \
           (unsigned long long)a->member, (unsigned long long)b->member)
    for (u32 k = 0; k < 31; k++)
        SHOW("x", k, x[k]);
    SHOW("sp", 0, sp);
    for (u32 k = 0; k < 32; k++) {
        if (a->v[k] == b->v[k])
            continue;
        printf("  ");
        show_vector("v", k, seed->v[k]);
        show_vector(" ", k, a->v[k]);
        show_vector(" ", k, b->v[k]);
        printf("\n");
    }
    SHOW("nzcv", 0, nzcv);
    SHOW("fpsr", 0, fpsr);
    SHOW("fpcr", 0, fpcr);
    SHOW("tpidr", 0, tpidr);
    for (u32 k = 0; k < sizeof a->sandbox; k++)
        SHOW("mem", (s32)k - BEFORE, sandbox[k]);
    printf("  before: nzcv %llx fpsr %llx fpcr %llx sp %llx\n", (unsigned long long)seed->nzcv,
           (unsigned long long)seed->fpsr, (unsigned long long)seed->fpcr, (unsigned long long)seed->sp);
    for (u32 k = 0; k < 32; k++) {
        if (!named[k])
            continue;
        printf("    x%-2u %016llx  ", k, (unsigned long long)(k < 31 ? seed->x[k] : 0));
        show_vector("v", k, seed->v[k]);
        printf("\n");
    }
}

/* --- all of it --- */

static const char *op_name(u32 op)
{
    return a64_op_bits[op].name;
}

static u32 op_ext(u32 op)
{
    return a64_op_bits[op].ext;
}

static const char *ext_name(u32 ext)
{
    return a64_ext_names[ext];
}

/* Authentication of pointers, where it is there, is not ours to compare. */
static const char *const qemu_options[] = {"-cpu", "max,pauth=off", NULL};

static const struct gen_skip never[] = {
    {A64_SVC, 0, "leaves the program"}, {A64_BRK, 0, "leaves the program"}, {0, 0, NULL}};

static const struct gen_skip qemu_skip[] = {{A64_DC_ZVA, 0, "its cache block is another"},
                                            {A64_DC_CVAP, 0, "its user mode does not know it"},
                                            {A64_FCVTZS_SXH, 10, "version 7.2 extends the sign of the result"},
                                            {A64_FJCVTZS, 10, "version 7.2 says that a flushed 0 is exact"},
                                            {0, 0, NULL}};

const struct gen_isa gen_isa = {
    .guest = &guest_aarch64,
    .qemu = "qemu-aarch64",
    .qemu_options = qemu_options,
    .qemu_exts = GEN_ALL_EXTS,
    .qemu_skip = qemu_skip,
    .elf_machine = EM_AARCH64,
    .nops = A64_NOPS,
    .nexts = A64_NEXTS,
    .op_name = op_name,
    .op_ext = op_ext,
    .ext_name = ext_name,
    .never = never,
    .record_size = sizeof(struct record),
    .random_record = random_record,
    .begin = begin,
    .unit = unit,
    .land = land,
    .turn = turn,
    .end = end,
    .again = again,
    .finish = finish,
    .blank = blank,
    .jump = jump,
    .names = names,
    .wrote = wrote,
    .save = save,
    .show = show,
};
