/* riscv64: instructions as text.
 *
 * The cases come from riscv64.decode; here is how each kind of operand is written. Mnemonic, a tab, operands
 * separated by commas, branch destinations as addresses, as the GNU tools write it. */
#include "translator/guest/riscv64/rv_int.h"

#include "lib/fmt.h"

static const char *const x_names[32] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                        "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                        "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
static const char *const f_names[32] = {"ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1", "fa0",
                                        "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4", "fs5",
                                        "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
static const char *const rounding_names[8] = {"rne", "rtz", "rdn", "rup", "rmm", "5", "6", "dyn"};
static const char *const fli_names[32] = {"-1.0",
                                          "min",
                                          "1.52587890625e-05",
                                          "3.0517578125e-05",
                                          "0.00390625",
                                          "0.0078125",
                                          "0.0625",
                                          "0.125",
                                          "0.25",
                                          "0.3125",
                                          "0.375",
                                          "0.4375",
                                          "0.5",
                                          "0.625",
                                          "0.75",
                                          "0.875",
                                          "1.0",
                                          "1.25",
                                          "1.5",
                                          "1.75",
                                          "2.0",
                                          "2.5",
                                          "3.0",
                                          "4.0",
                                          "8.0",
                                          "16.0",
                                          "128.0",
                                          "256.0",
                                          "32768.0",
                                          "65536.0",
                                          "inf",
                                          "nan"};

/* The instruction's address is not part of struct rv_insn; this goes with it. */
struct printed {
    struct rv_insn insn; /* first, so that operands find it */
    gva_t pc;
};

static void put_name(struct strbuf *o, const char *name, bool operands)
{
    sb_puts(o, name);
    if (operands)
        sb_putc(o, '\t');
}

static void print_xreg(struct strbuf *o, const struct rv_insn *i, u32 n)
{
    sb_puts(o, x_names[n]);
}

static void print_freg(struct strbuf *o, const struct rv_insn *i, u32 n)
{
    sb_puts(o, f_names[n]);
}

static void print_dec(struct strbuf *o, const struct rv_insn *i, s32 v)
{
    sb_printf(o, "%d", v);
}

static void print_hex(struct strbuf *o, const struct rv_insn *i, s32 v)
{
    sb_printf(o, "0x%x", (u32)v);
}

/* lui's 20 bits */
static void print_upper(struct strbuf *o, const struct rv_insn *i, s32 v)
{
    sb_printf(o, "0x%x", (u32)v >> 12);
}

static void print_fli(struct strbuf *o, const struct rv_insn *i, u32 n)
{
    sb_puts(o, fli_names[n]);
}

static void print_to(struct strbuf *o, const struct rv_insn *i, s32 offset)
{
    sb_printf(o, "0x%llx", (unsigned long long)(((const struct printed *)i)->pc + (u64)(s64)offset));
}

static void print_csr(struct strbuf *o, const struct rv_insn *i, u32 n)
{
    static const struct {
        u16 n;
        const char *name;
    } csrs[] = {{0x001, "fflags"}, {0x002, "frm"},  {0x003, "fcsr"},
                {0xc00, "cycle"},  {0xc01, "time"}, {0xc02, "instret"}};
    for (u32 k = 0; k < ARRAY_LEN(csrs); k++) {
        if (csrs[k].n == n) {
            sb_puts(o, csrs[k].name);
            return;
        }
    }
    sb_printf(o, "0x%x", n);
}

/* Nothing for the dynamic mode. */
static void print_rm(struct strbuf *o, const struct rv_insn *i, u32 rm)
{
    if (rm != IR_RDYN)
        sb_printf(o, ",%s", rounding_names[rm]);
}

/* Nothing for RNE: conversions that are exact. */
static void print_rm0(struct strbuf *o, const struct rv_insn *i, u32 rm)
{
    if (rm != IR_RNE)
        sb_printf(o, ",%s", rounding_names[rm]);
}

static void print_fence_set(struct strbuf *o, u32 set)
{
    if (!(set & 15))
        sb_puts(o, "unknown");
    for (u32 k = 0; k < 4; k++)
        if (set & (8u >> k))
            sb_putc(o, "iorw"[k]);
}

static void print_pred(struct strbuf *o, const struct rv_insn *i, s32 v)
{
    print_fence_set(o, (u32)v >> 4);
}

static void print_succ(struct strbuf *o, const struct rv_insn *i, s32 v)
{
    print_fence_set(o, (u32)v);
}

static void print_order(struct strbuf *o, const struct rv_insn *i, u32 aqrl)
{
    static const char *const names[4] = {"", ".rl", ".aq", ".aqrl"};
    sb_puts(o, names[aqrl]);
}

#include "translator/guest/riscv64/riscv64_disasm.inc"

void rv_print(const struct rv_insn *i, gva_t pc, bool aliases, char *buf, size_t cap)
{
    const struct printed p = {*i, pc};
    struct strbuf o;
    sb_fixed(&o, buf, cap);
    print_insn(&o, &p.insn, aliases);
}

size_t rv_disasm(const u8 *code, size_t len, gva_t pc, char *buf, size_t cap)
{
    struct rv_insn i;
    if (!rv_fetch(code, len, &i))
        return 0;
    if (i.op == RV_ILLEGAL) {
        fmt(buf, cap, ".half\t0x%x", code[0] | code[1] << 8);
        return 2;
    }
    rv_print(&i, pc, true, buf, cap);
    return i.len;
}
