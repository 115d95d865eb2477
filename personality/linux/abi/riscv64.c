/* riscv64 as a guest of the Linux personality: calls, signal frames, what a program is told about its CPU.
 *
 * A system call has its number in a7 and its arguments in a0 to a5; the result replaces a0. There is no restorer: a
 * handler returns to the vDSO.
 *
 * The signal frame is the kernel's: siginfo, then a ucontext with the integer registers (pc in the place of x0), the
 * double-precision registers and fcsr, and an empty chain of extension records. */
#define _GNU_SOURCE
#include "personality/linux/abi.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/fmt.h"
#include "personality/linux/gdb.h"
#include "personality/linux/mm.h"
#include "personality/linux/syscall.h"
#include "translator/guest/riscv64/state.h"

#define EM_RISCV 243

/* --- calls --- */

static void call_get(struct lx_thread *t)
{
    const u64 *x = rv_state(t->vcpu)->x;
    t->call_nr = x[RV_A7];
    for (u32 i = 0; i < 6; i++)
        t->call_arg[i] = x[RV_A0 + i];
    t->call_pc = t->vcpu->pc;
}

static void call_set(struct lx_thread *t, s64 result)
{
    rv_state(t->vcpu)->x[RV_A0] = (u64)result;
}

static void call_rewind(struct lx_thread *t)
{
    t->vcpu->pc = t->call_pc - 4; /* ecall has no short form */
    rv_state(t->vcpu)->x[RV_A0] = t->call_arg[0];
}

static void start(struct vcpu *v, gva_t entry, gva_t sp)
{
    guest_riscv64.reset(v);
    v->pc = entry;
    rv_state(v)->x[RV_SP] = sp;
    vcpu_changed(v);
}

static void clone(struct vcpu *to, struct vcpu *from, gva_t sp, const u64 *tls)
{
    struct rv_state *s = rv_state(to);
    *s = *rv_state(from);
    rv_set_fcsr(to, rv_get_fcsr(from));
    rv_drop_reservation(to);
    to->pc = from->pc;
    s->x[RV_A0] = 0;
    if (sp)
        s->x[RV_SP] = sp;
    if (tls)
        s->x[RV_TP] = *tls;
    vcpu_changed(to);
}

static gva_t stack_pointer(const struct vcpu *v)
{
    return ((const struct rv_state *)v->slots)->x[RV_SP];
}

/* --- signal frames --- */

struct rv_ucontext {
    u64 flags, link;
    stack_t stack;
    u64 sigmask;
    u8 unused[1024 / 8 - 8];
    _Alignas(16) u64 gregs[32]; /* pc, x1..x31 */
    u64 f[32];
    u32 fcsr;
    u8 quad[512 - 256 - 4]; /* the rest of the registers, were they of quad precision */
    u32 pad, reserved;
    u32 ext_magic, ext_size; /* the end of the chain of extension records: both 0 */
};
_Static_assert(offsetof(struct rv_ucontext, gregs) == 176, "as Linux lays it out");
_Static_assert(offsetof(struct rv_ucontext, reserved) == 176 + 256 + 516, "as Linux lays it out");
_Static_assert(sizeof(struct rv_ucontext) == 176 + 256 + 528, "as Linux lays it out");

struct rv_sigframe {
    siginfo_t info;
    struct rv_ucontext uc;
};
_Static_assert(sizeof(struct rv_sigframe) == 1088, "as Linux lays it out");

static int frame_push(struct lx_thread *t, int sig, const siginfo_t *info, const struct lx_sigaction *act, u64 mask,
                      gva_t sp)
{
    struct vcpu *v = t->vcpu;
    struct rv_state *s = rv_state(v);
    struct rv_sigframe f;
    gva_t at = (sp - sizeof f) & ~15ull;
    memset(&f, 0, sizeof f);
    f.info = *info;
    f.uc.stack = t->altstack;
    f.uc.sigmask = mask;
    f.uc.gregs[0] = v->pc;
    memcpy(&f.uc.gregs[1], &s->x[1], 31 * sizeof(u64));
    memcpy(f.uc.f, s->f, sizeof f.uc.f);
    f.uc.fcsr = rv_get_fcsr(v);
    if (lx_write(t, at, &f, sizeof f))
        return -EFAULT;
    s->x[RV_RA] = t->proc->mm->vdso;
    s->x[RV_SP] = at;
    s->x[RV_A0] = (u64)sig;
    s->x[RV_A0 + 1] = at + offsetof(struct rv_sigframe, info);
    s->x[RV_A0 + 2] = at + offsetof(struct rv_sigframe, uc);
    v->pc = act->handler & ~1ull;
    rv_drop_reservation(v);
    return 0;
}

