/* The cache on disk: where translations outlive their process. See cache.c. */
#pragma once

#include "personality/linux/lx.h"

struct lx_cache;
struct stat;

#define LX_CACHE_NAME_LEN 32     /* of a file's name: two words in hexadecimal */
#define LX_CACHE_SUFFIX   ".new" /* of a file that is being written */

/* Is it ours, and nobody else's to write? */
bool lx_cache_is_ours(const struct stat *st);
/* Opens the cache that p's options ask for; what engine_config.image_key is to be. 0: there is none, and why does not
 * concern the guest. Needs p->mm. */
u64 lx_cache_start(struct lx_process *p);
/* Where this program lies in memory. */
void lx_cache_own(hva_t *start, size_t *size);
/* engine_ops.image. */
void lx_cache_image(void *cx, gva_t pc, u64 key, struct engine_image *out);
/* Stores what is new, if it is worth it. On any thread of the guest's, outside of all locks. */
void lx_cache_save(struct lx_process *p);
/* As engine_shared, but what was translated so far is not lost. */
void lx_cache_shared(struct lx_process *p);

/* A file of a cache, for who looks after it (cachedir.c). */
enum lx_cached_kind {
    LX_CACHED_IMAGE,
    LX_CACHED_UNFINISHED, /* is being written, or was given up */
    LX_CACHED_FOREIGN,    /* of another version of the format, or somebody else's: it is left alone, or written anew */
    LX_CACHED_DAMAGED,    /* what it says of itself does not hold */
};
struct lx_cached {
    const char *name;
    u32 kind; /* enum lx_cached_kind */
    u64 bytes;
    s64 used;       /* when it was written or, to within a day, used: seconds since 1970 */
    u64 start, len; /* guest memory; of an image, here and below */
    u32 pages, blocks;
    u64 key; /* what else it depends on: the engine's build, its options, the host's features */
};
/* Calls `each` for every file of the cache in `dir`, in no order; it returns whether to remove the file. `whole`:
 * images are read to the end, else only their heads. 0; -ENOENT: there is none; -EPERM: others could write it; -errno.
 */
int lx_cache_walk(const char *dir, bool whole, bool (*each)(void *cx, const struct lx_cached *f), void *cx) MUST_USE;
