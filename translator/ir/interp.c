/* The interpreter: runs a unit of IR, one instruction after the other.
 *
 * It is the oracle for every backend and the tier that a new host starts with, so it is written to be obviously right
 * and not to be fast. PURE ops go through ir_eval (eval.h), which the folder uses too; floating point goes through
 * lib/softfp; memory goes through the guarded accesses of the kernel interface, which report a fault instead of taking
 * one.
 *
 * Values live in an array on the stack, by instruction number. An i32 is kept zero-extended, an i128 is whole. Slots
 * are read and written in place, and the sticky flags go to vcpu.fp_flags at once: there is nothing to write back, so a
 * fault leaves the state as the last `put` left it, and that is the state at the marker of the faulting instruction
 * (ir.h, "Exactness").
 *
 * Several threads may run one unit at a time, each with its own vCPU: nothing in it is written.
 *
 * A run that is watched stores into an overlay, counts guest instructions, and ends before the one that it is told. */
#include "translator/ir/ir.h"

#include "lib/assert.h"
#include "lib/str.h"
#include "mk/mk.h"
#include "translator/ir/eval.h"
#include "translator/ir/fp_eval.h"
#include "translator/ir/known_eval.h"
#include "translator/ir/overlay.h"
#include "translator/ir/vec_eval.h"
#include "translator/vcpu.h"

#define MAX_VALUES 16384 /* of the stack's sake: 256 KiB */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "slots and memory are copied byte by byte");
_Static_assert((int)VCPU_FAULT_UNMAPPED == (int)MK_FAULT_UNMAPPED &&
                   (int)VCPU_FAULT_PROTECTION == (int)MK_FAULT_PROTECTION && (int)VCPU_FAULT_BUS == (int)MK_FAULT_BUS,
               "fault kinds pass unchanged");

struct run {
    const struct ir_unit *u;
    struct vcpu *v;
    struct ir_watch *w; /* NULL: nobody watches */
    u128 *val;
    gva_t insn_pc; /* of the last marker */
};

/* --- memory --- */

static bool fault(struct run *r, gva_t addr, u32 kind, u32 access)
{
    struct vcpu *v = r->v;
    v->exit = VCPU_FAULT;
    v->pc = r->insn_pc;
    v->fault = (struct vcpu_fault){.addr = addr, .kind = (u8)kind, .access = (u8)access};
    return false;
}

/* A guarded access of `size` bytes at guest address `addr` failed. */
static bool host_fault(struct run *r, gva_t addr, u32 size, u32 access)
{
    hva_t at, host = r->v->mem_base + addr;
    u32 kind;
    bool write;
    mk_last_fault(&at, &kind, &write);
    /* A host address that no page can have is reported in its own way, or not at all. */
    if (kind > MK_FAULT_BUS)
        kind = VCPU_FAULT_UNMAPPED;
    if (at - host < size)
        addr += at - host;
    return fault(r, addr, kind, access);
}

/* Ordered accesses are fenced on both sides, which is more than any guest asks for. */
static void order(u32 aux)
{
    if (aux & (IR_MEM_ACQ | IR_MEM_REL))
        __sync_synchronize();
}

/* `access` is what a fault is reported as. */
static bool load(struct run *r, gva_t addr, u32 size, u32 aux, u32 access, u128 *out)
{
    u128 x = 0;
    order(aux);
    const hva_t at = r->v->mem_base + addr;
    if (r->w ? ir_overlay_load(r->w->mem, at, size, &x) : mk_load(at, size, &x))
        return host_fault(r, addr, size, access);
    order(aux);
    *out = x;
    return true;
}

static bool store(struct run *r, gva_t addr, u32 size, u32 aux, u128 x)
{
    order(aux);
    const hva_t at = r->v->mem_base + addr;
    if (r->w ? ir_overlay_store(r->w->mem, at, size, &x, r->insn_pc) : mk_store(at, size, &x))
        return host_fault(r, addr, size, VCPU_WRITE);
    order(aux);
    return true;
}

static bool cas_within(struct run *r, gva_t addr, u32 size, u128 *expect, u128 desired);

