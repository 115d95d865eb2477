/* aarch64: rounds of hashes and ciphers, in C: vector helpers for crypto.c. Words are numbered from the lowest. */
#include "translator/guest/aarch64/a64_int.h"

#include "lib/bits.h"
#include "lib/str.h"

struct words {
    u32 w[4];
};

static struct words words_of(const u128 *v)
{
    struct words r;
    memcpy(&r, v, sizeof r);
    return r;
}

static void put(u128 *out, const struct words *r)
{
    memcpy(out, r, sizeof *r);
}

static u32 choose(u32 x, u32 y, u32 z)
{
    return (x & (y ^ z)) ^ z;
}

static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) | (z & (x | y));
}

/* Four rounds of SHA-1 on d (words a to d), with e in n and the schedule in m; imm 0 choose, 1 parity, 2 majority. */
void a64_help_sha1(struct vcpu *v, u128 *out, const u128 *d, const u128 *n, const u128 *m, u64 imm)
{
    struct words x = words_of(d);
    const struct words w = words_of(m);
    u32 e = words_of(n).w[0];
    for (u32 k = 0; k < 4; k++) {
        const u32 b = x.w[1], c = x.w[2], t = x.w[3];
        e += rotl32(x.w[0], 5) + w.w[k] + (imm == 0 ? choose(b, c, t) : imm == 1 ? b ^ c ^ t : majority(b, c, t));
        const struct words next = {{e, x.w[0], rotl32(b, 30), c}};
        e = t;
        x = next;
    }
    put(out, &x);
}

/* Four rounds of SHA-256: x has words a to d, y e to h, w the schedule; the result is what becomes of x, or (imm) of y.
 */
void a64_help_sha256(struct vcpu *v, u128 *out, const u128 *px, const u128 *py, const u128 *pw, u64 imm)
{
    struct words x = words_of(px), y = words_of(py);
    const struct words w = words_of(pw);
    for (u32 k = 0; k < 4; k++) {
        const u32 a = x.w[0], e = y.w[0];
        const u32 t = y.w[3] + (rotr32(e, 6) ^ rotr32(e, 11) ^ rotr32(e, 25)) + choose(e, y.w[1], y.w[2]) + w.w[k];
        const u32 s = t + (rotr32(a, 2) ^ rotr32(a, 13) ^ rotr32(a, 22)) + majority(a, x.w[1], x.w[2]);
        const struct words nx = {{s, a, x.w[1], x.w[2]}}, ny = {{t + x.w[3], e, y.w[1], y.w[2]}};
        x = nx;
        y = ny;
    }
    put(out, imm ? &y : &x);
}

/* SM3TT1A, 1B, 2A, 2B by the low bits of imm; above them which word of m. */
void a64_help_sm3tt(struct vcpu *v, u128 *out, const u128 *d, const u128 *n, const u128 *m, u64 imm)
{
    const struct words x = words_of(d);
    const u32 top = x.w[3], nt = words_of(n).w[3], w = words_of(m).w[imm >> 2 & 3];
    const bool second = imm & 2;
    u32 t = !(imm & 1) ? top ^ x.w[2] ^ x.w[1] : second ? choose(top, x.w[2], x.w[1]) : majority(top, x.w[2], x.w[1]);
    t += x.w[0] + w + (second ? nt : nt ^ rotl32(top, 12));
    if (second)
        t ^= rotl32(t, 9) ^ rotl32(t, 17);
    const struct words r = {{x.w[1], rotl32(x.w[2], second ? 19 : 9), top, t}};
    put(out, &r);
}

static u32 p1(u32 x)
{
    return x ^ rotl32(x, 15) ^ rotl32(x, 23);
}

/* SM3PARTW1 and 2, by imm. */
void a64_help_sm3part(struct vcpu *v, u128 *out, const u128 *pd, const u128 *pn, const u128 *pm, u64 imm)
{
    const struct words d = words_of(pd), n = words_of(pn), m = words_of(pm);
    struct words r;
    if (imm == 1) {
        for (u32 k = 0; k < 3; k++)
            r.w[k] = p1(d.w[k] ^ n.w[k] ^ rotl32(m.w[k + 1], 15));
        r.w[3] = p1(d.w[3] ^ n.w[3] ^ rotl32(r.w[0], 15));
    } else {
        for (u32 k = 0; k < 4; k++)
            r.w[k] = d.w[k] ^ n.w[k] ^ rotl32(m.w[k], 7);
        r.w[3] ^= p1(rotl32(n.w[0] ^ rotl32(m.w[0], 7), 15));
    }
    put(out, &r);
}

/* clang-format off */
static const u8 sm4_box[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05,
    0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99,
    0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa, 0x75, 0x8f, 0x3f, 0xa6,
    0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87,
    0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52, 0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e,
    0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f,
    0xd5, 0xdb, 0x37, 0x45, 0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8,
    0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0,
    0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};
/* clang-format on */

/* Four rounds of SM4 on x with the keys in `keys`, or (imm) of its key schedule with constants there. */
void a64_help_sm4(struct vcpu *v, u128 *out, const u128 *px, const u128 *pkeys, const u128 *unused, u64 imm)
{
    struct words x = words_of(px);
    const struct words keys = words_of(pkeys);
    for (u32 k = 0; k < 4; k++) {
        const u32 in = x.w[3] ^ x.w[2] ^ x.w[1] ^ keys.w[k];
        u32 t = 0;
        for (u32 n = 0; n < 32; n += 8)
            t |= (u32)sm4_box[in >> n & 255] << n;
        t ^= imm ? rotl32(t, 13) ^ rotl32(t, 23) : rotl32(t, 2) ^ rotl32(t, 10) ^ rotl32(t, 18) ^ rotl32(t, 24);
        const struct words next = {{x.w[1], x.w[2], x.w[3], x.w[0] ^ t}};
        x = next;
    }
    put(out, &x);
}
