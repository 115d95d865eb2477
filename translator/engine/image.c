/* Reading images. */
#include "translator/engine/image.h"

#include "lib/bits.h"
#include "lib/hash.h"
#include "lib/str.h"

#define MOST_BLOCKS (IMAGE_PAGE * 4) /* several keys of each pc */
#define PER_PAGE    (sizeof(struct image_page) + sizeof(u32))

u64 image_piece_size(const struct image_piece *p)
{
    u64 n = sizeof *p + ((u64)p->nkeys + p->ntails + p->nstate) * sizeof(u64) +
            ((u64)p->nblocks + 1) * sizeof(struct image_block) + (u64)p->nexits * sizeof(struct image_exit) +
            (u64)p->nouters * sizeof(struct image_outer) + (u64)p->nrelocs * sizeof(u32) +
            (u64)p->nblocks * sizeof(u16) + p->marks_size;
    return align_up(n, 8);
}

void image_view(struct image_view *v, const void *piece, gva_t pc)
{
    v->piece = piece;
    v->pc = pc;
    v->in = NULL;
    v->nin = 0;
    v->keys = (const void *)(v->piece + 1);
    v->tails = v->keys + v->piece->nkeys;
    v->state = v->tails + v->piece->ntails;
    v->blocks = (const void *)(v->state + v->piece->nstate);
    v->exits = (const void *)(v->blocks + v->piece->nblocks + 1);
    v->outers = (const void *)(v->exits + v->piece->nexits);
    v->relocs = (const void *)(v->outers + v->piece->nouters);
    v->at = (const void *)(v->relocs + v->piece->nrelocs);
    v->marks = (const void *)(v->at + v->piece->nblocks);
}

u64 image_ways(const struct image_piece *p)
{
    return align_up(p->code_size, 4);
}

u64 image_code_size(const struct image_piece *p)
{
    return align_up(image_ways(p) + (u64)p->nexits * HOST_THROUGH, IMAGE_ALIGN);
}

u64 image_head_sum(const void *data)
{
    struct image_head h;
    memcpy(&h, data, sizeof h);
    h.sum = 0;
    return hash_bytes((const u8 *)data + sizeof h, h.npages * PER_PAGE, hash_bytes(&h, sizeof h, 0));
}

u64 image_piece_sum(const struct image_view *v, u32 size, u64 key, u32 number)
{
    const u64 in = hash_bytes(v->in, v->nin * sizeof *v->in, key ^ number);
    const u64 code = image_ways(v->piece) + (u64)v->piece->nouters * HOST_THROUGH;
    return hash_bytes(v->code, code, hash_bytes(v->piece, size, in));
}

bool image_check(const void *data, size_t size, u64 key, gva_t start, u64 len)
{
    struct image_head h;
    if (size < sizeof h || size > IMAGE_MOST || (uintptr_t)data & 7)
        return false;
    memcpy(&h, data, sizeof h);
    if (h.magic != IMAGE_MAGIC || h.key != key || h.start != start || h.len != len || h.size != size)
        return false;
    if (h.text > size || h.in > h.text || h.in & 7 || h.nin > (h.text - h.in) / sizeof(struct image_in) ||
        (h.text | size) & (IMAGE_PAGE - 1))
        return false;
    if (h.npages > (size - sizeof h) / PER_PAGE || h.sum != image_head_sum(data))
        return false;
    const struct image_page *p = image_pages(data);
    const u32 *order = image_order(data);
    const u64 from = sizeof h + (u64)h.npages * PER_PAGE;
    for (u32 i = 0; i < h.npages; i++) {
        if (p[i].off < from || (p[i].off & 7) || p[i].off > h.text || p[i].size > h.text - p[i].off ||
            p[i].size < sizeof(struct image_piece) || p[i].code & (IMAGE_ALIGN - 1))
            return false;
        if (p[i].in > h.nin || p[i].nin > h.nin - p[i].in || p[i].number >= len / IMAGE_PAGE || order[i] >= h.npages ||
            (i && (p[i].code < p[i - 1].code || p[i].exit < p[i - 1].exit)))
            return false;
    }
    for (u32 i = 1; i < h.npages; i++) {
        if (p[order[i]].number <= p[order[i - 1]].number)
            return false;
    }
    return true;
}

const struct image_page *image_pages(const void *data)
{
    return (const void *)((const struct image_head *)data + 1);
}

gva_t image_page_pc(const void *data, const struct image_page *p)
{
    return ((const struct image_head *)data)->start + (u64)p->number * IMAGE_PAGE;
}

const u32 *image_order(const void *data)
{
    return (const void *)(image_pages(data) + ((const struct image_head *)data)->npages);
}

const struct image_in *image_in(const void *data, const struct image_page *p)
{
    return (const void *)((const u8 *)data + ((const struct image_head *)data)->in + p->in * sizeof(struct image_in));
}

