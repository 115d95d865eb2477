/* The hash map: open addressing with linear probing.
 *
 * An entry lies at the first free place from its home (the hash of its key) on. Deleting moves entries
 * back into the hole when their home allows it, so there are no tombstones, and a lookup ends at the first free
 * entry. At most three quarters of the entries are in use. */
#include "lib/map.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/hash.h"
#include "lib/heap.h"
#include "lib/str.h"

enum { CAP_MIN = 16 };

static size_t home_of(const struct map *m, u64 key)
{
    return (size_t)hash_u64(key) & (m->cap - 1);
}

/* Where key is, or the free entry where it would go. There is always a free one. */
static struct map_entry *find(const struct map *m, u64 key)
{
    size_t i = home_of(m, key);

    while (m->entries[i].value && m->entries[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->entries[i];
}

static size_t limit_of(size_t cap)
{
    return cap / 4 * 3;
}

void *map_get(const struct map *m, u64 key)
{
    return m->len ? find(m, key)->value : NULL;
}

int map_reserve(struct map *m, size_t n)
{
    size_t want, cap = m->cap ? m->cap : CAP_MIN;

    if (__builtin_add_overflow(m->len, n, &want))
        return -ENOMEM;
    if (want <= limit_of(m->cap))
        return 0;
    while (limit_of(cap) < want) {
        if (cap > SIZE_MAX / 4)
            return -ENOMEM;
        cap *= 2;
    }

    struct map grown = {.entries = heap_calloc(cap, sizeof(struct map_entry)), .cap = cap, .len = m->len};
    if (!grown.entries)
        return -ENOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->entries[i].value)
            *find(&grown, m->entries[i].key) = m->entries[i];
    }
    heap_free(m->entries);
    *m = grown;
    return 0;
}

int map_set(struct map *m, u64 key, void *value)
{
    dgm_assert(value, "map_set: NULL is not a value");

    struct map_entry *e = m->cap ? find(m, key) : NULL;
    if (!e || (!e->value && m->len >= limit_of(m->cap))) {
        int rc = map_reserve(m, 1);
        if (rc)
            return rc;
        e = find(m, key);
    }
    m->len += !e->value;
    *e = (struct map_entry){key, value};
    return 0;
}

void *map_del(struct map *m, u64 key)
{
    struct map_entry *e = m->len ? find(m, key) : NULL;

    if (!e || !e->value)
        return NULL;
    void *value = e->value;
    size_t mask = m->cap - 1;
    size_t hole = (size_t)(e - m->entries);
    for (size_t i = (hole + 1) & mask; m->entries[i].value; i = (i + 1) & mask) {
        /* An entry may move back to the hole unless its home lies behind the hole, on the way to it. */
        size_t home = home_of(m, m->entries[i].key);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole] = (struct map_entry){0};
    m->len--;
    return value;
}

bool map_next(const struct map *m, size_t *pos, u64 *key, void **value)
{
    for (; *pos < m->cap; ++*pos) {
        const struct map_entry *e = &m->entries[*pos];
        if (e->value) {
            *key = e->key;
            *value = e->value;
            ++*pos;
            return true;
        }
    }
    return false;
}

void map_clear(struct map *m)
{
    if (m->cap)
        memset(m->entries, 0, m->cap * sizeof(*m->entries));
    m->len = 0;
}

void map_free(struct map *m)
{
    heap_free(m->entries);
    *m = (struct map){0};
}