static int frame_read(struct lx_thread *t, struct lx_frame *out)
{
    struct rv_sigframe f;
    _Static_assert(sizeof f.uc <= sizeof out->bytes, "room for the frame");
    if (lx_read(t, &f, stack_pointer(t->vcpu), sizeof f) || f.uc.reserved || f.uc.ext_magic || f.uc.ext_size)
        return -EFAULT;
    out->mask = f.uc.sigmask;
    out->altstack = f.uc.stack;
    memcpy(out->bytes, &f.uc, sizeof f.uc);
    return 0;
}

static void frame_pop(struct lx_thread *t, const struct lx_frame *f)
{
    const struct rv_ucontext *uc = (const void *)f->bytes;
    struct vcpu *v = t->vcpu;
    struct rv_state *s = rv_state(v);
    v->pc = uc->gregs[0] & ~1ull;
    memcpy(&s->x[1], &uc->gregs[1], 31 * sizeof(u64));
    memcpy(s->f, uc->f, sizeof s->f);
    rv_set_fcsr(v, uc->fcsr & 0xff);
    rv_drop_reservation(v);
    vcpu_changed(v);
}

static void frame_bad(struct lx_thread *t, siginfo_t *info)
{
    info->si_code = SI_KERNEL;
}

/* What a handler returns to; unwinders know a signal frame by these two instructions. */
static const u32 sigreturn_code[] = {
    0x08b00893, /* li a7, 139 (rt_sigreturn) */
    0x00000073, /* ecall */
};

/* --- the CPU as a program is told --- */

/* With and without the compressed instructions. */
#define ISA_STRING(c, zc)                                                                                              \
    "rv64imafd" c "_zicboz_zicntr_zicond_zicsr_zifencei_zihintntl_zihintpause_zaamo_zalrsc_zacas_zfa_zfhmin_" zc       \
    "zba_zbb_zbs"

static size_t cpuinfo(char *buf, size_t cap, u32 n, u64 cpu)
{
    const char *isa = cpu & RV_CPU_NO_C ? ISA_STRING("", "") : ISA_STRING("c", "zca_zcb_zcd_");
    struct strbuf sb;
    size_t total = 0;
    if (!cap)
        return 0;
    sb_fixed(&sb, buf, cap);
    for (u32 i = 0; i < n; i++) {
        char one[512];
        total += fmt(one, sizeof one,
                     "processor\t: %u\nhart\t\t: %u\nisa\t\t: %s"
                     "\nmmu\t\t: sv39\nmvendorid\t: 0x0\nmarchid\t\t: 0x0\n"
                     "mimpid\t\t: 0x0\nhart isa\t: %s\n\n",
                     i, i, isa, isa);
        sb_puts(&sb, one);
    }
    return total;
}

#define HWCAP(letter) (1ull << ((letter) - 'A'))

static u64 hwcap2(u64 cpu)
{
    return 0;
}

static u64 hwcap(u64 cpu)
{
    const u64 c = cpu & RV_CPU_NO_C ? 0 : HWCAP('C');
    return HWCAP('I') | HWCAP('M') | HWCAP('A') | HWCAP('F') | HWCAP('D') | c;
}

