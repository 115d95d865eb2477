/* Stored translations: entering those that an earlier process made, and handing out those that are new.
 *
 * Where there is no block yet for a pc, its page is looked up in the image of the mapping that it lies in (image.h),
 * before anything is translated, and once: all blocks that the image has of the page are entered together, as a piece.
 * Their host code is run where the image has it ("In place" below); or it is copied, and a few words of it made right
 * for the place (host_isa.move). Marks, states and relocations stay where the image is. Exits among them are linked
 * already; those to pieces of other pages that are there are when the piece is entered (link_out), the rest goes the
 * ordinary way. A piece has one entry in the engine's index, its head. Of its blocks, those get a struct block that
 * somebody looks up, and exits get their record when something asks for them: where a young thread comes to one for the
 * first time, its code is entered, or linked to, as it is (store_code). Such a block is as any other from then on, but
 * that links of pieces to it are not in its `in` list, and that jump caches may have had it before. So before anything
 * on the page is killed the piece is broken up (store_break): all its inner links and all those of other pieces to it
 * (piece.in) are made exits again, and what is no block by then is made one now or given up. What a block has on the
 * next page is looked at when its piece is entered, and where it is good the block is made one at once, so that the
 * next page knows of it.
 *
 * In place. Code memory is dear: a page that two mappings share costs ten times what a page of a file does. So who
 * makes an image chooses where in the cache its code shall lie, behind all that is emptied, and makes it right for
 * there. Where nothing else is there, and the program lies where it did, that code is mapped and not copied
 * (mk_code_show), all of the image at once: a *place*. Nothing is written to it. Exits within a piece lead there as
 * they stand; the others go by a *way* behind the piece's code, a jump through the exit's *slot*, a word of memory that
 * first leads back to the engine and is all that linking changes. The way tells the exit's number, and the image where
 * it leads. Slots of exits that lead out of their pieces lie side by side, apart from the others: of those no page is
 * touched, nor have they ways, before their piece is loosened. Slots cost a jump each time, so a process that lives
 * longer has its places *tightened*: they become copies (mk_code_edit: written where they do not run, then put in the
 * place), private memory, in which exits lead where their slots say. Nothing new is entered there then. When a link
 * that is no slot has to change, in a piece as it was stored or in one that was tightened, the piece is *loosened*, by
 * a copy in which all of its exits go by their slots. Both are seldom. What was loosened is not entered again: what
 * there is of its page later is copied.
 *
 * What makes it right. A block is the same whenever it would be made anew: the image's key stands for everything on
 * which translation depends but for guest pc, which the image has, code key, which each block has, and the guest's
 * bytes. Those are hashed when a page is first looked at, and again when its blocks are stored: a page that is not the
 * same both times, or not watched all the while, is not stored. The same hash of the page's present bytes is what lets
 * a page's blocks in later. So an image needs no knowledge of files: it may have been made of another that had the
 * same page at the same address.
 *
 * Library routines as host code are stored where the embedder says that what it answered of them holds for whoever has
 * the same page there (engine_image.known).
 *
 * What is not stored: blocks of pages that cannot be watched, of memory that the embedder does not name, regions, and
 * what the backend cannot move.
 *
 * Pages that nothing was added to are taken over from the image that is there when a new one is made. Of a page of
 * which both have blocks, the one with more is kept: nothing is merged within a page.
 *
 * All of this happens under the engine's lock. */
#include "translator/engine/engine_int.h"
#include "translator/engine/image.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/hash.h"
#include "lib/str.h"

#define WEIGHT     64 /* what a trial has found counts as so many blocks that are new */
#define MANY       1000
#define SPARE      16         /* so many blocks may get lost for it */
#define PLACE_STEP (1u << 20) /* bytes: places begin at multiples of it */
#define LITTLE     32         /* what is new is stored when it is one in so many of what there is */
#define SELDOM     4          /* what is almost as much, once in so many times, */
#define SMALL      (4u << 20) /* where the image has no more bytes: making one takes twice that for a moment */

/* --- places --- */

/* The number of the first exit of an image whose code is run at `at`. An exit has more than 16 bytes of code, so no two
 * have the same. */
static u32 exits_at(const struct engine *e, u32 at)
{
    return e->max_exits + (u32)(at - e->code.size) / 16;
}

/* The slots of code in place, by the number of its first exit: those of exits that lead out of their pieces are in
 * front, the others at the end, as few of these are ever touched. */
static u64 *slots_at(const struct engine *e, u32 id)
{
    return (u64 *)(void *)(e->code.rx + e->code.size + ENGINE_PLACES) + (id - e->max_exits);
}

/* Does exit k of v lead out of the piece? As number *outer of those; else so many of those are before it. */
static bool is_outer(const struct image_view *v, u32 k, u32 *outer)
{
    *outer = image_outer_at(v, k);
    return *outer < v->piece->nouters && v->outers[*outer].exit == k;
}

/* Does nothing else lie there? */
static bool is_free(const struct engine *e, u32 at, u32 len, const struct place *but)
{
    if (at < e->code.size || at - e->code.size > ENGINE_PLACES || len > ENGINE_PLACES - (at - e->code.size))
        return false;
    for (u32 i = 0; i < e->nplaces; i++)
        if (&e->places[i] != but && at < e->places[i].at + e->places[i].len && e->places[i].at < at + len)
            return false;
    return true;
}

/* Has a checked image's code run where it lies, if that can be. */
static struct place *place_of(struct engine *e, const void *data)
{
    const struct image_head *h = data;
    const u32 len = h->size - h->text;
    for (u32 i = 0; i < e->nplaces; i++)
        if (e->places[i].data == data)
            return &e->places[i];
    if (!e->code.room || e->tight || e->nplaces == ENGINE_NPLACES || !h->npages || h->own != e->cfg.own ||
        !is_free(e, h->at, len, NULL))
        return NULL;
    const u32 exit = exits_at(e, h->at);
    const size_t slots = (size_t)((u8 *)slots_at(e, e->max_exits) - e->code.rx);
    if ((h->at | len) & (mk_page_size() - 1) || (!e->slots && mk_code_data(&e->code, slots, ENGINE_PLACES / 2)))
        return NULL;
    e->slots = true;
    if (mk_code_show(&e->code, h->at, (const u8 *)data + h->text, len))
        return NULL;
    struct place *p = &e->places[e->nplaces];
    *p = (struct place){.data = data, .at = h->at, .len = len, .exit = exit};
    __atomic_store_n(&e->nplaces, e->nplaces + 1, __ATOMIC_RELEASE);
    return p;
}

void store_flushed(struct engine *e)
{
    for (u32 i = 0; i < e->nplaces; i++) {
        e->places[i].pieces = NULL;
        e->places[i].closed |= e->places[i].edited;
    }
}

/* --- areas --- */

static u64 text_hash(const char *text, u64 seed)
{
    size_t n = 0;
    while (text[n])
        n++;
    return hash_bytes(text, n, seed);
}

void store_begin(struct engine *e)
{
    const struct engine_config *c = &e->cfg;
    e->nareas = 0;
    e->image_key = 0;
    if (!c->image_key || !c->ops->image || !e->host || !e->host->move || !e->host->through ||
        e->page_size != IMAGE_PAGE || c->dump || c->ops->stop_at || c->cosim)
        return;
    const u64 what[] = {IMAGE_MAGIC,      c->image_key,       e->host->have(), c->cpu,
                        c->mem_base == 0, c->max_insns,       c->cache_size,   e->shared,
                        c->count_calls,   e->guest->min_insn, c->off,          c->broken};
    u64 key = hash_bytes(what, sizeof what, 0);
    key = text_hash(e->host->name, text_hash(e->guest->name, key));
    e->image_key = key ? key : 1;
}

