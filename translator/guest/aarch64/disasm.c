/* aarch64: instructions as text.
 *
 * The cases come from aarch64.decode; here is how each kind of operand is written (disasm_simd.inc: those of
 * floating point and SIMD). Mnemonic, a tab, operands separated by commas, branch destinations as addresses, as the GNU
 * tools write it; their comments are left out. */
#include "translator/guest/aarch64/a64_int.h"

#include "lib/fmt.h"
#include "lib/str.h"

/* The instruction's address is not part of struct a64_insn; this goes with it. */
struct printed {
    struct a64_insn insn; /* first, so that operands find it */
    gva_t pc;
};

static void put_name(struct strbuf *o, const char *name, bool operands)
{
    sb_puts(o, name);
    if (operands)
        sb_putc(o, '\t');
}

/* --- registers --- */

static void put_zr(struct strbuf *o, u32 sf, u32 n)
{
    if (n == 31)
        sb_puts(o, sf ? "xzr" : "wzr");
    else
        sb_printf(o, "%c%u", sf ? 'x' : 'w', n);
}

static void put_sp(struct strbuf *o, u32 sf, u32 n)
{
    if (n == 31)
        sb_puts(o, sf ? "sp" : "wsp");
    else
        put_zr(o, sf, n);
}

static void print_reg(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_zr(o, i->sf, n);
}

static void print_regsp(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_sp(o, i->sf, n);
}

static void print_xreg(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_zr(o, 1, n);
}

static void print_wreg(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_zr(o, 0, n);
}

/* The upper of a pair. */
static void print_reg1(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_zr(o, i->sf, n + 1);
}

static void print_freg(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    sb_printf(o, "%c%u", "bhsdq"[i->size], n);
}

/* An extended register: x for 64-bit extensions only. */
static void print_extreg(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_zr(o, (i->shift & 3) == 3 && i->sf, n);
}

/* --- numbers --- */

static void print_dec(struct strbuf *o, const struct a64_insn *i, s32 v)
{
    sb_printf(o, "#%d", v);
}

static void print_hex(struct strbuf *o, const struct a64_insn *i, s32 v)
{
    sb_printf(o, "#0x%x", (u32)v);
}

static void put_hex64(struct strbuf *o, const struct a64_insn *i, u64 v)
{
    sb_printf(o, "#0x%llx", (unsigned long long)(i->sf ? v : (u32)v));
}

static void print_bmask(struct strbuf *o, const struct a64_insn *i, s32 bits)
{
    u64 v = 0;
    (void)a64_bitmask((u32)bits, &v);
    put_hex64(o, i, v);
}

static void print_wide(struct strbuf *o, const struct a64_insn *i, s32 v)
{
    put_hex64(o, i, (u64)v << 16 * i->amount);
}

static void print_wideinv(struct strbuf *o, const struct a64_insn *i, s32 v)
{
    put_hex64(o, i, ~((u64)v << 16 * i->amount));
}

static void put_address(struct strbuf *o, gva_t to)
{
    sb_printf(o, "0x%llx", (unsigned long long)to);
}

static void print_to(struct strbuf *o, const struct a64_insn *i, s32 offset)
{
    put_address(o, ((const struct printed *)i)->pc + (u64)(s64)offset);
}

static void print_page(struct strbuf *o, const struct a64_insn *i, s32 pages)
{
    put_address(o, (((const struct printed *)i)->pc & ~0xfffull) + ((u64)(s64)pages << 12));
}

/* --- bit fields --- */

static void print_lsb(struct strbuf *o, const struct a64_insn *i, s32 r)
{
    sb_printf(o, "#%d", r);
}

static void print_rlsb(struct strbuf *o, const struct a64_insn *i, s32 r)
{
    sb_printf(o, "#%u", (0u - (u32)r) & (i->sf ? 63 : 31));
}

static void print_width(struct strbuf *o, const struct a64_insn *i, s32 s)
{
    sb_printf(o, "#%d", s + 1);
}

static void print_xwidth(struct strbuf *o, const struct a64_insn *i, s32 s)
{
    sb_printf(o, "#%d", s - i->imm + 1);
}

/* --- shifts, with the comma before them --- */

static void print_lsl12(struct strbuf *o, const struct a64_insn *i, u32 on)
{
    if (on)
        sb_puts(o, ",lsl #12");
}

static void print_hw(struct strbuf *o, const struct a64_insn *i, u32 hw)
{
    if (hw)
        sb_printf(o, ",lsl #%u", 16 * hw);
}