/* Keys and bits of riscv_hwprobe. */
enum {
    HWPROBE_MVENDORID,
    HWPROBE_MARCHID,
    HWPROBE_MIMPID,
    HWPROBE_BASE_BEHAVIOR,
    HWPROBE_IMA_EXT_0,
    HWPROBE_CPUPERF_0,
    HWPROBE_ZICBOZ_BLOCK_SIZE,
    HWPROBE_HIGHEST_VIRT_ADDRESS,
    HWPROBE_TIME_CSR_FREQ,
    HWPROBE_MISALIGNED_SCALAR_PERF,
    HWPROBE_MISALIGNED_VECTOR_PERF,
};
#define EXT_FD          (1ull << 0)
#define EXT_C           (1ull << 1)
#define EXT_ZBA         (1ull << 3)
#define EXT_ZBB         (1ull << 4)
#define EXT_ZBS         (1ull << 5)
#define EXT_ZICBOZ      (1ull << 6)
#define EXT_ZFHMIN      (1ull << 28)
#define EXT_ZIHINTNTL   (1ull << 29)
#define EXT_ZFA         (1ull << 32)
#define EXT_ZACAS       (1ull << 34)
#define EXT_ZICOND      (1ull << 35)
#define EXT_ZIHINTPAUSE (1ull << 36)
#define EXT_ZCA         (1ull << 43)
#define EXT_ZCB         (1ull << 44)
#define EXT_ZCD         (1ull << 45)
/* Scalar cryptography (Zbc, Zbkb, Zbkc, Zbkx, Zknd, Zkne, Zknh) is not told: libraries that find it use it, and AES and
 * products by helpers are slower than their plain code. */
#define EXTENSIONS                                                                                                     \
    (EXT_FD | EXT_ZBA | EXT_ZBB | EXT_ZBS | EXT_ZICBOZ | EXT_ZFHMIN | EXT_ZIHINTNTL | EXT_ZFA | EXT_ZACAS |            \
     EXT_ZICOND | EXT_ZIHINTPAUSE)
#define COMPRESSED      (EXT_C | EXT_ZCA | EXT_ZCB | EXT_ZCD)
#define MISALIGNED_FAST 3

/* The value of a key; false when it is unknown. bits: a set, of which a program may ask for a part. */
static bool hwprobe_value(const struct lx_thread *t, s64 key, u64 *value, bool *bits)
{
    *bits = false;
    switch (key) {
    case HWPROBE_MVENDORID:
    case HWPROBE_MARCHID:
    case HWPROBE_MIMPID:
        *value = 0;
        return true;
    case HWPROBE_BASE_BEHAVIOR:
        *value = 1; /* IMA */
        *bits = true;
        return true;
    case HWPROBE_IMA_EXT_0:
        *value = EXTENSIONS | (t->vcpu->cpu & RV_CPU_NO_C ? 0 : COMPRESSED);
        *bits = true;
        return true;
    case HWPROBE_CPUPERF_0:
    case HWPROBE_MISALIGNED_SCALAR_PERF:
        *value = MISALIGNED_FAST;
        return true;
    case HWPROBE_ZICBOZ_BLOCK_SIZE:
        *value = 64;
        return true;
    case HWPROBE_HIGHEST_VIRT_ADDRESS:
        *value = t->proc->mm->size - 1;
        return true;
    case HWPROBE_TIME_CSR_FREQ:
        *value = 10000000; /* as the frontend counts */
        return true;
    case HWPROBE_MISALIGNED_VECTOR_PERF:
        *value = 4; /* unsupported */
        return true;
    default:
        *value = 0;
        return false;
    }
}

struct hwprobe_pair {
    s64 key;
    u64 value;
};

/* Asks which of a set of CPUs have all these values: all of ours are alike, so it is all or none. */
static s64 hwprobe_which(struct lx_thread *t, gva_t pairs, u64 count, u64 size, gva_t cpus)
{
    u8 mask[1024] = {0};
    u32 n = (u32)sysconf(_SC_NPROCESSORS_ONLN);
    bool all = true, empty = true;
    if (!cpus || !size)
        return -EINVAL;
    if (size > sizeof mask)
        size = sizeof mask;
    if (lx_read(t, mask, cpus, size))
        return -EFAULT;
    for (u64 i = 0; i < size; i++)
        empty &= !mask[i];
    for (u64 cpu = 0; cpu < size * 8; cpu++) {
        if (empty && cpu < n)
            mask[cpu / 8] |= (u8)(1u << cpu % 8);
        else if (cpu >= n)
            mask[cpu / 8] &= (u8) ~(1u << cpu % 8);
    }
    for (u64 i = 0; i < count; i++) {
        struct hwprobe_pair p;
        u64 value;
        bool bits;
        gva_t at = pairs + i * sizeof p;
        if (lx_read(t, &p, at, sizeof p))
            return -EFAULT;
        if (!hwprobe_value(t, p.key, &value, &bits)) {
            p = (struct hwprobe_pair){-1, 0};
            if (lx_write(t, at, &p, sizeof p))
                return -EFAULT;
            all = false;
        } else if (bits ? (value & p.value) != p.value : value != p.value) {
            all = false;
        }
    }
    if (!all)
        memset(mask, 0, sizeof mask);
    return lx_write(t, cpus, mask, size) ? -EFAULT : 0;
}

