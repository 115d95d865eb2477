/* The state of emitting one unit, as all backends have it, and who does what.
 *
 *     unit.c    the driver: scan, pass, cold code         alloc.c   where values are
 *     leave.c   what all hosts' exits and calls share      entry.c   what their common code, faults and software share
 *
 * What differs between hosts stands in the folder of each, and the build's include path finds it: isa.h has what is
 * looked up while compiling (registers, sizes, features, the common code's entries), the functions below under `the
 * host's` are defined there. A host's own gen.h adds what its emitters know of one another. */
#pragma once

#include "isa.h" /* of the host */

#include "lib/assert.h"
#include "translator/host/host.h"
#include "translator/ir/ir_build.h" /* IR_MAX_SLOTS */

/* --- optional features of the CPU (enum of isa.h); the host's probe.c finds out --- */

extern u64 host_features;
extern const char *const host_feature_names[];
void host_probe(u64 mask);
bool host_granule(void); /* host_isa.granule */
u64 unit_have(void);
static inline bool have(u32 feat)
{
    return host_features >> feat & 1;
}

/* --- the common code, which all translations share --- */

/* A pinned slot. */
struct pin {
    u8 reg, type;
    u16 slot;
    s32 off; /* from where the vCPU register points */
};

/* What the common code begins with: entry points (enum common_id) as offsets from its start. */
struct common_head {
    u32 off[C_COUNT];
    u32 npins;
    struct pin pin[NPINNED_INT + NPINNED_FLOAT];
};

/* What is known of a call of software for an op. */
static inline u64 soft_desc(u32 op, u32 type, u32 arg_type, u32 aux)
{
    return op | type << 8 | arg_type << 16 | (u64)aux << 32;
}

/* --- state of one unit --- */

#define MAX_LATE 8  /* puts that wait at one time */
#define MAX_RAW  32 /* raw values at one time */
#define NOSLOT   0xffff
#define NOSPILL  0xffff

/* One SSA value. It may be in several places at once; a constant needs none. Those of a type that is kept in memory
 * (in_memory) have slots and spill cells only. */
struct val {
    ir_ref root; /* the value whose place it shares, or itself */
    u32 last;    /* last position that uses it; 0: none. A put that waits: last position where somebody may look */
    u32 at;      /* position that emits it: its own, or that of its only user (fused) */
    ir_ref user; /* the user seen last by the scan; the only one when uses is 1 */
    ir_ref sum;  /* a sum: a put of it that is not made (late.h); an access: the same, of the address that it forms */
    u32 hint;    /* a put: compute it right into that slot's register (or memory, in_memory); 0: none */
    u16 slot;    /* slot that holds it, or NOSLOT */
    u16 spill;   /* spill cell, or NOSPILL */
    u8 reg;      /* temp that holds it, or NOREG */
    u8 fixed;    /* region: the register that it has for life, or NOREG */
    u8 uses;     /* saturates at 3 */
    u8 type;     /* enum ir_type that its place is moved as */
    u8 width;    /* of a float or vector: its register has zeros from this bit on; 0: who knows */
    bool live;   /* has to be emitted */
    bool shares; /* is its operand as it stands in a register: trunc, and extensions of what is extended already, or
                    whose upper half nobody looks at */
    bool high;   /* an i64: somebody looks at its upper half */
    bool fused;  /* emitted by its user */
    bool chain;  /* the hint came through a user, not from the put itself */
    bool late;   /* a put that may wait (late.h) */
    bool raw;    /* may be another NaN than it should be (raw.h) */
    u8 waits;    /* how many late puts wait for this value */
};

struct gen;
struct region;
struct late;
struct raw_fix;

/* Code that is emitted behind what the body has so far. */
struct cold {
    struct cold *next;
    void (*emit)(struct gen *g, const struct cold *k);
    u8 *site[MAX_SITES]; /* jumps that lead here: the first nsites */
    const u8 *back;      /* where to go on (rw view) */
    ir_ref ins;
    u32 guest_off;             /* of the guest instruction, from the unit's pc */
    u32 state;                 /* of its mark, if it faults */
    const ir_ref *held;        /* region: who holds slots, if it leaves (region_held) */
    const struct late *late;   /* what is to be stored first, if it leaves */
    const struct raw_fix *fix; /* and what is to be mended */
    u64 n;                     /* what this and the registers mean is the emitter's */
    u8 r[4];
    u8 nsites;
    bool faults; /* has instructions that may fault: gets a mark */
};

