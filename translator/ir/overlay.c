/* See overlay.h. Cells are found by a hash with open addressing; one of an older age is free, so that clearing costs
 * nothing. That memory can be written is tried once a page, by swapping a byte for itself. */
#include "translator/ir/overlay.h"

#include "lib/err.h"
#include "lib/str.h"
#include "mk/mk.h"

#define FIRST_CAP 1024
#define PAGE      4096ull /* the smallest that a host has */

static u32 slot_of(const struct ir_overlay *o, hva_t at)
{
    u32 i = (u32)((at >> 3) * 0x9e3779b97f4a7c15ull >> 40) & (o->cap - 1);
    while (o->cell[i].age == o->age && o->cell[i].at != at)
        i = (i + 1) & (o->cap - 1);
    return i;
}

static bool grow(struct ir_overlay *o)
{
    const u32 cap = o->cap ? 4 * o->cap : FIRST_CAP;
    struct ir_overlay new = {.cap = cap, .age = 1};
    void *cell, *used;
    if (o->n >= IR_OVERLAY_MOST || mk_pages_alloc(&cell, cap * sizeof *new.cell))
        return false;
    if (mk_pages_alloc(&used, cap * sizeof *new.used)) {
        mk_pages_free(cell, cap * sizeof *new.cell);
        return false;
    }
    new.cell = cell;
    new.used = used;
    for (u32 k = 0; k < o->n; k++) {
        const struct ir_cell *c = &o->cell[o->used[k]];
        const u32 i = slot_of(&new, c->at);
        new.cell[i] = *c;
        new.cell[i].age = new.age;
        new.used[new.n++] = i;
    }
    new.tried = o->tried;
    ir_overlay_free(o);
    *o = new;
    return true;
}

void ir_overlay_clear(struct ir_overlay *o)
{
    o->n = 0;
    o->tried = 0;
    o->full = false;
    if (++o->age == 0) {
        memset(o->cell, 0, o->cap * sizeof *o->cell);
        o->age = 1;
    }
}

void ir_overlay_free(struct ir_overlay *o)
{
    if (o->cell) {
        mk_pages_free(o->cell, o->cap * sizeof *o->cell);
        mk_pages_free(o->used, o->cap * sizeof *o->used);
    }
    memset(o, 0, sizeof *o);
}

int ir_overlay_load(struct ir_overlay *o, hva_t at, u32 size, void *out)
{
    u8 *bytes = out;
    int rc = mk_load(at, size, out);
    if (rc || !o->n)
        return rc;
    for (hva_t cell = at & ~7ull; cell < at + size; cell += 8) {
        const struct ir_cell *c = &o->cell[slot_of(o, cell)];
        if (c->age != o->age)
            continue;
        for (u32 i = 0; i < 8; i++)
            if (c->mask >> i & 1 && cell + i - at < size)
                bytes[cell + i - at] = (u8)(c->now >> 8 * i);
    }
    return 0;
}

static int try_byte(hva_t at)
{
    u8 x;
    int rc = mk_load(at, 1, &x);
    return rc ? rc : mk_cas(at, 1, &x, &x);
}

/* As one store would: it fails as a whole. */
static int try_writing(struct ir_overlay *o, hva_t at, u32 size)
{
    const hva_t last = at + size - 1;
    int rc = 0;
    if (o->tried != (at & ~(PAGE - 1)) + 1)
        rc = try_byte(at);
    if (!rc && (last ^ at) & ~(PAGE - 1))
        rc = try_byte(last & ~(PAGE - 1));
    if (!rc)
        o->tried = (last & ~(PAGE - 1)) + 1;
    return rc;
}

int ir_overlay_store(struct ir_overlay *o, hva_t at, u32 size, const void *in, gva_t pc)
{
    const u8 *bytes = in;
    int rc = try_writing(o, at, size);
    if (rc)
        return rc;
    for (hva_t cell = at & ~7ull; cell < at + size; cell += 8) {
        if (2 * (o->n + 1) > o->cap && !grow(o)) {
            o->full = true;
            return 0;
        }
        const u32 n = slot_of(o, cell);
        struct ir_cell *c = &o->cell[n];
        if (c->age != o->age) {
            *c = (struct ir_cell){.at = cell, .age = o->age};
            (void)!mk_load(cell, 8, &c->was);
            o->used[o->n++] = n;
        }
        c->pc = pc;
        for (u32 i = 0; i < 8; i++) {
            if (cell + i - at >= size)
                continue;
            c->mask |= (u8)(1u << i);
            c->now = (c->now & ~(0xffull << 8 * i)) | (u64)bytes[cell + i - at] << 8 * i;
        }
    }
    return 0;
}
