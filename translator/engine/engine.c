/* Making and ending an engine; its figures. See engine.h for what it is, engine_int.h for how it works. */
#include "translator/engine/engine_int.h"

#include "lib/err.h"
#include "lib/str.h"

#define MIN_CACHE (64u << 10)
#define MAX_CACHE (1u << 30)

const char *const engine_tier_names[] = {"interp", "baseline", "optimised"};

int engine_create(struct engine **out, const struct engine_config *cfg)
{
    if (cfg->cache_size < MIN_CACHE || cfg->cache_size > MAX_CACHE)
        return -EINVAL;
    if (cfg->tier != ENGINE_INTERP && !host_native.emit)
        return -ENOSYS;
    if (cfg->cosim && cfg->tier == ENGINE_INTERP)
        return -EINVAL;
    if ((cfg->cpu & cfg->guest->cpu_granule) && !host_native.granule())
        return -ENOSYS;
    if (cfg->tier == ENGINE_OPTIMISED && !host_native.regions)
        return -ENOSYS;
    if (cfg->tier != ENGINE_INTERP && host_native.max_code && cfg->cache_size > host_native.max_code)
        return -EINVAL;
    void *mem;
    int rc = mk_pages_alloc(&mem, sizeof(struct engine));
    if (rc)
        return rc;
    struct engine *e = mem;
    e->cfg = *cfg;
    if (cfg->tier == ENGINE_BASELINE)
        e->cfg.hot = 0;
    e->guest = cfg->guest;
    e->host = cfg->tier == ENGINE_INTERP ? NULL : &host_native;
    e->page_size = mk_page_size();
    e->epoch = 1;
    e->born = mk_clock();
    e->max_blocks = (u32)(cfg->cache_size / 64);
    e->max_exits = (u32)(cfg->cache_size / 32);
    arena_init(&e->meta);
    arena_init(&e->tmp);
    arena_init(&e->opt);
    void *index = NULL, *exits = NULL;
    rc = mk_pages_alloc(&index, e->max_blocks * sizeof *e->index);
    if (!rc)
        rc = mk_pages_alloc(&exits, e->max_exits * sizeof *e->exits);
    e->index = index;
    e->exits = exits;
    if (!rc && e->host)
        rc = mk_code_create_wide(&e->code, cfg->cache_size,
                                 cfg->image_key && e->host->through ? ENGINE_PLACES / 2 * 3 : 0);
    if (!rc)
        rc = block_table_create(e);
    if (!rc)
        rc = cache_start(e);
    if (!rc && cfg->cosim)
        rc = cosim_start(e);
    if (!rc)
        store_begin(e);
    if (rc) {
        engine_destroy(e);
        return rc;
    }
    *out = e;
    return 0;
}

bool engine_granule(void)
{
    return host_native.granule();
}

void engine_destroy(struct engine *e)
{
    (void)engine_quiet(e);
    while (e->vcpus)
        vcpu_destroy(e->vcpus);
    vcpu_free_idle(e);
    if (e->code.rw)
        mk_code_destroy(&e->code);
    if (e->index)
        mk_pages_free(e->index, e->max_blocks * sizeof *e->index);
    if (e->exits)
        mk_pages_free(e->exits, e->max_exits * sizeof *e->exits);
    block_table_free(e);
    cosim_stop(e);
    arena_free(&e->meta);
    arena_free(&e->tmp);
    arena_free(&e->opt);
    mk_pages_free(e, sizeof *e);
}

void engine_calls(struct engine *e, void (*each)(void *cx, const char *name, bool helper, u64 n), void *cx)
{
    u64 sum[VCPU_CALLS];
    mk_lock(&e->lock);
    memcpy(sum, e->calls, sizeof sum);
    for (struct vcpu *v = e->vcpus; v; v = v->next)
        for (u32 i = 0; v->calls && i < VCPU_CALLS; i++)
            sum[i] += v->calls[i];
    mk_unlock(&e->lock);
    for (u32 i = 0; i < IR_NOPS; i++)
        if (sum[i])
            each(cx, ir_ops[i].name, false, sum[i]);
    for (u32 i = 0; i < e->guest->nhelpers; i++)
        if (sum[VCPU_CALLS_HELPER + i])
            each(cx, e->guest->helpers[i].name, true, sum[VCPU_CALLS_HELPER + i]);
}

void engine_stats(struct engine *e, struct engine_stats *out)
{
    mk_lock(&e->lock);
    *out = e->stats;
    out->memory_code = e->host ? e->used : 0;
    out->memory_blocks = arena_held(&e->meta);
    out->memory_tables = sizeof *e + ((u64)sizeof *e->table->slot << e->table->bits) + e->nblocks * sizeof *e->index +
                         e->nexits * sizeof *e->exits;
    out->memory_work = arena_held(&e->tmp) + (e->background.forms ? 0 : arena_held(&e->opt));
    for (struct vcpu *v = e->vcpus; v; v = v->next) {
        out->entries += v->stat_entries;
        out->lookups += v->stat_lookups;
        sample_sum(v, out);
        out->memory_vcpus += sizeof *v + v->ras_size;
    }
    mk_unlock(&e->lock);
}
