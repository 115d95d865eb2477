/* Encoding of host instructions.
 *
 * An opcode is the instruction's word with all operands zero; an emitter ORs them in, by the shape of its operands
 * (RISC-V ISA, "Base Instruction Formats"). Floating registers are numbered from F0 on, and only their low five bits
 * get into a word. Nothing here checks for room: the driver makes sure of it before each IR instruction
 * (common/unit.c). Compressed instructions are not emitted, so that a jump that is patched is always one aligned word.
 */
#pragma once

#include "translator/host/common/code.h"
#include "translator/host/riscv64/regs.h"

#include "lib/assert.h"

static inline bool fits12(s64 x)
{
    return x >= -2048 && x <= 2047;
}
static inline bool fits32(s64 x)
{
    return x == (s32)x;
}
static inline bool fits21(s64 x)
{
    return x >= -(1 << 20) && x < 1 << 20;
}

enum {
    /* register, register */
    ADD = 0x33,
    SUB = 0x40000033,
    SLL = 0x1033,
    SLT = 0x2033,
    SLTU = 0x3033,
    XOR = 0x4033,
    SRL = 0x5033,
    SRA = 0x40005033,
    OR = 0x6033,
    AND = 0x7033,
    ADDW = 0x3b,
    SUBW = 0x4000003b,
    SLLW = 0x103b,
    SRLW = 0x503b,
    SRAW = 0x4000503b,
    MUL = 0x02000033,
    MULH = 0x02001033,
    MULHSU = 0x02002033,
    MULHU = 0x02003033,
    DIV = 0x02004033,
    DIVU = 0x02005033,
    REM = 0x02006033,
    REMU = 0x02007033,
    MULW = 0x0200003b,
    DIVW = 0x0200403b,
    DIVUW = 0x0200503b,
    REMW = 0x0200603b,
    REMUW = 0x0200703b,
    /* Zba, Zbb, Zicond */
    ADD_UW = 0x0800003b,
    SH1ADD = 0x20002033,
    SH2ADD = 0x20004033,
    SH3ADD = 0x20006033,
    ANDN = 0x40007033,
    MINS_ = 0x0a004033,
    MINU_ = 0x0a005033,
    MAXS_ = 0x0a006033,
    MAXU_ = 0x0a007033,
    ROL = 0x60001033,
    ROLW = 0x6000103b,
    ROR = 0x60005033,
    RORW = 0x6000503b,
    CZERO_EQZ = 0x0e005033,
    CZERO_NEZ = 0x0e007033,
    /* register, immediate */
    ADDI = 0x13,
    SLTI = 0x2013,
    SLTIU = 0x3013,
    XORI = 0x4013,
    ORI = 0x6013,
    ANDI = 0x7013,
    SLLI = 0x1013,
    SRLI = 0x5013,
    SRAI = 0x40005013,
    ADDIW = 0x1b,
    SLLIW = 0x101b,
    SRLIW = 0x501b,
    SRAIW = 0x4000501b,
    RORI = 0x60005013,
    RORIW = 0x6000501b,
    CLZ = 0x60001013,
    CTZ = 0x60101013,
    CPOP = 0x60201013,
    CLZW = 0x6000101b,
    CTZW = 0x6010101b,
    CPOPW = 0x6020101b,
    SEXT_B = 0x60401013,
    SEXT_H = 0x60501013,
    ZEXT_H = 0x0800403b,
    REV8 = 0x6b805013,
    /* memory */
    LB = 0x03,
    LH = 0x1003,
    LW = 0x2003,
    LD = 0x3003,
    LBU = 0x4003,
    LHU = 0x5003,
    LWU = 0x6003,
    FLW = 0x2007,
    FLD = 0x3007,
    SB = 0x23,
    SH = 0x1023,
    SW = 0x2023,
    SD = 0x3023,
    FSW = 0x2027,
    FSD = 0x3027,
    /* atomics, of words */
    LR = 0x1000202f,
    SC = 0x1800202f,
    AMOSWAP = 0x0800202f,
    AMOADD = 0x202f,
    AMOXOR = 0x2000202f,
    AMOAND = 0x6000202f,
    AMOOR = 0x4000202f,
    AMOCAS_Q = 0x2800402f,
    AMO_D = 0x1000, /* or'ed: of doublewords */
    AMO_AQ = 1 << 26,
    AMO_RL = 1 << 25,
    /* jumps */
    BEQ = 0x63,
    BNE = 0x1063,
    BLT = 0x4063,
    BGE = 0x5063,
    BLTU = 0x6063,
    BGEU = 0x7063,
    JAL = 0x6f,
    JALR = 0x67,
    LUI = 0x37,
    AUIPC = 0x17,
    /* the rest */
    FENCE = 0x0f,
    FENCE_I = 0x100f,
    PAUSE = 0x0100000f,
    PREFETCH_R = 0x00106013, /* 0(rs1) */
    CSRRW = 0x1073,
    CSRRS = 0x2073,
    CSR_FFLAGS = 1,
    CSR_FRM = 2,
    CSR_FCSR = 3,
    /* floating point, single */
    FADD = 0x53,
    FSUB = 0x08000053,
    FMUL = 0x10000053,
    FDIV = 0x18000053,
    FSQRT = 0x58000053,
    FSGNJ = 0x20000053,
    FSGNJN = 0x20001053,
    FSGNJX = 0x20002053,
    FMIN = 0x28000053,
    FMAX = 0x28001053,
    FCVT_I_F = (int)0xc0000053, /* rs2: 0 w, 1 wu, 2 l, 3 lu */
    FCVT_F_I = (int)0xd0000053,
    FCVT_S_D = 0x40100053,
    FCVT_D_S = 0x42000053,
    FCVT_S_H = 0x40200053,
    FCVT_D_H = 0x42200053,
    FCVT_H_S = 0x44000053,
    FCVT_H_D = 0x44100053,
    FROUND = 0x40400053, /* Zfa */
    FROUNDNX = 0x40500053,
    FLE = (int)0xa0000053,
    FLT = (int)0xa0001053,
    FEQ = (int)0xa0002053,
    FLEQ = (int)0xa0004053, /* Zfa */
    FLTQ = (int)0xa0005053,
    FCLASS = (int)0xe0001053,
    FMV_X_W = (int)0xe0000053,
    FMV_W_X = (int)0xf0000053,
    FMADD = 0x43,
    FMSUB = 0x47,
    FNMSUB = 0x4b,
    FNMADD = 0x4f,
    FMT_D = 0x02000000, /* or'ed: double */
};

