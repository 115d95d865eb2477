/* Every op in every variant, over edges of its operands, compiled against interpreted.
 *
 *     test_sweep [--mask M] [--op NAME] [--every N] [--traps 1|2]
 *
 * Each unit is one op on operands read from slots, its result put to another. It is compiled in several forms, by where
 * the slots are: in registers or memory, the result in the place of an operand or not, operands the same, the last one
 * a constant. With --traps 1, invalid operations trap (ir_unit.nans_trap), with --traps 2 flags that are not raised
 * (vcpu.flags_trap); there, only ops of floating point are tried. Operands run over all pairs of edges; of triples, a
 * part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "tests/host/harness.h"
#include "tests/host/random_unit.h"
#include "tests/ir/vec_variant.h"

static struct harness h;
static struct arena arena;
static u64 runs, units;
static bool traps, flags_trap;

/* Slots: per type, four pinned ones and four in memory. */
#define PER_TYPE 8
static const u8 types[] = {IR_V128, IR_I64, IR_I32, IR_F64, IR_F32, IR_F16};
#define SLOT 16 /* bytes */
static struct ir_slot table[ARRAY_LEN(types) * PER_TYPE];
static struct ir_slots slots = {table, ARRAY_LEN(table)};
#define BYTES (ARRAY_LEN(types) * PER_TYPE * SLOT)

static void make_slots(void)
{
    u32 rank[IR_NCLASSES] = {0};
    for (u32 i = 0; i < ARRAY_LEN(table); i++) {
        u32 t = types[i / PER_TYPE], cls = t == IR_I64 || t == IR_I32 ? IR_CLASS_INT : IR_CLASS_FLOAT;
        bool pinned = i % PER_TYPE < 4 && t != IR_F16;
        table[i] = (struct ir_slot){
            .name = "slot", .type = (u8)t, .cls = (u8)cls, .rank = (u16)(pinned ? ++rank[cls] : 0), .offset = SLOT * i};
    }
}

static u32 slot_of(u32 type, bool pinned, u32 n)
{
    u32 k = 0;
    while (types[k] != type)
        k++;
    return k * PER_TYPE + (pinned ? 0 : 4) + n;
}

/* One op to try. */
struct variant {
    u8 op, type;
    u16 aux;
    u8 nargs, arg[4];
    u64 imm;
};

static struct emitted *code;

static void compare(const struct variant *k, const struct ir_unit *u, const u8 in[BYTES], u32 fp_round, u32 fp_flags)
{
    struct vcpu *v = h.v;
    u8 want[BYTES];
    memcpy(v->slots, in, BYTES);
    v->fp_round = fp_round;
    v->fp_flags = fp_flags;
    ir_interp(u, v);
    memcpy(want, v->slots, BYTES);
    u32 want_flags = v->fp_flags;
    memcpy(v->slots, in, BYTES);
    v->fp_flags = fp_flags;
    v->flags_trap = flags_trap;
    harness_enter(&h, code);
    runs++;
    if (!memcmp(want, v->slots, BYTES) && want_flags == v->fp_flags)
        return;
    char text[2000];
    ir_print(u, text, sizeof text);
    printf("%s: differs, fp_round %u, flags 0x%x\n%s", ir_ops[k->op].name, fp_round, fp_flags, text);
    for (u32 s = 0; s < ARRAY_LEN(table); s++) {
        u64 a[2], w[2], g[2];
        memcpy(a, in + SLOT * s, SLOT);
        memcpy(w, want + SLOT * s, SLOT);
        memcpy(g, v->slots + SLOT * s, SLOT);
        for (u32 i = 0; i < 2; i++)
            if (a[i] || w[i] || g[i])
                printf("  slot %u.%u (%s, rank %u): in 0x%llx wanted 0x%llx got 0x%llx\n", s, i,
                       ir_type_names[table[s].type], table[s].rank, (unsigned long long)a[i], (unsigned long long)w[i],
                       (unsigned long long)g[i]);
    }
    printf("  flags: wanted 0x%x got 0x%x\n", want_flags, v->fp_flags);
    FILE *f = fopen("/tmp/dragoman-unit.bin", "wb");
    if (f) {
        fwrite(code->hc.rw, 1, code->hc.size, f);
        fclose(f);
    }
    exit(1);
}

