/* The table of blocks: finding, linking, killing.
 *
 * Contracts are in engine_int.h. */
#include "translator/engine/engine_int.h"
#include "translator/engine/image.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/hash.h"
#include "lib/str.h"

static u32 hash_of(const struct block_table *t, gva_t pc, u64 key)
{
    /* Blocks of one piece of guest code lie in one piece of the table, which is a page: they are looked for together.
     */
    u64 h = (pc >> 12 ^ key << 40) * 0x9e3779b97f4a7c15ull;
    return (u32)(h >> (64 - t->bits)) ^ (pc >> 3 & 511);
}

struct block *block_find(struct engine *e, gva_t pc, u64 key)
{
    struct block_table *t = __atomic_load_n(&e->table, __ATOMIC_ACQUIRE);
    struct block *b = __atomic_load_n(&t->slot[hash_of(t, pc, key)], __ATOMIC_ACQUIRE);
    while (b && (b->pc != pc || b->key != key))
        b = __atomic_load_n(&b->hash_next, __ATOMIC_ACQUIRE);
    return b;
}

struct block *block_get(struct engine *e, gva_t pc, u64 key)
{
    struct block *b = block_find(e, pc, key);
    return b ? b : store_get(e, pc, key);
}

static size_t table_size(u32 bits)
{
    return sizeof(struct block_table) + (sizeof(struct block *) << bits);
}

static int new_table(struct engine *e, u32 bits)
{
    void *mem;
    int rc = mk_pages_alloc(&mem, table_size(bits));
    if (rc)
        return rc;
    struct block_table *t = mem;
    t->bits = bits;
    t->old = e->table;
    __atomic_store_n(&e->table, t, __ATOMIC_RELEASE);
    return 0;
}

int block_table_create(struct engine *e)
{
    return new_table(e, ENGINE_HASH_BITS);
}

static void free_tables(struct block_table **t)
{
    while (*t) {
        struct block_table *gone = *t;
        *t = gone->old;
        mk_pages_free(gone, table_size(gone->bits));
    }
}

void block_table_clear(struct engine *e)
{
    if (!e->table)
        return;
    free_tables(&e->table->old);
    memset(e->table->slot, 0, sizeof(struct block *) << e->table->bits);
    e->in_table = 0;
}

void block_table_free(struct engine *e)
{
    free_tables(&e->table);
}

static void put(struct block_table *t, struct block *b)
{
    struct block **h = &t->slot[hash_of(t, b->pc, b->key)];
    __atomic_store_n(&b->hash_next, *h, __ATOMIC_RELEASE);
    __atomic_store_n(h, b, __ATOMIC_RELEASE);
}

/* A larger table. Who looks into the old one meanwhile may miss blocks, or walk on in a chain of the new one, which
 * ends as well: each block that was moved leads to such as were moved before. */
static void grow(struct engine *e)
{
    struct block_table *old = e->table;
    if (old->bits >= ENGINE_HASH_MOST || new_table(e, old->bits + 2)) {
        e->in_table = 0; /* later, or never */
        return;
    }
    for (size_t i = 0; i < 1ull << old->bits; i++)
        for (struct block *b = old->slot[i], *next; b; b = next) {
            next = b->hash_next;
            put(e->table, b);
        }
}

static struct code_page **page_slot(struct engine *e, u64 number)
{
    struct code_page **p = &e->pages[number & ((1u << ENGINE_PAGE_HASH_BITS) - 1)];
    while (*p && (*p)->number != number)
        p = &(*p)->next;
    return p;
}

struct code_page *block_page(struct engine *e, u64 number)
{
    return *page_slot(e, number);
}

/* Ends the watch of a page, or begins its life without one: from now on its blocks are compared with their source at
 * syncs. */
static void page_unseen(struct engine *e, struct code_page *p)
{
    p->watched = p->hashed = false;
    if (!p->listed) {
        p->listed = true;
        p->next_unseen = e->unseen;
        __atomic_store_n(&e->unseen, p, __ATOMIC_RELEASE);
    }
}

static bool page_watch(struct engine *e, struct code_page *p)
{
    p->watched = e->cfg.ops->watch(e->cfg.cx, p->number * e->page_size, e->page_size, true);
    if (!p->watched)
        page_unseen(e, p);
    return p->watched;
}

bool block_watch(struct engine *e, gva_t pc, u64 len, int *err)
{
    bool all = true;
    *err = 0;
    for (u64 n = pc / e->page_size; n <= (pc + len - 1) / e->page_size; n++) {
        struct code_page **slot = page_slot(e, n), *p = *slot;
        if (!p) {
            p = arena_alloc(&e->meta, sizeof *p, _Alignof(struct code_page));
            if (!p) {
                *err = -ENOMEM;
                return false;
            }
            memset(p, 0, sizeof *p);
            p->number = n;
            *slot = p;
        }
        /* A page that was written stays unseen until the next sync, unless nothing is left on it. An empty page is
         * watched anew in any case: it may have been mapped anew. */
        all &= p->blocks || p->piece ? p->watched : page_watch(e, p);
    }
    return all;
}