/* rd, rs1, rs2 */
static inline void x_r(struct code *c, u32 op, u32 rd, u32 rs1, u32 rs2)
{
    put32(c, op | (rd & 31) << 7 | (rs1 & 31) << 15 | (rs2 & 31) << 20);
}
/* rd, rs1, imm. For shifts the opcode's upper bits stay. */
static inline void x_i(struct code *c, u32 op, u32 rd, u32 rs1, s32 imm)
{
    dgm_assert(fits12(imm), "immediate %d", imm);
    put32(c, op | (rd & 31) << 7 | (rs1 & 31) << 15 | (u32)imm << 20);
}
static inline void x_load(struct code *c, u32 op, u32 rd, u32 base, s32 off)
{
    x_i(c, op, rd, base, off);
}
static inline void x_store(struct code *c, u32 op, u32 src, u32 base, s32 off)
{
    dgm_assert(fits12(off), "offset %d", off);
    put32(c, op | ((u32)off & 31) << 7 | (base & 31) << 15 | (src & 31) << 20 | ((u32)off >> 5 & 127) << 25);
}
static inline void x_u(struct code *c, u32 op, u32 rd, s32 imm)
{
    put32(c, op | (rd & 31) << 7 | ((u32)imm & 0xfffff000));
}
static inline void x_mv(struct code *c, u32 rd, u32 rs)
{
    x_i(c, ADDI, rd, rs, 0);
}
/* Scalar operation with rounding mode `rm` in its funct3. */
static inline void x_f(struct code *c, u32 op, u32 rm, u32 rd, u32 rs1, u32 rs2)
{
    x_r(c, op | rm << 12, rd, rs1, rs2);
}
static inline void x_csr(struct code *c, u32 op, u32 rd, u32 csr, u32 rs)
{
    put32(c, op | rd << 7 | rs << 15 | csr << 20);
}

