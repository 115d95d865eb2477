/* Random riscv64 programs; see gen.h.
 *
 * An instruction is a random word of the table's pattern; then the registers and immediates that must not be random are
 * put right and the word is encoded anew. What can not be encoded is thrown away and made again. */
#include "tests/guest/riscv64/gen.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the code buffer --- */

struct gen {
    struct image *im;
    size_t cap;
    bool failed;
    struct rng r;
    const struct gen_options *o;
    struct snippet *s;
    u32 fix_at; /* offset of the jump that waits for its destination, and its unit; 0: none */
    u32 fix_auipc;
    u32 fix_left; /* units until then */
    u32 lr_sizes; /* of the snippet's load-reserveds so far */
};

static void emit_bytes(struct gen *g, u32 w, u32 len)
{
    if (g->failed)
        return;
    if (g->im->code_len + len > g->cap) {
        u8 *p = realloc(g->im->code, g->cap * 2);
        if (!p) {
            g->failed = true;
            return;
        }
        g->im->code = p;
        g->cap *= 2;
    }
    for (u32 i = 0; i < len; i++)
        g->im->code[g->im->code_len++] = (u8)(w >> 8 * i);
}

/* Encodes *i; false, with nothing emitted, when that is impossible. */
static bool emit(struct gen *g, const struct rv_insn *i)
{
    u32 w;
    if (!rv_encode(i, &w))
        return false;
    emit_bytes(g, w, rv_op_bits[i->op].width / 8);
    return true;
}

static void must(struct gen *g, struct rv_insn i)
{
    if (!emit(g, &i)) {
        fprintf(stderr, "gen: %s can not be encoded\n", rv_op_bits[i.op].name);
        abort();
    }
}

static void addi(struct gen *g, u32 rd, u32 rs1, s32 imm)
{
    must(g, (struct rv_insn){.op = RV_ADDI, .rd = (u8)rd, .rs1 = (u8)rs1, .imm = imm});
}

static void load_address(struct gen *g, u32 rd, u64 address)
{
    const s32 low = (s32)((u32)address << 20) >> 20;
    must(g, (struct rv_insn){.op = RV_LUI, .rd = (u8)rd, .imm = (s32)((u32)address - (u32)low)});
    must(g, (struct rv_insn){.op = RV_ADDIW, .rd = (u8)rd, .rs1 = (u8)rd, .imm = low});
}

/* --- what each instruction needs --- */

enum kind { PLAIN, MEMORY, ATOMIC, BRANCH, JUMP, JUMP_REG, CSR, ZERO, NEVER };

static enum kind kind_of(u32 op, u32 *size)
{
    *size = 0;
    switch (op) {
    case RV_LB:
    case RV_LBU:
    case RV_SB:
    case RV_C_LBU:
    case RV_C_SB: /* clang-format off */
        *size = 1;
        return MEMORY;
    case RV_LH: case RV_LHU: case RV_SH: case RV_C_LHU: case RV_C_LH: case RV_C_SH: case RV_FLH: case RV_FSH:
        *size = 2;
        return MEMORY;
    case RV_LW: case RV_LWU: case RV_SW: case RV_FLW: case RV_FSW: case RV_C_LW: case RV_C_SW: case RV_C_LWSP: case RV_C_SWSP:
        *size = 4;
        return MEMORY;
    case RV_LD: case RV_SD: case RV_FLD: case RV_FSD: case RV_C_LD: case RV_C_SD: case RV_C_LDSP: case RV_C_SDSP:
    case RV_C_FLD: case RV_C_FSD: case RV_C_FLDSP: case RV_C_FSDSP:
        *size = 8;
        return MEMORY;
    case RV_BEQ: case RV_BNE: case RV_BLT: case RV_BGE: case RV_BLTU: case RV_BGEU: case RV_C_BEQZ: case RV_C_BNEZ:
        return BRANCH;
    case RV_JAL: case RV_C_J:
        return JUMP;
    case RV_JALR: case RV_C_JR: case RV_C_JALR:
        return JUMP_REG;
    case RV_CSRRW: case RV_CSRRS: case RV_CSRRC: case RV_CSRRWI: case RV_CSRRSI: case RV_CSRRCI:
        return CSR;
    case RV_CBO_ZERO:
        return ZERO;
    case RV_ECALL: case RV_EBREAK: case RV_C_EBREAK:
        return NEVER;
    } /* clang-format on */
    switch (rv_op_bits[op].ext) {
    case RV_EXT_A:
    case RV_EXT_ZACAS: {
        const char *name = rv_op_bits[op].name;
        const char c = name[strlen(name) - 1];
        *size = c == 'w' ? 4 : c == 'd' ? 8 : 16;
        return ATOMIC;
    }
    }
    return PLAIN;
}