/* Numbers of the first and the last page of an extent. */
static u64 first_page(const struct engine *e, const struct extent *x)
{
    return x->pc / e->page_size;
}

static u64 last_page(const struct engine *e, const struct extent *x)
{
    return (x->pc + x->len - 1) / e->page_size;
}

int block_insert_pages(struct engine *e, struct block *b)
{
    u32 n = 0;
    for (u32 i = 0; i < b->nextents; i++)
        n += (u32)(last_page(e, &b->extent[i]) - first_page(e, &b->extent[i])) + 1;
    struct page_ref *more = n > 1 ? ARENA_NEW_N(&e->meta, struct page_ref, n - 1) : NULL;
    if (n > 1 && !more)
        return -ENOSPC;
    u32 k = 0;
    for (u32 i = 0; i < b->nextents; i++)
        for (u64 at = first_page(e, &b->extent[i]); at <= last_page(e, &b->extent[i]); at++, k++) {
            struct code_page *p = block_page(e, at);
            dgm_assert(p && k < n, "page of block %lx was not watched", b->pc);
            struct page_ref *r = k && more ? &more[k - 1] : &b->ref;
            *r = (struct page_ref){.block = b, .next = p->blocks};
            p->blocks = r;
        }
    return 0;
}

int block_insert(struct engine *e, struct block *b)
{
    int rc = block_insert_pages(e, b);
    if (rc)
        return rc;
    if (++e->in_table > 1u << e->table->bits)
        grow(e);
    put(e->table, b);
    return 0;
}

static void forget_in(struct vcpu *list, gva_t pc)
{
    for (struct vcpu *v = list; v; v = v->next) {
        struct vcpu_jc *j = &v->jc[vcpu_jc_index(v, pc)];
        if (__atomic_load_n(&j->pc, __ATOMIC_SEQ_CST) == pc)
            __atomic_store_n(&j->pc, vcpu_jc_none(vcpu_jc_index(v, pc)), __ATOMIC_RELEASE);
    }
}

void block_forget(struct engine *e, gva_t pc)
{
    forget_in(e->vcpus, pc);
    forget_in(e->idle, pc);
}

struct block *block_of_exit(struct engine *e, u32 id)
{
    if (id >= e->max_exits)
        return store_of_exit(e, id);
    u32 lo = 0, hi = e->nblocks;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (e->index[mid]->exit_id <= id)
            lo = mid + 1;
        else
            hi = mid;
    }
    dgm_assert(lo, "exit %u is of nobody", id);
    return e->index[lo - 1];
}

/* Where its record is entered; NULL: nowhere, or (make) no memory. */
static struct exit_rec **exit_slot(struct engine *e, u32 id, bool make)
{
    if (id >= e->max_exits)
        return store_exit_slot(e, id, make);
    dgm_assert(id < e->nexits, "exit %u of %u", id, e->nexits);
    return &e->exits[id];
}

struct exit_rec *block_exit(struct engine *e, u32 id)
{
    struct exit_rec **x = exit_slot(e, id, true);
    if (x && !*x)
        *x = store_exit(e, block_of_exit(e, id), id);
    return x ? *x : NULL;
}

struct exit_rec *block_exit_made(struct engine *e, u32 id)
{
    struct exit_rec **x = exit_slot(e, id, false);
    return x ? *x : NULL;
}

void block_kill(struct engine *e, struct block *b)
{
    if (b->dead)
        return;
    struct code_page *home = block_page(e, b->pc / e->page_size);
    if (home && home->piece)
        store_break(e, home, true);                     /* its code may lead to b */
    __atomic_store_n(&b->dead, true, __ATOMIC_SEQ_CST); /* before jump caches are cleared: see run.c */
    struct block **h = &e->table->slot[hash_of(e->table, b->pc, b->key)];
    while (*h && *h != b)
        h = &(*h)->hash_next;
    if (*h) {
        __atomic_store_n(h, b->hash_next, __ATOMIC_RELEASE);
        e->in_table -= e->in_table > 0;
    }
    for (u32 i = 0; i < b->nextents; i++)
        for (u64 at = first_page(e, &b->extent[i]); at <= last_page(e, &b->extent[i]); at++)
            for (struct page_ref **q = &block_page(e, at)->blocks; *q;)
                if ((*q)->block == b)
                    *q = (*q)->next;
                else
                    q = &(*q)->next;
    for (struct exit_rec *x = b->in; x; x = x->next_in) {
        cache_link(e, x, x->stub_off);
        cache_linked(e, x);
        x->to = NULL;
    }
    b->in = NULL;
    block_forget(e, b->pc);
    e->stats.invalidated++;
}

