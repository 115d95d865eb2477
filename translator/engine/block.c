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
    struct block *b = e->hash[hash_of(pc, key)];
    while (b && (b->pc != pc || b->key != key))
        b = b->hash_next;
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

bool block_watch(struct engine *e, gva_t pc, u64 len, int *err)
{
    bool all = true;
    *err = 0;
    for (u64 n = pc / e->page_size; n <= (pc + len - 1) / e->page_size; n++) {
        struct code_page **slot = page_slot(e, n);
        if (!*slot) {
            struct code_page *p = arena_alloc(&e->meta, sizeof *p, _Alignof(struct code_page));
            if (!p) {
                *err = -ENOMEM;
                return false;
            }
            memset(p, 0, sizeof *p);
            p->number = n;
            p->watched = e->cfg.ops->watch(e->cfg.cx, n * e->page_size, e->page_size, true);
            e->unwatched_pages += !p->watched;
            *slot = p;
        } else if (!(*slot)->blocks && !(*slot)->watched &&
                   ((*slot)->writes < ENGINE_MAX_WRITES || e->guest->coherent_fetch)) {
            /* It lost its translations earlier; watch it anew. */
            (*slot)->watched = e->cfg.ops->watch(e->cfg.cx, n * e->page_size, e->page_size, true);
            e->unwatched_pages -= (*slot)->watched;
        }
        all &= (*slot)->watched;
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
    *h = b;
    return 0;
}

static void forget_pc(struct engine *e, gva_t pc)
{
    for (struct vcpu *v = e->vcpus; v; v = v->next) {
        struct vcpu_jc *j = &v->jc[vcpu_jc_index(pc)];
        if (__atomic_load_n(&j->pc, __ATOMIC_RELAXED) == pc)
            __atomic_store_n(&j->pc, VCPU_JC_NONE, __ATOMIC_RELEASE);
    }
}

void block_kill(struct engine *e, struct block *b)
{
    if (b->dead)
        return;
    b->dead = true;
    struct block **h = &e->hash[hash_of(b->pc, b->key)];
    while (*h && *h != b)
        h = &(*h)->hash_next;
    if (*h)
        *h = b->hash_next;
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
        e->host->link(e->code.rw + x->site_off, e->code.rx + x->site_off, e->code.rx + x->stub_off);
        x->to = NULL;
    }
    b->in = NULL;
    forget_pc(e, b->pc);
    e->stats.invalidated++;
}

void block_link(struct engine *e, struct exit_rec *x, struct block *to)
{
    if (x->to || to->dead)
        return;
    x->to = to;
    x->next_in = to->in;
    to->in = x;
    e->host->link(e->code.rw + x->site_off, e->code.rx + x->site_off, e->code.rx + to->code_off);
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

void block_check_unwatched(struct engine *e)
{
    if (!e->unwatched_pages)
        return;
    u8 buf[1024];
    for (u32 i = 0; i < ARRAY_LEN(e->pages); i++) {
        for (struct code_page *p = e->pages[i]; p; p = p->next) {
            if (p->watched)
                continue;
            struct block *next;
            for (struct block *b = p->blocks; b; b = next) {
                next = b->page_next[p->number & 1];
                if (!b->source || b->guest_len > sizeof buf ||
                    mk_copy(buf, (const void *)(e->cfg.mem_base + b->pc), b->guest_len) ||
                    memcmp(buf, b->source, b->guest_len) != 0)
                    block_kill(e, b);
            }
        }
    }
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
        while (p->blocks)
            block_kill(e, p->blocks);
        p->watched = false;
        p->writes++;
        e->unwatched_pages++;
        e->cfg.ops->watch(e->cfg.cx, n * e->page_size, e->page_size, false);
        any = true;
    }
    mk_unlock(&e->lock);
    return any;
}
