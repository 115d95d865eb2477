/* Scalar types that every part of Dragoman uses.
 *
 * Address types say whose address it is; converting between them is done in one place each
 * (see vcpu.h for guest virtual to host). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

typedef u64 gva_t;       /* guest virtual address */
typedef u64 gpa_t;       /* guest physical address */
typedef uintptr_t hva_t; /* host virtual address */

#define ARRAY_LEN(a)                 (sizeof(a) / sizeof((a)[0]))
#define MUST_USE                     __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)            __attribute__((format(printf, f, a)))
#define LIKELY(x)                    __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                  __builtin_expect(!!(x), 0)
#define CONTAINER_OF(p, type, field) ((type *)((char *)(p)-offsetof(type, field)))
