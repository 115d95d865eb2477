/* Vector ops of hashes, and estimates: see vec_eval.h. Words are numbered from the lowest. SHA-1 and SHA-256 are FIPS
 * 180-4's. */
#include "translator/ir/vec_eval.h"

#include "lib/bits.h"
#include "lib/str.h"

struct words {
    u32 w[4];
};

static struct words words_of(u128 v)
{
    struct words r;
    memcpy(&r, &v, sizeof r);
    return r;
}

static u128 vector_of(const struct words *r)
{
    u128 v;
    memcpy(&v, r, sizeof v);
    return v;
}

static u32 choose(u32 x, u32 y, u32 z)
{
    return (x & (y ^ z)) ^ z;
}

static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) | (z & (x | y));
}

u128 ir_sha1(u64 step, u128 abcd, u128 e_in, u128 schedule)
{
    struct words x = words_of(abcd);
    const struct words w = words_of(schedule);
    u32 e = (u32)e_in;
    for (u32 k = 0; k < 4; k++) {
        const u32 b = x.w[1], c = x.w[2], t = x.w[3];
        e += rotl32(x.w[0], 5) + w.w[k] + (step == 0 ? choose(b, c, t) : step == 1 ? b ^ c ^ t : majority(b, c, t));
        const struct words next = {{e, x.w[0], rotl32(b, 30), c}};
        e = t;
        x = next;
    }
    return vector_of(&x);
}

static u128 sha256_rounds(bool second, struct words x, struct words y, const struct words *w)
{
    for (u32 k = 0; k < 4; k++) {
        const u32 a = x.w[0], e = y.w[0];
        const u32 t = y.w[3] + (rotr32(e, 6) ^ rotr32(e, 11) ^ rotr32(e, 25)) + choose(e, y.w[1], y.w[2]) + w->w[k];
        const u32 s = t + (rotr32(a, 2) ^ rotr32(a, 13) ^ rotr32(a, 22)) + majority(a, x.w[1], x.w[2]);
        const struct words nx = {{s, a, x.w[1], x.w[2]}}, ny = {{t + x.w[3], e, y.w[1], y.w[2]}};
        x = nx;
        y = ny;
    }
    return vector_of(second ? &y : &x);
}

static u32 sigma0(u32 x)
{
    return rotr32(x, 7) ^ rotr32(x, 18) ^ x >> 3;
}

static u32 sigma1(u32 x)
{
    return rotr32(x, 17) ^ rotr32(x, 19) ^ x >> 10;
}

u128 ir_sha256(u64 step, u128 a, u128 b, u128 c)
{
    const struct words x = words_of(a), y = words_of(b), z = words_of(c);
    if (step < 2)
        return sha256_rounds(step, x, y, &z);
    struct words r = x;
    if (step == 2) {
        for (u32 k = 0; k < 4; k++)
            r.w[k] += sigma0(k < 3 ? x.w[k + 1] : y.w[0]);
    } else {
        for (u32 k = 0; k < 4; k++)
            r.w[k] += (k < 3 ? y.w[k + 1] : z.w[0]) + sigma1(k < 2 ? z.w[k + 2] : r.w[k - 2]);
    }
    return vector_of(&r);
}

/* Of 256..511 as 0.5 up to 1, the reciprocal, 256..511 as 1 up to 2. */
static u32 reciprocal(u32 a)
{
    a = a * 2 + 1;
    return ((1u << 19) / a + 1) / 2;
}

/* Of 128..511 as 0.25 up to 1, the reciprocal square root, likewise. */
static u32 reciprocal_root(u32 a)
{
    a = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
    u32 b = 512; /* the largest whose square times a is less than 2^28 */
    for (u32 bit = 256; bit; bit /= 2)
        if (a * (b + bit) * (b + bit) < 1u << 28)
            b += bit;
    return (b + 1) / 2;
}

u32 ir_estimate(bool root, u32 top)
{
    return root ? reciprocal_root(top) : reciprocal(top);
}
