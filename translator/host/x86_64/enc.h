/* Encoding of host instructions.
 *
 * An instruction is written by one of a few emitters, by the shape of its operands; its opcode is a number with the
 * opcode byte low and flags for prefixes and maps above (X_*). Operands are `struct opnd`: a register, memory
 * relative to a register, guest memory (through gs), a place in the common code or further on in
 * the unit, or an immediate. Nothing here checks
 * for room: the driver makes sure of it before each IR instruction (common/unit.c). */
#pragma once

#include "translator/host/common/code.h"
#include "translator/host/x86_64/regs.h"

/* Opcode flags. */
enum {
    X_W = 1 << 8,   /* 64-bit operands */
    X_0F = 1 << 9,  /* maps */
    X_38 = 1 << 10, /* 0F 38 */
    X_3A = 1 << 11, /* 0F 3A */
    X_66 = 1 << 12, /* prefixes */
    X_F3 = 1 << 13,
    X_F2 = 1 << 14,
    X_BREG = 1 << 15, /* the reg field names a byte register */
    X_BRM = 1 << 16,  /* the r/m field names a byte register */
    X_LOCK = 1 << 17,
};

enum opnd_kind { O_REG, O_MEM, O_GS, O_COMMON, O_AHEAD, O_IMM };
struct opnd {
    u8 kind;
    u8 reg;   /* O_REG: it. O_MEM, O_GS: base, or NOREG */
    u8 index; /* O_MEM, O_GS: index register, or NOREG */
    u8 scale; /* log2; without an index it does nothing, and is a mark (o_gs_write) */
    s32 disp; /* displacement; O_COMMON: offset in the common code; O_IMM: the value, sign-extended */
};

static inline struct opnd o_reg(u32 r)
{
    return (struct opnd){.kind = O_REG, .reg = (u8)r};
}
static inline struct opnd o_mem(u32 base, s32 disp)
{
    return (struct opnd){.kind = O_MEM, .reg = (u8)base, .index = NOREG, .disp = disp};
}
static inline struct opnd o_vcpu(s32 disp)
{
    return o_mem(RBP, disp);
}
static inline struct opnd o_sib(u32 base, u32 index, u32 scale, s32 disp)
{
    return (struct opnd){.kind = O_MEM, .reg = (u8)base, .index = (u8)index, .scale = (u8)scale, .disp = disp};
}
static inline struct opnd o_gs(u32 base, s32 disp)
{
    return (struct opnd){.kind = O_GS, .reg = (u8)base, .index = NOREG, .disp = disp};
}
/* The same, for a read that belongs to an access that writes: unwinding tells it by its encoding and reports a write.
 */
static inline struct opnd o_gs_write(u32 base)
{
    struct opnd o = o_gs(base, 0);
    o.scale = 1;
    return o;
}
static inline struct opnd o_common(u32 off)
{
    return (struct opnd){.kind = O_COMMON, .disp = (s32)off};
}
/* Data of the unit itself, for x_here. */
static inline struct opnd o_ahead(void)
{
    return (struct opnd){.kind = O_AHEAD};
}
static inline struct opnd o_imm(s32 x)
{
    return (struct opnd){.kind = O_IMM, .disp = x};
}
static inline bool is_reg(struct opnd o, u32 r)
{
    return o.kind == O_REG && o.reg == r;
}
static inline bool fits8(s64 x)
{
    return x == (s8)x;
}
static inline bool fits32(s64 x)
{
    return x == (s32)x;
}

/* ModRM, SIB and displacement. nimm: bytes of immediate that follow (a rip-relative address counts from the end). */
static inline void x_modrm(struct code *c, u32 reg, struct opnd rm, u32 nimm)
{
    reg = (reg & 7) << 3;
    if (rm.kind == O_REG) {
        put8(c, 0xc0 | reg | (rm.reg & 7));
        return;
    }
    if (rm.kind == O_COMMON) {
        put8(c, reg | 5);
        s64 rel = (c->common + rm.disp) - (code_rx(c) + 4 + nimm);
        put32(c, (u32)rel);
        code_reloc(c, 4, HOST_RELOC_COMMON);
        return;
    }
    if (rm.kind == O_AHEAD) {
        put8(c, reg | 5);
        put32(c, 0);
        return;
    }
    if (rm.reg == NOREG) { /* [index * scale + disp32] or [disp32] */
        put8(c, reg | 4);
        put8(c, (u32)rm.scale << 6 | (rm.index == NOREG ? 4 : rm.index & 7u) << 3 | 5);
        put32(c, (u32)rm.disp);
        return;
    }
    u32 mod = rm.disp == 0 && (rm.reg & 7) != RBP ? 0 : fits8(rm.disp) ? 1 : 2;
    if (rm.index != NOREG || (rm.reg & 7) == RSP || rm.scale) {
        put8(c, mod << 6 | reg | 4);
        put8(c, (u32)rm.scale << 6 | (rm.index == NOREG ? 4 : rm.index & 7u) << 3 | (rm.reg & 7));
    } else {
        put8(c, mod << 6 | reg | (rm.reg & 7));
    }
    if (mod == 1)
        put8(c, (u32)rm.disp);
    else if (mod == 2)
        put32(c, (u32)rm.disp);
}

