/* Vectors: growing by half, at least to what is wanted. */
#include "lib/vec.h"

#include "lib/err.h"
#include "lib/heap.h"

int vec_grow(void **at, size_t *cap, size_t want, size_t elem)
{
    size_t n = *cap + *cap / 2;
    size_t bytes;

    if (n < want)
        n = want;
    if (n < 4)
        n = 4;
    if (__builtin_mul_overflow(n, elem, &bytes))
        return -ENOMEM;
    void *p = heap_realloc(*at, bytes);
    if (!p)
        return -ENOMEM;
    *at = p;
    *cap = n;
    return 0;
}

void vec_release(void *at)
{
    heap_free(at);
}