struct gen {
    struct code c;
    const struct ir_unit *u;
    struct host_code *out;
    const struct common_head *common;
    struct val *val;
    u32 pos;               /* instruction that is being emitted */
    int err;               /* first failure, sticky */
    u64 locked;            /* registers that this instruction uses */
    u64 held;              /* temps that hold a value */
    gva_t insn_pc;         /* guest instruction */
    bool changed;          /* since the last marker, a slot, memory or the flags changed */
    ir_ref owner[NREGS];   /* values that temps hold */
    struct region *region; /* NULL for a unit without labels */
    u32 nlate, nraw;       /* how many there are of `late` and `raw` */
    struct {
        u8 base, index, shift;
        bool on;
        u16 slot;
    } sum;         /* a slot that is held by no register, but is the sum of two where this access faults */
    u32 late_same; /* the state that describes them, if nothing has changed since; else 0 */
    bool faults;   /* an instruction that may fault is being emitted, and something waits */
    bool merged;   /* what is being emitted is an access that stands for several */
    u64 *state;    /* words of host_code.state */
    u32 nstate, state_cap;
    struct cold *cold, **cold_tail;
    u32 ncold;        /* how many wait */
    u32 cold_first;   /* where the first jump to one of them is */
    struct cold lost; /* stands for a cold path when memory has run out */
    struct gen_own own;
    u64 spill_used[SPILL_CELLS / 64];
    u32 nspilled;
    /* From here on nothing is cleared but as far as it is used. */
    ir_ref slot_val[IR_MAX_SLOTS]; /* root of the value a slot is known to hold, or 0 */
    u8 slot_reg[IR_MAX_SLOTS];     /* register a slot is pinned in, or NOREG */
    u8 outer_reg[IR_MAX_SLOTS];    /* region: the same outside of it */
    struct {
        ir_ref v;
        u32 until; /* last position where somebody may look */
        u16 slot;
    } late[MAX_LATE]; /* puts that wait */
    struct {
        ir_ref v, from[2];
        u8 kind;
    } raw[MAX_RAW]; /* values that are raw, and what they were computed from */
    ir_ref spill_owner[SPILL_CELLS];
};

static inline const struct ir_ins *ins_of(const struct gen *g, ir_ref i)
{
    return &g->u->ins[i];
}
static inline ir_ref root_of(const struct gen *g, ir_ref i)
{
    return g->val[i].root;
}
static inline bool is_float_class(u32 type)
{
    return type != IR_I32 && type != IR_I64;
}
static inline u64 temps_for(u32 type)
{
    return is_float_class(type) ? TEMPS_FLOAT : TEMPS_INT;
}
static inline bool is_const(const struct gen *g, ir_ref i)
{
    return ins_of(g, root_of(g, i))->op == IR_OP_const;
}
/* Does this value die with the instruction being emitted? */
static inline bool dies(const struct gen *g, ir_ref i)
{
    const struct val *v = &g->val[root_of(g, i)];
    return v->last <= g->pos && !v->waits;
}
/* A constant's bits, sign-extended from its type's width when an integer. */
static inline bool const_of(const struct gen *g, ir_ref i, u64 *bits)
{
    const struct ir_ins *in = ins_of(g, root_of(g, i));
    if (in->op != IR_OP_const)
        return false;
    *bits = ins_of(g, i)->type == IR_I32 ? (u64)(s64)(s32)in->imm : in->imm;
    return true;
}
/* Which of two operands (b may be 0) dies in a register of its own, which the result may take over; the first by
 * preference. 0: neither. */
static inline ir_ref dying_temp(const struct gen *g, ir_ref a, ir_ref b)
{
    if (dies(g, a) && g->val[root_of(g, a)].reg != NOREG)
        return a;
    if (b && dies(g, b) && g->val[root_of(g, b)].reg != NOREG)
        return b;
    return 0;
}
/* The condition that holds of b, a when cc holds of a, b. */
extern const u8 cc_swapped[IR_NCC];
static inline u64 reg_bit(u32 r)
{
    return r == NOREG ? 0 : 1ull << r;
}

/* --- alloc.c --- */

/* A spilled value takes whole cells; what lies above a narrow one is never looked at. */
static inline u32 spill_type(u32 type)
{
    return type == IR_I32 ? IR_I64 : type == IR_F16 || type == IR_F32 ? IR_F64 : type;
}

/* A free temp of the mask, made free if need be; locked. */
u32 temp_of(struct gen *g, u64 mask);
static inline u32 temp_int(struct gen *g)
{
    return temp_of(g, TEMPS_INT);
}
static inline u32 temp_float(struct gen *g)
{
    return temp_of(g, TEMPS_FLOAT);
}
/* Is there an unlocked temp of the mask that holds nothing? */
static inline bool temp_free(const struct gen *g, u64 mask)
{
    return mask & ~g->locked & ~g->held;
}
/* Makes temp `r` hold nothing, moving what is still needed elsewhere; locks it. */
void temp_take(struct gen *g, u32 r);
/* Forgets all temps; values that live on are kept elsewhere. */
void temps_flush(struct gen *g);
/* The register that holds value i, or NOREG. */
u32 reg_of(const struct gen *g, ir_ref i);
/* Value i, not one of memory, in a register, loaded if need be; locked. The integer 0 is in ZERO_REG where there is
 * one. */
