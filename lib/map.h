/* A hash map from u64 to pointers.
 *
 * Any key will do; NULL is not a value (it means absent). All zero is an empty map. Memory comes from the heap.
 * Readers and writers need a lock of the caller's. */
#pragma once

#include "lib/types.h"

struct map_entry {
    u64 key;
    void *value; /* NULL: free */
};

struct map {
    struct map_entry *entries; /* a power of two of them, or NULL */
    size_t cap, len;
};

/* The value, or NULL. */
void *map_get(const struct map *m, u64 key);
/* Sets or replaces. 0 or -ENOMEM, and then the map is unchanged. Replacing does not fail. */
int map_set(struct map *m, u64 key, void *value) MUST_USE;
/* Removes a key; gives its value, or NULL when there was none. Never fails. */
void *map_del(struct map *m, u64 key);
/* Makes room, so that the next n new keys do not fail. 0 or -ENOMEM. */
int map_reserve(struct map *m, size_t n) MUST_USE;
/* Walks the map in no order: start with *pos = 0; false at the end. The map must not change meanwhile. */
bool map_next(const struct map *m, size_t *pos, u64 *key, void **value);
/* Removes all keys; keeps the memory. */
void map_clear(struct map *m);
void map_free(struct map *m);