/* Forms of the unit. */
enum {
    F_ARG_MEM = 1,  /* operands in memory */
    F_DST_MEM = 2,  /* result to memory */
    F_OVER_A = 4,   /* result over the first operand */
    F_OVER_B = 8,   /* over the second */
    F_SAME = 16,    /* both operands the same slot */
    F_CONST_B = 32, /* the second is a constant, which differs from unit to unit */
    F_FORMS = 64,
};

static bool build(struct ir_unit *u, const struct variant *k, u32 form, u64 konst)
{
    struct ir_builder b;
    arena_reset(&arena);
    *u = (struct ir_unit){.arena = &arena, .slots = &slots};
    ir_begin(&b, u, 0x1000);
    ir_insn(&b, 0x1000, 4);
    ir_ref a[4] = {0};
    for (u32 i = 0; i < k->nargs; i++) {
        u32 s = slot_of(k->arg[i], !(form & F_ARG_MEM), i);
        if (i == 1 && (form & F_SAME))
            s = slot_of(k->arg[0], !(form & F_ARG_MEM), 0);
        a[i] = i == 1 && (form & F_CONST_B) && k->arg[i] != IR_V128 ? ir_const(&b, k->arg[i], konst) : ir_get(&b, s);
    }
    if (k->nargs > 1 && (form & F_CONST_B) && k->arg[1] == IR_V128)
        a[1] = ir_vconst(&b, konst, konst * 0x9e3779b97f4a7c15ull);
    ir_ref x = ir_emit(&b, k->op, k->type, k->aux, k->imm, a[0], a[1], a[2], a[3]);
    u32 dst = slot_of(k->type, !(form & F_DST_MEM), 3);
    if (form & (F_OVER_A | F_OVER_B))
        dst = slot_of(k->arg[form & F_OVER_A ? 0 : 1], !(form & F_ARG_MEM), form & F_OVER_A ? 0 : 1);
    ir_put(&b, dst, x);
    ir_trap(&b, IR_TRAP_STOP, 0x1004);
    return ir_finish(&b) == 0;
}

/* Does this form make sense for the variant? */
static bool sensible(const struct variant *k, u32 form)
{
    bool over_a = form & F_OVER_A, over_b = form & F_OVER_B, same = form & F_SAME, konst = form & F_CONST_B;
    if ((over_a && k->arg[0] != k->type) || (over_b && (k->nargs < 2 || k->arg[1] != k->type)) || (over_a && over_b))
        return false;
    if ((same || konst) && (k->nargs < 2 || (same && konst) || (same && k->arg[0] != k->arg[1])))
        return false;
    if (over_b && (same || konst))
        return false;
    if ((over_a || over_b) && (form & F_DST_MEM))
        return false;
    return true;
}

static void try_variant(const struct variant *k)
{
    u8 in[BYTES];
    struct rng r = {.state = k->op * 1000u + k->aux};
    bool fp = ir_flags[k->op] & IR_FPENV;
    bool vector = ir_is_vec_op(k->op);
    bool dynamic = (k->aux & IR_FP_ROUND) == IR_RDYN;
    for (u32 form = 0; form < F_FORMS; form++) {
        if (!sensible(k, form))
            continue;
        u32 nconst = form & F_CONST_B ? (vector ? 2 : 12) : 1;
        for (u32 c = 0; c < nconst; c++) {
            struct ir_unit u;
            bool ok = build(&u, k, form,
                            random_edges[rng_below(&r, random_nedges)] &
                                (k->nargs > 1 && ir_bits(k->arg[1]) == 32 ? 0xffffffff : ~0ull));
            u.nans_trap = traps;
            if (!ok || harness_emit(&h, &u, 0, 0, code)) {
                printf("no code for %s\n", ir_ops[k->op].name);
                exit(1);
            }
            units++;
            /* All pairs in the plainest form; elsewhere a part of them. */
            u32 step = k->nargs == 1 || (form & F_SAME)        ? 1
                       : form == 0 && k->nargs == 2 && !vector ? 1
                       : vector                                ? 89
                                                               : 23;
            for (u32 n = rng_below(&r, step);
                 n < (k->nargs == 1 || (form & F_SAME) ? random_nedges : random_nedges * random_nedges); n += step) {
                memset(in, 0, sizeof in);
                for (u32 i = 0; i < k->nargs; i++) {
                    u64 x = i == 0   ? random_edges[n % random_nedges]
                            : i == 1 ? random_edges[n / random_nedges % random_nedges]
                                     : random_edges[rng_below(&r, random_nedges)];
                    for (u32 mem = 0; mem < 2; mem++) {
                        u32 s = slot_of(k->arg[i], !mem, i);
                        if (k->arg[i] == IR_V128) /* several lanes of each size that are edges */
                            for (u32 half = 0; half < 2; half++, x = random_edges[(n + 7 * half) % random_nedges])
                                memcpy(in + table[s].offset + 8 * half, &x, 8);
                        else
                            memcpy(in + table[s].offset, &x, ir_bits(table[s].type) / 8);
                    }
                }
                u32 modes = fp && dynamic && k->nargs == 1 ? 4 : 1;
                for (u32 m = 0; m < modes; m++)
                    compare(k, &u, in,
                            modes == 4 ? m
                            : fp       ? rng_below(&r, dynamic ? 4 : 5)
                                       : 0,
                            rng_below(&r, 2) * rng_below(&r, 32));
            }
        }
    }
}

