/* A mark is what it differs by from the one before: a byte that says how far on host code is and what follows, which
 * is nothing for most of them.
 *
 *     bits 0 to 4     host bytes from the mark before; 31: a number follows
 *     bits 5 and 6    guest bytes from it: 0, 2, 4; or 3: a number follows, of which the lowest bit is a sign
 *     bit 7           it has a state: a number follows, of which the lowest bit is HOST_MARK_OWN
 *
 * Numbers are written seven bits at a time, the lowest first, with the highest bit set in all bytes but the last. */
#include "translator/engine/marks.h"

#define FAR       31u
#define ELSEWHERE 3u
#define STATE     0x80u

static size_t put_number(u8 *out, u64 x)
{
    size_t n = 0;
    for (;; x >>= 7) {
        const u8 byte = (u8)((x & 127) | (x > 127 ? 128 : 0));
        if (out)
            out[n] = byte;
        n++;
        if (x <= 127)
            return n;
    }
}

static bool get_number(struct marks *m, u64 *x)
{
    *x = 0;
    for (u32 shift = 0; shift < 63 && m->p < m->end; shift += 7) {
        const u8 byte = *m->p++;
        *x |= (u64)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

size_t marks_pack(u8 *out, const struct host_mark *marks, u32 n)
{
    struct host_mark last = {0};
    size_t size = 0;
    for (u32 i = 0; i < n; i++) {
        const struct host_mark *m = &marks[i];
        const u32 host = m->host_off - last.host_off;
        const s32 guest = (s32)(m->guest_off - last.guest_off);
        const u32 how = guest == 0 ? 0 : guest == 2 ? 1 : guest == 4 ? 2 : ELSEWHERE;
        if (out)
            out[size] = (u8)((host < FAR ? host : FAR) | how << 5 | (m->state ? STATE : 0));
        size++;
        if (host >= FAR)
            size += put_number(out ? out + size : NULL, host);
        if (how == ELSEWHERE)
            size += put_number(out ? out + size : NULL, guest < 0 ? (u64)(-(s64)guest) << 1 | 1 : (u64)guest << 1);
        if (m->state)
            size += put_number(out ? out + size : NULL,
                               (u64)(m->state & ~HOST_MARK_OWN) << 1 | (m->state & HOST_MARK_OWN ? 1 : 0));
        last = *m;
    }
    return size;
}

bool marks_next(struct marks *m)
{
    if (m->p == m->end)
        return false;
    const u8 head = *m->p++;
    u64 host = head & FAR, guest = (head >> 5 & 3) * 2, state = 0;
    if (host == FAR && !get_number(m, &host))
        return false;
    if (guest == ELSEWHERE * 2) {
        if (!get_number(m, &guest))
            return false;
        guest = guest & 1 ? -(guest >> 1) : guest >> 1;
    }
    if (head & STATE && !get_number(m, &state))
        return false;
    m->at.host_off += (u32)host;
    m->at.guest_off += (u32)guest;
    m->at.state = (u32)(state >> 1) | (state & 1 ? HOST_MARK_OWN : 0);
    return true;
}

bool marks_find(const u8 *packed, size_t size, u32 off, struct host_mark *out)
{
    struct marks m = marks_of(packed, size);
    bool found = false;
    while (marks_next(&m) && m.at.host_off <= off) {
        *out = m.at;
        found = true;
    }
    return found;
}
