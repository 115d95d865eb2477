/* Vectors of 16 bytes, in the compiler's own notation: on x86-64 SSE2, on aarch64 Advanced SIMD. */
#pragma once

#include "bench.h"

typedef uint8_t v16u8 __attribute__((vector_size(16)));
typedef int16_t v8s16 __attribute__((vector_size(16)));
typedef uint16_t v8u16 __attribute__((vector_size(16)));
typedef int32_t v4s32 __attribute__((vector_size(16)));
typedef uint32_t v4u32 __attribute__((vector_size(16)));
typedef uint64_t v2u64 __attribute__((vector_size(16)));
typedef float v4f32 __attribute__((vector_size(16)));
typedef double v2f64 __attribute__((vector_size(16)));

static inline uint64_t v_fold(v2u64 x)
{
    return x[0] * 31 + x[1];
}