static u128 low_bytes(u128 x, u32 size)
{
    return size == 16 ? x : (u128)ir_low_bits((u64)x, size * 8);
}

/* Memory must be writable even where the values differ. */
static bool cas_watched(struct run *r, gva_t addr, u32 size, u128 *expect, u128 desired)
{
    u128 x = 0;
    const bool good = load(r, addr, size, 0, VCPU_WRITE, &x);
    const bool equal = x == low_bytes(*expect, size);
    *expect = x;
    return good && store(r, addr, size, 0, equal ? desired : x);
}

/* *expect gets what was there. */
static bool cas(struct run *r, gva_t addr, u32 size, u128 *expect, u128 desired)
{
    u128 x = *expect;
    if (r->w) /* nobody else is there */
        return cas_watched(r, addr, size, expect, desired);
    if (addr & (size - 1))
        return cas_within(r, addr, size, expect, desired);
    if (mk_cas(r->v->mem_base + addr, size, &x, &desired))
        return host_fault(r, addr, size, VCPU_WRITE);
    *expect = x;
    return true;
}

/* What lies within 16 aligned bytes, and is not aligned itself, is swapped with all of these. */
static bool cas_within(struct run *r, gva_t addr, u32 size, u128 *expect, u128 desired)
{
    const u32 shift = (u32)(addr & 15) * 8;
    const u128 mask = (((u128)1 << size * 8) - 1) << shift;
    u128 whole = 0, found;
    bool good = load(r, addr & ~15ull, 16, 0, VCPU_WRITE, &whole);
    do {
        found = whole;
        const bool equal = (found & mask) >> shift == *expect;
        good = good && cas(r, addr & ~15ull, 16, &whole, equal ? (found & ~mask) | (desired << shift & mask) : found);
    } while (good && whole != found);
    if (!good) {
        r->v->fault.addr = addr;
        return false;
    }
    *expect = (found & mask) >> shift;
    return true;
}

static bool aligned(struct run *r, gva_t addr, u32 size, u32 aux, u32 access)
{
    const bool good = aux & IR_MEM_GRANULE ? (addr & 15) + size <= 16 : !(addr & (size - 1));
    return good ? true : fault(r, addr, VCPU_FAULT_MISALIGNED, access);
}

/* What was read from memory, in the type of the instruction. */
static u128 extend(const struct ir_ins *in, u128 x, u32 size)
{
    if (in->aux & IR_MEM_SIGNED)
        return ir_sign_extend((u64)x, size * 8) & ir_type_mask(in->type);
    return x;
}

static u64 amo_result(u32 kind, u64 old, u64 x, u32 bits)
{
    switch (kind) {
    case IR_AMO_SWAP:
        return x;
    case IR_AMO_ADD:
        return old + x;
    case IR_AMO_AND:
        return old & x;
    case IR_AMO_OR:
        return old | x;
    case IR_AMO_XOR:
        return old ^ x;
    case IR_AMO_MINS:
        return ir_eval_cc(IR_LTS, old, x, bits) ? old : x;
    case IR_AMO_MAXS:
        return ir_eval_cc(IR_GTS, old, x, bits) ? old : x;
    case IR_AMO_MINU:
        return ir_eval_cc(IR_LTU, old, x, bits) ? old : x;
    case IR_AMO_MAXU:
        return ir_eval_cc(IR_GTU, old, x, bits) ? old : x;
    default:
        dgm_assert(false, "no such atomic operation: %u", kind);
        return 0;
    }
}

static bool amo(struct run *r, const struct ir_ins *in, u128 *out)
{
    gva_t addr = (u64)r->val[in->a];
    u32 size = 1u << (in->aux & IR_MEM_SIZE);
    u128 old, seen = 0;
    if (!aligned(r, addr, size, in->aux, VCPU_WRITE) || !load(r, addr, size, 0, VCPU_WRITE, &seen))
        return false;
    do {
        old = seen;
        u64 x = amo_result(in->aux >> IR_AMO_SHIFT, (u64)old, (u64)r->val[in->b], size * 8);
        if (!cas(r, addr, size, &seen, x))
            return false;
    } while (seen != old);
    *out = extend(in, old, size);
    return true;
}