/* How many instructions x_li takes. */
static inline u32 li_len(s64 x)
{
    u32 n = 0;
    while (!fits32(x)) {
        s64 lo = (s64)((u64)x << 52) >> 52;
        n += 1 + (lo != 0);
        x = (s64)((u64)x - (u64)lo) >> 12;
        x >>= __builtin_ctzll((u64)x);
    }
    return n + (fits12(x) || !(x & 0xfff) ? 1 : 2);
}
/* rd = x. */
static inline void x_li(struct code *c, u32 rd, s64 x)
{
    struct {
        u32 shift;
        s32 add;
    } step[8];
    u32 n = 0;
    while (!fits32(x)) {
        s64 lo = (s64)((u64)x << 52) >> 52;
        x = (s64)((u64)x - (u64)lo) >> 12;
        u32 zeros = (u32)__builtin_ctzll((u64)x);
        x >>= zeros;
        step[n].shift = 12 + zeros;
        step[n++].add = (s32)lo;
    }
    if (fits12(x)) {
        x_i(c, ADDI, rd, ZERO, (s32)x);
    } else {
        s32 lo = (s32)((u32)x << 20) >> 20;
        x_u(c, LUI, rd, (s32)((u32)x - (u32)lo));
        if (lo)
            x_i(c, ADDIW, rd, rd, lo);
    }
    while (n-- > 0) {
        x_i(c, SLLI, rd, rd, (s32)step[n].shift);
        if (step[n].add)
            x_i(c, ADDI, rd, rd, step[n].add);
    }
}

/* --- jumps --- */

static inline u32 b_imm(s32 d)
{
    u32 u = (u32)d;
    return (u >> 12 & 1) << 31 | (u >> 5 & 63) << 25 | (u >> 1 & 15) << 8 | (u >> 11 & 1) << 7;
}
static inline u32 j_imm(s32 d)
{
    u32 u = (u32)d;
    return (u >> 20 & 1) << 31 | (u >> 1 & 1023) << 21 | (u >> 11 & 1) << 20 | (u >> 12 & 255) << 12;
}
/* Forward: gives the place, for x_here. */
static inline u8 *x_b(struct code *c, u32 op, u32 rs1, u32 rs2)
{
    put32(c, op | rs1 << 15 | rs2 << 20);
    return c->p - 4;
}
static inline u8 *x_j(struct code *c)
{
    put32(c, JAL);
    return c->p - 4;
}
/* The branch or jump at `site` leads here. */
static inline void x_here(struct code *c, u8 *site)
{
    u32 w;
    s64 d = c->p - site;
    memcpy(&w, site, 4);
    if ((w & 127) == BEQ) {
        dgm_assert(d < 4096, "a branch over %ld bytes", d);
        w |= b_imm((s32)d);
    } else {
        dgm_assert(fits21(d), "a jump over %ld bytes", d);
        w |= j_imm((s32)d);
    }
    memcpy(site, &w, 4);
}
/* Back, to an address in this code's rw view. */
static inline void x_b_back(struct code *c, u32 op, u32 rs1, u32 rs2, const u8 *to)
{
    put32(c, op | rs1 << 15 | rs2 << 20 | b_imm((s32)(to - c->p)));
}
static inline void x_j_back(struct code *c, const u8 *to)
{
    put32(c, JAL | j_imm((s32)(to - c->p)));
}
/* rd = the address rx + off of `to`, split for auipc and what follows it: gives the low part. */
static inline s32 x_pcrel(struct code *c, u32 rd, const u8 *to)
{
    s64 d = to - code_rx(c);
    dgm_assert(fits32(d + 2048), "a distance of %ld bytes", d);
    s32 lo = (s32)((u32)d << 20) >> 20;
    x_u(c, AUIPC, rd, (s32)((u32)d - (u32)lo));
    return lo;
}
/* To the common code. A jump may use t6, a call writes ra. */
static inline void x_jmp_common(struct code *c, u32 off)
{
    s64 d = c->common + off - code_rx(c);
    if (fits21(d))
        put32(c, JAL | j_imm((s32)d));
    else
        x_i(c, JALR, ZERO, SCR, x_pcrel(c, SCR, c->common + off));
}
static inline void x_call_common(struct code *c, u32 off)
{
    s64 d = c->common + off - code_rx(c);
    if (fits21(d))
        put32(c, JAL | RA << 7 | j_imm((s32)d));
    else
        x_i(c, JALR, RA, RA, x_pcrel(c, RA, c->common + off));
}
