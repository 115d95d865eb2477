/* Random riscv64 programs; see tests/guest/gen.h.
 *
 * An instruction is a random word of the table's pattern; then the registers and immediates that must not be random are
 * put right and the word is encoded anew. What can not be encoded is thrown away and made again. */
#include "tests/guest/gen.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "translator/guest/riscv64/rv_int.h"

struct record {
    struct record_head head;
    u64 x[32];
    u64 f[32];
    u64 fcsr;
    u64 spare; /* the turn's */
    u64 pad[2];
    u8 sandbox[448];
};
_Static_assert(sizeof(struct record) == 1024, "records keep the sandbox aligned");
#define GEN_BASE_OFFSET (offsetof(struct record, sandbox) + 192) /* where the base register points */

/* Encodes *i; false, with nothing emitted, when that is impossible. */
static bool emit(struct gen *g, const struct rv_insn *i)
{
    u32 w;
    if (!rv_encode(i, &w))
        return false;
    gen_bytes(g, w, rv_op_bits[i->op].width / 8);
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

enum kind { PLAIN, MEMORY, ATOMIC, BRANCH, JUMP, JUMP_REG, CSR, ZERO };

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
 * its lr succeeds is an implementation's own choice, so there is none; with turns, the lr may
 * be one that comes later. */
static bool atomic_unit(struct gen *g, struct rv_insn *i, u32 size)
{
    const u32 base = g->s->base;
    const s32 at = ((s32)rng_below(&g->r, 448 / size) - (s32)(192 / size)) * (s32)size;
    const bool lr = i->op == RV_LR_W || i->op == RV_LR_D, sc = i->op == RV_SC_W || i->op == RV_SC_D;
    if (i->rs1 == 0 || ((sc || (lr && g->o->turns > 1)) && g->reserved & ~size))
        return false;
    if (lr || (sc && g->o->turns > 1))
        g->reserved |= size;
    if (i->rs1 != base && !bad_address(g, i)) /* unmapped, or else misaligned */
        addi(g, i->rs1, base, rng_below(&g->r, 1000) < g->o->faults ? at + 1 : at);
    must(g, *i);
    if (!lr)
        return true;
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
    g->fix_base = 0;
    if (kind == JUMP_REG) {
        if (i->rs1 == 0 || i->rs1 == g->s->base)
            return false;
        g->fix_base = (u32)g->im->code_len;
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
    if (!g->fix_base) {
        patch(g, g->fix_at, (s32)(here - g->fix_at));
        return;
    }
    /* jalr forgets the lowest bit */
    const s32 off = (s32)(here - g->fix_base) + (s32)rng_below(&g->r, 2);
    const bool jalr = g->fix_at == g->fix_base + 4;
    patch(g, jalr ? g->fix_at : g->fix_base + 4, off);
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

static void random_record(struct rng *r, void *record)
{
    struct record *rec = record;
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

static void begin(struct gen *g)
{
    g->s->base = (u8)(1 + rng_below(&g->r, 31));
    load_address(g, g->s->base, GEN_DATA + g->index * sizeof(struct record) + GEN_BASE_OFFSET);
    registers(g, false);
}

static void turn(struct gen *g, u32 to)
{
    const u8 base = g->s->base, tmp = base == 31 ? 30 : 31;
    const struct rv_insn load = {.op = RV_LD, .rd = tmp, .rs1 = base, .imm = OFF(spare)};
    must(g, (struct rv_insn){.op = RV_SD, .rs2 = tmp, .rs1 = base, .imm = OFF(spare)});
    must(g, (struct rv_insn){.op = RV_LD, .rd = tmp, .rs1 = base, .imm = OFF(head.turns)});
    addi(g, tmp, tmp, -1);
    must(g, (struct rv_insn){.op = RV_SD, .rs2 = tmp, .rs1 = base, .imm = OFF(head.turns)});
    must(g, (struct rv_insn){.op = RV_BEQ, .rs1 = tmp, .imm = 12});
    must(g, load);
    must(g, (struct rv_insn){.op = RV_JAL, .imm = (s32)to - (s32)g->im->code_len});
    must(g, load);
}

static void end(struct gen *g)
{
    registers(g, true);
}

static void finish(struct gen *g, u64 size)
{
    addi(g, 10, 0, 1);
    load_address(g, 11, GEN_DATA);
    load_address(g, 12, size);
    addi(g, 17, 0, 64); /* write */
    must(g, (struct rv_insn){.op = RV_ECALL});
    addi(g, 10, 0, 0);
    addi(g, 17, 0, 93); /* exit */
    must(g, (struct rv_insn){.op = RV_ECALL});
}

static void blank(u8 *code, u32 len)
{
    for (u32 at = 0; at < len; at += 2) { /* c.nop */
        code[at] = 0x01;
        code[at + 1] = 0x00;
    }
}

static void jump(u8 *code, s32 offset)
{
    const struct rv_insn j = {.op = RV_JAL, .imm = offset};
    u32 w;
    if (!rv_encode(&j, &w))
        abort();
    memcpy(code, &w, 4);
}

/* --- looking at what it did --- */

static bool names(const u8 *code, bool reg[32])
{
    struct rv_insn i;
    if (code[0] == 1 && code[1] == 0)
        return false;
    if (rv_fetch(code, 4, &i))
        reg[i.rs1] = reg[i.rs2] = reg[i.rs3] = true;
    return true;
}

static bool wrote(const struct vcpu *v)
{
    return ((const struct rv_state *)v->slots)->x[RV_A7] == 64;
}

static void save(struct vcpu *v, u32 base, void *record)
{
    struct record *rec = record;
    const struct rv_state *s = rv_state(v);
    memcpy(rec->x, s->x, sizeof rec->x);
    memcpy(rec->f, s->f, sizeof rec->f);
    rec->x[base] = 0;
    rec->fcsr = rv_get_fcsr(v);
}

static void show(const void *before, const void *ra, const void *rb, const bool named[32])
{
    const struct record *seed = before, *a = ra, *b = rb;
#define SHOW(name, k, member)                                                                                          \
    if (a->member != b->member)                                                                                        \
    printf("  %-4s%-4d %018llx %018llx %018llx\n", name, (int)(k), (unsigned long long)seed->member,                   \
           (unsigned long long)a->member, (unsigned long long)b->member)
    for (u32 k = 0; k < 32; k++)
        SHOW("x", k, x[k]);
    for (u32 k = 0; k < 32; k++)
        SHOW("f", k, f[k]);
    SHOW("fcsr", 0, fcsr);
    for (u32 k = 0; k < sizeof a->sandbox; k++)
        SHOW("mem", (s32)k - 192, sandbox[k]);
    printf("  before: fcsr %llx\n", (unsigned long long)seed->fcsr);
    for (u32 k = 0; k < 32; k++)
        if (named[k])
            printf("    x%-2u %016llx  f%-2u %016llx\n", k, (unsigned long long)seed->x[k], k,
                   (unsigned long long)seed->f[k]);
}

/* --- all of it --- */

static const char *op_name(u32 op)
{
    return rv_op_bits[op].name;
}

static u32 op_ext(u32 op)
{
    return rv_op_bits[op].ext;
}

static const char *ext_name(u32 ext)
{
    return rv_ext_names[ext];
}

/* What version 7.2 has. */
static const char *const qemu_options[] = {"-cpu",
                                           "rv64,zba=true,zbb=true,zbs=true,Zfh=true,Zfhmin=true,zbc=true,zbkb=true,"
                                           "zbkc=true,zbkx=true,zknd=true,zkne=true,zknh=true",
                                           NULL};
#define QEMU_EXTS                                                                                                      \
    (1u << RV_EXT_I | 1u << RV_EXT_ZIHINTPAUSE | 1u << RV_EXT_ZIFENCEI | 1u << RV_EXT_ZICSR | 1u << RV_EXT_M |         \
     1u << RV_EXT_A | 1u << RV_EXT_F | 1u << RV_EXT_D | 1u << RV_EXT_ZFHMIN | 1u << RV_EXT_ZBA | 1u << RV_EXT_ZBB |    \
     1u << RV_EXT_ZBS | 1u << RV_EXT_ZBC | 1u << RV_EXT_ZBKC | 1u << RV_EXT_ZBKB | 1u << RV_EXT_ZBKX |                 \
     1u << RV_EXT_ZKND | 1u << RV_EXT_ZKNE | 1u << RV_EXT_ZKNH | 1u << RV_EXT_C)

static const struct gen_skip qemu_skip[] = {{RV_CTZW, 0, "version 7.2 counts the upper half when the lower one is 0"},
                                            {0, 0, NULL}};

static const struct gen_skip never[] = {{RV_ECALL, 0, "leaves the program"},
                                        {RV_EBREAK, 0, "leaves the program"},
                                        {RV_C_EBREAK, 0, "leaves the program"},
                                        {0, 0, NULL}};

const struct gen_isa gen_isa = {
    .guest = &guest_riscv64,
    .qemu = "qemu-riscv64",
    .qemu_options = qemu_options,
    .qemu_exts = QEMU_EXTS,
    .qemu_skip = qemu_skip,
    .elf_machine = EM_RISCV,
    .elf_flags = 5, /* compressed, double-float ABI */
    .nops = RV_NOPS,
    .nexts = RV_NEXTS,
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
    .finish = finish,
    .blank = blank,
    .jump = jump,
    .names = names,
    .wrote = wrote,
    .save = save,
    .show = show,
};