/* The area that pc lies in, asked for if need be; NULL when there is no room for one more. */
static struct area *area_of(struct engine *e, gva_t pc)
{
    for (u32 i = 0; i <= e->nareas; i++) {
        const u32 at = i ? i - 1 : e->area_last; /* the one of the last time first */
        if (at < e->nareas && pc - e->areas[at].image.start < e->areas[at].image.len) {
            e->area_last = at;
            return &e->areas[at];
        }
    }
    for (u32 i = 0; e->nareas == ENGINE_AREAS; i++) { /* what has nothing to be stored makes room */
        if (i == ENGINE_AREAS)
            return NULL;
        if (!e->areas[i].image.keep)
            e->areas[i] = e->areas[--e->nareas];
    }
    struct area *a = &e->areas[e->nareas];
    *a = (struct area){0};
    e->cfg.ops->image(e->cfg.cx, pc, e->image_key, &a->image);
    struct engine_image *m = &a->image;
    if (pc - m->start >= m->len)
        return NULL;
    if (!m->keep || (m->start | m->len) & (IMAGE_PAGE - 1))
        m->keep = false;
    if (m->data && (!m->keep || !image_check(m->data, m->size, e->image_key, m->start, m->len)))
        m->data = NULL;
    if (m->data) {
        a->total = image_blocks(m->data);
        a->place = place_of(e, m->data);
        e->stats.images++;
    }
    e->area_last = e->nareas++;
    return a;
}

void store_forget(struct engine *e, gva_t start, u64 len)
{
    for (u32 i = 0; i < e->nareas; i++) {
        const struct engine_image *m = &e->areas[i].image;
        if (m->start >= start + len || start >= m->start + m->len)
            continue;
        const gva_t lo = m->start > start ? m->start : start;
        const gva_t hi = m->start + m->len < start + len ? m->start + m->len : start + len;
        for (u64 n = lo / IMAGE_PAGE; m->keep && n < (hi + IMAGE_PAGE - 1) / IMAGE_PAGE; n++) {
            struct code_page *p = block_page(e, n);
            if (!p)
                continue;
            p->tried = p->hashed = false;
            p->fresh = 0;
        }
        e->areas[i--] = e->areas[--e->nareas];
    }
}

void store_disown(struct engine *e)
{
    e->generation++;
    for (u32 i = 0; i < e->nareas; i++)
        if (e->areas[i].fresh)
            e->areas[i].fresh = e->areas[i].judged = 0;
}

static u32 fresh_on(const struct engine *e, const struct code_page *p)
{
    return p && p->fresh_of == e->generation ? p->fresh : 0;
}

/* Hash of n bytes of guest memory, a page at most; false where it cannot be read or not be executed. */
static bool guest_hash(struct engine *e, gva_t at, u32 n, u64 *hash)
{
    u8 buf[IMAGE_PAGE];
    struct vcpu_fault fault;
    if (e->cfg.ops->executable(e->cfg.cx, at, n, &fault) < n || mk_copy(buf, (const void *)(e->cfg.mem_base + at), n))
        return false;
    *hash = hash_bytes(buf, n, 0);
    return true;
}

/* --- pieces --- */

struct piece {
    struct block head; /* pc is the page's */
    struct image_view v;
    const void *image;
    bool known;                             /* library routines in it are such here, too */
    bool broken;                            /* store_break */
    enum { AS_STORED, LOOSE, TIGHT } state; /* of one in place */
    struct edge *in;                        /* other pieces that lead here without an exit's record */
    struct exit_rec **exits;                /* in place: records of exits; NULL: none */
};

struct edge {
    const struct piece *from;
    struct edge *next;
};

static const struct piece *piece_of(const struct block *head)
{
    return (const struct piece *)(const void *)head;
}

static bool has_tail(const struct image_block *ib)
{
    return ib->at + ib->len > (int)IMAGE_PAGE;
}

/* Can it be made a block when somebody asks? Others are there already, or must not be. */
static bool is_plain(const struct piece *p, const struct image_block *ib)
{
    return !has_tail(ib) && (!ib->known || p->known);
}

static void fill(struct block *b, const struct piece *p, u32 i)
{
    const struct image_block *ib = &p->v.blocks[i];
    *b = (struct block){
        .pc = p->head.pc + ib->at,
        .key = p->v.keys[ib->key],
        .extent = &b->own,
        .own = {p->head.pc + ib->at, ib->len},
        .nextents = 1,
        .code_off = p->head.code_off + ib->code_off,
        .code_len = ib->code_size,
        .exit_id = p->head.exit_id + ib->exit,
        .nexits = ib[1].exit - ib->exit,
        .marks_size = ib[1].mark - ib->mark,
        .marks = p->v.marks + ib->mark,
        .state = p->v.state + ib->state,
        .nstate = ib[1].state - ib->state,
        .relocs = p->v.relocs + ib->reloc,
        .reloc_base = ib->code_off,
        .nrelocs = ib[1].reloc - ib->reloc,
        .movable = true,
        .known = ib->known,
    };
}

bool store_at(const struct block *head, u32 off, struct block *out)
{
    const struct piece *p = piece_of(head);
    const u32 in = off - head->code_off, i = image_block_of(&p->v, in);
    if (i == p->v.piece->nblocks || in - p->v.blocks[i].code_off >= p->v.blocks[i].code_size)
        return false;
    fill(out, p, i);
    return true;
}

/* Makes block i one. NULL: no memory. */
static struct block *take(struct engine *e, const struct piece *p, u32 i)
{
    struct block *b = ARENA_NEW(&e->meta, struct block);
    if (!b)
        return NULL;
    fill(b, p, i);
    if (p->v.blocks[i].judged)
        block_judge(e, b->pc, b->key, p->v.blocks[i].judged == IMAGE_WON);
    return block_insert(e, b) ? NULL : b;
}

struct block *store_get(struct engine *e, gva_t pc, u64 key)
{
    const struct code_page *page = block_page(e, pc / e->page_size);
    const struct piece *p = page ? page->piece : NULL;
    if (!p)
        return NULL;
    const u32 i = image_block_at(&p->v, pc % IMAGE_PAGE, key);
    return i < p->v.piece->nblocks && is_plain(p, &p->v.blocks[i]) ? take(e, p, i) : NULL;
}

/* All blocks of a piece are made such, as far as memory goes. */
static void take_all(struct engine *e, const struct code_page *page)
{
    const struct piece *p = page->piece;
    for (u32 i = 0; p && i < p->v.piece->nblocks; i++) {
        const struct image_block *ib = &p->v.blocks[i];
        if (!block_find(e, p->head.pc + ib->at, p->v.keys[ib->key]) && is_plain(p, ib))
            (void)take(e, p, i);
    }
}

static u32 site_of(const struct image_view *v, const struct image_block *ib, u32 k)
{
    return ib->code_off + v->exits[k].site_off;
}

/* Stubs of a piece that is copied lie behind its code. */
static u32 stub_of(const struct image_piece *head, u32 k)
{
    return image_ways(head) + k * HOST_STUB;
}

static bool is_placed(const struct engine *e, const struct piece *p)
{
    return p->head.code_off >= e->code.size;
}

/* What a slot says while its exit is not linked. */
static u64 unlinked(const struct engine *e)
{
    return (u64)(hva_t)e->host->unlinked(e->common);
}

/* What the record of an exit says to begin with. */
static struct exit_rec exit_of(const struct engine *e, const struct piece *p, u32 exit)
{
    const struct image_block *ib = &p->v.blocks[image_owner(&p->v, exit)];
    return (struct exit_rec){.site_off = p->head.code_off + site_of(&p->v, ib, exit),
                             .stub_off = is_placed(e, p) ? (u32)(unlinked(e) - (u64)(hva_t)e->code.rx)
                                                         : p->head.code_off + stub_of(p->v.piece, exit),
                             .pc = image_exit_pc(&p->v, exit)};
}

struct exit_name store_exit_name(const struct block *head, u32 id)
{
    const struct piece *p = piece_of(head);
    const u32 exit = id - head->exit_id;
    const struct image_block *ib = &p->v.blocks[image_owner(&p->v, exit)];
    return (struct exit_name){head->pc + ib->at, p->v.keys[ib->key], exit - ib->exit};
}

struct exit_rec **store_exit_slot(struct engine *e, u32 id, bool make)
{
    struct piece *p = (struct piece *)(void *)store_of_exit(e, id);
    if (!p->exits && make) {
        p->exits = ARENA_NEW_N(&e->meta, struct exit_rec *, p->head.nexits);
        if (p->exits)
            memset(p->exits, 0, p->head.nexits * sizeof *p->exits);
    }
    return p->exits ? &p->exits[id - p->head.exit_id] : NULL;
}

