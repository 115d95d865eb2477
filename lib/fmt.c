/* Formatting text: one scanner of formats that writes to a strbuf-like sink.
 *
 * The sink counts everything and stores what fits, so that one pass gives both the text and its length. A
 * growing strbuf is formatted twice: first to measure, then, with room made, to write. */
#include "lib/fmt.h"

#include "lib/assert.h"
#include "lib/heap.h"
#include "lib/str.h"

struct sink {
    char *buf;
    size_t cap; /* bytes that may be stored, without the NUL */
    size_t len; /* bytes that the text has */
};

static void put(struct sink *s, const char *text, size_t n)
{
    if (s->len < s->cap) {
        size_t room = s->cap - s->len;
        memcpy(s->buf + s->len, text, n < room ? n : room);
    }
    s->len += n;
}

static void pad(struct sink *s, char c, size_t n)
{
    while (n--)
        put(s, &c, 1);
}

struct spec {
    bool left, zero, prefix; /* the flags - 0 # */
    size_t width;
    bool has_precision;
    size_t precision;
};

static void put_padded(struct sink *s, const struct spec *sp, const char *text, size_t n)
{
    size_t fill = sp->width > n ? sp->width - n : 0;

    if (!sp->left)
        pad(s, ' ', fill);
    put(s, text, n);
    if (sp->left)
        pad(s, ' ', fill);
}

static void put_number(struct sink *s, const struct spec *sp, const char *prefix, u64 v, u32 base, const char *digits)
{
    char buf[24];
    char *p = buf + sizeof(buf);
    size_t np = strlen(prefix);

    do {
        *--p = digits[v % base];
        v /= base;
    } while (v);

    size_t nd = (size_t)(buf + sizeof(buf) - p);
    size_t zeros = sp->has_precision && sp->precision > nd ? sp->precision - nd : 0;
    size_t fill = sp->width > nd + np + zeros ? sp->width - nd - np - zeros : 0;

    if (sp->zero && !sp->left && !sp->has_precision) {
        zeros = fill;
        fill = 0;
    }
    if (!sp->left)
        pad(s, ' ', fill);
    put(s, prefix, np);
    pad(s, '0', zeros);
    put(s, p, nd);
    if (sp->left)
        pad(s, ' ', fill);
}

/* Formats all of it into s. */
static void format_to(struct sink *s, const char *f, va_list ap)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

    while (*f) {
        const char *start = f;
        while (*f && *f != '%')
            f++;
        put(s, start, (size_t)(f - start));
        if (!*f)
            break;

        struct spec sp = {0};
        start = f++;
        for (;; f++) {
            if (*f == '-')
                sp.left = true;
            else if (*f == '0')
                sp.zero = true;
            else if (*f == '#')
                sp.prefix = true;
            else
                break;
        }
        if (*f == '*') {
            int w = va_arg(ap, int);
            sp.left |= w < 0;
            sp.width = w < 0 ? -(size_t)w : (size_t)w;
            f++;
        } else {
            for (; *f >= '0' && *f <= '9'; f++)
                sp.width = sp.width * 10 + (size_t)(*f - '0');
        }
        if (*f == '.') {
            f++;
            sp.has_precision = true;
            if (*f == '*') {
                int p = va_arg(ap, int);
                sp.has_precision = p >= 0;
                sp.precision = p >= 0 ? (size_t)p : 0;
                f++;
            } else {
                for (; *f >= '0' && *f <= '9'; f++)
                    sp.precision = sp.precision * 10 + (size_t)(*f - '0');
            }
        }
        bool wide = false;
        if (*f == 'l' || *f == 'z') {
            wide = true;
            f += f[0] == 'l' && f[1] == 'l' ? 2 : 1;
        }

        switch (*f) {
        case 'd':
        case 'i': {
            s64 v = wide ? va_arg(ap, long) : va_arg(ap, int);
            put_number(s, &sp, v < 0 ? "-" : "", v < 0 ? -(u64)v : (u64)v, 10, lower);
            break;
        }
        case 'u':
        case 'x':
        case 'X': {
            u64 v = wide ? va_arg(ap, unsigned long) : va_arg(ap, unsigned);
            bool dec = *f == 'u', up = *f == 'X';
            const char *prefix = !sp.prefix || dec || !v ? "" : up ? "0X" : "0x";
            put_number(s, &sp, prefix, v, dec ? 10 : 16, up ? upper : lower);
            break;
        }
        case 'p':
            put_number(s, &sp, "0x", (uintptr_t)va_arg(ap, void *), 16, lower);
            break;
        case 'c': {
            char c = (char)va_arg(ap, int);
            put_padded(s, &sp, &c, 1);
            break;
        }
        case 's': {
            const char *text = va_arg(ap, const char *);
            if (!text)
                text = "(null)";
            put_padded(s, &sp, text, sp.has_precision ? strnlen(text, sp.precision) : strlen(text));
            break;
        }
        case '%':
            put(s, "%", 1);
            break;
        default:
            /* Unknown, or the format ends here. What its argument is, if any, can't be told, so nothing that follows
             * can be trusted: the rest is copied. */
            put(s, start, strlen(start));
            return;
        }
        f++;
    }
}