/* Bits of REX or VEX that extend register numbers: R X B as 4 2 1. */
static inline u32 x_ext(u32 reg, struct opnd rm)
{
    u32 e = reg >> 1 & 4;
    if (rm.kind == O_REG)
        return e | (rm.reg >> 3 & 1);
    if (rm.kind == O_COMMON || rm.kind == O_AHEAD)
        return e;
    if (rm.index != NOREG)
        e |= rm.index >> 2 & 2;
    if (rm.reg != NOREG)
        e |= rm.reg >> 3 & 1;
    return e;
}

/* op reg, r/m (either may be the one written; the opcode says). */
static inline void x_rm(struct code *c, u32 op, u32 reg, struct opnd rm, u32 nimm)
{
    u32 rex = x_ext(reg & 15, rm) | (op & X_W ? 8 : 0);
    if (((op & X_BREG) && reg >= RSP && reg < XMM0) || ((op & X_BRM) && rm.kind == O_REG && rm.reg >= RSP))
        rex |= 0x40;
    if (rm.kind == O_GS && !c->flat0)
        put8(c, 0x65);
    if (op & X_LOCK)
        put8(c, 0xf0);
    if (op & X_66)
        put8(c, 0x66);
    if (op & X_F3)
        put8(c, 0xf3);
    if (op & X_F2)
        put8(c, 0xf2);
    if (rex)
        put8(c, 0x40 | rex);
    if (op & (X_0F | X_38 | X_3A))
        put8(c, 0x0f);
    if (op & X_38)
        put8(c, 0x38);
    if (op & X_3A)
        put8(c, 0x3a);
    put8(c, op);
    x_modrm(c, reg, rm, nimm);
}
static inline void x_rr(struct code *c, u32 op, u32 reg, u32 rm)
{
    x_rm(c, op, reg, o_reg(rm), 0);
}

/* The same in VEX form, with a second source in `v` (0 where there is none); 128 bits wide. */
static inline void x_vex(struct code *c, u32 op, u32 reg, u32 v, struct opnd rm, u32 nimm)
{
    u32 map = op & X_38 ? 2 : op & X_3A ? 3 : 1;
    u32 pp = op & X_66 ? 1 : op & X_F3 ? 2 : op & X_F2 ? 3 : 0;
    if (rm.kind == O_GS && !c->flat0)
        put8(c, 0x65);
    put8(c, 0xc4);
    put8(c, (~x_ext(reg & 15, rm) & 7) << 5 | map);
    put8(c, (op & X_W ? 0x80u : 0) | (~v & 15) << 3 | pp);
    put8(c, op);
    x_modrm(c, reg, rm, nimm);
}

/* The same in whichever VEX form is the shortest. */
static inline void x_avx(struct code *c, u32 op, u32 reg, u32 v, struct opnd rm, u32 nimm)
{
    u32 ext = x_ext(reg & 15, rm);
    if ((ext & 3) || (op & (X_38 | X_3A | X_W)) || rm.kind == O_GS) {
        x_vex(c, op, reg, v, rm, nimm);
        return;
    }
    u32 pp = op & X_66 ? 1 : op & X_F3 ? 2 : op & X_F2 ? 3 : 0;
    put8(c, 0xc5);
    put8(c, (ext ? 0 : 0x80u) | (~v & 15) << 3 | pp);
    put8(c, op);
    x_modrm(c, reg, rm, nimm);
}

/* op reg, v, rm of scalars in registers that raises no flags and does not trap ({sae}, AVX-512). What rounds, rounds to
 * nearest, whatever the mode. */