s64 sys_riscv_hwprobe(struct lx_thread *t, const u64 *a)
{
    u64 count = a[1], size = a[2];
    if (a[4] == 1)
        return hwprobe_which(t, a[0], count, size, a[3]);
    if (a[4])
        return -EINVAL;
    if (size || a[3]) {
        /* Some CPU of the set must exist. */
        u8 mask[1024] = {0};
        bool some = false;
        if (size > sizeof mask)
            size = sizeof mask;
        if (lx_read(t, mask, a[3], size))
            return -EFAULT;
        for (u32 cpu = 0, n = (u32)sysconf(_SC_NPROCESSORS_ONLN); cpu < n && cpu < size * 8; cpu++)
            some |= mask[cpu / 8] >> cpu % 8 & 1;
        if (!some)
            return -EINVAL;
    }
    for (u64 i = 0; i < count; i++) {
        struct hwprobe_pair p;
        bool bits;
        gva_t at = a[0] + i * sizeof p;
        if (lx_read(t, &p, at, sizeof p))
            return -EFAULT;
        if (!hwprobe_value(t, p.key, &p.value, &bits))
            p.key = -1;
        if (lx_write(t, at, &p, sizeof p))
            return -EFAULT;
    }
    return 0;
}

s64 sys_riscv_flush_icache(struct lx_thread *t, const u64 *a)
{
    if (a[2] & ~1ull)
        return -EINVAL;
    engine_sync(t->proc->engine); /* all of it, whatever the range, as the kernel does */
    return 0;
}

/* auipc or, where it is linked for one place, lui, and addi on its result right behind it. */
static void code_addresses(const u8 *code, u64 len, u64 pc, bool fixed, void (*each)(void *cx, u64 addr), void *cx)
{
    u64 high = 0;
    u32 reg = 0; /* that holds `high`; 0: none */
    for (u64 at = 0; at + 2 <= len;) {
        u32 w = code[at] | (u32)code[at + 1] << 8;
        const bool whole = (w & 3) == 3;
        if (whole && at + 4 > len)
            return;
        if (whole)
            w |= (u32)code[at + 2] << 16 | (u32)code[at + 3] << 24;
        const u32 rd = w >> 7 & 31, rs = w >> 15 & 31;
        if (whole && (w & 0x707f) == 0x13 && reg && rs == reg && rd == reg)
            each(cx, high + (u64)(s64)((s32)w >> 20));
        const bool auipc = whole && (w & 0x7f) == 0x17, lui = fixed && whole && (w & 0x7f) == 0x37;
        const bool c_lui = fixed && !whole && (w & 0xe003) == 0x6001 && rd != 2;
        reg = auipc || lui || c_lui ? rd : 0;
        high = c_lui ? (u64)((s64)((u64)(w >> 12 & 1) << 63) >> 46) | (u64)(w >> 2 & 31) << 12
                     : (auipc ? pc + at : 0) + (u64)(s64)(s32)(w & 0xfffff000);
        at += whole ? 4 : 2;
    }
}

const struct lx_abi lx_abi_riscv64 = {
    .name = "riscv64",
    .machine = "riscv64",
    .elf_machine = EM_RISCV,
    .isa = &guest_riscv64,
    .gdb = &lx_gdb_regs_riscv64,
    .hwcap = hwcap,
    .hwcap2 = hwcap2,
    .minsigstksz = sizeof(struct rv_sigframe),
    .least_altstack = 2048,
    .sa_flags = LX_SA_EXPOSE_TAGBITS,
    .window = 1ull << 38, /* Sv39, which every program for riscv64 can live with */
    .sigreturn = sigreturn_code,
    .sigreturn_len = sizeof sigreturn_code,
    .call_get = call_get,
    .call_set = call_set,
    .call_rewind = call_rewind,
    .start = start,
    .clone = clone,
    .sp = stack_pointer,
    .frame_size = sizeof(struct rv_sigframe),
    .frame_push = frame_push,
    .frame_read = frame_read,
    .frame_pop = frame_pop,
    .frame_bad = frame_bad,
    .code_addresses = code_addresses,
    .cpuinfo = cpuinfo,
};
