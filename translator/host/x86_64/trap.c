/* Floating-point exceptions that trap: invalid operations, for their NaNs, and flags, where a program reads them.
 *
 * A guest that tells which operand a NaN was wants another one than the host gives in two cases: where none of the
 * operands is a NaN, the host's has its sign set; and a signalling one behind a quiet one does not win. Both are
 * invalid operations. So instead of a look at each result, mxcsr makes those trap while such a guest runs
 * (vcpu.nans_trap), and quiet NaNs go through the host's arithmetic as they should: the first operand's wins.
 *
 * The host's fused multiply-add lets a NaN that is added come last, where it should be first, and not be invalid beside
 * infinity times zero; so that operand is looked at (fma_trapping).
 *
 * An instruction that traps has written nothing. Addition, subtraction, multiplication, division, roots and fused
 * multiply-add are decoded, done in software, and gone over. All other instructions that can be invalid do what they
 * should with the exception masked: comparisons, conversions, and arithmetic with a look behind it. They are masked for
 * one step: the trap flag brings the thread back behind it. Sticky flags are right either way: the host sets `invalid`
 * before it traps.
 *
 * A trap costs microseconds. The engine sees that there are few (ENGINE_TRAPS).
 *
 * Flags. Reading mxcsr waits for all arithmetic before it, which is most of the time of programs that read flags around
 * each comparison (isless of C on riscv64). So in a thread that has read flags often (VCPU_FLAG_READS), what is not
 * raised traps (vcpu.flags_trap): then vcpu.fp_flags has them all, and reading it is all that getflags does. Most flags
 * are raised once and stay. The first trap masks all exceptions again, the instruction is made once more, and flags
 * are read from mxcsr for a while, which is twice as long each time; after twenty-odd times for good. Likewise when
 * flags are set to anything but what they are. Not in a thread with nans_trap. */
#include "translator/host/common/entry.h"
#include "translator/host/x86_64/gen.h"

#include "mk/arch/x86_64/regs.h"

#include "lib/str.h"

#define RFLAGS_TF (1ull << 8)

bool host_nans_trap(void)
{
    return have(FEAT_AVX);
}

/* An instruction dst = a op b. */
struct arith {
    u32 op;    /* its opcode byte */
    bool fma;  /* dst = a * b + dst, or with the opcode's second bit a * b - dst */
    bool wide; /* f64, else f32 */
    bool all;  /* all lanes, else the lowest, with the others of a */
    u32 dst, a;
    const void *b;
    u64 next; /* rip behind it */
};

static u64 sext8(u8 x)
{
    return (u64)(s64)(s8)x;
}

/* ModRM at p, behind which lies nothing but what belongs to it: the operand it names. rex: the bits R, X, B as REX has
 * them. */
static const u8 *operand(const struct mk_regs *regs, const u8 *p, u32 rex, struct arith *i)
{
    const u8 modrm = *p++, mod = modrm >> 6;
    u32 rm = modrm & 7;
    i->dst = (modrm >> 3 & 7) | (rex & 4) << 1;
    if (mod == 3) {
        i->b = regs->xmm[rm | (rex & 1) << 3];
        return p;
    }
    u64 addr = 0;
    bool base = true;
    if (rm == 4) {
        const u8 sib = *p++;
        const u32 index = (sib >> 3 & 7) | (rex & 2) << 2;
        rm = sib & 7;
        base = rm != 5 || mod;
        if (index != 4)
            addr += regs->gpr[index] << (sib >> 6);
    } else if (rm == 5 && !mod) {
        s32 disp;
        memcpy(&disp, p, 4);
        i->b = p + 4 + disp;
        return p + 4;
    }
    if (base)
        addr += regs->gpr[rm | (rex & 1) << 3];
    if (mod == 1) {
        addr += sext8(*p++);
    } else if (mod == 2 || !base) {
        s32 disp;
        memcpy(&disp, p, 4);
        addr += (u64)(s64)disp;
        p += 4;
    }
    i->b = (const void *)(uintptr_t)addr;
    return p;
}

