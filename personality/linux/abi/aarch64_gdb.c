/* aarch64 registers as gdb numbers and describes them: 0..30 x, 31 sp, 32 pc, 33 cpsr, 34..65 v, 66 fpsr, 67 fpcr,
 * 68 tpidr. */
#include "personality/linux/gdb.h"

#include <string.h>

#include "translator/guest/aarch64/state.h"

#define SP    31
#define PC    32
#define CPSR  33
#define V0    34
#define FPSR  66
#define FPCR  67
#define TPIDR 68
#define COUNT 69

/* clang-format off */

#define X(name, type)       "<reg name=\"" name "\" bitsize=\"64\" type=\"" type "\"/>"
#define V(n)                "<reg name=\"v" #n "\" bitsize=\"128\" type=\"aarch64v\"/>"
#define C(name, type)       "<reg name=\"" name "\" bitsize=\"32\" type=\"" type "\"/>"
#define VECTOR(id, type, n) "<vector id=\"" id "\" type=\"" type "\" count=\"" n "\"/>"
#define FIELD(name, type)   "<field name=\"" name "\" type=\"" type "\"/>"
#define FLAG(name, bit)     "<field name=\"" name "\" start=\"" bit "\" end=\"" bit "\"/>"

static const char description[] =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
    "<architecture>aarch64</architecture><osabi>GNU/Linux</osabi>"
    "<feature name=\"org.gnu.gdb.aarch64.core\">"
    "<flags id=\"cpsr_flags\" size=\"4\">" FLAG("V", "28") FLAG("C", "29") FLAG("Z", "30") FLAG("N", "31") "</flags>"
    X("x0", "int") X("x1", "int") X("x2", "int") X("x3", "int") X("x4", "int") X("x5", "int") X("x6", "int") X("x7", "int")
    X("x8", "int") X("x9", "int") X("x10", "int") X("x11", "int") X("x12", "int") X("x13", "int") X("x14", "int") X("x15", "int")
    X("x16", "int") X("x17", "int") X("x18", "int") X("x19", "int") X("x20", "int") X("x21", "int") X("x22", "int") X("x23", "int")
    X("x24", "int") X("x25", "int") X("x26", "int") X("x27", "int") X("x28", "int") X("x29", "int") X("x30", "int")
    X("sp", "data_ptr") X("pc", "code_ptr") C("cpsr", "cpsr_flags")
    "</feature><feature name=\"org.gnu.gdb.aarch64.fpu\">"
    VECTOR("v2d", "ieee_double", "2") VECTOR("v2u", "uint64", "2") VECTOR("v2i", "int64", "2")
    VECTOR("v4f", "ieee_single", "4") VECTOR("v4u", "uint32", "4") VECTOR("v4i", "int32", "4")
    VECTOR("v8f", "ieee_half", "8") VECTOR("v8u", "uint16", "8") VECTOR("v8i", "int16", "8")
    VECTOR("v16u", "uint8", "16") VECTOR("v16i", "int8", "16") VECTOR("v1u", "uint128", "1") VECTOR("v1i", "int128", "1")
    "<union id=\"vnd\">" FIELD("f", "v2d") FIELD("u", "v2u") FIELD("s", "v2i") "</union>"
    "<union id=\"vns\">" FIELD("f", "v4f") FIELD("u", "v4u") FIELD("s", "v4i") "</union>"
    "<union id=\"vnh\">" FIELD("f", "v8f") FIELD("u", "v8u") FIELD("s", "v8i") "</union>"
    "<union id=\"vnb\">" FIELD("u", "v16u") FIELD("s", "v16i") "</union>"
    "<union id=\"vnq\">" FIELD("u", "v1u") FIELD("s", "v1i") "</union>"
    "<union id=\"aarch64v\">" FIELD("d", "vnd") FIELD("s", "vns") FIELD("h", "vnh") FIELD("b", "vnb") FIELD("q", "vnq") "</union>"
    V(0) V(1) V(2) V(3) V(4) V(5) V(6) V(7) V(8) V(9) V(10) V(11) V(12) V(13) V(14) V(15)
    V(16) V(17) V(18) V(19) V(20) V(21) V(22) V(23) V(24) V(25) V(26) V(27) V(28) V(29) V(30) V(31)
    C("fpsr", "int") C("fpcr", "int")
    "</feature><feature name=\"org.gnu.gdb.aarch64.tls\">" X("tpidr", "data_ptr")
    "</feature></target>";

/* clang-format on */

static u32 put(u8 *out, u64 value, u32 n)
{
    memcpy(out, &value, n);
    return n;
}

/* Bytes of a register. */
static u32 size_of(u32 reg)
{
    return reg >= V0 && reg < FPSR ? 16 : reg == CPSR || reg == FPSR || reg == FPCR ? 4 : 8;
}

static u32 reg_read(struct vcpu *v, u32 reg, u8 *out)
{
    const struct a64_state *s = a64_state(v);
    if (reg >= COUNT)
        return 0;
    if (reg < SP)
        return put(out, s->x[reg], 8);
    if (reg >= V0 && reg < FPSR) {
        memcpy(out, &s->v[reg - V0], 16);
        return 16;
    }
    u64 value = reg == SP     ? s->sp
                : reg == PC   ? v->pc
                : reg == CPSR ? a64_get_nzcv(v)
                : reg == FPSR ? a64_get_fpsr(v)
                : reg == FPCR ? a64_get_fpcr(v)
                              : s->tpidr;
    return put(out, value, size_of(reg));
}

static bool reg_write(struct vcpu *v, u32 reg, const u8 *in, u32 len)
{
    struct a64_state *s = a64_state(v);
    u64 value = 0;
    if (reg >= COUNT || len != size_of(reg))
        return false;
    if (len == 16) {
        memcpy(&s->v[reg - V0], in, 16);
        return true;
    }
    memcpy(&value, in, len);
    switch (reg) {
    case SP:
        s->sp = value;
        break;
    case PC:
        v->pc = value;
        a64_drop_reservation(v);
        break;
    case CPSR:
        a64_set_nzcv(v, (u32)value);
        break;
    case FPSR:
        a64_set_fpsr(v, (u32)value);
        break;
    case FPCR:
        a64_set_fpcr(v, (u32)value);
        vcpu_changed(v);
        break;
    case TPIDR:
        s->tpidr = value;
        break;
    default:
        s->x[reg] = value;
    }
    return true;
}

const struct lx_gdb_regs lx_gdb_regs_aarch64 = {
    .description = description, .n = COUNT, .read = reg_read, .write = reg_write};