static inline void x_quiet3(struct code *c, u32 op, u32 reg, u32 v, u32 rm)
{
    const u32 pp = op & X_66 ? 1 : op & X_F3 ? 2 : op & X_F2 ? 3 : 0;
    put8(c, 0x62);
    put8(c, (~reg >> 3 & 1) << 7 | 1u << 6 | (~rm >> 3 & 1) << 5 | 1u << 4 | 1);
    put8(c, (op & X_W ? 0x80u : 0) | (~v & 15) << 3 | 4 | pp);
    put8(c, 0x18);
    put8(c, op);
    x_modrm(c, reg, o_reg(rm), 0);
}
static inline void x_quiet(struct code *c, u32 op, u32 reg, u32 rm)
{
    x_quiet3(c, op, reg, 0, rm);
}

/* --- integer --- */

/* The ALU group, by the number that its encodings share. */
enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum { SH_ROL, SH_ROR, SH_SHL = 4, SH_SHR, SH_SAR = 7 };
/* Condition codes. */
enum { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

/* w: X_W or 0 in all of these. */

/* alu dst, imm: dst is a register or memory. */
static inline void x_alu_imm(struct code *c, u32 w, u32 alu, struct opnd dst, s32 imm)
{
    if (fits8(imm)) {
        x_rm(c, 0x83 | w, alu, dst, 1);
        put8(c, (u32)imm);
    } else {
        x_rm(c, 0x81 | w, alu, dst, 4);
        put32(c, (u32)imm);
    }
}
/* alu reg, src: src is a register, memory or immediate. */
static inline void x_alu(struct code *c, u32 w, u32 alu, u32 reg, struct opnd src)
{
    if (src.kind == O_IMM)
        x_alu_imm(c, w, alu, o_reg(reg), src.disp);
    else
        x_rm(c, (alu << 3 | 3) | w, reg, src, 0);
}
/* alu mem, src: src is a register or immediate. */
static inline void x_alu_mem(struct code *c, u32 w, u32 alu, struct opnd mem, struct opnd src)
{
    if (src.kind == O_IMM)
        x_alu_imm(c, w, alu, mem, src.disp);
    else
        x_rm(c, (alu << 3 | 1) | w, src.reg, mem, 0);
}

static inline void x_mov(struct code *c, u32 w, u32 dst, u32 src)
{
    x_rr(c, 0x8b | w, dst, src);
}
/* dst = imm, in the shortest form. Flags stay as they are when `keep_flags`. */
static inline void x_mov_imm(struct code *c, u32 dst, u64 imm, bool keep_flags)
{
    if (imm == 0 && !keep_flags) {
        x_rr(c, 0x33, dst, dst);
    } else if (imm == (u32)imm) {
        if (dst >= R8)
            put8(c, 0x41);
        put8(c, 0xb8 | (dst & 7));
        put32(c, (u32)imm);
    } else if (fits32((s64)imm)) {
        x_rm(c, 0xc7 | X_W, 0, o_reg(dst), 4);
        put32(c, (u32)imm);
    } else {
        put8(c, 0x48 | dst >> 3);
        put8(c, 0xb8 | (dst & 7));
        put64(c, imm);
    }
}
/* The same of a pointer to something of our own; in one form, wherever that lies. */
static inline void x_mov_own(struct code *c, u32 dst, u64 addr)
{
    put8(c, 0x48 | dst >> 3);
    put8(c, 0xb8 | (dst & 7));
    put64(c, addr);
    code_reloc(c, 8, HOST_RELOC_OWN);
}
static inline void x_load(struct code *c, u32 w, u32 dst, struct opnd mem)
{
    x_rm(c, 0x8b | w, dst, mem, 0);
}
static inline void x_store(struct code *c, u32 w, struct opnd mem, u32 src)
{
    x_rm(c, 0x89 | w, src, mem, 0);
}
static inline void x_store_imm(struct code *c, u32 w, struct opnd mem, s32 imm)
{
    x_rm(c, 0xc7 | w, 0, mem, 4);
    put32(c, (u32)imm);
}
static inline void x_lea(struct code *c, u32 w, u32 dst, struct opnd mem)
{
    x_rm(c, 0x8d | w, dst, mem, 0);
}
static inline void x_shift_imm(struct code *c, u32 w, u32 sh, struct opnd dst, u32 n)
{
    if (n == 1) {
        x_rm(c, 0xd1 | w, sh, dst, 0);
    } else {
        x_rm(c, 0xc1 | w, sh, dst, 1);
        put8(c, n);
    }
}
/* test dst, imm: dst is a register or memory. */
static inline void x_test_imm(struct code *c, u32 w, struct opnd dst, s32 imm)
{
    if (!(imm & ~0x7f)) { /* as bytes: the sign cannot differ */
        x_rm(c, 0xf6 | X_BRM, 0, dst, 1);
        put8(c, (u32)imm);
    } else {
        x_rm(c, 0xf7 | w, 0, dst, 4);
        put32(c, (u32)imm);
    }
}
static inline void x_setcc(struct code *c, u32 cc, u32 reg)
{
    x_rm(c, 0x90 | cc | X_0F | X_BRM, 0, o_reg(reg), 0);
}
static inline void x_movzx8(struct code *c, u32 dst, u32 src)
{
    x_rm(c, 0xb6 | X_0F | X_BRM, dst, o_reg(src), 0);
}

/* --- jumps: to fixed places, forward with a patch later --- */

static inline void x_rel32(struct code *c, const u8 *to_rx)
{
    put32(c, (u32)(to_rx - (code_rx(c) + 4)));
}
static inline void x_jmp_rx(struct code *c, const u8 *to_rx)
{
    put8(c, 0xe9);
    x_rel32(c, to_rx);
}
static inline void x_jmp_common(struct code *c, u32 off)
{
    x_jmp_rx(c, c->common + off);
    code_reloc(c, 4, HOST_RELOC_COMMON);
}
static inline void x_call_common(struct code *c, u32 off)
{
    put8(c, 0xe8);
    x_rel32(c, c->common + off);
    code_reloc(c, 4, HOST_RELOC_COMMON);
}
/* Back to `to`, an address in this code's rw view. */
static inline void x_jmp_back(struct code *c, const u8 *to)
{
    x_jmp_rx(c, c->rx + (to - c->base));
}
/* Forward jumps: give the place of the rel32, for x_here. */
static inline u8 *x_jmp(struct code *c)
{
    put8(c, 0xe9);
    put32(c, 0);
    return c->p - 4;
}
static inline u8 *x_jcc(struct code *c, u32 cc)
{
    put8(c, 0x0f);
    put8(c, 0x80 | cc);
    put32(c, 0);
    return c->p - 4;
}
static inline void x_here(struct code *c, u8 *rel32)
{
    u32 rel = (u32)(c->p - (rel32 + 4));
    memcpy(rel32, &rel, 4);
}
/* Short ones, for jumps over a few bytes. */
static inline u8 *x_jcc8(struct code *c, u32 cc)
{
    put8(c, 0x70 | cc);
    put8(c, 0);
    return c->p - 1;
}
static inline void x_here8(struct code *c, u8 *rel8)
{
    *rel8 = (u8)(c->p - (rel8 + 1));
}
static inline void x_jcc8_back(struct code *c, u32 cc, const u8 *to)
{
    put8(c, 0x70 | cc);
    put8(c, (u32)(to - (c->p + 1)));
}

/* n bytes that do nothing. */
static inline void x_nops(struct code *c, u32 n)
{
    static const u8 nop[4][4] = {{0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0x00}, {0x0f, 0x1f, 0x40, 0x00}};
    while (n) {
        u32 k = n > 4 ? 4 : n;
        memcpy(c->p, nop[k - 1], k);
        c->p += k;
        n -= k;
    }
}

/* --- floating point --- */

#define X_PREFETCHT0  (0x18 | X_0F) /* reg 1 */
#define SSE_MOVUPS_LD (0x10 | X_0F)
#define SSE_MOVUPS_ST (0x11 | X_0F)
#define SSE_MOVAPS    (0x28 | X_0F)
#define SSE_MOVSS_LD  (0x10 | X_0F | X_F3)
#define SSE_MOVSS_ST  (0x11 | X_0F | X_F3)
#define SSE_MOVSD_LD  (0x10 | X_0F | X_F2)
#define SSE_MOVSD_ST  (0x11 | X_0F | X_F2)
#define SSE_MOVQ_X_R  (0x6e | X_0F | X_66 | X_W) /* movq xmm, r64 */
#define SSE_MOVD_X_R  (0x6e | X_0F | X_66)
#define SSE_MOVQ_R_X  (0x7e | X_0F | X_66 | X_W) /* movq r64, xmm: reg is the xmm */
#define SSE_MOVD_R_X  (0x7e | X_0F | X_66)
#define SSE_XORPS     (0x57 | X_0F)
#define SSE_ANDPS     (0x54 | X_0F)
#define SSE_ORPS      (0x56 | X_0F)
#define X_LDMXCSR     (0xae | X_0F) /* /2 */
#define X_STMXCSR     (0xae | X_0F) /* /3 */
