/* Bit tricks: counts, rotations, fields, alignment. */
#pragma once

#include "lib/types.h"

/* Leading and trailing zeros; the width when x is 0. */
static inline u32 clz32(u32 x)
{
    return x ? (u32)__builtin_clz(x) : 32;
}
static inline u32 clz64(u64 x)
{
    return x ? (u32)__builtin_clzll(x) : 64;
}
static inline u32 ctz32(u32 x)
{
    return x ? (u32)__builtin_ctz(x) : 32;
}
static inline u32 ctz64(u64 x)
{
    return x ? (u32)__builtin_ctzll(x) : 64;
}

/* Bits set. Arithmetic rather than the builtin, which without the instruction is a call into the compiler's library. */
static inline u32 popcnt64(u64 x)
{
    x -= (x >> 1) & 0x5555555555555555ull;
    x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (u32)((x * 0x0101010101010101ull) >> 56);
}
static inline u32 popcnt32(u32 x)
{
    return popcnt64(x);
}

/* Sets of numbers, as words of 64 bits. */
static inline bool bits_has(const u64 *s, u32 i)
{
    return s[i / 64] >> (i % 64) & 1;
}
static inline void bits_add(u64 *s, u32 i)
{
    s[i / 64] |= 1ull << (i % 64);
}

/* Rotations; n may be anything, and counts modulo the width. */
static inline u32 rotl32(u32 x, u32 n)
{
    return x << (n & 31) | x >> (-n & 31);
}
static inline u32 rotr32(u32 x, u32 n)
{
    return x >> (n & 31) | x << (-n & 31);
}
static inline u64 rotl64(u64 x, u32 n)
{
    return x << (n & 63) | x >> (-n & 63);
}
static inline u64 rotr64(u64 x, u32 n)
{
    return x >> (n & 63) | x << (-n & 63);
}

/* The low n bits set, 0 <= n <= 64. */
static inline u64 bit_mask(u32 n)
{
    return n >= 64 ? ~0ull : (1ull << n) - 1;
}

/* The field of `width` bits from bit `lo` up; zero- and sign-extended. 1 <= width, lo + width <= 64. */
static inline u64 bit_field(u64 x, u32 lo, u32 width)
{
    return (x >> lo) & bit_mask(width);
}
static inline s64 bit_field_signed(u64 x, u32 lo, u32 width)
{
    return (s64)(x << (64 - lo - width)) >> (64 - width);
}
/* x with that field replaced by the low bits of `field`. */
static inline u64 bit_insert(u64 x, u32 lo, u32 width, u64 field)
{
    u64 m = bit_mask(width) << lo;
    return (x & ~m) | ((field << lo) & m);
}

/* The low `width` bits of x as a signed number; 1 <= width <= 64. */
static inline s64 sign_extend(u64 x, u32 width)
{
    return (s64)(x << (64 - width)) >> (64 - width);
}
/* Does the signed (unsigned) number x fit into `width` bits? 1 <= width <= 64. */
static inline bool fits_signed(s64 x, u32 width)
{
    return sign_extend((u64)x, width) == x;
}
static inline bool fits_unsigned(u64 x, u32 width)
{
    return (x & ~bit_mask(width)) == 0;
}

/* `a` is a power of two. align_up wraps to 0 when the result does not fit. */
static inline u64 align_down(u64 x, u64 a)
{
    return x & ~(a - 1);
}
static inline u64 align_up(u64 x, u64 a)
{
    return (x + a - 1) & ~(a - 1);
}
static inline bool is_aligned(u64 x, u64 a)
{
    return (x & (a - 1)) == 0;
}
static inline bool is_pow2(u64 x)
{
    return x && !(x & (x - 1));
}
/* The smallest power of two >= x; 0 when there is none. */
static inline u64 pow2_up(u64 x)
{
    return x <= 1 ? 1 : x > 1ull << 63 ? 0 : 1ull << (64 - clz64(x - 1));
}
