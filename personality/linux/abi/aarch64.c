/* aarch64 as a guest of the Linux personality: calls, signal frames, what a program is told about its CPU.
 *
 * A system call has its number in x8 and its arguments in x0 to x5; the result replaces x0. Four of open's flags have
 * values of their own.
 *
 * The signal frame is the kernel's: siginfo, then a ucontext with the general registers, and in 4 KiB kept for them a
 * chain of records: the vector registers, the syndrome of the last fault when there was one, the end. Above it lies a
 * frame record (fp, lr) by which unwinders go on from the handler. A handler returns to what SA_RESTORER names, else to
 * the vDSO.
 *
 * The syndrome (ESR) is made up from the kind of a fault: programs read from it whether a write faulted.
 *
 * Tags. The top byte of a data address is not looked at by a CPU under Linux. No host but an AArch64 one does the same,
 * and an `and` before each access would cost all programs for the few that use tags. So the first access with a tag
 * faults, which turns the thread's translations into ones that strip it (a64_state.tags), and is made again. System
 * calls take no tags, as a kernel built without the tagged address ABI; nor is there SA_EXPOSE_TAGBITS: addresses are
 * told without a tag. */
#define _GNU_SOURCE
#include "personality/linux/abi.h"

#include <errno.h>
#include <string.h>

#include "lib/fmt.h"
#include "personality/linux/gdb.h"
#include "personality/linux/mm.h"
#include "translator/guest/aarch64/cpu.h"
#include "translator/guest/aarch64/state.h"

#define EM_AARCH64 183

/* --- calls --- */

static void call_get(struct lx_thread *t)
{
    const u64 *x = a64_state(t->vcpu)->x;
    t->call_nr = (u32)x[8]; /* the kernel takes it for an int */
    for (u32 i = 0; i < 6; i++)
        t->call_arg[i] = x[i];
    t->call_pc = t->vcpu->pc;
}

static void call_set(struct lx_thread *t, s64 result)
{
    a64_state(t->vcpu)->x[0] = (u64)result;
}

static void call_rewind(struct lx_thread *t)
{
    t->vcpu->pc = t->call_pc - 4;
    a64_state(t->vcpu)->x[0] = t->call_arg[0];
}

static void start(struct vcpu *v, gva_t entry, gva_t sp)
{
    guest_aarch64.reset(v);
    v->pc = entry;
    a64_state(v)->sp = sp;
    vcpu_changed(v);
}

static void clone(struct vcpu *to, struct vcpu *from, gva_t sp, const u64 *tls)
{
    struct a64_state *s = a64_state(to);
    *s = *a64_state(from);
    a64_set_fpcr(to, a64_get_fpcr(from));
    a64_set_fpsr(to, a64_get_fpsr(from));
    a64_drop_reservation(to);
    to->pc = from->pc;
    s->x[0] = 0;
    if (sp)
        s->sp = sp;
    if (tls)
        s->tpidr = *tls;
    vcpu_changed(to);
}

static gva_t stack_pointer(const struct vcpu *v)
{
    return ((const struct a64_state *)v->slots)->sp;
}

/* O_DIRECT, O_LARGEFILE, O_DIRECTORY, O_NOFOLLOW of the generic ABI are the bits 14 to 17; here O_DIRECTORY,
 * O_NOFOLLOW, O_DIRECT, O_LARGEFILE are. */
static u64 open_flags(u64 flags)
{
    return (flags & ~(15ull << 14)) | (flags >> 14 & 3) << 16 | (flags >> 16 & 3) << 14;
}

/* --- faults --- */

/* ESR_EL1 (Arm ARM D19.2.37): exception classes, and fault status codes of data and instruction aborts. */
enum {
    EC_INSTRUCTION = 0x20,
    EC_PC = 0x22,
    EC_DATA = 0x24,
    EC_SP = 0x26,
    EC_SHIFT = 26,
    ESR_IL = 1 << 25, /* an instruction of 32 bits */
    ESR_WRITE = 1 << 6,
    FSC_TRANSLATION0 = 0x04,
    FSC_TRANSLATION3 = 0x07,
    FSC_PERMISSION3 = 0x0f,
    FSC_ALIGNMENT = 0x21,
};

/* Addresses whose bit 55 is set are the kernel's and keep their top byte. */
static u64 untagged(u64 addr)
{
    return addr >> 55 & 1 ? addr : addr & ~(255ull << 56);
}

