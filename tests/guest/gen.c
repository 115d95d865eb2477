/* Random programs, whatever the ISA; see gen.h. */
#include "tests/guest/gen.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- values --- */

u64 random_int(struct rng *r)
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

u64 random_float(struct rng *r, u32 exp_bits, u32 frac_bits)
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

/* --- programs --- */

void gen_bytes(struct gen *g, u32 w, u32 len)
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

static const char *listed(const struct gen_skip *list, u32 op, u32 version)
{
    for (; list->op; list++)
        if (list->op == op && (!list->until || version < list->until))
            return list->why;
    return NULL;
}

const char *gen_skips(u32 op, const struct gen_options *o)
{
    const char *why = listed(gen_isa.never, op, 0);
    if (!why && o->qemu)
        why = listed(gen_isa.qemu_skip, op, o->qemu);
    if (!why && !(o->exts >> gen_isa.op_ext(op) & 1))
        why = "its extension is left out";
    if (!why && o->only && op != o->only)
        why = "another was asked for";
    return why;
}

static void make_snippet(struct gen *g, u32 index)
{
    struct snippet *s = g->s = &g->im->snippets[index];
    g->index = index;
    s->begin = (u32)g->im->code_len;
    for (u32 round = 0; round < g->im->nrounds; round++) {
        struct record_head *rec = gen_record(g->im, round * g->im->nsnippets + index);
        gen_isa.random_record(&g->r, rec);
        rec->turns = g->im->turns;
    }
    gen_isa.begin(g);

    const u32 first = (u32)g->im->code_len;
    g->fix_left = 0;
    g->reserved = 0;
    for (u32 tries = 0; s->nunits < g->o->nunits && tries < 100000 && !g->failed; tries++) {
        const u32 op = g->o->only ? g->o->only : 1 + rng_below(&g->r, gen_isa.nops - 1);
        struct gen_unit *u = &s->units[s->nunits];
        u->offset = (u32)g->im->code_len;
        if (gen_skips(op, g->o))
            continue;
        const bool waits = g->fix_left != 0;
        if (!gen_isa.unit(g, op)) {
            g->im->code_len = u->offset;
            continue;
        }
        u->len = (u16)(g->im->code_len - u->offset);
        u->op = (u16)op;
        s->nunits++;
        if (waits && --g->fix_left == 0 && !g->failed)
            gen_isa.land(g);
    }
    if (g->fix_left && !g->failed)
        gen_isa.land(g);
    if (g->im->turns > 1)
        gen_isa.turn(g, first);
    gen_isa.end(g);
    s->end = (u32)g->im->code_len;
}

bool gen_image(struct image *out, const struct gen_options *o)
{
    struct gen g = {.im = out, .o = o, .r = {o->seed}, .cap = 1 << 16};
    *out = (struct image){
        .nsnippets = o->nsnippets, .nrounds = o->nrounds, .turns = o->turns, .shared = o->seed & 1, .off = o->off};
    out->code = malloc(g.cap);
    out->data = calloc(gen_nrecords(out), gen_isa.record_size);
    out->snippets = calloc(o->nsnippets, sizeof out->snippets[0]);
    if (!out->code || !out->data || !out->snippets) {
        gen_free(out);
        return false;
    }
    for (u32 i = 0; i < o->nsnippets; i++)
        make_snippet(&g, i);
    if (o->nrounds > 1)
        gen_isa.again(&g, o->nsnippets * gen_isa.record_size);
    gen_isa.finish(&g, gen_nrecords(out) * gen_isa.record_size);
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
    gen_isa.blank(im->code + u->offset, u->len);
}

void gen_blank_snippet(struct image *im, u32 snippet)
{
    const struct snippet *s = &im->snippets[snippet];
    gen_isa.jump(im->code + s->begin, (s32)(s->end - s->begin));
}

int gen_write_elf(const struct image *im, const char *path)
{
    const u64 data_size = gen_nrecords(im) * gen_isa.record_size, page = GEN_DATA - GEN_ROUND, first = GEN_DATA;
    const u64 code_at = 0x1000, data_at = (code_at + im->code_len + 0xfff) & ~0xfffull;
    const Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = gen_isa.elf_machine,
        .e_version = EV_CURRENT,
        .e_entry = GEN_CODE,
        .e_phoff = sizeof eh,
        .e_flags = gen_isa.elf_flags,
        .e_ehsize = sizeof eh,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    const Elf64_Phdr ph[2] = {
        {PT_LOAD, PF_R | PF_X, code_at, GEN_CODE, GEN_CODE, im->code_len, im->code_len, 0x1000},
        {PT_LOAD, PF_R | PF_W, data_at, GEN_ROUND, GEN_ROUND, page + data_size, page + data_size, 0x1000},
    };
    FILE *f = fopen(path, "wb");
    if (!f)
        return -errno;
    bool ok = fwrite(&eh, sizeof eh, 1, f) == 1 && fwrite(ph, sizeof ph, 1, f) == 1 &&
              fseek(f, (long)code_at, SEEK_SET) == 0 && fwrite(im->code, im->code_len, 1, f) == 1 &&
              fseek(f, (long)data_at, SEEK_SET) == 0 && fwrite(&first, sizeof first, 1, f) == 1 &&
              fseek(f, (long)(data_at + page), SEEK_SET) == 0 && fwrite(im->data, data_size, 1, f) == 1;
    return fclose(f) == 0 && ok ? 0 : -EIO;
}
