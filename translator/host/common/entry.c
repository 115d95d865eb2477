#include "translator/host/common/entry.h"

#include "mk/mk.h"

#include "lib/softfp/softfp.h"
#include "lib/str.h"
#include "translator/ir/fp_eval.h"
#include "translator/ir/vec_eval.h"

#define MAX_COMMON 10240u

/* --- the code --- */

/* Which slots are pinned where; returns how many. */
static u32 pins_of(const struct ir_slots *slots, struct pin *pin)
{
    u32 n = 0;
    for (u32 s = 0; s < slots->n; s++) {
        const struct ir_slot *t = &slots->slot[s];
        u32 max = t->cls == IR_CLASS_INT ? NPINNED_INT : NPINNED_FLOAT;
        if (t->rank == 0 || t->rank > max || !pins_type(t->type))
            continue;
        dgm_assert(is_float_class(t->type) == (t->cls == IR_CLASS_FLOAT), "slot %s: class and type", t->name);
        dgm_assert(t->type != IR_V128 || !(t->offset & 15), "slot %s: alignment", t->name);
        pin[n++] = (struct pin){
            .reg = host_pinned[t->cls][t->rank - 1], .type = t->type, .slot = (u16)s, .off = SLOT_OFF(t->offset)};
    }
    return n;
}

void pins(struct asmb *a, bool store, bool caller_saved)
{
    for (u32 i = 0; i < a->head->npins; i++) {
        const struct pin *p = &a->head->pin[i];
        if (!caller_saved || !c_keeps(p))
            move_pin(&a->c, p, store);
    }
}

size_t entry_common(u8 *rw, const u8 *rx, size_t cap, const struct ir_slots *slots)
{
    if (cap < MAX_COMMON)
        return 0;
    struct asmb a = {
        .c = {.p = rw + sizeof(struct common_head), .base = rw, .end = rw + cap, .rx = rx, .common = rx},
        .head = (struct common_head *)(void *)rw,
    };
    memset(a.head, 0, sizeof *a.head);
    a.head->npins = pins_of(slots, a.head->pin);
    common_code(&a);
    size_t size = (size_t)(a.c.p - rw);
    dgm_assert(size <= MAX_COMMON, "the common code has grown to %zu bytes", size);
    return size;
}

/* --- entering, faults --- */

void entry_enter(struct vcpu *v, const void *code, const void *common)
{
    const struct common_head *h = common;
    void (*fn)(struct vcpu *, const void *);
    uintptr_t addr = (uintptr_t)common + h->off[C_ENTER];
    memcpy(&fn, &addr, sizeof fn);
    v->host_fp[0] = fp_control(v->fp_round, (v->nans_trap ? IR_FLAG_NV : 0) | (v->flags_trap ? ~v->fp_flags & 31 : 0));
    fetch_anew();
    fn(v, code);
    v->fp_flags |= fp_flags(v->host_fp[1]);
}

const void *entry_ras_none(const void *common)
{
    return (const u8 *)common + ((const struct common_head *)common)->off[C_RETURN_NONE];
}

const void *entry_unlinked(const void *common)
{
    return (const u8 *)common + ((const struct common_head *)common)->off[C_LINK];
}

bool entry_own_fault(struct vcpu *v, struct mk_regs *regs, hva_t addr)
{
    hva_t base = (hva_t)v->ras_base;
    u64 *ras = ras_in(regs);
    if (addr >= base || base - addr > 16 || *ras - base > 16)
        return false;
    *ras = base + v->ras_size - 16 * VCPU_RAS_SENTINELS;
    return true;
}

/* As between translations: pinned slots are in their registers. */
static void unwind_pins(struct vcpu *v, const struct mk_regs *regs, const struct common_head *h)
{
    for (u32 i = 0; i < h->npins; i++) {
        const struct pin *p = &h->pin[i];
        memcpy((u8 *)v + VBASE + p->off, reg_in(regs, p->reg), ir_bits(p->type) / 8);
    }
}

/* The guest's NaN in place of another one. */
static void mend_raw(u8 *slot, bool boxed)
{
    u64 x;
    memcpy(&x, slot, 8);
    if (boxed && (u32)x << 1 > 0xff000000u)
        x = 0xffffffff7fc00000ull;
    else if (!boxed && x << 1 > 0xffe0000000000000ull)
        x = 0x7ff8000000000000ull;
    memcpy(slot, &x, 8);
}