void block_swap(struct engine *e, struct block *b, struct block *to)
{
    struct block **h = &e->table->slot[hash_of(e->table, b->pc, b->key)];
    while (*h && *h != b)
        h = &(*h)->hash_next;
    put(e->table, to);
    /* Who looks meanwhile finds one or the other. */
    if (*h == to)
        h = &to->hash_next;
    if (*h)
        __atomic_store_n(h, b->hash_next, __ATOMIC_RELEASE);
    struct exit_rec *last = NULL;
    for (struct exit_rec *x = b->in; x; last = x, x = x->next_in) {
        cache_link(e, x, to->code_off);
        cache_linked(e, x);
        x->to = to;
    }
    if (last) {
        last->next_in = to->in;
        to->in = b->in;
        b->in = NULL;
    }
    block_forget(e, b->pc);
}

void block_link(struct engine *e, struct exit_rec *x, struct block *to)
{
    if (to->dead)
        return;
    if (x->to) { /* by another thread in the meantime, or it is not seen yet */
        if (e->host->link_late)
            cache_linked(e, x);
        return;
    }
    x->to = to;
    x->next_in = to->in;
    to->in = x;
    cache_link(e, x, to->code_off);
    if (!e->host->link_late)
        cache_linked(e, x);
    e->stats.links++;
}

static u32 judged_bit(gva_t pc, u64 key)
{
    return (u32)(hash_u64(pc ^ hash_u64(key)) >> (64 - ENGINE_JUDGED_BITS));
}

bool block_has_lost(const struct engine *e, gva_t pc, u64 key)
{
    const u32 n = judged_bit(pc, key);
    return e->lost[n / 64] >> (n % 64) & 1;
}

bool block_has_won(const struct engine *e, gva_t pc, u64 key)
{
    const u32 n = judged_bit(pc, key);
    return e->won[n / 64] >> (n % 64) & 1;
}

void block_judge(struct engine *e, gva_t pc, u64 key, bool won)
{
    const u32 n = judged_bit(pc, key);
    (won ? e->won : e->lost)[n / 64] |= 1ull << (n % 64);
}

static bool touches(const struct block *b, gva_t start, u64 len)
{
    for (u32 i = 0; i < b->nextents; i++)
        if (b->extent[i].pc < start + len && start < b->extent[i].pc + b->extent[i].len)
            return true;
    return false;
}

/* Killing takes references off the list, but leaves their `next`: one that is dead leads back to the living. */
static void kill_on_page(struct engine *e, struct code_page *p, gva_t start, u64 len)
{
    e->changes++;
    if (p->piece)
        store_break(e, p, start > p->number * e->page_size || start + len < (p->number + 1) * e->page_size);
    for (struct page_ref *r = p->blocks, *next; r; r = next) {
        next = r->next;
        if (!r->block->dead && touches(r->block, start, len))
            block_kill(e, r->block);
    }
}

void block_kill_with(struct engine *e, gva_t pc)
{
    struct code_page *p = block_page(e, pc / e->page_size);
    if (p && p->piece)
        store_break(e, p, true);
    for (struct page_ref *r = p ? p->blocks : NULL, *next; r; r = next) {
        next = r->next;
        if (!r->block->dead && r->block->extent == &r->block->own && touches(r->block, pc, 1))
            block_kill(e, r->block);
    }
}

void block_kill_range(struct engine *e, gva_t start, u64 len)
{
    if (!len)
        return;
    u64 first = start / e->page_size, last = (start + len - 1) / e->page_size;
    if (last - first < ARRAY_LEN(e->pages)) {
        for (u64 n = first; n <= last; n++) {
            struct code_page *p = block_page(e, n);
            if (p)
                kill_on_page(e, p, start, len);
        }
        return;
    }
    for (u32 i = 0; i < ARRAY_LEN(e->pages); i++)
        for (struct code_page *p = e->pages[i]; p; p = p->next)
            if (p->number >= first && p->number <= last)
                kill_on_page(e, p, start, len);
}

/* Does the block still say what the guest's memory says? */
static bool is_current(struct engine *e, const struct block *b)
{
    u8 buf[1024];
    const u8 *source = b->source;
    for (u32 i = 0; i < b->nextents; source += b->extent[i++].len)
        for (u32 at = 0, n; at < b->extent[i].len; at += n) {
            n = b->extent[i].len - at < sizeof buf ? b->extent[i].len - at : sizeof buf;
            if (mk_copy(buf, (const void *)(e->cfg.mem_base + b->extent[i].pc + at), n) ||
                memcmp(buf, source + at, n) != 0)
                return false;
        }
    return true;
}

