/* What the tests of frontends share: a vCPU with a little memory, code put together a word at a time, and units made
 * from it and interpreted. */
#pragma once

#include "translator/guest/guest.h"
#include "translator/vcpu.h"

#define CODE 0x10000ull
#define MEM  0x20000ull /* a page; the next one is not mapped */

extern struct vcpu *v;
extern u8 *window; /* host address of guest address 0 */

/* Once, before all tests. False when something that they need is missing. */
bool units_open(const struct guest_isa *isa);

/* No code, the vCPU in reset state at CODE, memory zero. */
void begin(void);
void code_bytes(u32 w, u32 len);
size_t code_len(void);

/* For the code from pc on, in the vCPU's mode. */
struct guest_request request(gva_t pc);

/* The unit, verified. It lives until the next one is made. */
struct ir_unit unit(const struct guest_request *rq);
const struct ir_ins *last(const struct ir_unit *u);

/* The code is a loop of two instructions of four bytes each, which ends with a branch, or (jump) with a jump: its unit
 * goes round as often as is asked for and as instructions and side exits allow. */
void assert_rounds(bool jump);

/* Runs from v->pc until a trap (but mode, sync), a fault, or the end of the code (VCPU_NONE). */
void run(void);

u64 mem(u64 offset);
void set_mem(u64 offset, u64 x);

/* The kernel interface's own handlers of faults, which cmocka replaces while a test runs: called by a test that needs
 * them. */
void own_faults(void);

#define assert_trap(why, at)                                                                                           \
    do {                                                                                                               \
        assert_int_equal(v->exit, VCPU_TRAP);                                                                          \
        assert_int_equal(v->trap, why);                                                                                \
        assert_int_equal(v->pc, at);                                                                                   \
    } while (0)
