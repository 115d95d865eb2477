/* Marks (host.h) in few bytes: they are much of what blocks take in memory, and of what is read of an image. */
#pragma once

#include "translator/host/host.h"

/* Writes n marks, sorted by host_off, to `out`, or nothing if that is NULL; how many bytes they take. */
size_t marks_pack(u8 *out, const struct host_mark *marks, u32 n);

/* One after the other. */
struct marks {
    const u8 *p, *end;
    struct host_mark at; /* the one of the last step */
};
static inline struct marks marks_of(const u8 *packed, size_t size)
{
    return (struct marks){.p = packed, .end = packed + size};
}
/* False: there are no more, or what there is was not written by marks_pack. */
bool marks_next(struct marks *m) MUST_USE;

/* The last mark at host offset `off` or before; false: none. */
bool marks_find(const u8 *packed, size_t size, u32 off, struct host_mark *out) MUST_USE;