const u8 *block_source(struct engine *e, const struct block *b)
{
    size_t len = 0;
    for (u32 i = 0; i < b->nextents; i++)
        len += b->extent[i].len;
    u8 *source = arena_alloc(&e->meta, len, 1), *to = source;
    for (u32 i = 0; source && i < b->nextents; to += b->extent[i++].len)
        if (mk_copy(to, (const void *)(e->cfg.mem_base + b->extent[i].pc), b->extent[i].len))
            return NULL;
    return source;
}

/* Unseen pages are watched again, and blocks on them that are not current killed. */
static void compare_unseen(struct engine *e)
{
    e->changes++;
    struct code_page *left = NULL, *next_page;
    for (struct code_page *p = e->unseen; p; p = next_page) {
        next_page = p->next_unseen;
        /* One without blocks is watched again when it gets some. The watch comes before the comparison, so that no
         * write falls between. */
        bool stays = p->blocks && !page_watch(e, p);
        for (struct page_ref *r = p->blocks, *next; r; r = next) {
            next = r->next;
            if (!r->block->dead && r->block->source && !is_current(e, r->block))
                block_kill(e, r->block);
        }
        p->listed = stays;
        if (stays) {
            p->next_unseen = left;
            left = p;
        }
    }
    /* Last of all: who finds nothing here does not wait for us, and must not find blocks that we were about to kill. */
    __atomic_store_n(&e->unseen, left, __ATOMIC_RELEASE);
}

void engine_sync(struct engine *e)
{
    if (__atomic_load_n(&e->trust, __ATOMIC_RELAXED) != ENGINE_TRUST)
        __atomic_store_n(&e->trust, ENGINE_TRUST, __ATOMIC_RELAXED);
    if (!__atomic_load_n(&e->unseen, __ATOMIC_ACQUIRE))
        return;
    mk_lock(&e->lock);
    compare_unseen(e);
    mk_unlock(&e->lock);
}

bool block_at(const struct engine *e, u32 off, struct block *out)
{
    if (off >= e->code.size) {
        const struct block *head = store_head_at(e, off);
        return head && store_at(head, off, out);
    }
    u32 lo = 0, hi = __atomic_load_n(&e->nblocks, __ATOMIC_ACQUIRE);
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (e->index[mid]->code_off <= off)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (!lo)
        return false;
    const struct block *b = e->index[lo - 1];
    if (off - b->code_off >= b->code_len)
        return false;
    if (b->piece)
        return store_at(b, off, out);
    *out = *b;
    return true;
}

void engine_invalidate(struct engine *e, gva_t start, u64 len)
{
    mk_lock(&e->lock);
    block_kill_range(e, start, len);
    store_forget(e, start, len);
    mk_unlock(&e->lock);
}

/* May blocks of a page that is written stay? (engine_int.h, "Writes to code".) */
static bool may_stay(struct engine *e, struct code_page *p)
{
    if (e->guest->coherent_fetch)
        return false;
    const u32 trust = __atomic_load_n(&e->trust, __ATOMIC_RELAXED);
    if (trust) {
        __atomic_store_n(&e->trust, trust - 1, __ATOMIC_RELAXED);
        if (trust == 1)
            compare_unseen(e); /* what was written in good faith */
        return trust > 1;
    }
    if (p->emptied == ENGINE_EMPTIED)
        return true;
    p->emptied++;
    return false;
}

/* The page is about to be written. Where stale instructions may run until a sync, its blocks stay, with a copy of what
 * they were made from. */
static void page_written(struct engine *e, struct code_page *p)
{
    e->changes++;
    const bool stay = may_stay(e, p);
    if (p->piece)
        store_break(e, p, stay);
    for (struct page_ref *r = p->blocks, *next; r; r = next) {
        struct block *b = r->block;
        next = r->next;
        if (b->dead || b->source)
            continue;
        b->source = stay ? block_source(e, b) : NULL;
        if (!b->source)
            block_kill(e, b);
    }
    page_unseen(e, p);
    e->cfg.ops->watch(e->cfg.cx, p->number * e->page_size, e->page_size, false);
}

bool engine_unwatch(struct engine *e, gva_t addr, u64 len)
{
    if (!len)
        return false;
    bool any = false;
    mk_lock(&e->lock);
    for (u64 n = addr / e->page_size; n <= (addr + len - 1) / e->page_size; n++) {
        struct code_page *p = block_page(e, n);
        if (!p || !p->watched)
            continue;
        page_written(e, p);
        any = true;
    }
    mk_unlock(&e->lock);
    return any;
}
