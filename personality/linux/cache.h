/* The cache on disk: where translations outlive their process. See cache.c. */
#pragma once

#include "personality/linux/lx.h"

struct lx_cache;

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