_Static_assert(sizeof(long) == 8 && sizeof(long long) == 8 && sizeof(size_t) == 8, "l, ll and z are one size");

size_t fmt_va(char *buf, size_t cap, const char *format, va_list ap)
{
    struct sink s = {buf, cap ? cap - 1 : 0, 0};

    format_to(&s, format, ap);
    if (cap)
        buf[s.len < cap ? s.len : cap - 1] = 0;
    return s.len;
}

size_t fmt(char *buf, size_t cap, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    size_t n = fmt_va(buf, cap, format, ap);
    va_end(ap);
    return n;
}

/* What an empty growing buffer shows; never written, as its cap of 0 says. */
static char no_text[1];

void sb_fixed(struct strbuf *sb, char *buf, size_t cap)
{
    dgm_assert(cap, "a fixed string buffer without room for its NUL");
    *sb = (struct strbuf){.text = buf, .cap = cap};
    buf[0] = 0;
}

void sb_growing(struct strbuf *sb)
{
    *sb = (struct strbuf){.text = no_text, .grows = true};
}

void sb_clear(struct strbuf *sb)
{
    sb->len = 0;
    sb->lost = false;
    if (sb->cap)
        sb->text[0] = 0;
}

void sb_free(struct strbuf *sb)
{
    if (!sb->grows) {
        sb_clear(sb);
        return;
    }
    if (sb->cap)
        heap_free(sb->text);
    sb_growing(sb);
}

/* Room for n more bytes and the NUL; as much as there is when it is fixed or the heap gives none. Returns that room
 * without the NUL, and notes what will be lost. */
static size_t make_room(struct strbuf *sb, size_t n)
{
    size_t have = sb->cap ? sb->cap - sb->len - 1 : 0;

    if (n <= have && sb->cap)
        return have;
    if (sb->grows) {
        size_t want;
        if (!__builtin_add_overflow(sb->len, n, &want) && want < SIZE_MAX / 2) {
            want = want + 1 < sb->cap * 2 ? sb->cap * 2 : want + 1;
            want = want < 64 ? 64 : want;
            char *p = heap_realloc(sb->cap ? sb->text : NULL, want);
            if (p) {
                sb->text = p;
                sb->cap = want;
                p[sb->len] = 0;
                return want - sb->len - 1;
            }
        }
    }
    sb->lost |= n > have;
    return have;
}

void sb_add(struct strbuf *sb, const char *text, size_t len)
{
    size_t room = make_room(sb, len);

    if (!sb->cap)
        return;
    len = len < room ? len : room;
    memcpy(sb->text + sb->len, text, len);
    sb->len += len;
    sb->text[sb->len] = 0;
}

void sb_puts(struct strbuf *sb, const char *text)
{
    sb_add(sb, text, strlen(text));
}

void sb_putc(struct strbuf *sb, char c)
{
    sb_add(sb, &c, 1);
}

void sb_vprintf(struct strbuf *sb, const char *format, va_list ap)
{
    size_t room = sb->cap ? sb->cap - sb->len : 0;
    va_list again;

    va_copy(again, ap);
    size_t n = fmt_va(room ? sb->text + sb->len : NULL, room, format, ap);
    if (n < room) {
        sb->len += n;
    } else {
        room = make_room(sb, n);
        if (sb->cap) {
            (void)fmt_va(sb->text + sb->len, room + 1, format, again);
            sb->len += n < room ? n : room;
        }
    }
    va_end(again);
}

void sb_printf(struct strbuf *sb, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    sb_vprintf(sb, format, ap);
    va_end(ap);
}