struct exit_rec *store_exit(struct engine *e, struct block *head, u32 id)
{
    const struct piece *p = piece_of(head);
    const u32 exit = id - head->exit_id;
    struct exit_rec *x = ARENA_NEW(&e->meta, struct exit_rec);
    if (!x)
        return NULL;
    *x = exit_of(e, p, exit);
    return x;
}

/* Makes an exit that may be linked within its piece lead to its stub, unless it is linked to something else. */
static void unlink(struct engine *e, const struct piece *p, u32 exit)
{
    const struct exit_rec x = exit_of(e, p, exit), *made = block_exit_made(e, p->head.exit_id + exit);
    if (made && made->to)
        return;
    cache_link(e, &x, x.stub_off);
    cache_linked(e, &x);
}

void store_break(struct engine *e, struct code_page *page, bool keep)
{
    struct piece *p = page->piece;
    if (keep)
        take_all(e, page);
    page->piece = NULL;
    p->broken = true;
    for (u32 k = 0; k < p->v.piece->nexits; k++)
        if (p->v.exits[k].to)
            unlink(e, p, k);
    for (const struct edge *in = p->in; in; in = in->next)
        for (u32 k = 0; k < in->from->v.piece->nexits; k++)
            if (image_exit_pc(&in->from->v, k) / IMAGE_PAGE == page->number)
                unlink(e, in->from, k);
    for (u32 i = 0; i < p->v.piece->nblocks; i++)
        block_forget(e, p->head.pc + p->v.blocks[i].at);
}

/* --- entering --- */

/* May a block with a tail be entered? What it has on the next page is looked at. */
static bool may_enter(struct engine *e, const struct image_view *v, const struct image_block *ib)
{
    const gva_t next = v->pc + IMAGE_PAGE;
    const u32 tail = ib->at + ib->len - IMAGE_PAGE;
    u64 hash;
    int err;
    return block_watch(e, next, tail, &err) && guest_hash(e, next, tail, &hash) && hash == v->tails[ib->tail];
}

/* Enters a block that is not plain. False: it must not be there. */
static bool enter_now(struct engine *e, const struct piece *p, u32 i)
{
    const struct image_block *ib = &p->v.blocks[i];
    return (!ib->known || p->known) && may_enter(e, &p->v, ib) && take(e, p, i);
}

/* Nothing of the piece shall lead to its block number i. */
static void leave_out(struct engine *e, const struct piece *p, u32 i)
{
    for (u32 k = 0; k < p->v.piece->nexits; k++)
        if (p->v.exits[k].to == i + 1)
            unlink(e, p, k);
}

/* An exit that leads by its slot leads there: number n of those that lead out of the piece; exit k. */
static u8 *way_out(u8 *code, const struct image_piece *head, u32 n)
{
    return code + image_ways(head) + (size_t)n * HOST_THROUGH;
}

static u8 *way_of(u8 *code, const struct image_view *v, u32 k)
{
    u32 outer;
    return way_out(code, v->piece, is_outer(v, k, &outer) ? outer : v->piece->nouters + k - outer);
}

/* A copy of the code, made right for its place. */
static void copy_code(struct engine *e, const struct image_view *v, const struct image_head *h, u32 off)
{
    u8 *rw = e->code.rw + off;
    u64 by[HOST_NRELOCS] = {[HOST_RELOC_COMMON] = (u64)h->at + v->first - off, [HOST_RELOC_OWN] = e->cfg.own - h->own};
    memcpy(rw, v->code, v->piece->code_size);
    e->host->move(rw, v->relocs, v->piece->nrelocs, by);
    for (const struct image_block *ib = v->blocks; ib < v->blocks + v->piece->nblocks; ib++)
        for (u32 k = ib->exit; k < ib[1].exit; k++) {
            u8 *site = rw + site_of(v, ib, k), *stub = rw + stub_of(v->piece, k);
            e->host->stub(stub, e->code.rx + off + (stub - rw), e->common, e->nexits + k, image_exit_pc(v, k));
            if (!v->exits[k].to)
                e->host->link(site, site, stub);
        }
    mk_code_sync(&e->code, off, stub_of(v->piece, v->piece->nexits));
}

/* The place that `off` lies in, or NULL; also without the lock. */
static struct place *place_at(struct engine *e, u32 off)
{
    const u32 n = __atomic_load_n(&e->nplaces, __ATOMIC_ACQUIRE);
    for (u32 i = 0; i < n; i++)
        if (off - e->places[i].at < e->places[i].len)
            return &e->places[i];
    return NULL;
}

static u64 at_of(const struct engine *e, const struct piece *p)
{
    return (u64)(hva_t)(e->code.rx + p->head.code_off);
}

/* The slots of a piece's exits that lead out of it; that of exit k. */
static u64 *outer_slots(const struct engine *e, const struct piece *p)
{
    return slots_at(e, p->head.exit_id - p->v.exit) + p->v.outer;
}

static u64 *slot_of(const struct engine *e, const struct piece *p, u32 k)
{
    const struct image_head *h = p->image;
    u32 outer;
    if (is_outer(&p->v, k, &outer))
        return outer_slots(e, p) + outer;
    u64 *end = slots_at(e, p->head.exit_id - p->v.exit) + (h->size - h->text) / 16;
    return end - 1 - (p->v.exit - p->v.outer + k - outer);
}

/* What leads out of a piece in place is not linked. */
static void set_slots(struct engine *e, const struct piece *p)
{
    u64 *slot = outer_slots(e, p);
    const u64 to = unlinked(e);
    for (u32 i = 0; i < p->v.piece->nouters; i++)
        slot[i] = to;
}

/* Exits within the piece have nothing in their slots yet: they get where they lead. */
static void set_inner(struct engine *e, const struct piece *p)
{
    for (u32 k = 0; k < p->v.piece->nexits; k++) {
        u64 *slot = p->v.exits[k].to ? slot_of(e, p, k) : NULL;
        if (slot && !*slot)
            *slot = at_of(e, p) + p->v.blocks[p->v.exits[k].to - 1].code_off;
    }
}

struct edit {
    struct engine *e;
    struct piece *p;
    const struct place *pl;
    u32 start, end;
};

/* Of a piece's code in `to`: all exits lead by their slots. Those within it have no ways yet. */
static void loosen_in(void *cx, u8 *to)
{
    const struct edit *ed = cx;
    struct engine *e = ed->e;
    const struct piece *p = ed->p;
    const struct image_view *v = &p->v;
    u8 *code = to + (p->head.code_off - ed->start);
    memcpy(to, e->code.rx + ed->start, ed->end - ed->start);
    for (const struct image_block *ib = v->blocks; ib < v->blocks + v->piece->nblocks; ib++)
        for (u32 k = ib->exit; k < ib[1].exit; k++) {
            u8 *site = code + site_of(v, ib, k), *way = way_of(code, v, k);
            if (v->exits[k].to)
                e->host->through(way, e->code.rx + p->head.code_off + (way - code), slot_of(e, p, k),
                                 p->head.exit_id + k);
            e->host->link(site, site, way);
        }
}

static void loosen(struct engine *e, struct piece *p)
{
    const u32 page = (u32)mk_page_size(), off = p->head.code_off;
    const u32 start = (u32)align_down(off, page), end = (u32)align_up(off + image_code_size(p->v.piece), page);
    set_inner(e, p);
    mk_code_edit(&e->code, start, end - start, loosen_in, &(struct edit){.e = e, .p = p, .start = start, .end = end});
    p->state = LOOSE;
    place_at(e, off)->edited = true;
}

