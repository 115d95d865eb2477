/* Hashing bytes: sixteen at a time, by the folded 128-bit product of two words that are mixed with the state and with
 * constants. The length goes in last, so that trailing zeros count. */
#include "lib/hash.h"

#include "lib/bits.h"
#include "lib/str.h"

/* Odd constants without a pattern. */
#define K0 0x9e3779b97f4a7c15ull
#define K1 0xd1b54a32d192ed03ull
#define K2 0x8cb92ba72f3d8dd7ull

static u64 load(const u8 *p, size_t n)
{
    u64 v = 0;

    memcpy(&v, p, n);
    return v;
}

static u64 fold(u64 a, u64 b)
{
    u128 p = (u128)a * b;

    return (u64)p ^ (u64)(p >> 64);
}

u64 hash_bytes(const void *data, size_t n, u64 seed)
{
    const u8 *p = data;
    u64 h = hash_u64(seed ^ K0);
    size_t left = n;

    /* Adding h to the product keeps the state alive when one of the factors happens to be 0. */
    for (; left >= 16; p += 16, left -= 16)
        h = rotl64(h, 29) + fold(load(p, 8) ^ K1, load(p + 8, 8) ^ h ^ K2);
    if (left) {
        u64 lo = load(p, left < 8 ? left : 8);
        u64 hi = left > 8 ? load(p + 8, left - 8) : 0;
        h = rotl64(h, 29) + fold(lo ^ K1, hi ^ h ^ K2);
    }
    return hash_u64(h ^ (u64)n * K0);
}
