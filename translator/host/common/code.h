/* Where host code is being written: bytes at one address that will run at another.
 *
 * Nothing here checks for room: the driver makes sure of it before each IR instruction (unit.c). */
#pragma once

#include "lib/str.h"
#include "lib/types.h"
#include "translator/host/host.h"

struct code {
    u8 *p;            /* where the next byte goes */
    u8 *base, *end;   /* the room */
    const u8 *rx;     /* where base will run */
    const u8 *common; /* where the common code runs */
    bool flat0;       /* guest memory begins at host address 0 */
    bool stuck;       /* relocs is not complete */
    u32 *relocs;      /* HOST_RELOC of what depends on the place, in order; room for relocs_cap */
    u32 nrelocs, relocs_cap;
};

static inline u32 code_off(const struct code *c)
{
    return (u32)(c->p - c->base);
}
static inline const u8 *code_rx(const struct code *c)
{
    return c->rx + (c->p - c->base);
}
/* What was just written, and begins `back` bytes behind, depends on the place of the code (enum host_reloc). */
static inline void code_reloc(struct code *c, u32 back, u32 kind)
{
    if (c->nrelocs == c->relocs_cap)
        c->stuck = true;
    else
        c->relocs[c->nrelocs++] = HOST_RELOC(code_off(c) - back, kind);
}
static inline void put8(struct code *c, u32 x)
{
    *c->p++ = (u8)x;
}
static inline void put32(struct code *c, u32 x)
{
    memcpy(c->p, &x, 4);
    c->p += 4;
}
static inline void put64(struct code *c, u64 x)
{
    memcpy(c->p, &x, 8);
    c->p += 8;
}
