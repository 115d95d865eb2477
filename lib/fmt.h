/* Formatting text, without a C library.
 *
 * Conversions: %d %i %u %x %X %c %s %p %%, with the lengths l, ll and z, the flags - 0 #, a field width and a precision
 * (either may be *), as in C; but a precision of 0 still prints a 0, %s of NULL prints (null), and %p of NULL 0x0. From
 * a conversion on that is not in this list, the format is copied as it stands, so that it shows. Neither locks nor
 * allocates, but for growing string buffers; fmt may be called from a fault upcall. */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

/* Writes at most cap bytes, the closing NUL included (nothing when cap is 0), and returns the length that the whole
 * text has, without the NUL: it was cut when that is >= cap. */
size_t fmt(char *buf, size_t cap, const char *format, ...) PRINTF_LIKE(3, 4);
size_t fmt_va(char *buf, size_t cap, const char *format, va_list ap);

/* A string that text is appended to: in a buffer of the caller's (fixed) or on the heap (growing). Text that does not
 * fit is cut or, when the heap gives nothing, dropped; `lost` tells, and stays set. text is NUL-terminated at all
 * times, once initialised, and never NULL. */
struct strbuf {
    char *text;
    size_t len; /* without the NUL */
    size_t cap; /* of text, with the NUL */
    bool grows;
    bool lost;
};

/* cap must be at least 1. */
void sb_fixed(struct strbuf *sb, char *buf, size_t cap);
/* Allocates nothing yet. sb_free when done. */
void sb_growing(struct strbuf *sb);
/* Frees a growing buffer's memory and leaves it empty and usable; empties a fixed one. */
void sb_free(struct strbuf *sb);
/* Empties it and clears `lost`; keeps the memory. */
void sb_clear(struct strbuf *sb);

void sb_printf(struct strbuf *sb, const char *format, ...) PRINTF_LIKE(2, 3);
void sb_vprintf(struct strbuf *sb, const char *format, va_list ap);
void sb_add(struct strbuf *sb, const char *text, size_t len);
void sb_puts(struct strbuf *sb, const char *text);
void sb_putc(struct strbuf *sb, char c);