static u64 syndrome(const siginfo_t *info, const struct vcpu_fault *f)
{
    u32 fsc = f->kind == VCPU_FAULT_MISALIGNED                            ? FSC_ALIGNMENT
              : f->addr >> 55 & 1                                         ? FSC_TRANSLATION0
              : info->si_signo == SIGSEGV && info->si_code == SEGV_ACCERR ? FSC_PERMISSION3
                                                                          : FSC_TRANSLATION3;
    u32 ec = f->access == VCPU_EXEC ? EC_INSTRUCTION : EC_DATA;
    return (u64)ec << EC_SHIFT | ESR_IL | (f->access == VCPU_WRITE ? ESR_WRITE : 0) | fsc;
}

static bool fault(struct lx_thread *t, const struct vcpu_fault *f)
{
    struct a64_state *s = a64_state(t->vcpu);
    if (s->tags || f->access == VCPU_EXEC || !(f->addr >> 56) || untagged(f->addr) == f->addr)
        return false;
    s->tags = 1;
    vcpu_changed(t->vcpu);
    return true;
}

static void forced(struct lx_thread *t, siginfo_t *info, const struct vcpu_fault *f)
{
    const u64 sp = a64_state(t->vcpu)->sp;
    if (f && f->kind == VCPU_FAULT_MISALIGNED && sp % 16 && f->addr == untagged(sp)) {
        t->note.address = 0;
        t->note.syndrome = (u64)EC_SP << EC_SHIFT | ESR_IL;
    } else if (f) {
        t->note.address = untagged(f->addr);
        t->note.syndrome = syndrome(info, f);
        info->si_addr = (void *)untagged((u64)info->si_addr);
    } else if (info->si_signo != SIGTRAP) { /* which the kernel does not note */
        t->note.address = 0;
        t->note.syndrome = info->si_signo == SIGBUS ? (u64)EC_PC << EC_SHIFT | ESR_IL : 0;
    }
}

/* --- signal frames --- */

struct a64_context {
    u32 magic, size;
};
#define FRAME_FPSIMD 0x46508001u
#define FRAME_ESR    0x45535201u

struct a64_fpsimd {
    struct a64_context head;
    u32 fpsr, fpcr;
    u128 v[32];
};
struct a64_esr {
    struct a64_context head;
    u64 esr;
};
_Static_assert(sizeof(struct a64_fpsimd) == 528 && sizeof(struct a64_esr) == 16, "as Linux lays them out");

/* What a frame begins with; the records that come are in the order in which we write them. */
struct a64_frame {
    siginfo_t info;
    u64 flags, link; /* from here on a ucontext */
    stack_t stack;
    u64 sigmask;
    u8 unused[1024 / 8 - 8];
    _Alignas(16) u64 fault_address;
    u64 regs[31], sp, pc, pstate;
    _Alignas(16) struct a64_fpsimd fp; /* from here on records */
    struct a64_esr esr;
    struct a64_context end;
};
#define UCONTEXT     offsetof(struct a64_frame, flags)
#define RECORDS      offsetof(struct a64_frame, fp)
#define RECORDS_SIZE 4096u
_Static_assert(UCONTEXT == 128 && offsetof(struct a64_frame, fault_address) == UCONTEXT + 176, "as Linux lays it out");
_Static_assert(RECORDS == 592 && sizeof(struct a64_frame) <= RECORDS + RECORDS_SIZE, "as Linux lays it out");

struct a64_record {
    u64 fp, lr;
};

/* What a frame takes from the stack, with what aligning may cost. */
#define FRAME_SIZE (RECORDS + RECORDS_SIZE + sizeof(struct a64_record) + 16)

