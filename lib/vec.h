/* Vectors: typed arrays that grow.
 *
 *     VEC(struct range) v = {0};
 *     int rc = vec_push(&v, r);       0 or -ENOMEM; on failure v is unchanged
 *     for (size_t i = 0; i < v.len; i++)
 *         use(v.at[i]);
 *     vec_free(&v);
 *
 * All zero is an empty vector. Growing moves the elements: pointers into `at` end there. Memory comes from the heap.
 * The argument `v` of these macros is evaluated more than once. */
#pragma once

#include "lib/types.h"

#define VEC(T)                                                                                                         \
    struct {                                                                                                           \
        T *at;                                                                                                         \
        size_t len, cap;                                                                                               \
    }

/* Makes room for at least `want` elements of `elem` bytes. 0 or -ENOMEM. For the macros below. */
int vec_grow(void **at, size_t *cap, size_t want, size_t elem) MUST_USE;
static inline MUST_USE int vec_result(int rc)
{
    return rc;
}

/* Room for n elements in all. 0 or -ENOMEM. */
#define vec_reserve(v, n)                                                                                              \
    ((size_t)(n) <= (v)->cap ? vec_result(0) : vec_grow((void **)&(v)->at, &(v)->cap, (size_t)(n), sizeof(*(v)->at)))

/* Appends. 0 or -ENOMEM. x is evaluated only when there is room. */
#define vec_push(v, x)                                                                                                 \
    __extension__({                                                                                                    \
        int vec_rc_ = vec_reserve((v), (v)->len + 1);                                                                  \
        if (!vec_rc_) {                                                                                                \
            (v)->at[(v)->len] = (x);                                                                                   \
            (v)->len++;                                                                                                \
        }                                                                                                              \
        vec_result(vec_rc_);                                                                                           \
    })

/* Inserts before index i <= len. 0 or -ENOMEM. */
#define vec_insert(v, i, x)                                                                                            \
    __extension__({                                                                                                    \
        size_t vec_i_ = (i);                                                                                           \
        int vec_rc_ = vec_reserve((v), (v)->len + 1);                                                                  \
        if (!vec_rc_) {                                                                                                \
            __builtin_memmove((v)->at + vec_i_ + 1, (v)->at + vec_i_, ((v)->len - vec_i_) * sizeof(*(v)->at));         \
            (v)->at[vec_i_] = (x);                                                                                     \
            (v)->len++;                                                                                                \
        }                                                                                                              \
        vec_result(vec_rc_);                                                                                           \
    })

/* Removes index i < len; those behind it move down. */
#define vec_remove(v, i)                                                                                               \
    do {                                                                                                               \
        size_t vec_i_ = (i);                                                                                           \
        (v)->len--;                                                                                                    \
        __builtin_memmove((v)->at + vec_i_, (v)->at + vec_i_ + 1, ((v)->len - vec_i_) * sizeof(*(v)->at));             \
    } while (0)

/* Removes and gives the last element; the vector must not be empty. */
#define vec_pop(v)   ((v)->at[--(v)->len])
#define vec_last(v)  (&(v)->at[(v)->len - 1])
#define vec_clear(v) ((void)((v)->len = 0))

/* Frees the memory; the vector is empty then. */
#define vec_free(v)                                                                                                    \
    do {                                                                                                               \
        vec_release((v)->at);                                                                                          \
        (v)->at = NULL;                                                                                                \
        (v)->len = (v)->cap = 0;                                                                                       \
    } while (0)
void vec_release(void *at);