static bool compare_and_swap(struct run *r, const struct ir_ins *in, u128 *out)
{
    gva_t addr = (u64)r->val[in->a];
    u32 size = 1u << (in->aux & IR_MEM_SIZE);
    u128 old = low_bytes(r->val[in->b], size);
    if (!aligned(r, addr, size, in->aux, VCPU_WRITE) || !cas(r, addr, size, &old, r->val[in->c]))
        return false;
    *out = extend(in, old, size);
    return true;
}

static bool store_conditional(struct run *r, const struct ir_ins *in, u128 *out)
{
    gva_t addr = (u64)r->val[in->a];
    u32 size = 1u << (in->aux & IR_MEM_SIZE);
    u128 expect = low_bytes(r->val[in->d], size), seen = expect;
    if (!aligned(r, addr, size, in->aux, VCPU_WRITE))
        return false;
    *out = 1;
    if (addr != (u64)r->val[in->c])
        return true;
    if (!cas(r, addr, size, &seen, r->val[in->b]))
        return false;
    *out = seen != expect;
    return true;
}

/* --- floating point --- */

static u64 floating(struct run *r, const struct ir_ins *in)
{
    const u128 *val = r->val;
    struct sfp env = {.round = (u8)r->v->fp_round};
    u64 x = ir_eval_fp(in->op, in->type, r->u->ins[in->a].type, in->aux, (u64)val[in->a], (u64)val[in->b],
                       (u64)val[in->c], &env);
    r->v->fp_flags |= env.flags;
    return x;
}

/* --- vectors --- */

static u128 vector(struct run *r, const struct ir_ins *in)
{
    const u128 *val = r->val;
    struct sfp env = {.round = (u8)r->v->fp_round};
    u128 x = ir_eval_vec(in->op, in->type, in->aux, in->imm, val[in->a], val[in->b], val[in->c], &env);
    r->v->fp_flags |= env.flags;
    return x;
}

/* --- the loop --- */

static void leave(struct run *r, gva_t pc, bool polls)
{
    r->v->exit = polls && vcpu_kicked(r->v) ? VCPU_POLL : VCPU_NONE;
    r->v->pc = pc;
}

void ir_interp(const struct ir_unit *u, struct vcpu *v)
{
    ir_interp_watched(u, v, NULL);
}