static int frame_push(struct lx_thread *t, int sig, const siginfo_t *info, const struct lx_sigaction *act, u64 mask,
                      gva_t sp)
{
    struct vcpu *v = t->vcpu;
    struct a64_state *s = a64_state(v);
    struct a64_record record = {s->x[A64_FP], s->x[A64_LR]};
    gva_t record_at = (sp - sizeof record) & ~15ull, at = record_at - RECORDS_SIZE - RECORDS;
    struct a64_frame f;
    memset(&f, 0, sizeof f);
    f.info = *info;
    f.stack = t->altstack;
    f.sigmask = mask;
    f.fault_address = t->note.address;
    memcpy(f.regs, s->x, sizeof f.regs);
    f.sp = s->sp;
    f.pc = v->pc;
    f.pstate = a64_get_nzcv(v);
    f.fp.head = (struct a64_context){FRAME_FPSIMD, sizeof f.fp};
    f.fp.fpsr = a64_get_fpsr(v);
    f.fp.fpcr = a64_get_fpcr(v);
    memcpy(f.fp.v, s->v, sizeof f.fp.v);
    if (t->note.syndrome) {
        f.esr.head = (struct a64_context){FRAME_ESR, sizeof f.esr};
        f.esr.esr = t->note.syndrome;
    }
    if (lx_write(t, at, &f, sizeof f) || lx_write(t, record_at, &record, sizeof record))
        return -EFAULT;
    s->x[0] = (u64)sig;
    if (act->flags & SA_SIGINFO) {
        s->x[1] = at;
        s->x[2] = at + UCONTEXT;
    }
    s->x[A64_FP] = record_at;
    s->x[A64_LR] = act->flags & LX_SA_RESTORER ? act->restorer : t->proc->mm->vdso;
    s->sp = at;
    v->pc = act->handler;
    a64_drop_reservation(v);
    return 0;
}

/* What a frame gives back. */
struct a64_saved {
    u64 regs[31], sp, pc, pstate;
    struct a64_fpsimd fp;
};
_Static_assert(sizeof(struct a64_saved) <= sizeof((struct lx_frame){}.bytes), "room for it");

/* The chain of records at `at`: there must be one of the vector registers, and none that is unknown. */
static int read_records(struct lx_thread *t, gva_t at, struct a64_fpsimd *fp)
{
    bool found = false;
    for (u32 off = 0;;) {
        struct a64_context c;
        u32 left = RECORDS_SIZE - off;
        if (left < sizeof c || off % 16 || lx_read(t, &c, at + off, sizeof c) || c.size > left)
            return -EFAULT;
        switch (c.magic) {
        case 0:
            return c.size || !found ? -EFAULT : 0;
        case FRAME_FPSIMD:
            if (found || c.size != sizeof *fp || lx_read(t, fp, at + off, sizeof *fp))
                return -EFAULT;
            found = true;
            break;
        case FRAME_ESR:
            break;
        default:
            return -EFAULT;
        }
        if (c.size < sizeof c)
            return -EFAULT;
        off += c.size;
    }
}

static int frame_read(struct lx_thread *t, struct lx_frame *out)
{
    struct a64_frame f;
    struct a64_saved *saved = (void *)out->bytes;
    /* What PSTATE must not say: another mode or exception level than a program's, masked exceptions. */
    const u64 bad = 0x3df;
    gva_t sp = stack_pointer(t->vcpu);
    if (sp & 15 || lx_read(t, &f, sp, RECORDS) || f.pstate & bad || read_records(t, sp + RECORDS, &saved->fp))
        return -EFAULT;
    out->mask = f.sigmask;
    out->altstack = f.stack;
    memcpy(saved->regs, f.regs, sizeof saved->regs);
    saved->sp = f.sp;
    saved->pc = f.pc;
    saved->pstate = f.pstate;
    return 0;
}

static void frame_pop(struct lx_thread *t, const struct lx_frame *f)
{
    const struct a64_saved *saved = (const void *)f->bytes;
    struct vcpu *v = t->vcpu;
    struct a64_state *s = a64_state(v);
    memcpy(s->x, saved->regs, sizeof saved->regs);
    s->sp = saved->sp;
    v->pc = saved->pc;
    a64_set_nzcv(v, (u32)saved->pstate);
    memcpy(s->v, saved->fp.v, sizeof s->v);
    a64_set_fpcr(v, saved->fp.fpcr);
    a64_set_fpsr(v, saved->fp.fpsr);
    a64_drop_reservation(v);
    vcpu_changed(v);
}

static int ends_above(void *cx, const struct lx_vma *v)
{
    return v->end > *(gva_t *)cx;
}

static void frame_bad(struct lx_thread *t, siginfo_t *info)
{
    gva_t sp = stack_pointer(t->vcpu);
    info->si_code = lx_mm_each(t->proc->mm, ends_above, &sp) ? SEGV_ACCERR : SEGV_MAPERR;
    info->si_addr = (void *)sp;
    t->note.address = t->note.syndrome = 0;
}

/* What a handler returns to; unwinders know a signal frame by these two instructions. */
static const u32 sigreturn_code[] = {
    0xd2801168, /* mov x8, #139 (rt_sigreturn) */
    0xd4000001, /* svc #0 */
};