static void print_shift(struct strbuf *o, const struct a64_insn *i, u32 shift)
{
    static const char *const names[4] = {"lsl", "lsr", "asr", "ror"};
    if (shift || i->amount)
        sb_printf(o, ",%s #%u", names[shift], i->amount);
}

static const char *const extension_names[8] = {"uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"};

/* With a stack pointer, the extension that changes nothing is a shift. */
static void print_extend(struct strbuf *o, const struct a64_insn *i, u32 option)
{
    const bool sets = i->op == A64_ADDS_EXT || i->op == A64_SUBS_EXT;
    if (option == (i->sf ? 3 : 2) && (i->rn == 31 || (i->rd == 31 && !sets))) {
        if (i->amount)
            sb_printf(o, ",lsl #%u", i->amount);
        return;
    }
    sb_printf(o, ",%s", extension_names[option]);
    if (i->amount)
        sb_printf(o, " #%u", i->amount);
}

/* --- conditions --- */

static const char *const cond_names[16] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                           "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};

static void print_cond(struct strbuf *o, const struct a64_insn *i, u32 cond)
{
    sb_puts(o, cond_names[cond]);
}

static void print_icond(struct strbuf *o, const struct a64_insn *i, u32 cond)
{
    sb_puts(o, cond_names[cond ^ 1]);
}

/* --- memory --- */

static void print_base(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    sb_putc(o, '[');
    put_sp(o, 1, n);
    sb_putc(o, ']');
}

static void print_mem(struct strbuf *o, const struct a64_insn *i, u32 mode)
{
    const s64 off = (s64)i->imm * (i->scaled ? 1 << i->size : 1);
    sb_putc(o, '[');
    put_sp(o, 1, i->rn);
    switch (mode) {
    case 2:
        sb_printf(o, "],#%lld", (long long)off);
        return;
    case 3:
        sb_printf(o, ",#%lld]!", (long long)off);
        return;
    case 4:
        sb_putc(o, ',');
        put_zr(o, i->shift & 1, i->rm);
        if (i->shift != 3)
            sb_printf(o, ",%s", extension_names[i->shift]);
        else if (i->amount)
            sb_puts(o, ",lsl");
        if (i->amount)
            sb_printf(o, " #%u", i->size);
        break;
    default:
        if (off)
            sb_printf(o, ",#%lld", (long long)off);
        break;
    }
    sb_putc(o, ']');
}

static void print_prf(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    static const char *const types[4] = {"pld", "pli", "pst", NULL};
    if (n >> 3 == 3 || (n >> 1 & 3) == 3)
        sb_printf(o, "#0x%02x", n);
    else
        sb_printf(o, "%sl%u%s", types[n >> 3], (n >> 1 & 3) + 1, n & 1 ? "strm" : "keep");
}

static void print_order(struct strbuf *o, const struct a64_insn *i, u32 order)
{
    static const char *const names[4] = {"", "l", "a", "al"};
    sb_puts(o, names[order]);
}

static void print_lsz(struct strbuf *o, const struct a64_insn *i, u32 size)
{
    if (size < 2)
        sb_putc(o, "bh"[size]);
}

/* --- structures --- */

static void put_structure(struct strbuf *o, const struct a64_insn *i, u32 bytes)
{
    print_base(o, i, i->rn);
    if (!i->mode)
        return;
    sb_putc(o, ',');
    if (i->rm == 31)
        sb_printf(o, "#%u", bytes);
    else
        put_zr(o, 1, i->rm);
}

static void print_mems(struct strbuf *o, const struct a64_insn *i, u32 mode)
{
    put_structure(o, i, i->amount * (8u << i->q));
}

static void print_memsl(struct strbuf *o, const struct a64_insn *i, u32 mode)
{
    put_structure(o, i, (u32)i->amount << i->size);
}

/* `amount` registers from n on. */
static void put_list(struct strbuf *o, u32 n, u32 amount, const char *shape)
{
    const u32 last = (n + amount - 1) & 31;
    sb_printf(o, "{v%u.%s", n, shape);
    if (amount > 2 && last > n)
        sb_printf(o, "-v%u.%s", last, shape);
    else
        for (u32 k = 1; k < amount; k++)
            sb_printf(o, ",v%u.%s", (n + k) & 31, shape);
    sb_putc(o, '}');
}

static void print_vlist(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    static const char *const shapes[2][4] = {{"8b", "4h", "2s", "1d"}, {"16b", "8h", "4s", "2d"}};
    put_list(o, n, i->amount, shapes[i->q][i->size]);
}

