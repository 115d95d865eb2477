/* Where host code is being written: bytes at one address that will run at another.
 *
 * Nothing here checks for room: the driver makes sure of it before each IR instruction (unit.c). */
#pragma once

#include "lib/str.h"
#include "lib/types.h"

struct code {
    u8 *p;            /* where the next byte goes */
    u8 *base, *end;   /* the room */
    const u8 *rx;     /* where base will run */
    const u8 *common; /* where the common code runs */
    bool flat0;       /* guest memory begins at host address 0 */
};

static inline u32 code_off(const struct code *c)
{
    return (u32)(c->p - c->base);
}
static inline const u8 *code_rx(const struct code *c)
{
    return c->rx + (c->p - c->base);
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