void ir_interp_watched(const struct ir_unit *u, struct vcpu *v, struct ir_watch *w)
{
    dgm_assert(u->n <= MAX_VALUES, "a unit of %u instructions is too long to interpret", u->n);
    u128 *val = __builtin_alloca_with_align(u->n * sizeof(u128), 128);
    struct run r = {.u = u, .v = v, .w = w, .val = val, .insn_pc = u->pc};
    val[0] = 0; /* absent arguments */
    u128 *phi = __builtin_alloca_with_align((u->nphis + 1) * sizeof(u128), 128);
    ir_ref *label = __builtin_alloca((u->nlabels + 1) * sizeof(ir_ref));
    if (u->nlabels)
        for (ir_ref i = 1; i < u->n; i++)
            if (u->ins[i].op == IR_OP_label)
                label[u->ins[i].aux] = i;

    for (ir_ref i = 1; i < u->n; i++) {
        const struct ir_ins *in = &u->ins[i];
        const u64 a = (u64)val[in->a], b = (u64)val[in->b], c = (u64)val[in->c], d = (u64)val[in->d];
        u128 x = 0;

        switch (in->op) {
        case IR_OP_nop:
        case IR_OP_pause:
        case IR_OP_prefetch:
            break;
        case IR_OP_const:
            x = in->imm;
            break;
        case IR_OP_get:
            memcpy(&x, v->slots + u->slots->slot[in->aux].offset, ir_bits(in->type) / 8);
            break;
        case IR_OP_put:
            memcpy(v->slots + u->slots->slot[in->aux].offset, &val[in->a], ir_bits(in->type) / 8);
            if (w && w->writer)
                w->writer[in->aux] = r.insn_pc;
            break;
        case IR_OP_insn:
            if (w && w->insns == w->limit) {
                leave(&r, in->imm, false);
                return;
            }
            r.insn_pc = in->imm;
            if (w) {
                w->insns++;
                w->last = in->imm;
            }
            break;

        case IR_OP_pair:
            x = (u128)b << 64 | a;
            break;
        case IR_OP_lo:
            x = a;
            break;
        case IR_OP_hi:
            x = (u64)(val[in->a] >> 64);
            break;

        case IR_OP_ld: {
            u32 size = 1u << (in->aux & IR_MEM_SIZE);
            if (in->aux & IR_MEM_ALIGN && !aligned(&r, a + in->imm, size, in->aux, VCPU_READ))
                return;
            if (!load(&r, a + in->imm, size, in->aux, VCPU_READ, &x))
                return;
            x = extend(in, x, size);
            break;
        }
        case IR_OP_st: {
            u32 size = 1u << (in->aux & IR_MEM_SIZE);
            if (in->aux & IR_MEM_ALIGN && !aligned(&r, a + in->imm, size, in->aux, VCPU_WRITE))
                return;
            if (!store(&r, a + in->imm, size, in->aux, val[in->b]))
                return;
            break;
        }
        case IR_OP_amo:
            if (!amo(&r, in, &x))
                return;
            break;
        case IR_OP_cas:
            if (!compare_and_swap(&r, in, &x))
                return;
            break;
        case IR_OP_sc:
            if (!store_conditional(&r, in, &x))
                return;
            break;
        case IR_OP_known: {
            u64 out = 0;
            if (!ir_eval_known(in->aux, v->mem_base, w ? w->mem : NULL, a, b, c, &out)) {
                v->exit = VCPU_TRAP;
                v->trap = IR_TRAP_OWN;
                v->pc = r.insn_pc;
                return;
            }
            x = out;
            break;
        }
        case IR_OP_fence:
            __sync_synchronize();
            break;

        case IR_OP_getflags:
            x = v->fp_flags & 31;
            break;
        case IR_OP_setflags:
            v->fp_flags = a & 31;
            break;
        case IR_OP_setround:
            v->fp_round = a & 3;
            break;

        case IR_OP_call:
            x = u->helpers[in->aux].fn(v, a, b, c, d);
            if (ir_bits(in->type) < 64)
                x &= ir_type_mask(in->type);
            break;

        case IR_OP_label:
            break;
        case IR_OP_phi:
            x = phi[in->aux];
            break;
        case IR_OP_phi_set:
            phi[in->aux] = val[in->a];
            break;
        case IR_OP_poll:
            if (w ? v->fuel-- == 0 : vcpu_kicked(v)) {
                leave(&r, in->imm, true);
                v->exit = VCPU_POLL;
                return;
            }
            break;
        case IR_OP_jump_if:
            if (ir_eval_cc(in->aux, a, b, ir_bits(in->type)))
                i = label[in->imm];
            break;
        case IR_OP_jump:
            i = label[in->imm];
            break;

        case IR_OP_exit_if:
            if (ir_eval_cc(in->aux & IR_EXIT_CC, a, b, ir_bits(in->type))) {
                leave(&r, in->imm, in->aux & IR_EXIT_POLL);
                return;
            }
            break;
        case IR_OP_exit:
            leave(&r, in->imm, in->aux & IR_EXIT_POLL);
            return;
        case IR_OP_exit_ind:
            leave(&r, a, true);
            return;
        case IR_OP_trap:
            v->exit = VCPU_TRAP;
            v->trap = in->aux;
            v->pc = in->imm;
            return;

        case IR_OP_vcall:
            u->helpers[in->aux].vfn(v, &x, &val[in->a], &val[in->b], &val[in->c], in->imm);
            break;

        default:
            if (ir_is_vec_op(in->op)) {
                x = vector(&r, in);
            } else if (ir_flags[in->op] & IR_PURE) {
                u64 out;
                bool known = ir_eval(in, u->ins[in->a].type, a, b, c, d, &out);
                dgm_assert(known, "the interpreter does not know %s", ir_ops[in->op].name);
                x = out;
            } else {
                x = floating(&r, in);
            }
            break;
        }
        val[i] = x;
    }
    dgm_assert(false, "a unit without an end");
}