static void print_vlane(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    static const char *const shapes[4] = {"b", "h", "s", "d"};
    put_list(o, n, i->amount, shapes[i->size]);
    sb_printf(o, "[%u]", i->index);
}

/* --- system --- */

static void print_sysreg(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    static const struct {
        u16 n;
        const char *name;
    } named[] = {{0x5a10, "nzcv"},
                 {0x5a20, "fpcr"},
                 {0x5a21, "fpsr"},
                 {0x5e82, "tpidr_el0"},
                 {0x5e83, "tpidrro_el0"},
                 {0x5801, "ctr_el0"},
                 {0x5807, "dczid_el0"},
                 {0x5f00, "cntfrq_el0"},
                 {0x5f02, "cntvct_el0"},
                 {0x4000, "midr_el1"},
                 {0x4005, "mpidr_el1"},
                 {0x4006, "revidr_el1"},
                 {0x4020, "id_aa64pfr0_el1"},
                 {0x4021, "id_aa64pfr1_el1"},
                 {0x4028, "id_aa64dfr0_el1"},
                 {0x4030, "id_aa64isar0_el1"},
                 {0x4031, "id_aa64isar1_el1"},
                 {0x4038, "id_aa64mmfr0_el1"},
                 {0x4039, "id_aa64mmfr1_el1"}};
    for (u32 k = 0; k < ARRAY_LEN(named); k++) {
        if (named[k].n == n) {
            sb_puts(o, named[k].name);
            return;
        }
    }
    sb_printf(o, "s%u_%u_c%u_c%u_%u", (n >> 14) + 2, n >> 11 & 7, n >> 7 & 15, n >> 3 & 15, n & 7);
}

static void print_barrier(struct strbuf *o, const struct a64_insn *i, s32 v)
{
    static const char *const names[16] = {NULL, "oshld", "oshst", "osh", NULL, "nshld", "nshst", "nsh",
                                          NULL, "ishld", "ishst", "ish", NULL, "ld",    "st",    "sy"};
    if (names[v])
        sb_puts(o, names[v]);
    else
        sb_printf(o, "#0x%02x", (u32)v);
}

/* --- what the aliases ask --- */

static bool is_to_or_from_sp(const struct a64_insn *i)
{
    return i->rd == 31 || i->rn == 31;
}

/* imm2 < imm: bits from the bottom move up. */
static bool is_bits_inserted(const struct a64_insn *i)
{
    return i->imm2 < i->imm;
}

static bool is_shift_left(const struct a64_insn *i)
{
    return i->imm2 + 1 == i->imm;
}

static bool is_word(const struct a64_insn *i)
{
    return !i->sf;
}

static bool is_cond_inverts(const struct a64_insn *i)
{
    return i->cond < 14;
}

static bool is_wide(const struct a64_insn *i)
{
    return i->imm || !i->amount;
}

static bool is_wide_inverted(const struct a64_insn *i)
{
    return (i->imm || !i->amount) && (i->sf || i->imm != 0xffff);
}

/* No movz or movn has this value: only then is orr the way to move it. */
static bool is_no_wide(const struct a64_insn *i)
{
    u64 v = 0;
    (void)a64_bitmask((u32)i->imm, &v);
    for (u32 at = 0; at < (i->sf ? 64u : 32u); at += 16) {
        const u64 field = 0xffffull << at, all = i->sf ? ~0ull : 0xffffffffull;
        if (!(v & all & ~field) || !(~v & all & ~field))
            return false;
    }
    return true;
}

#include "translator/guest/aarch64/disasm_simd.inc"

#include "translator/guest/aarch64/aarch64_disasm.inc"

void a64_print(const struct a64_insn *i, gva_t pc, bool aliases, char *buf, size_t cap)
{
    const struct printed p = {*i, pc};
    char text[256];
    struct strbuf t, o;
    sb_fixed(&t, text, sizeof text);
    print_insn(&t, &p.insn, aliases);
    sb_fixed(&o, buf, cap);
    for (const char *s = text; *s; s++) {
        sb_putc(&o, *s);
        if (*s == ',')
            sb_putc(&o, ' ');
    }
}

size_t a64_disasm(const u8 *code, size_t len, gva_t pc, char *buf, size_t cap)
{
    struct a64_insn i;
    u32 word;
    if (len < 4)
        return 0;
    memcpy(&word, code, 4);
    if (a64_decode32(word, &i))
        a64_print(&i, pc, true, buf, cap);
    else
        fmt(buf, cap, ".inst\t0x%08x", word);
    return 4;
}