const struct image_page *image_find(const void *data, u32 number)
{
    const struct image_head *h = data;
    const struct image_page *p = image_pages(data);
    const u32 *order = image_order(data);
    u32 lo = 0, hi = h->npages;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (p[order[mid]].number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < h->npages && p[order[lo]].number == number ? &p[order[lo]] : NULL;
}

u32 image_blocks(const void *data)
{
    const struct image_head *h = data;
    const struct image_page *p = image_pages(data);
    u32 n = 0;
    for (u32 i = 0; i < h->npages; i++)
        n += p[i].nblocks;
    return n;
}

static bool relocs_fit(const u32 *reloc, u32 n, u64 lo, u64 hi)
{
    for (u32 i = 0; i < n; i++) {
        const u32 kind = HOST_RELOC_KIND(reloc[i]), off = HOST_RELOC_OFF(reloc[i]);
        if (kind >= HOST_NRELOCS || off < lo || off + (kind == HOST_RELOC_OWN ? 8u : 4u) > hi)
            return false;
    }
    return true;
}

static bool exits_fit(const struct image_view *v, u32 i)
{
    const struct image_block *b = &v->blocks[i];
    for (u32 k = b->exit; k < b[1].exit; k++) {
        const struct image_exit *x = &v->exits[k];
        if (b->code_size < 4 || x->site_off > b->code_size - 4 || x->to > v->piece->nblocks)
            return false;
    }
    return true;
}

static bool outers_fit(const struct image_view *v)
{
    u32 n = 0;
    for (u32 k = 0; k < v->piece->nexits; k++)
        if (!v->exits[k].to && (n == v->piece->nouters || v->outers[n++].exit != k))
            return false;
    return n == v->piece->nouters;
}

static bool marks_fit(const struct image_view *v, const struct image_block *b)
{
    const u32 nstate = b[1].state - b->state;
    struct marks m = marks_of(v->marks + b->mark, b[1].mark - b->mark);
    while (marks_next(&m))
        if ((m.at.state & ~HOST_MARK_OWN) >= (nstate ? nstate : 1))
            return false;
    return m.p == m.end;
}

bool image_sound(const struct image_view *v)
{
    const struct image_piece *p = v->piece;
    const struct image_block *last = &v->blocks[p->nblocks];
    u32 end = 0;
    if (p->nblocks > MOST_BLOCKS || v->blocks->exit || v->blocks->state || v->blocks->mark || v->blocks->reloc ||
        last->exit != p->nexits || last->state != p->nstate || last->mark != p->marks_size ||
        last->reloc != p->nrelocs || p->nexits > IMAGE_MOST_EXITS)
        return false;
    for (u32 i = 0; i < v->nin; i++)
        if (v->in[i].block >= p->nblocks)
            return false;
    for (u32 i = 0; i < p->nblocks; i++) {
        const struct image_block *b = &v->blocks[i];
        if (b->at >= IMAGE_PAGE || v->at[i] != b->at || !b->len || b->at + b->len > 2 * IMAGE_PAGE ||
            b->code_off < end || b->code_off & (IMAGE_ALIGN - 1) || b->known > 1 || b->code_off > p->code_size ||
            b->code_size > p->code_size - b->code_off || b->key >= p->nkeys ||
            (b->at + b->len > IMAGE_PAGE && b->tail >= p->ntails))
            return false;
        end = b->code_off + b->code_size;
        if (b[1].exit < b->exit || b[1].exit > p->nexits || b[1].state < b->state || b[1].state > p->nstate ||
            b[1].mark < b->mark || b[1].mark > p->marks_size || b[1].reloc < b->reloc || b[1].reloc > p->nrelocs)
            return false;
        if (i && (b->at < b[-1].at || (b->at == b[-1].at && v->keys[b->key] <= v->keys[b[-1].key])))
            return false;
        if (!exits_fit(v, i) || !marks_fit(v, b) ||
            !relocs_fit(v->relocs + b->reloc, b[1].reloc - b->reloc, b->code_off, end))
            return false;
    }
    return outers_fit(v);
}

u32 image_block_at(const struct image_view *v, u32 at, u64 key)
{
    u32 lo = 0, hi = v->piece->nblocks;
    while (lo < hi) {
        const u32 mid = (lo + hi) / 2;
        if (v->at[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (lo < v->piece->nblocks && v->at[lo] == at && v->keys[v->blocks[lo].key] < key)
        lo++;
    return lo < v->piece->nblocks && v->at[lo] == at && v->keys[v->blocks[lo].key] == key ? lo : v->piece->nblocks;
}

u32 image_block_of(const struct image_view *v, u32 off)
{
    u32 lo = 0, hi = v->piece->nblocks;
    while (lo < hi) {
        const u32 mid = (lo + hi) / 2;
        if (v->blocks[mid].code_off <= off)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? lo - 1 : v->piece->nblocks;
}

u32 image_owner(const struct image_view *v, u32 exit)
{
    u32 lo = 0, hi = v->piece->nblocks;
    while (lo < hi) {
        const u32 mid = (lo + hi) / 2;
        if (v->blocks[mid + 1].exit <= exit)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

u32 image_outer_at(const struct image_view *v, u32 exit)
{
    u32 lo = 0, hi = v->piece->nouters;
    while (lo < hi) {
        const u32 mid = (lo + hi) / 2;
        if (v->outers[mid].exit < exit)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const u8 *image_text(const void *data)
{
    return (const u8 *)data + ((const struct image_head *)data)->text;
}

bool image_open(const void *data, const u8 *text, const struct image_page *p, struct image_view *v)
{
    const struct image_head *h = data;
    const struct image_piece *piece = (const void *)((const u8 *)data + p->off);
    if (piece->nblocks != p->nblocks || piece->nblocks > MOST_BLOCKS || image_piece_size(piece) != p->size ||
        piece->nouters > piece->nexits || p->code + image_code_size(piece) > h->size - h->text)
        return false;
    image_view(v, piece, image_page_pc(data, p));
    v->in = image_in(data, p);
    v->nin = p->nin;
    v->code = text + p->code;
    v->first = p->code;
    v->exit = p->exit;
    v->outer = p->outer;
    return p->sum == image_piece_sum(v, p->size, h->key, p->number);
}