/* The arithmetic instruction at rip; false: it is another one. */
static bool decode(const struct mk_regs *regs, struct arith *i)
{
    const u8 *p = (const u8 *)(uintptr_t)regs->rip;
    u32 prefix = 0, rex = 0, vvvv = 0; /* prefix as VEX has it: none, 66, f3, f2 */
    bool vex = false, w = false;
    i->fma = false;
    if (*p == 0xc5 || *p == 0xc4) {
        vex = true;
        rex = (~p[1] >> 5 & 4);
        if (*p++ == 0xc4) {
            const u32 map = *p & 31;
            rex = ~*p++ >> 5 & 7;
            if (map != 1 && map != 2)
                return false;
            i->fma = map == 2;
            w = *p & 0x80;
        }
        if (*p & 4)
            return false; /* 256 bits */
        vvvv = ~*p >> 3 & 15;
        prefix = *p++ & 3;
    } else {
        if (*p == 0x66 || *p == 0xf2 || *p == 0xf3) {
            prefix = *p == 0x66 ? 1 : *p == 0xf3 ? 2 : 3;
            p++;
        }
        if ((*p & 0xf0) == 0x40)
            rex = *p++ & 7;
        if (*p++ != 0x0f)
            return false;
    }
    i->op = *p++;
    if (i->fma) {
        if (i->op < 0xb8 || i->op > 0xbb)
            return false;
        i->wide = w;
        i->all = !(i->op & 1);
        i->next = (u64)(uintptr_t)operand(regs, p, rex, i);
        i->a = vvvv;
        return true;
    }
    switch (i->op) {
    case 0x51:
    case 0x58:
    case 0x59:
    case 0x5c:
    case 0x5e:
        break;
    default:
        return false;
    }
    i->wide = prefix & 1;
    i->all = prefix < 2;
    i->next = (u64)(uintptr_t)operand(regs, p, rex, i);
    i->a = vex && !(i->op == 0x51 && i->all) ? vvvv : i->dst; /* a root of all lanes has no a */
    return true;
}

static u32 ir_op(u32 op, bool vector)
{
    switch (op) {
    case 0xb8:
    case 0xb9:
    case 0xba:
    case 0xbb:
        return vector ? IR_OP_vfma : IR_OP_fma;
    case 0x58:
        return vector ? IR_OP_vfadd : IR_OP_fadd;
    case 0x59:
        return vector ? IR_OP_vfmul : IR_OP_fmul;
    case 0x5c:
        return vector ? IR_OP_vfsub : IR_OP_fsub;
    case 0x5e:
        return vector ? IR_OP_vfdiv : IR_OP_fdiv;
    default:
        return vector ? IR_OP_vfsqrt : IR_OP_fsqrt;
    }
}

static void perform(struct vcpu *v, const struct mk_regs *regs, const struct arith *i)
{
    const bool unary = i->op == 0x51;
    const u32 op = ir_op(i->op, i->all), aux = IR_RDYN | (i->fma && (i->op & 2) ? IR_FP_NEG_ADD : 0);
    u8 result[16];
    if (i->all) {
        const u32 lane = i->wide ? IR_V64 : IR_V32;
        u8 args[3][16] = {0};
        memcpy(args[0], unary ? i->b : regs->xmm[i->a], 16);
        if (!unary)
            memcpy(args[1], i->b, 16);
        if (i->fma)
            memcpy(args[2], regs->xmm[i->dst], 16);
        soft_vec(v, soft_desc(op, IR_V128, IR_V128, aux | lane << IR_V_FP_LANE_SHIFT), 0, args, result);
    } else {
        const u32 type = i->wide ? IR_F64 : IR_F32, size = i->wide ? 8 : 4;
        u64 a = 0, b = 0, c = 0;
        memcpy(&a, regs->xmm[i->a], size);
        memcpy(&b, i->b, size);
        if (i->fma)
            memcpy(&c, regs->xmm[i->dst], size);
        const u64 r = soft_fp(v, soft_desc(op, type, type, aux), unary ? b : a, b, c);
        memcpy(result, regs->xmm[i->fma ? i->dst : i->a], 16);
        memcpy(result, &r, size);
    }
    memcpy(regs->xmm[i->dst], result, 16);
}

bool host_nan_fault(struct vcpu *v, struct mk_regs *regs, bool step)
{
    if (step) {
        if (!v->stepping)
            return false;
        v->stepping = 0;
        regs->rflags &= ~RFLAGS_TF;
        regs->mxcsr &= ~MXCSR_INVALID;
        return true;
    }
    struct arith i;
    if (regs->mxcsr & MXCSR_INVALID || !regs->xmm)
        return false;
    if (decode(regs, &i)) {
        perform(v, regs, &i);
        regs->rip = i.next;
    } else {
        v->stepping = 1;
        regs->rflags |= RFLAGS_TF;
        regs->mxcsr |= MXCSR_INVALID;
    }
    return true;
}

bool host_flag_fault(struct vcpu *v, struct mk_regs *regs)
{
    const u32 raised = regs->mxcsr & MXCSR_FLAGS & ~(regs->mxcsr >> 7);
    if (!v->flags_trap || !raised)
        return false;
    regs->mxcsr &= ~(raised & MXCSR_UNDERFLOW); /* which exact results raise as well where they trap */
    regs->mxcsr |= MXCSR_MASKS;
    v->flags_trap = 0;
    v->flag_wait = 2 * v->flag_wait + VCPU_FLAG_READS;
    v->flag_reads = -v->flag_wait;
    return true;
}