bool gen_uses(u32 op, const struct gen_options *o)
{
    u32 size;
    for (const u16 *skip = o->skip; skip && *skip; skip++)
        if (*skip == op)
            return false;
    return kind_of(op, &size) != NEVER && (o->exts >> rv_op_bits[op].ext & 1) && (!o->only || op == o->only);
}

static bool has(u32 op, enum rv_operand operand)
{
    return rv_op_bits[op].operands >> operand & 1;
}

/* Does *i write the x register? */
static bool writes(const struct rv_insn *i, u32 reg)
{
    if (i->op == RV_C_JALR)
        return reg == 1;
    if (i->op == RV_AMOCAS_Q && i->rd)
        return reg == i->rd || reg == i->rd + 1u;
    return has(i->op, RV_OPERAND_XD) && i->rd == reg;
}

/* A random instruction `op` as it comes. */
static bool roll(struct gen *g, u32 op, struct rv_insn *i)
{
    const struct rv_op_bits *b = &rv_op_bits[op];
    u32 w = (rng_u32(&g->r) & ~b->mask) | b->value;
    if (b->width == 16)
        w &= 0xffff;
    if (!(b->width == 16 ? rv_decode16(w, i) : rv_decode32(w, i)) || i->op != op)
        return false;
    return !writes(i, g->s->base);
}

/* --- units --- */

/* Now and then makes the memory operand of *i one that faults: points its register at unmapped memory. */
static bool bad_address(struct gen *g, const struct rv_insn *i)
{
    if (rng_below(&g->r, 1000) >= g->o->faults || i->rs1 == g->s->base)
        return false;
    must(g, (struct rv_insn){.op = RV_LUI, .rd = i->rs1, .imm = (s32)GEN_HOLE});
    return true;
}

static bool memory_unit(struct gen *g, struct rv_insn *i, u32 size)
{
    const u32 base = g->s->base;
    s32 at = (s32)rng_below(&g->r, (u32)(448 - size + 1)) - 192; /* from base */
    u32 w;
    if (rng_below(&g->r, 4))
        at &= -(s32)size;
    if (at < -192)
        at += (s32)size;
    if (i->rs1 == 0)
        return false;
    if (i->rs1 == base) {
        if (has(i->op, RV_OPERAND_IMM) && rv_op_bits[i->op].width == 32)
            i->imm = at;
        return i->imm >= -192 && i->imm + (s32)size <= 256 && emit(g, i);
    }
    if (rv_op_bits[i->op].width == 32)
        i->imm %= 1500;
    if (!rv_encode(i, &w))
        return false;
    if (!bad_address(g, i))
        addi(g, i->rs1, base, at - i->imm);
    return emit(g, i);
}

/* Now and then an lr is followed by its sc, which else would hardly ever succeed. Whether an sc of another size than
 * its lr succeeds is an implementation's own choice, so there is none. */
static bool atomic_unit(struct gen *g, struct rv_insn *i, u32 size)
{
    const u32 base = g->s->base;
    const s32 at = ((s32)rng_below(&g->r, 448 / size) - (s32)(192 / size)) * (s32)size;
    const bool lr = i->op == RV_LR_W || i->op == RV_LR_D, sc = i->op == RV_SC_W || i->op == RV_SC_D;
    if (i->rs1 == 0 || (sc && g->lr_sizes & ~size))
        return false;
    if (i->rs1 != base && !bad_address(g, i)) /* unmapped, or else misaligned */
        addi(g, i->rs1, base, rng_below(&g->r, 1000) < g->o->faults ? at + 1 : at);
    must(g, *i);
    if (!lr)
        return true;
    g->lr_sizes |= size;
    if (i->rd == i->rs1 || !rng_below(&g->r, 4))
        return true;
    struct rv_insn pair = *i;
    pair.op = i->op == RV_LR_W ? RV_SC_W : RV_SC_D;
    pair.rd = (u8)rng_below(&g->r, 32);
    pair.rs2 = (u8)rng_below(&g->r, 32);
    if (pair.rd != base)
        must(g, pair);
    return true;
}