/* --- all variants of an op --- */

static u32 below(void *r, u32 n)
{
    return rng_below(r, n);
}

/* So many of a vector op's variants, at random, that few are left out. */
static void vector_variants(u32 op)
{
    struct rng r = {.state = op};
    static const u8 rounds[] = {IR_RDYN, IR_RDYN, IR_RNE, IR_RTZ, IR_RDN, IR_RUP, IR_RMM};
    const u32 n = ir_ops[op].aux == IR_AUX_NONE ? 24 : ir_ops[op].aux == IR_AUX_VFP ? 80 : 60;
    for (u32 i = 0; i < n; i++) {
        struct vec_variant v;
        vec_variant_of(op, rounds[rng_below(&r, ARRAY_LEN(rounds))], below, &r, &v);
        struct variant k = {.op = (u8)op, .type = v.type, .aux = v.aux, .imm = v.imm};
        for (; k.nargs < 3 && v.arg[k.nargs]; k.nargs++)
            k.arg[k.nargs] = v.arg[k.nargs];
        try_variant(&k);
    }
}

static void types_of(u32 op, struct variant *k, u32 next);

static void auxes(struct variant *k)
{
    static const u8 rounds[] = {IR_RDYN, IR_RNE, IR_RTZ, IR_RDN, IR_RUP, IR_RMM};
    u32 op = k->op;
    switch (ir_ops[op].aux) {
    case IR_AUX_BITS:
        for (u32 bits = 8; bits <= 32; bits *= 2) {
            k->aux = (u16)bits;
            try_variant(k);
        }
        return;
    case IR_AUX_CC:
        for (u32 cc = 0; cc < IR_NCC; cc++) {
            k->aux = (u16)cc;
            try_variant(k);
        }
        return;
    case IR_AUX_FCMP:
        for (u32 i = 0; i < 6; i++) {
            static const u8 cc[] = {IR_EQ, IR_LTS, IR_LES};
            k->aux = (u16)((op == IR_OP_ford ? 0 : cc[i % 3]) | (i / 3 ? IR_FCMP_SIGNAL : 0));
            if (op != IR_OP_ford || i % 3 == 0)
                try_variant(k);
        }
        return;
    case IR_AUX_FP:
    case IR_AUX_F2I:
        for (u32 i = 0; i < ARRAY_LEN(rounds); i++) {
            bool f2i = ir_ops[op].aux == IR_AUX_F2I;
            bool minmax = op == IR_OP_fmin || op == IR_OP_fmax;
            bool bit4 = f2i || minmax || op == IR_OP_fma || op == IR_OP_fround;
            bool bit5 = op == IR_OP_fma || op == IR_OP_f2i || minmax;
            if (minmax && i)
                break;
            for (u32 defnan = 0; defnan < (f2i ? 1 : 2); defnan++) {
                for (u32 bits = 0; bits < (bit5 ? 4 : bit4 ? 2 : 1); bits++) {
                    k->aux = (u16)((minmax ? 0 : rounds[i]) | defnan * IR_FP_DEFNAN | bits << 4);
                    try_variant(k);
                    if (op == IR_OP_fadd || op == IR_OP_fsub || op == IR_OP_fmul || op == IR_OP_fdiv ||
                        op == IR_OP_fma || op == IR_OP_fcvt) {
                        k->aux |= IR_FP_FLUSH;
                        try_variant(k);
                    }
                }
            }
        }
        return;
    default:
        k->aux = 0;
        try_variant(k);
    }
}

