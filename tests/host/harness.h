/* What tests of a backend stand on: a code cache, guest memory, a vCPU, and running a unit in either tier.
 *
 * It does what the engine does for one unit, and no more. Guest memory lies in a window of reserved addresses, so that
 * a wrong access faults and harms nothing. */
#pragma once

#include "mk/mk.h"
#include "translator/host/host.h"
#include "translator/ir/ir_build.h"

/* Guest addresses of the window's parts. */
#define MEM_RW      0x10000 /* read-write, two pages, */
#define MEM_RO      0x20000 /* read-only, one page, */
#define MEM_NONE    0x30000 /* nothing from here on */
#define MEM_RW_SIZE 8192

struct harness {
    struct vcpu *v;
    u8 *mem; /* host address of guest address 0 */
    struct mk_code code;
    u8 *rw; /* of it */
    const u8 *rx;
    size_t code_size;
    const void *common;
    size_t common_size;
    const struct ir_slots *slots;
    u32 own_faults;  /* faults that the backend took for its own */
    u32 nan_faults;  /* invalid operations that trapped */
    u32 flag_faults; /* flags that trapped */
};

/* Makes it all; `mask` are host features to do without. Ends the process when that fails. */
void harness_start(struct harness *h, u64 mask);
/* The same; with `flat0`, guest addresses are host addresses. Ends the process with status 77 (skipped) where low
 * addresses are not to be had. */
void harness_start_at(struct harness *h, u64 mask, bool flat0);
/* Makes the common code for these slots; what was emitted before is void. */
void harness_slots(struct harness *h, const struct ir_slots *slots);
/* Makes the vCPU's return-address stack and jump cache empty. */
void harness_forget(struct harness *h);

/* A unit emitted into the cache. */
struct emitted {
    const struct ir_unit *unit;
    struct host_code hc;
    struct host_mark marks[512];
    struct host_exit exits[64];
    u32 relocs[1024];
};
/* Emits u at offset `off` of the cache (0: right behind the common code), numbering its exits from exit_id. Returns
 * what host_isa.emit does. */
int harness_emit(struct harness *h, const struct ir_unit *u, size_t off, u32 exit_id, struct emitted *e);
/* Points exit x of hc to `to`. */
void harness_link(struct harness *h, const struct host_code *hc, const struct host_exit *x, const void *to);
/* Says whether faults are the translated code's: for callers that enter by themselves. */
void harness_arm(struct harness *h, bool on);
/* Enters e; faults are looked up in all units that are emitted. */
void harness_enter(struct harness *h, const struct emitted *e);