static bool csr_unit(struct gen *g, struct rv_insn *i)
{
    const bool imm = has(i->op, RV_OPERAND_ZIMM), write = i->op == RV_CSRRW || i->op == RV_CSRRWI;
    i->csr = (u16)(1 + rng_below(&g->r, 3));
    if (i->csr == 1)
        return emit(g, i);
    /* frm: never to a reserved value, which would make what follows illegal */
    if (!write)
        i->rs1 = 0;
    else if (imm)
        i->rs1 = i->csr == 2 ? (u8)rng_below(&g->r, 5) : i->rs1;
    else {
        if (i->rs1 == g->s->base)
            return false;
        s32 v = (s32)rng_below(&g->r, 5);
        v = i->csr == 2 ? v | (s32)rng_below(&g->r, 4) << 3 : v << 5 | (s32)rng_below(&g->r, 32) | 256;
        if (i->rs1)
            addi(g, i->rs1, 0, v);
    }
    return emit(g, i);
}

/* Jumps are made with offset 0 and get their destination some units later. */
static bool jump_unit(struct gen *g, struct rv_insn *i, enum kind kind)
{
    if (g->fix_left)
        return false;
    i->imm = 0;
    g->fix_auipc = 0;
    if (kind == JUMP_REG) {
        if (i->rs1 == 0 || i->rs1 == g->s->base)
            return false;
        g->fix_auipc = (u32)g->im->code_len;
        must(g, (struct rv_insn){.op = RV_AUIPC, .rd = i->rs1});
        if (i->op != RV_JALR)
            addi(g, i->rs1, i->rs1, 0);
    }
    g->fix_at = (u32)g->im->code_len;
    if (!emit(g, i))
        abort();
    g->fix_left = 1 + rng_below(&g->r, 4);
    return true;
}