/* The pieces of a place: exits that are linked are jumps to there. */
static void tighten_in(void *cx, u8 *to)
{
    const struct edit *ed = cx;
    struct engine *e = ed->e;
    const struct image_head *h = ed->pl->data;
    for (u32 i = 0; i < h->npages; i++) {
        struct piece *p = ed->pl->pieces[i];
        if (!p)
            continue;
        const struct image_view *v = &p->v;
        const u64 *slot = outer_slots(e, p);
        u8 *code = to + (p->head.code_off - ed->pl->at);
        const u8 *rx = e->code.rx + p->head.code_off;
        memcpy(code, rx, image_code_size(v->piece));
        for (const struct image_block *ib = v->blocks; ib < v->blocks + v->piece->nblocks; ib++)
            for (u32 k = ib->exit; k < ib[1].exit; k++) {
                const u32 site = site_of(v, ib, k);
                if (v->exits[k].to && p->state == AS_STORED)
                    continue;
                const u64 there = v->exits[k].to ? *slot_of(e, p, k) : *slot++;
                if (there != unlinked(e))
                    e->host->link(code + site, rx + site, (const void *)(hva_t)there);
            }
        p->state = TIGHT;
    }
}

void store_tighten(struct engine *e)
{
    if (e->tight)
        return;
    e->tight = true;
    for (u32 i = 0; i < e->nplaces; i++) {
        struct place *pl = &e->places[i];
        pl->closed = true;
        if (pl->pieces)
            mk_code_edit(&e->code, pl->at, pl->len, tighten_in, &(struct edit){.e = e, .pl = pl});
    }
}

void engine_tighten(struct engine *e)
{
    mk_lock(&e->lock);
    store_tighten(e);
    mk_unlock(&e->lock);
}

/* Does exit k of p not lead by its slot? */
static bool is_direct(struct engine *e, const struct piece *p, u32 k)
{
    if (p->state == TIGHT)
        return *slot_of(e, p, k) != unlinked(e);
    return p->state == AS_STORED && p->v.exits[k].to;
}

/* The exit of p whose site is at `in`. */
static u32 exit_by_site(const struct image_view *v, u32 in)
{
    const struct image_block *ib = &v->blocks[image_block_of(v, in)];
    u32 k = ib->exit;
    while (k < ib[1].exit && site_of(v, ib, k) != in)
        k++;
    dgm_assert(k < ib[1].exit, "no exit at %x", in);
    return k;
}

/* Makes exit k of a piece in place lead to `off`. */
static void link_placed(struct engine *e, struct piece *p, u32 k, u32 off)
{
    if (is_direct(e, p, k))
        loosen(e, p);
    __atomic_store_n(slot_of(e, p, k), (u64)(hva_t)(e->code.rx + off), __ATOMIC_RELEASE);
}

void store_link(struct engine *e, const struct exit_rec *x, u32 off)
{
    struct piece *p = (struct piece *)(void *)store_head_at(e, x->site_off);
    link_placed(e, p, exit_by_site(&p->v, x->site_off - p->head.code_off), off);
}

