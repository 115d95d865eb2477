/* Library routines, a byte at a time through guarded accesses: slow, and plain to see that it is right.
 *
 * A copy that overlaps has all its pages tried first, since the bytes that it reads are among those that it writes: so
 * nothing is changed when one is missing. */
#include "translator/ir/known_eval.h"

#include "mk/mk.h"
#include "translator/ir/overlay.h"

struct mem {
    hva_t base;
    struct ir_overlay *overlay; /* or NULL */
    bool failed;                /* an access did; the others since then were not made */
};

static u8 load(struct mem *m, gva_t at)
{
    u8 x = 0;
    if (!m->failed && (m->overlay ? ir_overlay_load(m->overlay, m->base + at, 1, &x) : mk_load(m->base + at, 1, &x)))
        m->failed = true;
    return x;
}

static void store(struct mem *m, gva_t at, u8 x)
{
    if (!m->failed &&
        (m->overlay ? ir_overlay_store(m->overlay, m->base + at, 1, &x, 0) : mk_store(m->base + at, 1, &x)))
        m->failed = true;
}

static void try_pages(struct mem *m, gva_t at, u64 n, bool write)
{
    for (u64 i = 0; i < n && !m->failed; i++) {
        if (i && i + 1 < n && ((at + i) & 4095))
            continue;
        const u8 x = load(m, at + i);
        if (write)
            store(m, at + i, x);
    }
}

static void move(struct mem *m, gva_t to, gva_t from, u64 n)
{
    if (to - from < n || from - to < n) {
        try_pages(m, from, n, false);
        try_pages(m, to, n, true);
    }
    const bool down = to - from < n;
    for (u64 i = 0; i < n && !m->failed; i++) {
        const u64 k = down ? n - 1 - i : i;
        store(m, to + k, load(m, from + k));
    }
}

/* Where the byte is in at most n bytes at `at`, which end behind a 0 if `string`; n when it is not there. */
static u64 find(struct mem *m, gva_t at, u8 byte, u64 n, bool string, bool last)
{
    u64 found = n;
    for (u64 i = 0; i < n && !m->failed; i++) {
        const u8 x = load(m, at + i);
        if (x == byte)
            found = i;
        if ((x == byte && !last) || (string && !x))
            break;
    }
    return found;
}

/* How many bytes of the string at `at` are before the first that is in the set at `set`, or is not, or before its 0.
 * All of the set is read. */
static u64 span(struct mem *m, gva_t at, gva_t set, bool in)
{
    const u64 size = find(m, set, 0, ~0ull, true, false);
    u64 n = 0;
    for (u8 x; (x = load(m, at + n)); n++)
        if ((find(m, set, x, size, false, false) < size) != in)
            break;
    return n;
}

static u64 compare(struct mem *m, gva_t a, gva_t b, u64 n, bool string)
{
    for (u64 i = 0; i < n && !m->failed; i++) {
        const u8 x = load(m, a + i), y = load(m, b + i);
        if (x != y)
            return (u64)(s64)(x - y);
        if (string && !x)
            break;
    }
    return 0;
}

bool ir_eval_known(u32 kind, hva_t mem_base, struct ir_overlay *overlay, u64 a, u64 b, u64 c, u64 *out)
{
    const u64 any = ~0ull;
    struct mem m = {.base = mem_base, .overlay = overlay};
    const u8 byte = (u8)b;
    u64 n;
    switch (kind) {
    case IR_KNOWN_MOVE:
        move(&m, a, b, c);
        *out = 0;
        break;
    case IR_KNOWN_SET:
        for (u64 i = 0; i < c && !m.failed; i++)
            store(&m, a + i, byte);
        *out = 0;
        break;
    case IR_KNOWN_COPYSTR:
        n = find(&m, b, 0, any, true, false);
        if (!m.failed)
            move(&m, a, b, n + 1);
        *out = n;
        break;
    case IR_KNOWN_LEN:
        *out = find(&m, a, 0, any, true, false);
        break;
    case IR_KNOWN_NLEN:
        *out = find(&m, a, 0, c, true, false);
        break;
    case IR_KNOWN_CMP:
        *out = compare(&m, a, b, c, false);
        break;
    case IR_KNOWN_STRCMP:
        *out = compare(&m, a, b, any, true);
        break;
    case IR_KNOWN_STRNCMP:
        *out = compare(&m, a, b, c, true);
        break;
    case IR_KNOWN_SPN:
    case IR_KNOWN_CSPN:
        *out = span(&m, a, b, kind == IR_KNOWN_SPN);
        break;
    case IR_KNOWN_PBRK:
        n = span(&m, a, b, false);
        *out = load(&m, a + n) ? a + n : 0;
        break;
    case IR_KNOWN_CHR:
    case IR_KNOWN_RCHR:
        n = find(&m, a, byte, any, true, kind == IR_KNOWN_RCHR);
        *out = n == any ? 0 : a + n;
        break;
    case IR_KNOWN_CHRNUL:
        n = find(&m, a, byte, any, true, false);
        *out = n == any ? a + find(&m, a, 0, any, true, false) : a + n;
        break;
    case IR_KNOWN_MEMCHR:
    case IR_KNOWN_MEMRCHR:
        n = find(&m, a, byte, c, false, kind == IR_KNOWN_MEMRCHR);
        *out = n == c ? 0 : a + n;
        break;
    case IR_KNOWN_RAWCHR:
        *out = a + find(&m, a, byte, any, false, false);
        break;
    default:
        return false;
    }
    return !m.failed;
}
