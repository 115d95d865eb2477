/* Hashing: a mix of one 64-bit word, and of bytes.
 *
 * Neither resists an attacker who picks the input. Values are the same on all little-endian hosts. */
#pragma once

#include "lib/types.h"

/* A bijection of u64 in which every input bit reaches every output bit (the finaliser of splitmix64). */
static inline u64 hash_u64(u64 x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* Hash of n bytes. Hashes of pieces are chained through `seed`. */
u64 hash_bytes(const void *p, size_t n, u64 seed);