u32 use_reg(struct gen *g, ir_ref i);
/* Where value i is in memory, as a displacement from the vCPU register. It is one of memory, or has no register and is
 * no constant. */
s32 use_mem(struct gen *g, ir_ref i);
/* Copies value i into register r, which the caller has made free. */
void load_into(struct gen *g, u32 r, ir_ref i);
/* Where value i may be computed: its slot's register, a temp that value `prefer` (0: none) dies in, or a free one. May
 * be a register that holds an operand that dies here. */
u32 def_reg(struct gen *g, ir_ref i, ir_ref prefer);
/* Only its slot's register, or NOREG. */
u32 def_hint(struct gen *g, ir_ref i);
/* Its slot's register or a temp, but none of `not`. */
u32 def_not_in(struct gen *g, ir_ref i, u64 not );
/* Value i was computed into r, the place that it was given. */
void def_done(struct gen *g, ir_ref i, u32 r);
/* Value i was computed into r: its slot's register, or a temp, from which it is moved to where it is wanted. */
void def_from(struct gen *g, ir_ref i, u32 r);
/* Where value i, one of memory, is to be written. May be where an operand is that dies here. Nothing more is to be
 * done. */
s32 def_mem(struct gen *g, ir_ref i);
/* Another slot than s that holds w too, in a register by preference; NOSLOT if there is none. */
u32 other_slot(const struct gen *g, ir_ref w, u32 s);
void emit_get(struct gen *g, ir_ref i);
void emit_put(struct gen *g, ir_ref i);
/* All values that live on have a place outside the slots. */
void slots_forget(struct gen *g);
/* After each instruction: frees what is no longer needed. */
void release_dead(struct gen *g);

/* --- the host's: moving values --- */

/* Between registers of one class. */
void mov_rr(struct gen *g, u32 dst, u32 src, u32 type);
/* A value of `type`, not of memory, from and to the vCPU register + off. Uses a temp at most. */
void load_vcpu(struct gen *g, u32 dst, s32 off, u32 type);
void store_vcpu(struct gen *g, s32 off, u32 src, u32 type);
/* The same from place to place, for types of memory. */
void copy_vcpu(struct gen *g, s32 to, s32 from);
/* A constant. */
void load_const(struct gen *g, u32 dst, u32 type, u64 bits);
/* The same as the sum of one that a register has and a small number; false: not done, as that is no shorter. */
bool load_near(struct gen *g, u32 dst, u32 type, u64 bits);
/* `put` to a slot in memory, at vCPU register + off. */
void put_mem(struct gen *g, const struct ir_ins *put, s32 off);
/* `put` to a slot that is pinned in register r. False: r does not hold the value as it stands elsewhere. */
bool put_pin(struct gen *g, const struct ir_ins *put, u32 r);

/* --- unit.c --- */

int unit_emit(const struct ir_unit *u, struct host_code *out);
/* The parts of it, for regions: NULL is no memory; what is needed; one instruction; is there room; the mark of a place
 * in guest code; what comes behind the body. */
struct gen *unit_begin(const struct ir_unit *u, struct host_code *out);
int unit_scan(struct gen *g) MUST_USE;
void unit_one(struct gen *g, ir_ref i);
bool unit_room(struct gen *g, size_t bytes);
void unit_mark(struct gen *g, u32 guest_off, u32 state);
int unit_end(struct gen *g) MUST_USE;
/* Queues cold code for instruction g->pos, reached from `site` (NULL: added later). It is left out when nothing turns
 * out to lead there. */
struct cold *cold_new(struct gen *g, void (*emit)(struct gen *, const struct cold *), u8 *site);
/* Another way to a cold path. */
static inline void add_site(struct cold *k, u8 *site)
{
    dgm_assert(k->nsites < MAX_SITES, "cold code has too many ways in");
    k->site[k->nsites++] = site;
}
/* Is i32 value i less than 2^31 whatever its operands are? If so and its op is one of leaves_zeros, or the host keeps
 * words sign-extended, its register is extended either way. */
bool is_not_negative(const struct gen *g, ir_ref i);
/* Is `op` one that on most hosts leaves zeros above an i32 result? */
bool leaves_zeros(u32 op);

/* --- leave.c --- */

/* The patchable jump at `site`, just written, is an exit to pc. */
void exit_at(struct gen *g, const u8 *site, gva_t pc);
/* The entry of the common code through which helper h is called from here. */
u32 call_entry(const struct gen *g, const struct ir_helper *h);

