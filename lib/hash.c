/* Hashing bytes: sixteen at a time, by the folded 128-bit product of two words that are mixed with the state and with
 * constants; of long pieces, four times sixteen side by side, as each step waits for its last. The length goes in last,
 * so that trailing zeros count. */
#include "lib/hash.h"

#include "lib/bits.h"
#include "lib/str.h"

#define AHEAD 1024 /* bytes; what the processor looks ahead by itself ends with a page */

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

/* Sixteen bytes more. Adding h to the product keeps the state alive when one of the factors happens to be 0. */
static u64 step(u64 h, const u8 *p)
{
    return rotl64(h, 29) + fold(load(p, 8) ^ K1, load(p + 8, 8) ^ h ^ K2);
}

u64 hash_bytes(const void *data, size_t n, u64 seed)
{
    const u8 *p = data;
    u64 h = hash_u64(seed ^ K0);
    size_t left = n;

    if (left >= 128) {
        u64 a = h ^ K0, b = h ^ K1, c = h ^ K2;
        for (; left >= 64; p += 64, left -= 64) {
            __builtin_prefetch(p + AHEAD);
            h = step(h, p);
            a = step(a, p + 16);
            b = step(b, p + 32);
            c = step(c, p + 48);
        }
        h = hash_u64(h) + rotl64(hash_u64(a), 13) + rotl64(hash_u64(b), 31) + rotl64(hash_u64(c), 47);
    }
    for (; left >= 16; p += 16, left -= 16)
        h = step(h, p);
    if (left) {
        u64 lo = load(p, left < 8 ? left : 8);
        u64 hi = left > 8 ? load(p + 8, left - 8) : 0;
        h = rotl64(h, 29) + fold(lo ^ K1, hi ^ h ^ K2);
    }
    return hash_u64(h ^ (u64)n * K0);
}