static u32 get_bytes(const u8 *p, u32 len)
{
    return len == 2 ? p[0] | (u32)p[1] << 8 : p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* Puts `imm` into the instruction at `at`. */
static void patch(struct gen *g, u32 at, s32 imm)
{
    u8 *p = g->im->code + at;
    struct rv_insn i;
    u32 w = get_bytes(p, 2);
    u32 len = (w & 3) == 3 ? 4 : 2;
    w = get_bytes(p, len);
    if (!(len == 2 ? rv_decode16(w, &i) : rv_decode32(w, &i)))
        abort();
    i.imm = imm;
    if (!rv_encode(&i, &w)) {
        fprintf(stderr, "gen: no room for a jump of %d\n", imm);
        abort();
    }
    for (u32 k = 0; k < len; k++)
        p[k] = (u8)(w >> 8 * k);
}

static void land(struct gen *g)
{
    const u32 here = (u32)g->im->code_len;
    if (g->failed)
        return;
    if (!g->fix_auipc) {
        patch(g, g->fix_at, (s32)(here - g->fix_at));
        return;
    }
    /* jalr forgets the lowest bit */
    const s32 off = (s32)(here - g->fix_auipc) + (s32)rng_below(&g->r, 2);
    const bool jalr = g->fix_at == g->fix_auipc + 4;
    patch(g, jalr ? g->fix_at : g->fix_auipc + 4, off);
}

static bool unit(struct gen *g, u32 op)
{
    struct rv_insn i;
    u32 size;
    const enum kind kind = kind_of(op, &size);
    if (!roll(g, op, &i))
        return false;
    switch (kind) {
    case MEMORY:
        return memory_unit(g, &i, size);
    case ATOMIC:
        return atomic_unit(g, &i, size);
    case CSR:
        return csr_unit(g, &i);
    case BRANCH:
    case JUMP:
    case JUMP_REG:
        return jump_unit(g, &i, kind);
    case ZERO:
        if (i.rs1 == 0)
            return false;
        if (i.rs1 != g->s->base && !bad_address(g, &i))
            addi(g, i.rs1, g->s->base, (s32)rng_below(&g->r, 448) - 192);
        return emit(g, &i);
    default:
        return emit(g, &i);
    }
}

/* --- snippets --- */

static u64 random_int(struct rng *r)
{
    static const u64 some[] = {0,
                               1,
                               2,
                               ~0ull,
                               ~1ull,
                               63,
                               64,
                               31,
                               32,
                               0x80,
                               0x7f,
                               0x8000,
                               0x7fff,
                               0x80000000,
                               0x7fffffff,
                               0xffffffff,
                               0xffffffff80000000,
                               0x8000000000000000,
                               0x7fffffffffffffff,
                               0x100000000};
    u64 v = rng_u64(r);
    switch (rng_below(r, 4)) {
    case 0:
        return some[rng_below(r, ARRAY_LEN(some))];
    case 1:
        return (u64)((s64)v >> rng_below(r, 64));
    case 2:
        return v >> rng_below(r, 64);
    default:
        return v;
    }
}

/* Bits of a number of `exp_bits` and `frac_bits`: specials, near specials, and the rest. */
static u64 random_float(struct rng *r, u32 exp_bits, u32 frac_bits)
{
    const u64 frac_mask = (1ull << frac_bits) - 1, bias = (1u << (exp_bits - 1)) - 1, top = 2 * bias + 1;
    u64 sign = rng_u32(r) & 1, exp = bias, frac = rng_u64(r) & frac_mask;
    switch (rng_below(r, 10)) {
    case 0:
        exp = 0;
        frac = 0;
        break;
    case 1: /* subnormal */
        exp = 0;
        frac >>= rng_below(r, frac_bits);
        break;
    case 2:
        exp = top;
        frac = 0;
        break;
    case 3: /* NaN of either kind */
        exp = top;
        break;
    case 4: /* small integers and halves */
        exp = bias + rng_below(r, 8);
        frac &= frac_mask << (frac_bits - rng_below(r, frac_bits < 8 ? frac_bits : 8));
        break;
    case 5: /* around the ends of integers */
        exp = bias + 28 + rng_below(r, 40);
        if (exp > top)
            exp = top - 1;
        if (rng_below(r, 2))
            frac = rng_below(r, 2) ? frac_mask : 0;
        break;
    case 6: /* around the ends of the format */
        exp = rng_below(r, 2) ? 1 + rng_below(r, 4) : top - 1 - rng_below(r, 4);
        break;
    case 7: /* of like size, so that sums cancel */
        exp = bias + rng_below(r, 4);
        break;
    default:
        exp = rng_u64(r) % (top + 1);
    }
    return sign << (exp_bits + frac_bits) | exp << frac_bits | (frac & frac_mask);
}

static u64 random_freg(struct rng *r)
{
    switch (rng_below(r, 8)) {
    case 0:
        return rng_u64(r);
    case 1:
        return random_float(r, 5, 10) | ~0xffffull;
    case 2:
    case 3:
    case 4:
        return random_float(r, 8, 23) | ~0xffffffffull;
    default:
        return random_float(r, 11, 52);
    }
}

static void random_record(struct rng *r, struct record *rec)
{
    for (u32 n = 1; n < 32; n++)
        rec->x[n] = random_int(r);
    for (u32 n = 0; n < 32; n++)
        rec->f[n] = random_freg(r);
    rec->fcsr = rng_below(r, 4) ? (u64)rng_below(r, 5) << 5 : 0;
    if (rng_below(r, 2))
        rec->fcsr |= rng_below(r, 32);
    for (u32 n = 0; n < sizeof rec->sandbox; n += 8) {
        u64 v = n & 8 ? random_freg(r) : random_int(r);
        memcpy(rec->sandbox + n, &v, 8);
    }
}

#define OFF(member) ((s32)offsetof(struct record, member) - (s32)GEN_BASE_OFFSET)

static void registers(struct gen *g, bool store)
{
    const u8 base = g->s->base, tmp = base == 31 ? 30 : 31;
    if (!store) {
        must(g, (struct rv_insn){.op = RV_LD, .rd = tmp, .rs1 = base, .imm = OFF(fcsr)});
        must(g, (struct rv_insn){.op = RV_CSRRW, .rs1 = tmp, .csr = 3});
    }
    for (u8 n = 0; n < 32; n++)
        must(g, store ? (struct rv_insn){.op = RV_FSD, .rs2 = n, .rs1 = base, .imm = OFF(f) + 8 * n}
                      : (struct rv_insn){.op = RV_FLD, .rd = n, .rs1 = base, .imm = OFF(f) + 8 * n});
    for (u8 n = 1; n < 32; n++)
        if (n != base)
            must(g, store ? (struct rv_insn){.op = RV_SD, .rs2 = n, .rs1 = base, .imm = OFF(x) + 8 * n}
                          : (struct rv_insn){.op = RV_LD, .rd = n, .rs1 = base, .imm = OFF(x) + 8 * n});
    if (store) {
        must(g, (struct rv_insn){.op = RV_CSRRS, .rd = tmp, .csr = 3});
        must(g, (struct rv_insn){.op = RV_SD, .rs2 = tmp, .rs1 = base, .imm = OFF(fcsr)});
    }
}

static void make_snippet(struct gen *g, u32 index)
{
    struct snippet *s = g->s = &g->im->snippets[index];
    s->begin = (u32)g->im->code_len;
    s->base = (u8)(1 + rng_below(&g->r, 31));
    random_record(&g->r, &g->im->data[index]);
    load_address(g, s->base, GEN_DATA + index * sizeof(struct record) + GEN_BASE_OFFSET);
    registers(g, false);

    g->fix_left = 0;
    g->lr_sizes = 0;
    for (u32 tries = 0; s->nunits < g->o->nunits && tries < 100000 && !g->failed; tries++) {
        const u32 op = g->o->only ? g->o->only : 1 + rng_below(&g->r, RV_NOPS - 1);
        struct gen_unit *u = &s->units[s->nunits];
        u->offset = (u32)g->im->code_len;
        if (!gen_uses(op, g->o))
            continue;
        const bool waits = g->fix_left != 0;
        if (!unit(g, op)) {
            g->im->code_len = u->offset;
            continue;
        }
        u->len = (u16)(g->im->code_len - u->offset);
        u->op = (u16)op;
        s->nunits++;
        if (waits && --g->fix_left == 0)
            land(g);
    }
    if (g->fix_left)
        land(g);
    registers(g, true);
    s->end = (u32)g->im->code_len;
}

bool gen_image(struct image *out, const struct gen_options *o)
{
    struct gen g = {.im = out, .o = o, .r = {o->seed}, .cap = 1 << 16};
    *out = (struct image){.nsnippets = o->nsnippets};
    out->code = malloc(g.cap);
    out->data = calloc(o->nsnippets, sizeof out->data[0]);
    out->snippets = calloc(o->nsnippets, sizeof out->snippets[0]);
    if (!out->code || !out->data || !out->snippets) {
        gen_free(out);
        return false;
    }
    for (u32 i = 0; i < o->nsnippets; i++)
        make_snippet(&g, i);

    const u64 size = o->nsnippets * sizeof(struct record);
    addi(&g, 10, 0, 1);
    load_address(&g, 11, GEN_DATA);
    load_address(&g, 12, size);
    addi(&g, 17, 0, 64); /* write */
    must(&g, (struct rv_insn){.op = RV_ECALL});
    addi(&g, 10, 0, 0);
    addi(&g, 17, 0, 93); /* exit */
    must(&g, (struct rv_insn){.op = RV_ECALL});
    if (g.failed)
        gen_free(out);
    return !g.failed;
}

void gen_free(struct image *im)
{
    free(im->code);
    free(im->data);
    free(im->snippets);
    *im = (struct image){0};
}

void gen_blank_unit(struct image *im, u32 snippet, u32 n)
{
    const struct gen_unit *u = &im->snippets[snippet].units[n];
    for (u32 at = 0; at < u->len; at += 2) { /* c.nop */
        im->code[u->offset + at] = 0x01;
        im->code[u->offset + at + 1] = 0x00;
    }
}

void gen_blank_snippet(struct image *im, u32 snippet)
{
    const struct snippet *s = &im->snippets[snippet];
    const struct rv_insn j = {.op = RV_JAL, .imm = (s32)(s->end - s->begin)};
    u32 w;
    if (!rv_encode(&j, &w))
        abort();
    memcpy(im->code + s->begin, &w, 4);
}

int gen_write_elf(const struct image *im, const char *path)
{
    const u64 data_size = im->nsnippets * sizeof(struct record);
    const u64 code_at = 0x1000, data_at = (code_at + im->code_len + 0xfff) & ~0xfffull;
    const Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = GEN_CODE,
        .e_phoff = sizeof eh,
        .e_flags = 5, /* compressed, double-float ABI */
        .e_ehsize = sizeof eh,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    const Elf64_Phdr ph[2] = {
        {PT_LOAD, PF_R | PF_X, code_at, GEN_CODE, GEN_CODE, im->code_len, im->code_len, 0x1000},
        {PT_LOAD, PF_R | PF_W, data_at, GEN_DATA, GEN_DATA, data_size, data_size, 0x1000},
    };
    FILE *f = fopen(path, "wb");
    if (!f)
        return -errno;
    bool ok = fwrite(&eh, sizeof eh, 1, f) == 1 && fwrite(ph, sizeof ph, 1, f) == 1 &&
              fseek(f, (long)code_at, SEEK_SET) == 0 && fwrite(im->code, im->code_len, 1, f) == 1 &&
              fseek(f, (long)data_at, SEEK_SET) == 0 && fwrite(im->data, data_size, 1, f) == 1;
    return fclose(f) == 0 && ok ? 0 : -EIO;
}