/* --- the host's: what it selects --- */

/* May user `j` of value i, its only one and near, compute it itself as part of its own? */
bool can_fuse(const struct gen *g, ir_ref i, ir_ref j);
/* Does the register that holds i32 value i hold, as an i64, what its extension from 32 bits is? */
bool is_extended(const struct gen *g, ir_ref i, bool sign);
/* May value i be computed in the register of a slot of `type`, as far as the value itself goes? */
bool may_stay(const struct gen *g, ir_ref i, u32 type);

void emit_alu(struct gen *g, ir_ref i); /* add sub and or xor */
void emit_mul(struct gen *g, ir_ref i);
void emit_mulhi(struct gen *g, ir_ref i);
void emit_div(struct gen *g, ir_ref i);
void emit_unary(struct gen *g, ir_ref i); /* neg not */
void emit_minmax(struct gen *g, ir_ref i);
void emit_shift(struct gen *g, ir_ref i);
void emit_count(struct gen *g, ir_ref i); /* clz ctz popcnt */
void emit_bswap(struct gen *g, ir_ref i);
void emit_ext(struct gen *g, ir_ref i); /* sext zext */
void emit_cmp(struct gen *g, ir_ref i);
void emit_select(struct gen *g, ir_ref i);

void emit_pair(struct gen *g, ir_ref i);
void emit_half(struct gen *g, ir_ref i); /* lo hi */
void emit_ld(struct gen *g, ir_ref i);
void emit_st(struct gen *g, ir_ref i);
void emit_amo(struct gen *g, ir_ref i);
void emit_cas(struct gen *g, ir_ref i);
void emit_sc(struct gen *g, ir_ref i);
void emit_fence(struct gen *g, ir_ref i);
void emit_pause(struct gen *g, ir_ref i);
void emit_prefetch(struct gen *g, ir_ref i);

void emit_farith(struct gen *g, ir_ref i); /* fadd fsub fmul fdiv fsqrt */
void emit_fma(struct gen *g, ir_ref i);
void emit_fminmax(struct gen *g, ir_ref i);
void emit_fcmp(struct gen *g, ir_ref i);
void emit_ford(struct gen *g, ir_ref i);
void emit_fcvt(struct gen *g, ir_ref i);
void emit_f2i(struct gen *g, ir_ref i);
void emit_i2f(struct gen *g, ir_ref i);
void emit_fround(struct gen *g, ir_ref i);
void emit_fclass(struct gen *g, ir_ref i);
void emit_fsign(struct gen *g, ir_ref i); /* fneg fabs fcopysign */
void emit_bitcast(struct gen *g, ir_ref i);
void emit_nanbox(struct gen *g, ir_ref i);
void emit_nanunbox(struct gen *g, ir_ref i);
void emit_getflags(struct gen *g, ir_ref i);
void emit_setflags(struct gen *g, ir_ref i);
void emit_setround(struct gen *g, ir_ref i);

void emit_vec(struct gen *g, ir_ref i); /* any op of vectors; a vlow that the scan found to be shared is no work */
void emit_vcall(struct gen *g, ir_ref i);

void emit_call(struct gen *g, ir_ref i);
void emit_known(struct gen *g, ir_ref i); /* only where isa.h says KNOWN */
void emit_exit_if(struct gen *g, ir_ref i);
void emit_exit(struct gen *g, ir_ref i);
void emit_exit_ind(struct gen *g, ir_ref i);
void emit_trap(struct gen *g, ir_ref i);
/* Emits the stubs of all exits. */
void emit_stubs(struct gen *g);
/* Argument n of a C helper, value a or, for 0, the number 0, to vcpu.scratch[n]. */
void call_arg(struct gen *g, ir_ref a, u32 n);
/* A call of helper n is to be counted in vcpu.calls, in registers that no value is in; a host may do nothing. */
void count_call(struct gen *g, u32 n);
/* Calls fn by an entry of the common code; gives the register that holds the result. */
u32 call_c(struct gen *g, u64 fn, u32 entry);
/* A float of `type` from the bits in integer register src. */
void float_from(struct gen *g, u32 dst, u32 src, u32 type);
/* host_isa.link */
void link_exit(u8 *rw_site, const u8 *rx_site, const void *to);
/* Where isa.h says MOVES_CODE. */
void move_code(u8 *rw, const u32 *relocs, u32 n, const u64 by[HOST_NRELOCS]);
void jump_through(u8 *rw, const u8 *rx, const void *slot, u32 id);
void stub_at(u8 *rw, const u8 *rx, const void *common, u32 id, gva_t pc);
/* What comes behind the stubs. */
void emit_tail(struct gen *g);