/* As a state says. */
static void unwind_state(struct vcpu *v, const struct mk_regs *regs, const struct common_head *h,
                         const struct ir_slots *slots, const u64 *state)
{
    if (*state & HOST_STATE_PINS)
        unwind_pins(v, regs, h);
    for (u32 n = (u32)*state++; n; n--) {
        const struct ir_slot *s = &slots->slot[*state & 0xffff];
        const u64 r = *state++ >> 16;
        if (r == HOST_HELD_RAW) {
            mend_raw(v->slots + s->offset, *state++);
            continue;
        }
        if (r == HOST_HELD_SUM) {
            u64 x, y, w = *state++;
            memcpy(&x, reg_in(regs, w & 0xff), 8);
            memcpy(&y, reg_in(regs, w >> 8 & 0xff), 8);
            x += y << (w >> 16);
            memcpy(v->slots + s->offset, &x, 8);
            continue;
        }
        const void *from = r == HOST_HELD_CONST ? (const void *)state++
                           : r == HOST_HELD_MEM ? (const u8 *)v + VBASE + (s64)*state++
                                                : reg_in(regs, (u32)r);
        memcpy(v->slots + s->offset, from, ir_bits(s->type) / 8);
    }
}

void entry_unwind(struct vcpu *v, struct mk_regs *regs, const void *common, const struct ir_slots *slots,
                  const u64 *state)
{
    const struct common_head *h = common;
    if (state)
        unwind_state(v, regs, h, slots, state);
    else
        unwind_pins(v, regs, h);
    mend_fault(v, regs);
    v->ras_sp = (void *)*ras_in(regs);
    v->fp_flags |= fp_flags(fp_in(regs));
    v->host_fp[1] = 0;
    resume_at(v, regs, (uintptr_t)common + h->off[C_LEAVE_TAIL]);
}

/* --- software --- */

u64 soft_fp(struct vcpu *v, u64 desc, u64 a, u64 b, u64 c)
{
    u32 type = desc >> 8 & 0xff, from = desc >> 16 & 0xff;
    u64 mask = ir_bits(from) == 64 ? ~0ull : (1ull << ir_bits(from)) - 1;
    struct sfp env = {.round = (u8)v->fp_round};
    vcpu_count_soft(v, desc & 0xff);
    u64 r = ir_eval_fp(desc & 0xff, type, from, (u32)(desc >> 32), a & mask, b & mask, c & mask, &env);
    v->fp_flags |= env.flags;
    return r;
}

void soft_vec(struct vcpu *v, u64 desc, u64 imm, const void *args, void *result)
{
    struct sfp env = {.round = (u8)v->fp_round};
    u128 arg[3], r;
    vcpu_count_soft(v, desc & 0xff);
    memcpy(arg, args, sizeof arg);
    r = ir_eval_vec(desc & 0xff, desc >> 8 & 0xff, (u32)(desc >> 32), imm, arg[0], arg[1], arg[2], &env);
    memcpy(result, &r, sizeof r);
    v->fp_flags |= env.flags;
}

const struct host_isa host_native = {
    .name = HOST_NAME,
    .npinned = {NPINNED_INT, NPINNED_FLOAT},
    .regions = REGIONS,
    .code_align = CODE_ALIGN,
    .known = KNOWN,
    .jc_grows = JC_GROWS,
    .merges = MERGES,
    .max_code = MAX_CODE,
    .link_late = LINK_LATE,
    .probe = host_probe,
    .granule = host_granule,
    .features = host_feature_names,
    .have = unit_have,
    .common = entry_common,
    .emit = unit_emit,
    .link = link_exit,
    .move = MOVES_CODE ? move_code : NULL,
    .through = MOVES_CODE ? jump_through : NULL,
    .unlinked = MOVES_CODE ? entry_unlinked : NULL,
    .stub = MOVES_CODE ? stub_at : NULL,
    .enter = entry_enter,
    .ras_none = entry_ras_none,
    .own_fault = entry_own_fault,
    .routine_caller = routine_caller,
    .unwind = entry_unwind,
    .nans_trap = NANS_TRAP ? host_nans_trap : NULL,
    .nan_fault = NANS_TRAP ? host_nan_fault : NULL,
    .flag_fault = NANS_TRAP ? host_flag_fault : NULL,
};