/* --- the CPU as a program is told --- */

static size_t cpuinfo(char *buf, size_t cap, u32 n, u64 cpu)
{
    struct strbuf sb, words;
    char features[256];
    const bool lse2 = cpu & A64_CPU_LSE2;
    size_t total = 0;
    if (!cap)
        return 0;
    sb_fixed(&words, features, sizeof features);
#define FEATURE(name, bit, reg, shift, value)                                                                          \
    if (a64_has(bit, lse2))                                                                                            \
        sb_puts(&words, " " #name);
    A64_FEATURES(FEATURE)
#undef FEATURE
    sb_fixed(&sb, buf, cap);
    for (u32 i = 0; i < n; i++) {
        char one[512];
        total += fmt(one, sizeof one,
                     "processor\t: %u\nBogoMIPS\t: %u.00\nFeatures\t:%s\nCPU implementer\t: 0x%02x\n"
                     "CPU architecture: 8\nCPU variant\t: 0x%x\nCPU part\t: 0x%03x\nCPU revision\t: %u\n\n",
                     i, A64_COUNTER_HZ / 500000, features, A64_MIDR >> 24, A64_MIDR >> 20 & 15, A64_MIDR >> 4 & 0xfff,
                     A64_MIDR & 15);
        sb_puts(&sb, one);
    }
    return total;
}

static u64 hwcap(u64 cpu)
{
    return a64_hwcap(0, cpu & A64_CPU_LSE2);
}

static u64 hwcap2(u64 cpu)
{
    return a64_hwcap(1, cpu & A64_CPU_LSE2);
}

/* adr; adrp, and add on its result, with other instructions between that do not branch and leave the register alone. */
static void code_addresses(const u8 *code, u64 len, u64 pc, bool fixed, void (*each)(void *cx, u64 addr), void *cx)
{
    u64 page[32];
    u32 have = 0; /* registers that hold `page` */
    (void)fixed;
    for (u64 at = 0; at + 4 <= len; at += 4) {
        u32 w;
        memcpy(&w, code + at, sizeof w);
        const u32 rd = w & 31, rn = w >> 5 & 31;
        const s64 imm = (s64)((u64)(w >> 5 & 0x7ffff) << 45) >> 43 | (w >> 29 & 3);
        if ((w & 0x9f000000) == 0x10000000)
            each(cx, pc + at + (u64)imm);
        if ((w & 0x9f000000) == 0x90000000) {
            page[rd] = ((pc + at) & ~0xfffull) + ((u64)imm << 12);
            have |= 1u << rd;
            continue;
        }
        if ((w & 0xffc00000) == 0x91000000 && rn == rd && (have >> rn & 1))
            each(cx, page[rn] + (w >> 10 & 0xfff));
        /* Branches, and what might write two registers, end all; others at most what their lowest bits name. */
        if ((w & 0x1c000000) == 0x14000000 || ((w & 0x0a000000) == 0x08000000 && (w & 0x38000000) == 0x28000000))
            have = 0;
        have &= ~(1u << rd);
    }
}

const struct lx_abi lx_abi_aarch64 = {
    .name = "aarch64",
    .machine = "aarch64",
    .elf_machine = EM_AARCH64,
    .isa = &guest_aarch64,
    .gdb = &lx_gdb_regs_aarch64,
    .hwcap = hwcap,
    .hwcap2 = hwcap2,
    .platform = "aarch64",
    .minsigstksz = FRAME_SIZE,
    .least_altstack = 5120,
    .window = 1ull << 39, /* as a kernel with 39-bit addresses, which every program for aarch64 can live with */
    .restorer = true,
    .sa_flags = LX_SA_RESTORER,
    .only64 = true,
    .open_flags = open_flags,
    .sigreturn = sigreturn_code,
    .sigreturn_len = sizeof sigreturn_code,
    .call_get = call_get,
    .call_set = call_set,
    .call_rewind = call_rewind,
    .start = start,
    .clone = clone,
    .sp = stack_pointer,
    .frame_size = FRAME_SIZE,
    .frame_push = frame_push,
    .frame_read = frame_read,
    .frame_pop = frame_pop,
    .frame_bad = frame_bad,
    .fault = fault,
    .forced = forced,
    .code_addresses = code_addresses,
    .cpuinfo = cpuinfo,
};