/* Fills in the types of arguments from the next-th on, all ways that the signature allows. */
static void types_of(u32 op, struct variant *k, u32 next)
{
    const char *args = ir_ops[op].sig + 2;
    if (!args[next]) {
        k->nargs = (u8)next;
        if (op == IR_OP_fcvt && k->arg[0] == k->type)
            return;
        if (op == IR_OP_nanbox && k->arg[0] == IR_F64)
            return;
        if (op == IR_OP_bitcast &&
            (ir_bits(k->arg[0]) != ir_bits(k->type) || (k->arg[0] <= IR_I64) == (k->type <= IR_I64)))
            return;
        auxes(k);
        return;
    }
    static const u8 ints[] = {IR_I64, IR_I32}, floats[] = {IR_F64, IR_F32, IR_F16};
    switch (args[next]) {
    case 'T':
    case 'F':
        k->arg[next] = k->type;
        types_of(op, k, next + 1);
        return;
    case 'U':
        if (next) {
            k->arg[next] = k->arg[0];
            types_of(op, k, next + 1);
            return;
        }
        for (u32 i = 0; i < 2; i++) {
            k->arg[0] = op == IR_OP_fcmp || op == IR_OP_ford ? floats[i] : ints[i];
            types_of(op, k, 1);
        }
        return;
    case 'i':
        for (u32 i = 0; i < 2; i++) {
            k->arg[next] = ints[i];
            types_of(op, k, next + 1);
        }
        return;
    case 'f':
        for (u32 i = 0; i < 3; i++) {
            k->arg[next] = floats[i];
            types_of(op, k, next + 1);
        }
        return;
    case 'x':
        for (u32 i = 1; i < ARRAY_LEN(types); i++) { /* all but v128 */
            k->arg[next] = types[i];
            types_of(op, k, next + 1);
        }
        return;
    case 'd':
        k->arg[next] = IR_F64;
        types_of(op, k, next + 1);
        return;
    default: /* l */
        k->arg[next] = IR_I64;
        types_of(op, k, next + 1);
    }
}

static void sweep(u32 op)
{
    char t = ir_ops[op].sig[0];
    for (u32 i = 0; i < ARRAY_LEN(types); i++) {
        u32 type = types[i];
        bool is_int = type == IR_I64 || type == IR_I32;
        if (type == IR_V128)
            continue;
        bool fits = t == 'T'   ? is_int && (op != IR_OP_trunc || type == IR_I32)
                    : t == 'F' ? type == IR_F64 || type == IR_F32
                    : t == 'l' ? type == IR_I64
                    : t == 'd' ? type == IR_F64
                    : t == 'X' ? (op == IR_OP_fcvt       ? !is_int
                                  : op == IR_OP_nanunbox ? type == IR_F32 || type == IR_F16
                                                         : type != IR_F16)
                               : false;
        if (!fits)
            continue;
        struct variant k = {.op = (u8)op, .type = (u8)type};
        types_of(op, &k, 0);
    }
}

int main(int argc, char **argv)
{
    u64 mask = 0;
    u32 every = 1; /* look at each n-th op */
    const char *only = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--mask"))
            mask = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--op"))
            only = argv[i + 1];
        else if (!strcmp(argv[i], "--every"))
            every = (u32)strtoul(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--traps"))
            traps = argv[i + 1][0] == '1', flags_trap = argv[i + 1][0] == '2';
    }
    make_slots();
    harness_start(&h, mask);
    if ((traps && !(host_native.nans_trap && host_native.nans_trap())) || (flags_trap && !host_native.flag_fault)) {
        printf("this host has no such traps\n");
        return 77;
    }
    harness_slots(&h, &slots);
    code = malloc(sizeof *code);
    u32 nops = 0;
    for (u32 op = 0; op < IR_NOPS; op++) {
        u32 f = ir_flags[op];
        if ((f & (IR_END | IR_SLOT | IR_READ | IR_WRITE | IR_EFFECT)) || op == IR_OP_const || op == IR_OP_pair ||
            op == IR_OP_lo || op == IR_OP_hi)
            continue;
        if ((traps || flags_trap) && !(f & IR_FPENV))
            continue;
        if ((only && strcmp(only, ir_ops[op].name)) || op % every)
            continue;
        if (ir_is_vec_op(op))
            vector_variants(op);
        else
            sweep(op);
        nops++;
    }
    if (!only && ((traps && !h.nan_faults) || (flags_trap && !h.flag_faults))) {
        printf("nothing has trapped\n");
        return 1;
    }
    printf("%u ops, %llu units, %llu runs\n", nops, (unsigned long long)units, (unsigned long long)runs);
    return nops == 0;
}
