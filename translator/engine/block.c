/* The table of blocks: finding, linking, killing.
 *
 * Contracts are in engine_int.h. */
#include "translator/engine/engine_int.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"

static u32 hash_of(gva_t pc, u64 key)
{
    u64 h = (pc >> 1) * 0x9e3779b97f4a7c15ull ^ key;
    return (u32)(h >> (64 - ENGINE_HASH_BITS));
}

struct block *block_find(struct engine *e, gva_t pc, u64 key)
{
    struct block *b = __atomic_load_n(&e->hash[hash_of(pc, key)], __ATOMIC_ACQUIRE);
    while (b && (b->pc != pc || b->key != key))
        b = __atomic_load_n(&b->hash_next, __ATOMIC_ACQUIRE);
    return b;
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
    p->watched = false;
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
        all &= p->blocks ? p->watched : page_watch(e, p);
    }
    return all;
}

int block_insert(struct engine *e, struct block *b)
{
    u64 first = b->pc / e->page_size, last = (b->pc + b->guest_len - 1) / e->page_size;
    dgm_assert(last - first <= 1, "block at %lx spans %lu pages", b->pc, last - first + 1);
    for (u64 n = first; n <= last; n++) {
        struct code_page *p = block_page(e, n);
        dgm_assert(p, "page of block %lx was not watched", b->pc);
        b->page_next[n & 1] = p->blocks;
        p->blocks = b;
    }
    struct block **h = &e->hash[hash_of(b->pc, b->key)];
    b->hash_next = *h;
    __atomic_store_n(h, b, __ATOMIC_RELEASE);
    return 0;
}

static void forget_pc(struct engine *e, gva_t pc)
{
    for (struct vcpu *v = e->vcpus; v; v = v->next) {
        struct vcpu_jc *j = &v->jc[vcpu_jc_index(pc)];
        if (__atomic_load_n(&j->pc, __ATOMIC_SEQ_CST) == pc)
            __atomic_store_n(&j->pc, VCPU_JC_NONE, __ATOMIC_RELEASE);
    }
}

/* Makes exit x lead to `off` of the cache. */
static void set_link(struct engine *e, const struct exit_rec *x, u32 off)
{
    e->host->link(e->code.rw + x->site_off, e->code.rx + x->site_off, e->code.rx + off);
}

static void see_link(struct engine *e, const struct exit_rec *x)
{
    mk_code_sync(&e->code, x->site_off, 4);
}

void block_kill(struct engine *e, struct block *b)
{
    if (b->dead)
        return;
    __atomic_store_n(&b->dead, true, __ATOMIC_SEQ_CST); /* before jump caches are cleared: see run.c */
    struct block **h = &e->hash[hash_of(b->pc, b->key)];
    while (*h && *h != b)
        h = &(*h)->hash_next;
    if (*h)
        __atomic_store_n(h, b->hash_next, __ATOMIC_RELEASE);
    for (u64 n = b->pc / e->page_size; n <= (b->pc + b->guest_len - 1) / e->page_size; n++) {
        struct code_page *p = block_page(e, n);
        for (struct block **q = &p->blocks; *q; q = &(*q)->page_next[n & 1]) {
            if (*q == b) {
                *q = b->page_next[n & 1];
                break;
            }
        }
    }
    for (struct exit_rec *x = b->in; x; x = x->next_in) {
        set_link(e, x, x->stub_off);
        see_link(e, x);
        x->to = NULL;
    }
    b->in = NULL;
    forget_pc(e, b->pc);
    e->stats.invalidated++;
}

void block_link(struct engine *e, struct exit_rec *x, struct block *to)
{
    if (to->dead)
        return;
    if (x->to) { /* by another thread in the meantime, or it is not seen yet */
        if (e->host->link_late)
            see_link(e, x);
        return;
    }
    x->to = to;
    x->next_in = to->in;
    to->in = x;
    set_link(e, x, to->code_off);
    if (!e->host->link_late)
        see_link(e, x);
    e->stats.links++;
}

static void kill_on_page(struct engine *e, struct code_page *p, gva_t start, u64 len)
{
    struct block *b = p->blocks, *next;
    for (; b; b = next) {
        next = b->page_next[p->number & 1];
        if (b->pc < start + len && start < b->pc + b->guest_len)
            block_kill(e, b);
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
    for (u32 at = 0, n; at < b->guest_len; at += n) {
        n = b->guest_len - at < sizeof buf ? b->guest_len - at : sizeof buf;
        if (mk_copy(buf, (const void *)(e->cfg.mem_base + b->pc + at), n) || memcmp(buf, b->source + at, n) != 0)
            return false;
    }
    return true;
}

void block_sync(struct engine *e)
{
    struct code_page *left = NULL, *next_page;
    for (struct code_page *p = e->unseen; p; p = next_page) {
        next_page = p->next_unseen;
        /* One without blocks is watched again when it gets some. The watch comes before the comparison, so that no
         * write falls between. */
        bool stays = p->blocks && !page_watch(e, p);
        struct block *next;
        for (struct block *b = p->blocks; b; b = next) {
            next = b->page_next[p->number & 1];
            if (b->source && !is_current(e, b))
                block_kill(e, b);
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
    if (!__atomic_load_n(&e->unseen, __ATOMIC_ACQUIRE))
        return;
    mk_lock(&e->lock);
    block_sync(e);
    mk_unlock(&e->lock);
}

struct block *block_at(const struct engine *e, u32 off)
{
    u32 lo = 0, hi = __atomic_load_n(&e->nblocks, __ATOMIC_ACQUIRE);
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (e->index[mid]->code_off <= off)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (!lo)
        return NULL;
    struct block *b = e->index[lo - 1];
    return off - b->code_off < b->code_len ? b : NULL;
}

void engine_invalidate(struct engine *e, gva_t start, u64 len)
{
    mk_lock(&e->lock);
    block_kill_range(e, start, len);
    mk_unlock(&e->lock);
}

/* The page is about to be written. Where stale instructions may run until a sync, its blocks stay, with a copy of what
 * they were made from. */
static void page_written(struct engine *e, struct code_page *p)
{
    struct block *next;
    for (struct block *b = p->blocks; b; b = next) {
        next = b->page_next[p->number & 1];
        if (b->source)
            continue;
        u8 *source = e->guest->coherent_fetch ? NULL : arena_alloc(&e->meta, b->guest_len, 1);
        if (!source || mk_copy(source, (const void *)(e->cfg.mem_base + b->pc), b->guest_len))
            block_kill(e, b);
        else
            b->source = source;
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