/* The last page for which field(page) <= at, by its place in the table; ~0: none. */
static u32 last_page(const struct place *pl, bool by_exit, u32 at)
{
    const struct image_page *page = image_pages(pl->data);
    u32 lo = 0, hi = ((const struct image_head *)pl->data)->npages;
    while (lo < hi) {
        const u32 mid = (lo + hi) / 2;
        if ((by_exit ? page[mid].exit : page[mid].code) <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo - 1;
}

/* The piece that was entered of that page. */
static struct piece *last_piece(const struct place *pl, bool by_exit, u32 at)
{
    struct piece **pieces = __atomic_load_n(&pl->pieces, __ATOMIC_ACQUIRE);
    const u32 i = last_page(pl, by_exit, at);
    return i != ~0u && pieces ? __atomic_load_n(&pieces[i], __ATOMIC_ACQUIRE) : NULL;
}

const struct block *store_head_at(const struct engine *e, u32 off)
{
    const struct place *pl = place_at((struct engine *)(uintptr_t)e, off);
    const struct piece *p = pl ? last_piece(pl, false, off - pl->at) : NULL;
    return p ? &p->head : NULL;
}

struct block *store_of_exit(struct engine *e, u32 id)
{
    struct piece *p = NULL;
    for (u32 i = 0; i < e->nplaces && !p; i++)
        if (id - e->places[i].exit < e->places[i].len / 16)
            p = last_piece(&e->places[i], true, id - e->places[i].exit);
    dgm_assert(p, "exit %u is of nobody", id);
    return &p->head;
}

gva_t store_exit_pc(const struct engine *e, u32 id)
{
    const struct place *pl = e->places;
    while (id - pl->exit >= pl->len / 16)
        pl++;
    const struct image_page *page = image_pages(pl->data);
    page += last_page(pl, true, id - pl->exit);
    struct image_view v;
    image_view(&v, (const u8 *)pl->data + page->off, image_page_pc(pl->data, page));
    return image_exit_pc(&v, id - pl->exit - page->exit);
}

/* Notes that p leads to `to`; false: no memory. */
static bool note_edge(struct engine *e, const struct piece *p, struct piece *to)
{
    if (to->in && to->in->from == p)
        return true;
    struct edge *in = ARENA_NEW(&e->meta, struct edge);
    if (!in)
        return false;
    *in = (struct edge){p, to->in};
    to->in = in;
    return true;
}

/* Makes exit k of p lead to `code` of another piece; false: no memory. */
static bool link_to(struct engine *e, struct piece *p, u32 k, struct piece *to, u32 code)
{
    if (!note_edge(e, p, to))
        return false;
    if (is_placed(e, p)) {
        link_placed(e, p, k, to->head.code_off + code);
        return true;
    }
    const struct exit_rec x = exit_of(e, p, k);
    cache_link(e, &x, to->head.code_off + code);
    cache_linked(e, &x);
    return true;
}

/* The piece of the table's page number i, of the image that p is of, in place where p is; NULL: none to lead to. */
static struct piece *sibling(struct engine *e, const struct piece *p, const struct place *pl, u32 i)
{
    const struct image_head *h = p->image;
    if (i >= h->npages)
        return NULL;
    if (pl)
        return pl->pieces[i] && !pl->pieces[i]->broken ? pl->pieces[i] : NULL;
    const struct code_page *page = block_page(e, h->start / IMAGE_PAGE + image_pages(h)[i].number);
    return page && page->piece && page->piece->image == h ? page->piece : NULL;
}

/* What a new piece has to others of its image leads there at once, which is a tenth of the work of doing so when it is
 * taken. The image says where, as looking for that is much of what entering a piece takes. */
static void link_out(struct engine *e, struct piece *p, const struct place *pl)
{
    struct piece *to = NULL;
    u32 last = 0;
    u64 *slot = pl ? outer_slots(e, p) : NULL;
    const struct image_outer *x = p->v.outers;
    if (e->cfg.off & IR_PASS_BIT(IR_PASS_LINK))
        return;
    for (u32 i = 0; i < p->v.piece->nouters; i++, x++) {
        const u32 code = x->code & ~IMAGE_KNOWN;
        if (!x->page || (x->code != code && !p->known))
            continue;
        if (x->page != last) {
            last = x->page;
            to = sibling(e, p, pl, last - 1);
            if (to && !note_edge(e, p, to))
                return;
        }
        if (!to || code >= to->head.code_len)
            continue;
        if (slot)
            slot[i] = at_of(e, to) + code;
        else if (!link_to(e, p, x->exit, to, code))
            return;
    }
}

/* What pieces of the same place have to a new one leads there. What is copied is left as it is. */
static void link_in(struct engine *e, struct piece *p, const struct place *pl)
{
    const struct image_view *v = &p->v;
    const struct image_head *h = pl->data;
    if (e->cfg.off & IR_PASS_BIT(IR_PASS_LINK))
        return;
    for (u32 i = 0; i < v->nin; i++) {
        const struct image_in *in = &v->in[i];
        struct piece *from = in->page < h->npages ? pl->pieces[in->page] : NULL;
        if (!from || from->broken || from->state == TIGHT || in->outer >= from->v.piece->nouters ||
            (from->exits && from->exits[from->v.outers[in->outer].exit]))
            continue;
        const struct image_block *ib = &v->blocks[in->block];
        if (!is_plain(p, ib))
            continue;
        if (!note_edge(e, from, p))
            return;
        __atomic_store_n(outer_slots(e, from) + in->outer, at_of(e, p) + ib->code_off, __ATOMIC_RELEASE);
    }
}

const void *store_code(struct engine *e, gva_t pc, u64 key, u32 exit)
{
    struct code_page *page = block_page(e, pc / IMAGE_PAGE);
    if (!(page && page->tried) && !store_load(e, pc))
        return NULL;
    page = block_page(e, pc / IMAGE_PAGE);
    struct piece *to = page->piece;
    const u32 i = to ? image_block_at(&to->v, pc % IMAGE_PAGE, key) : 0;
    if (!to || i == to->v.piece->nblocks || !is_plain(to, &to->v.blocks[i]))
        return NULL;
    if (exit != ~0u) {
        struct block *head = block_exit_made(e, exit) ? NULL : block_of_exit(e, exit);
        if (!head || !link_to(e, (struct piece *)(void *)head, exit - head->exit_id, to, to->v.blocks[i].code_off))
            return NULL;
        e->stats.links++;
    }
    return e->code.rx + to->head.code_off + to->v.blocks[i].code_off;
}

static void note_made(struct engine *e, const struct piece *p)
{
    for (u32 i = 0; e->cfg.made && i < p->v.piece->nblocks; i++) {
        const struct image_block *ib = &p->v.blocks[i];
        e->cfg.made(e->cfg.cx, (hva_t)(e->code.rx + p->head.code_off + ib->code_off), ib->code_size,
                    p->head.pc + ib->at);
    }
}

/* Finds room for a copy of the code, and makes it. */
static bool enter_copy(struct engine *e, struct piece *p, const struct image_head *h)
{
    const struct image_view *v = &p->v;
    const struct image_piece *head = v->piece;
    const size_t off = align_up(e->used, e->host->code_align), size = stub_of(head, head->nexits);
    if (off > e->code.size || size > e->code.size - off || e->nblocks == e->max_blocks ||
        head->nexits > e->max_exits - e->nexits)
        return false;
    cache_write(e);
    p->head.code_off = (u32)off;
    p->head.exit_id = e->nexits;
    cache_ready(e, off + size, 0);
    copy_code(e, v, h, (u32)off);
    e->nexits += head->nexits;
    e->used = off + size;
    e->index[e->nblocks] = &p->head;
    __atomic_store_n(&e->nblocks, e->nblocks + 1, __ATOMIC_RELEASE);
    return true;
}

/* May a page's piece be entered in place? One that was may be running, and not as it is in the image any more. */
static bool can_place(const struct place *pl, const struct image_page *ip)
{
    return pl && !pl->closed && !(pl->pieces && pl->pieces[ip - image_pages(pl->data)]);
}

/* The code is run where the image has it. */
static bool enter_in_place(struct engine *e, struct piece *p, struct place *pl, const struct image_page *ip)
{
    const struct image_head *h = pl->data;
    if (!pl->pieces) {
        struct piece **pieces = ARENA_NEW_N(&e->meta, struct piece *, h->npages);
        if (!pieces)
            return false;
        memset(pieces, 0, h->npages * sizeof *pieces);
        __atomic_store_n(&pl->pieces, pieces, __ATOMIC_RELEASE);
    }
    p->head.code_off = pl->at + ip->code;
    p->head.exit_id = pl->exit + ip->exit;
    set_slots(e, p);
    __atomic_store_n(&pl->pieces[ip - image_pages(pl->data)], p, __ATOMIC_RELEASE);
    e->stats.image_placed++;
    return true;
}

/* Enters a piece of the page. False: no room. */
static bool enter_piece(struct engine *e, struct code_page *page, struct area *a, const struct image_page *ip,
                        const struct image_view *v)
{
    const struct image_piece *head = v->piece;
    struct piece *p = ARENA_NEW(&e->meta, struct piece);
    if (!p)
        return false;
    *p = (struct piece){
        .head = {.pc = page->number * IMAGE_PAGE, .code_len = head->code_size, .nexits = head->nexits, .piece = true},
        .v = *v,
        .image = a->image.data,
        .known = a->image.known};
    if (!(can_place(a->place, ip) && enter_in_place(e, p, a->place, ip)) && !enter_copy(e, p, a->image.data))
        return false;
    page->piece = p;
    for (u32 i = 0; i < head->nblocks && (head->ntails || !p->known); i++)
        if (!is_plain(p, &v->blocks[i]) && !enter_now(e, p, i))
            leave_out(e, p, i);
    const struct place *pl = is_placed(e, p) ? a->place : NULL;
    link_out(e, p, pl);
    if (pl)
        link_in(e, p, pl);
    note_made(e, p);
    e->stats.image_blocks += head->nblocks;
    e->stats.image_bytes += head->code_size;
    e->stats.image_pages++;
    return true;
}

/* Where the code of a page's piece is read: where it is to be run, as then it is mapped but once. */
static const u8 *text_of(const struct engine *e, const struct area *a, const struct image_page *ip)
{
    return can_place(a->place, ip) ? e->code.rx + a->place->at : image_text(a->image.data);
}

bool store_load(struct engine *e, gva_t pc)
{
    const u64 number = pc / IMAGE_PAGE;
    struct code_page *p = block_page(e, number);
    if (p && p->tried)
        return false;
    struct area *a = area_of(e, pc);
    if (!a || !a->image.keep)
        return false;
    const bool timed = e->cfg.count_calls; /* somebody reads statistics */
    const u64 t0 = timed ? mk_clock() : 0;
    const gva_t page = number * IMAGE_PAGE;
    struct image_view v;
    int err;
    const bool watched = block_watch(e, page, IMAGE_PAGE, &err);
    p = block_page(e, number);
    if (!p)
        return false;
    p->tried = true;
    p->order = e->ntried++;
    bool done = false;
    if (watched && guest_hash(e, page, IMAGE_PAGE, &p->hash)) {
        p->hashed = true;
        const void *data = a->image.data;
        const struct image_page *ip = data ? image_find(data, (u32)((page - a->image.start) / IMAGE_PAGE)) : NULL;
        done =
            ip && ip->source == p->hash && image_open(data, text_of(e, a, ip), ip, &v) && enter_piece(e, p, a, ip, &v);
        e->stats.image_misses += ip && !done;
    }
    if (timed)
        e->stats.image_ns += mk_clock() - t0;
    return done;
}

/* How many of the block's guest bytes are on the page behind that on which it begins. */
static u32 tail_of(const struct block *b)
{
    const u32 end = (u32)(b->pc % IMAGE_PAGE) + b->extent->len;
    return end > IMAGE_PAGE ? end - IMAGE_PAGE : 0;
}

/* What the block has on the next page can be stored only if that page's hash is known, which none is where no block
 * begins. It is made now, behind the block, so the bytes are looked at once more. */
static bool note_tail(struct engine *e, const struct block *b, const u8 *code)
{
    const gva_t next = (b->pc / IMAGE_PAGE + 1) * IMAGE_PAGE;
    const u32 tail = tail_of(b);
    u64 hash;
    if (!tail)
        return true;
    (void)store_load(e, next);
    return guest_hash(e, next, tail, &hash) && hash == hash_bytes(code + (next - b->pc), tail, 0);
}

void store_note(struct engine *e, struct block *b, const u8 *code)
{
    struct code_page *p = block_page(e, b->pc / IMAGE_PAGE);
    if (!e->image_key || !p->hashed)
        return;
    b->movable = note_tail(e, b, code);
    if (!b->movable)
        return;
    struct area *a = area_of(e, b->pc);
    if (!a || !a->image.keep || (b->known && !a->image.known))
        return;
    p->fresh = fresh_on(e, p) + 1;
    p->fresh_of = e->generation;
    a->fresh++;
}

void store_judged(struct engine *e, gva_t pc)
{
    struct code_page *p = block_page(e, pc / IMAGE_PAGE);
    struct area *a = e->image_key && p && p->hashed ? area_of(e, pc) : NULL;
    if (!a || !a->image.keep)
        return;
    if (!fresh_on(e, p))
        p->fresh = 1;
    p->fresh_of = e->generation;
    p->judged = true;
    a->fresh++;
    a->judged += a->judged < MANY;
}

/* --- storing --- */

/* A new image in the making: pages in order, each from the engine's blocks or from the image that there is. */
struct maker {
    struct engine *e;
    struct area *area;
    const void *old; /* checked, or NULL */
    struct grown {   /* the image but for its code; the code */
        u8 *p;
        u64 size, cap;
    } out, text;
    u32 npages, nexits, nouters;
    u32 *order;                     /* room for an entry for each page of the area, or each that was tried */
    struct block *list[IMAGE_PAGE]; /* of a page, */
    u64 tail[IMAGE_PAGE];           /* the hash of what each has on the next, */
    u32 at[IMAGE_PAGE];             /* where its code is in the piece, */
    u16 size[IMAGE_PAGE];           /* how much of it is stored, */
    u32 nrelocs[IMAGE_PAGE];        /* and how many of its relocations; */
    u64 keys[IMAGE_PAGE];           /* the keys that they have */
};

/* What is little is stored the more likely the more it is: making an image costs by what is in it, so that in the long
 * run storing costs about what making the new blocks did. */
static bool is_fresh(const struct area *a, u32 least, u32 luck)
{
    const u64 fresh = a->fresh + a->judged * WEIGHT, part = a->total / LITTLE, enough = part < least ? least : part;
    if (!a->image.keep || fresh >= enough)
        return a->image.keep;
    return a->image.size <= SMALL && (fresh << 32) / (enough * SELDOM) > luck;
}

static bool is_before(const struct block *a, const struct block *b)
{
    return a->pc < b->pc || (a->pc == b->pc && a->key < b->key);
}

/* The blocks of page p that begin on it and can be stored, in an image's order. */
static u32 page_blocks(struct maker *m, const struct code_page *p)
{
    u32 n = 0;
    take_all(m->e, p);
    for (struct page_ref *r = p->blocks; r && n < ARRAY_LEN(m->list); r = r->next) {
        struct block *b = r->block;
        if (b->dead || !b->movable || b->source || (b->known && !m->area->image.known) ||
            b->pc / IMAGE_PAGE != p->number)
            continue;
        u32 at = n++;
        for (; at && is_before(b, m->list[at - 1]); at--)
            m->list[at] = m->list[at - 1];
        m->list[at] = b;
    }
    return n;
}

/* Hash of what b has on the next page; false when that page is not known to be what b was made from. */
static bool tail_hash(struct engine *e, const struct block *b, u64 *hash)
{
    const gva_t next = (b->pc / IMAGE_PAGE + 1) * IMAGE_PAGE;
    const u32 tail = tail_of(b);
    *hash = 0;
    if (!tail)
        return true;
    const struct code_page *p = block_page(e, next / IMAGE_PAGE);
    u64 whole;
    return p && p->watched && p->hashed && guest_hash(e, next, IMAGE_PAGE, &whole) && whole == p->hash &&
           guest_hash(e, next, tail, hash);
}

/* What is known of an exit; its record need not be there. */
static struct exit_rec exit_now(struct engine *e, u32 id)
{
    const struct exit_rec *made = block_exit_made(e, id);
    if (made)
        return *made;
    const struct block *head = block_of_exit(e, id);
    return exit_of(e, piece_of(head), id - head->exit_id);
}

/* Can an image say of the block what has to be said? */
static bool fits(struct engine *e, const struct block *b)
{
    bool all = b->code_len <= IMAGE_MOST_CODE;
    for (u32 k = 0; k < b->nexits; k++) {
        const s64 d = (s64)(exit_now(e, b->exit_id + k).pc - align_down(b->pc, IMAGE_PAGE));
        all &= d == (s32)d;
    }
    return all;
}

/* Leaves out those of the list whose tail is not sure; their hashes. */
static u32 keep_sure(struct maker *m, u32 n)
{
    u32 kept = 0;
    for (u32 i = 0; i < n; i++) {
        struct block *b = m->list[i];
        if (fits(m->e, b) && tail_hash(m->e, b, &m->tail[kept]))
            m->list[kept++] = b;
    }
    return kept;
}

/* Which of a piece's keys is `key`, which is made one of them if need be. */
static u16 key_of(struct maker *m, u32 *nkeys, u64 key)
{
    u32 i = 0;
    while (i < *nkeys && m->keys[i] != key)
        i++;
    if (i == *nkeys)
        m->keys[(*nkeys)++] = key;
    return (u16)i;
}

/* 1 + which of the list is at pc; 0: none. */
static u32 find_in(const struct maker *m, u32 n, gva_t pc, u64 key)
{
    const struct block *b = block_find(m->e, pc, key);
    for (u32 i = 0; b && i < n; i++)
        if (m->list[i] == b)
            return i + 1;
    return 0;
}

/* The code of the i-th block of the list, as in a piece. Pieces in the making are as if each began where the common
 * code does, and the program lay at 0. */
static void write_code(struct maker *m, u8 *code, u32 i, u32 *relocs)
{
    struct engine *e = m->e;
    const struct block *b = m->list[i];
    const u32 off = m->at[i];
    const u64 by[HOST_NRELOCS] = {[HOST_RELOC_COMMON] = (u64)b->code_off - off, [HOST_RELOC_OWN] = -e->cfg.own};
    memcpy(code + off, e->code.rx + b->code_off, m->size[i]);
    for (u32 k = 0; k < m->nrelocs[i]; k++)
        relocs[k] = b->relocs[k] + HOST_RELOC(off, 0) - HOST_RELOC(b->reloc_base, 0);
    e->host->move(code, relocs, m->nrelocs[i], by);
}

/* Does all that the block's code has of addresses of our own lie in what is ours? */
static bool is_own(const struct engine *e, const struct block *b)
{
    for (u32 i = 0; i < b->nrelocs; i++) {
        u64 x;
        if (HOST_RELOC_KIND(b->relocs[i]) != HOST_RELOC_OWN)
            continue;
        memcpy(&x, e->code.rx + b->code_off + (HOST_RELOC_OFF(b->relocs[i]) - b->reloc_base), 8);
        if (x - e->cfg.own >= e->cfg.own_size)
            return false;
    }
    return true;
}

/* How much of the list's i-th block is stored: its stubs are not. */
static void measure(struct maker *m, u32 i)
{
    const struct block *b = m->list[i];
    const u32 stubs = b->nexits ? exit_now(m->e, b->exit_id).stub_off - b->code_off : b->code_len;
    m->size[i] = (u16)(stubs < b->code_len ? stubs : b->code_len);
    m->nrelocs[i] = b->nrelocs;
    while (m->nrelocs[i] && HOST_RELOC_OFF(b->relocs[m->nrelocs[i] - 1]) - b->reloc_base >= m->size[i])
        m->nrelocs[i]--;
}

/* Says where the code of each of the list's n blocks begins in the piece, which has so many bytes then. */
static u32 lay_out(struct maker *m, u32 n)
{
    u32 off = 0;
    for (u32 i = 0; i < n; i++) {
        measure(m, i);
        m->at[i] = off = (u32)align_up(off, IMAGE_ALIGN);
        off += m->size[i];
    }
    return off;
}

/* The piece of the list's n blocks, at `out`, and its code, which have room and are zero. */
static void write_piece(struct maker *m, u8 *out, u8 *code, const struct image_piece *head, u32 n)
{
    struct engine *e = m->e;
    struct image_view v;
    u32 nkeys = head->nkeys, nouters = 0;
    memcpy(out, head, sizeof *head);
    image_view(&v, out, align_down(m->list[0]->pc, IMAGE_PAGE));
    u64 *tails = (u64 *)(out + ((const u8 *)v.tails - out));
    struct image_block *ib = (struct image_block *)(out + ((const u8 *)v.blocks - out));
    struct image_exit *ix = (struct image_exit *)(out + ((const u8 *)v.exits - out));
    struct image_outer *outer = (struct image_outer *)(out + ((const u8 *)v.outers - out));
    u64 *state = (u64 *)(out + ((const u8 *)v.state - out));
    u8 *marks = out + (v.marks - out);
    u16 *pcs = (u16 *)(out + ((const u8 *)v.at - out));
    u32 *reloc = (u32 *)(out + ((const u8 *)v.relocs - out));
    v.code = code;
    memcpy(out + ((const u8 *)v.keys - out), m->keys, nkeys * sizeof *m->keys);
    struct image_block next = {0};
    for (u32 i = 0; i < n; i++) {
        const struct block *b = m->list[i];
        ib[i] = next;
        ib[i].code_off = m->at[i];
        ib[i].code_size = m->size[i];
        ib[i].at = pcs[i] = (u16)(b->pc % IMAGE_PAGE);
        ib[i].len = (u16)b->extent->len;
        ib[i].known = b->known;
        ib[i].judged = block_has_lost(e, b->pc, b->key)  ? IMAGE_LOST
                       : block_has_won(e, b->pc, b->key) ? IMAGE_WON
                                                         : IMAGE_UNTRIED;
        ib[i].key = key_of(m, &nkeys, b->key);
        if (has_tail(&ib[i]))
            tails[next.tail++] = m->tail[i];
        write_code(m, code, i, reloc + next.reloc);
        memcpy(marks + next.mark, b->marks, b->marks_size);
        if (b->nstate)
            memcpy(state + next.state, b->state, b->nstate * sizeof *state);
        for (u32 k = 0; k < b->nexits; k++) {
            const struct exit_rec x = exit_now(e, b->exit_id + k);
            const u32 to = find_in(m, n, x.pc, b->key);
            struct image_exit *out_x = &ix[next.exit + k];
            *out_x = (struct image_exit){
                .pc = (s32)(x.pc - v.pc), .site_off = (u16)(x.site_off - b->code_off), .to = (u16)to};
            u8 *site = code + m->at[i] + out_x->site_off;
            e->host->link(site, site, to ? code + m->at[to - 1] : way_out(code, head, nouters));
            if (!to)
                outer[nouters++] = (struct image_outer){.exit = (u16)(next.exit + k)};
        }
        next.exit += b->nexits;
        next.state += b->nstate;
        next.mark += b->marks_size;
        next.reloc += m->nrelocs[i];
    }
    ib[n] = next;
    dgm_assert(image_sound(&v), "a piece of %u blocks does not fit together", n);
}

static bool make_room(struct grown *g, u64 more)
{
    if (g->size + more <= g->cap)
        return true;
    u64 cap = g->cap ? g->cap * 2 : 256 << 10;
    while (cap < g->size + more)
        cap *= 2;
    void *p;
    if (cap > 2ull * IMAGE_MOST || mk_pages_alloc(&p, cap))
        return false;
    if (g->p) {
        memcpy(p, g->p, g->size);
        mk_pages_free(g->p, g->cap);
    }
    g->p = p;
    g->cap = cap;
    return true;
}

/* What stands in the table while pieces are added behind each other. */
static struct image_page *table(const struct maker *m)
{
    return (struct image_page *)(void *)(m->out.p + sizeof(struct image_head));
}

/* Adds what was written behind what there is. */
static void add(struct maker *m, struct image_page p, const struct image_piece *head)
{
    p.off = (u32)m->out.size;
    p.code = (u32)m->text.size;
    p.exit = m->nexits;
    p.outer = m->nouters;
    table(m)[m->npages++] = p;
    m->out.size += p.size;
    m->text.size += image_code_size(head);
    m->nexits += head->nexits;
    m->nouters += head->nouters;
}

/* Adds page `number` as the old image has it, if it does and its piece is sound. */
static bool add_old(struct maker *m, const struct image_page *p)
{
    const struct engine *e = m->e;
    const struct image_head *h = m->old;
    struct image_view v;
    if (!p || !image_open(m->old, image_text(m->old), p, &v) || !make_room(&m->out, p->size) ||
        !make_room(&m->text, image_code_size(v.piece)))
        return false;
    const u64 by[HOST_NRELOCS] = {[HOST_RELOC_COMMON] = (u64)h->at + v.first, [HOST_RELOC_OWN] = -h->own};
    memcpy(m->out.p + m->out.size, v.piece, p->size);
    memcpy(m->text.p + m->text.size, v.code, v.piece->code_size);
    e->host->move(m->text.p + m->text.size, v.relocs, v.piece->nrelocs, by);
    struct image_page mine = *p;
    mine.nin = 0; /* counted anew */
    add(m, mine, v.piece);
    return true;
}

/* Adds page p from our blocks, unless the old image has more of it. */
static void add_ours(struct maker *m, const struct code_page *p, u32 number, const struct image_page *old)
{
    struct engine *e = m->e;
    u64 hash;
    u32 n = p->watched && p->hashed && guest_hash(e, p->number * IMAGE_PAGE, IMAGE_PAGE, &hash) && hash == p->hash
                ? keep_sure(m, page_blocks(m, p))
                : 0;
    struct image_piece head = {.nblocks = n};
    u32 nkeys = 0;
    for (u32 i = 0; i < n; i++) {
        const struct block *b = m->list[i];
        if (!is_own(e, b))
            return;
        head.nexits += b->nexits;
        head.nstate += b->nstate;
        head.marks_size += b->marks_size;
        head.ntails += tail_of(b) > 0;
        key_of(m, &nkeys, b->key);
    }
    head.nkeys = (u16)nkeys;
    const u32 spare = p->judged ? SPARE : 0;
    if (!n || head.nexits > IMAGE_MOST_EXITS || (old && old->source == p->hash && old->nblocks > n + spare)) {
        (void)add_old(m, old);
        return;
    }
    head.code_size = lay_out(m, n);
    for (u32 i = 0; i < n; i++) {
        const struct block *b = m->list[i];
        head.nrelocs += m->nrelocs[i];
        for (u32 k = 0; k < b->nexits; k++)
            head.nouters += !find_in(m, n, exit_now(e, b->exit_id + k).pc, b->key);
    }
    const u64 size = image_piece_size(&head);
    if (!make_room(&m->out, size) || !make_room(&m->text, image_code_size(&head)))
        return;
    write_piece(m, m->out.p + m->out.size, m->text.p + m->text.size, &head, n);
    add(m, (struct image_page){.number = number, .nblocks = n, .size = (u32)size, .source = p->hash}, &head);
    e->stats.image_saved += fresh_on(e, p);
}

/* Where the code, which is `len` bytes, shall run: where it does now, or where nothing else does here, as what is
 * together here may be so again. Places are tried from one on that the memory's address says. */
static u32 choose_at(const struct maker *m, u32 len)
{
    const struct engine *e = m->e;
    const u32 at = m->old ? ((const struct image_head *)m->old)->at : 0;
    if (at && is_free(e, at, len, m->area->place))
        return at;
    const u32 n = ENGINE_PLACES / PLACE_STEP, from = (u32)(hash_u64(m->area->image.start ^ e->image_key) % n);
    for (u32 i = 0; i < n; i++) {
        const u32 here = (u32)e->code.size + (from + i) % n * PLACE_STEP;
        if (is_free(e, here, len, NULL))
            return here;
    }
    return (u32)e->code.size;
}

/* The order of the pages' numbers, behind the table. */
static void put_order(struct maker *m, u64 pages)
{
    u32 *out = (u32 *)(void *)(table(m) + m->npages);
    memset(m->order, 0, pages * sizeof *m->order);
    for (u32 i = 0; i < m->npages; i++)
        m->order[table(m)[i].number] = i + 1;
    for (u64 n = 0; n < pages; n++)
        if (m->order[n])
            *out++ = m->order[n] - 1;
}

/* The entry of the page that has pc, or NULL. */
static struct image_page *page_at(const struct maker *m, gva_t pc)
{
    const u64 in = pc - m->area->image.start;
    const struct image_page *p = in < m->area->image.len ? image_find(m->out.p, (u32)(in / IMAGE_PAGE)) : NULL;
    return p ? &table(m)[p - image_pages(m->out.p)] : NULL;
}

static void view_of(const struct maker *m, const struct image_page *p, struct image_view *v)
{
    image_view(v, m->out.p + p->off, image_page_pc(m->out.p, p));
}

/* The page to whose piece x of v leads, and to which block, if that can be come to without a look at it; or NULL. */
static struct image_page *aim(const struct maker *m, const struct image_view *v, const struct image_outer *x,
                              const struct image_block **block)
{
    const gva_t pc = image_exit_pc(v, x->exit);
    struct image_page *p = page_at(m, pc);
    struct image_view to;
    if (!p || image_page_pc(m->out.p, p) == v->pc || p - table(m) >= 0xffff)
        return NULL;
    view_of(m, p, &to);
    const u32 i = image_block_at(&to, pc % IMAGE_PAGE, v->keys[v->blocks[image_owner(v, x->exit)].key]);
    *block = &to.blocks[i];
    return i < to.piece->nblocks && !has_tail(*block) ? p : NULL;
}

/* Says of all exits that lead out of pieces where to, and counts for each page how many lead to it; all in all. */
static u32 point_all(struct maker *m)
{
    u32 all = 0;
    for (u32 i = 0; i < m->npages; i++) {
        struct image_view v;
        const struct image_block *ib;
        view_of(m, &table(m)[i], &v);
        struct image_outer *x = (struct image_outer *)(void *)(m->out.p + ((const u8 *)v.outers - m->out.p));
        for (u32 k = 0; k < v.piece->nouters; k++) {
            struct image_page *to = i <= 0xffff ? aim(m, &v, &x[k], &ib) : NULL;
            x[k].page = to ? (u16)(to - table(m) + 1) : 0;
            x[k].code = to ? ib->code_off | (ib->known ? IMAGE_KNOWN : 0) : 0;
            if (to)
                to->nin++;
            all += to != NULL;
        }
    }
    return all;
}

/* The lists of what leads to each page: point_all has counted, and there is room. */
static void put_ins(struct maker *m, const struct image_head *h)
{
    struct image_in *ins = (struct image_in *)(void *)(m->out.p + h->in);
    u32 n = 0;
    for (u32 i = 0; i < m->npages; i++) {
        table(m)[i].in = n;
        n += table(m)[i].nin;
        table(m)[i].nin = 0;
    }
    for (u32 i = 0; i < m->npages; i++) {
        struct image_view v, to;
        view_of(m, &table(m)[i], &v);
        for (u32 k = 0; k < v.piece->nouters; k++) {
            const struct image_outer *x = &v.outers[k];
            struct image_page *p = x->page ? &table(m)[x->page - 1] : NULL;
            if (!p)
                continue;
            view_of(m, p, &to);
            ins[p->in + p->nin++] = (struct image_in){(u16)i, (u16)k, (u16)image_block_of(&to, x->code & ~IMAGE_KNOWN)};
        }
    }
}

/* Makes the code right for where it shall run, and sums all up. */
static void settle(struct maker *m, const struct image_head *h)
{
    const struct engine *e = m->e;
    for (u32 i = 0; i < m->npages; i++) {
        struct image_page *p = &table(m)[i];
        struct image_view v;
        u8 *code = m->out.p + h->text + p->code;
        const u32 at = h->at + p->code, first = exits_at(e, h->at);
        const u64 by[HOST_NRELOCS] = {[HOST_RELOC_COMMON] = -(u64)at, [HOST_RELOC_OWN] = h->own};
        view_of(m, p, &v);
        v.code = code;
        v.in = image_in(m->out.p, p);
        v.nin = p->nin;
        e->host->move(code, v.relocs, v.piece->nrelocs, by);
        for (u32 n = 0; n < v.piece->nouters; n++) {
            u8 *way = way_out(code, v.piece, n);
            e->host->through(way, e->code.rx + at + (way - code), slots_at(e, first) + p->outer + n,
                             first + p->exit + v.outers[n].exit);
        }
        p->sum = image_piece_sum(&v, p->size, e->image_key, p->number);
    }
}

static bool make_image(struct maker *m)
{
    struct engine *e = m->e;
    const struct engine_image *a = &m->area->image;
    const u64 pages = a->len / IMAGE_PAGE, first = a->start / IMAGE_PAGE;
    const u32 nold = m->old ? ((const struct image_head *)m->old)->npages : 0;
    const struct image_page *olds = m->old ? image_pages(m->old) : NULL;
    u32 most = nold;
    for (u64 i = 0; i < pages; i++) { /* those that are new, in the order in which they were come to */
        const struct code_page *p = block_page(e, first + i);
        if (fresh_on(e, p) && !(m->old && image_find(m->old, (u32)i))) {
            m->order[p->order] = (u32)i + 1;
            most++;
        }
    }
    const u64 front = align_up(sizeof(struct image_head) + most * (sizeof *olds + sizeof *m->order), 8);
    if (!make_room(&m->out, front))
        return false;
    m->out.size = front;
    for (u32 i = 0; i < nold; i++) {
        const struct code_page *p = block_page(e, first + olds[i].number);
        if (fresh_on(e, p))
            add_ours(m, p, olds[i].number, &olds[i]);
        else
            (void)add_old(m, &olds[i]);
    }
    for (u32 i = 0; i < e->ntried; i++)
        if (m->order[i])
            add_ours(m, block_page(e, first + m->order[i] - 1), m->order[i] - 1, NULL);
    /* A table of fewer pages than were hoped for leaves a gap behind it. */
    struct image_head h = {.magic = IMAGE_MAGIC,
                           .key = e->image_key,
                           .start = a->start,
                           .len = a->len,
                           .npages = m->npages,
                           .in = (u32)m->out.size,
                           .own = e->cfg.own};
    memcpy(m->out.p, &h, sizeof h);
    put_order(m, pages);
    h.nin = point_all(m);
    const u64 text = align_up(m->out.size + h.nin * sizeof(struct image_in), IMAGE_PAGE);
    const u64 len = align_up(m->text.size, IMAGE_PAGE);
    if (text + len > IMAGE_MOST || !m->npages || !make_room(&m->out, text + len - m->out.size))
        return false;
    memcpy(m->out.p + text, m->text.p, m->text.size);
    m->out.size = text + len;
    h.size = (u32)m->out.size;
    h.text = (u32)text;
    h.at = choose_at(m, (u32)len);
    memcpy(m->out.p, &h, sizeof h);
    put_ins(m, &h);
    settle(m, &h);
    h.sum = image_head_sum(m->out.p);
    memcpy(m->out.p, &h, sizeof h);
    return true;
}

static void save_area(struct engine *e, struct area *a, const struct engine_saver *s)
{
    void *mem, *order;
    const u64 pages = a->image.len / IMAGE_PAGE, room = (pages < e->ntried ? e->ntried : pages) * sizeof(u32);
    if (mk_pages_alloc(&mem, sizeof(struct maker)))
        return;
    if (mk_pages_alloc(&order, room)) {
        mk_pages_free(mem, sizeof(struct maker));
        return;
    }
    struct maker *m = mem;
    m->e = e;
    m->area = a;
    m->order = order;
    size_t size = 0;
    s->present(s->cx, &a->image, &m->old, &size);
    if (m->old && !image_check(m->old, size, e->image_key, a->image.start, a->image.len))
        m->old = NULL;
    if (make_image(m))
        s->store(s->cx, &a->image, m->out.p, m->out.size);
    else
        s->store(s->cx, &a->image, NULL, 0);
    mk_pages_free(m->out.p, m->out.cap);
    mk_pages_free(m->text.p, m->text.cap);
    mk_pages_free(m->order, room);
    mk_pages_free(m, sizeof *m);
    a->fresh = a->judged = 0;
    for (u64 n = a->image.start / IMAGE_PAGE; n < (a->image.start + a->image.len) / IMAGE_PAGE; n++) {
        struct code_page *p = block_page(e, n);
        if (p)
            p->fresh = 0;
    }
}

void engine_save(struct engine *e, const struct engine_saver *s)
{
    if (!e->image_key)
        return;
    mk_lock(&e->lock);
    for (u32 i = 0; i < e->nareas; i++)
        if (is_fresh(&e->areas[i], s->least, s->luck))
            save_area(e, &e->areas[i], s);
    mk_unlock(&e->lock);
}

bool engine_save_wanted(struct engine *e, u32 least, u32 luck)
{
    bool any = false;
    if (!e->image_key)
        return false;
    mk_lock(&e->lock);
    for (u32 i = 0; i < e->nareas; i++)
        any |= is_fresh(&e->areas[i], least, luck);
    mk_unlock(&e->lock);
    return any;
}
