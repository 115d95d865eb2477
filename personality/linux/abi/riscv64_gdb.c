/* riscv64 registers as gdb numbers and describes them: 0..31 integer, 32 pc, 33..64 floating, 65 fflags, 66 frm,
 * 67 fcsr. */
#include "personality/linux/gdb.h"

#include <string.h>

#include "translator/guest/riscv64/state.h"

#define PC     32
#define F0     33
#define FFLAGS 65
#define FRM    66
#define FCSR   67
#define COUNT  68

/* clang-format off */

#define X(name, type) "<reg name=\"" name "\" bitsize=\"64\" type=\"" type "\"/>"
#define F(name)       "<reg name=\"" name "\" bitsize=\"64\" type=\"riscv_double\"/>"
#define C(name, num)  "<reg name=\"" name "\" bitsize=\"32\" type=\"int\" regnum=\"" num "\"/>"

static const char description[] =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
    "<architecture>riscv:rv64</architecture><osabi>GNU/Linux</osabi>"
    "<feature name=\"org.gnu.gdb.riscv.cpu\">"
    X("zero", "int") X("ra", "code_ptr") X("sp", "data_ptr") X("gp", "data_ptr") X("tp", "data_ptr")
    X("t0", "int") X("t1", "int") X("t2", "int") X("fp", "data_ptr") X("s1", "int")
    X("a0", "int") X("a1", "int") X("a2", "int") X("a3", "int") X("a4", "int") X("a5", "int") X("a6", "int") X("a7", "int")
    X("s2", "int") X("s3", "int") X("s4", "int") X("s5", "int") X("s6", "int") X("s7", "int") X("s8", "int") X("s9", "int")
    X("s10", "int") X("s11", "int") X("t3", "int") X("t4", "int") X("t5", "int") X("t6", "int") X("pc", "code_ptr")
    "</feature><feature name=\"org.gnu.gdb.riscv.fpu\">"
    "<union id=\"riscv_double\"><field name=\"float\" type=\"ieee_single\"/><field name=\"double\" type=\"ieee_double\"/></union>"
    F("ft0") F("ft1") F("ft2") F("ft3") F("ft4") F("ft5") F("ft6") F("ft7") F("fs0") F("fs1")
    F("fa0") F("fa1") F("fa2") F("fa3") F("fa4") F("fa5") F("fa6") F("fa7")
    F("fs2") F("fs3") F("fs4") F("fs5") F("fs6") F("fs7") F("fs8") F("fs9") F("fs10") F("fs11")
    F("ft8") F("ft9") F("ft10") F("ft11")
    C("fflags", "65") C("frm", "66") C("fcsr", "67")
    "</feature></target>";

/* clang-format on */

static u32 put(u8 *out, u64 value, u32 n)
{
    memcpy(out, &value, n);
    return n;
}

static u32 reg_read(struct vcpu *v, u32 reg, u8 *out)
{
    const struct rv_state *s = rv_state(v);
    if (reg < 32)
        return put(out, reg ? s->x[reg] : 0, 8);
    if (reg == PC)
        return put(out, v->pc, 8);
    if (reg < FFLAGS)
        return put(out, s->f[reg - F0], 8);
    if (reg >= COUNT)
        return 0;
    u32 fcsr = rv_get_fcsr(v);
    return put(out, reg == FFLAGS ? fcsr & 31 : reg == FRM ? fcsr >> 5 : fcsr, 4);
}

static bool reg_write(struct vcpu *v, u32 reg, const u8 *in, u32 len)
{
    struct rv_state *s = rv_state(v);
    u64 value = 0;
    if (reg >= COUNT || len != (reg < FFLAGS ? 8 : 4))
        return false;
    memcpy(&value, in, len);
    if (reg == 0)
        return true; /* gdb writes it back with all others */
    if (reg < 32) {
        s->x[reg] = value;
    } else if (reg == PC) {
        v->pc = value & ~1ull;
        rv_drop_reservation(v);
    } else if (reg < FFLAGS) {
        s->f[reg - F0] = value;
    } else {
        u32 fcsr = rv_get_fcsr(v), n = (u32)value;
        rv_set_fcsr(v, reg == FFLAGS ? (fcsr & 0xe0) | (n & 31) : reg == FRM ? (fcsr & 31) | (n & 7) << 5 : n & 0xff);
        vcpu_changed(v);
    }
    return true;
}

const struct lx_gdb_regs lx_gdb_regs_riscv64 = {
    .description = description, .n = COUNT, .read = reg_read, .write = reg_write};
