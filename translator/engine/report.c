/* The engine's part of a crash report.
 *
 * Written when something is broken, so nothing here takes a lock, allocates, or believes a pointer more than it must:
 * what may be unmapped is copied by mk_copy. The surest things are written first; should a later part fault, they
 * stand. What the block was in IR is not kept; the report says how to have it printed. */
#include "translator/engine/engine_int.h"

#include "lib/fmt.h"
#include "lib/str.h"

#define MAX_LINES 100 /* of a block's host code: around the pc, when it is longer */

static void out(const char *format, ...) PRINTF_LIKE(1, 2);
static void out(const char *format, ...)
{
    char line[256];
    va_list ap;
    va_start(ap, format);
    size_t n = fmt_va(line, sizeof line, format, ap);
    va_end(ap);
    mk_console(line, n < sizeof line ? n : sizeof line - 1);
}

static void guest_code(struct engine *e, gva_t pc, u32 len, gva_t here)
{
    u8 code[16];
    char text[120];
    for (u32 off = 0; off < len;) {
        size_t most = len - off < sizeof code ? len - off : sizeof code;
        if (mk_copy(code, (const void *)(e->cfg.mem_base + pc + off), most)) {
            out("    %8lx:  (not readable any more)\n", pc + off);
            return;
        }
        size_t n = e->guest->disasm(code, most, pc + off, text, sizeof text);
        if (!n || n > 8)
            return;
        u64 w = 0;
        memcpy(&w, code, n);
        out("  %c %8lx:  %0*lx%*s  %s\n", pc + off == here ? '>' : ' ', pc + off, (int)n * 2, w, 8 - (int)n * 2, "",
            text);
        off += (u32)n;
    }
}

static void host_line(const u8 *code, hva_t at, size_t n, bool here)
{
    char line[128];
    size_t len = fmt(line, sizeof line, "  %c %12lx: ", here ? '>' : ' ', at);
    for (size_t i = 0; i < n; i++)
        len += fmt(line + len, sizeof line - len, " %02x", code[i]);
    len += fmt(line + len, sizeof line - len, "\n");
    mk_console(line, len);
}

/* Bytes of the block under the guest instructions that they came from; a line begins at the pc, so that it can be
 * disassembled from there. */
static void host_code(struct engine *e, const struct block *b, u32 here)
{
    const u8 *code = e->code.rx + b->code_off;
    u32 begin = here > MAX_LINES * 8 ? here - MAX_LINES * 8 : 0;
    u32 end = b->code_len - begin > MAX_LINES * 16 ? begin + MAX_LINES * 16 : b->code_len;
    struct marks m = marks_of(b->marks, b->marks_size);
    bool more;
    while ((more = marks_next(&m)) && m.at.host_off < begin)
        ;
    for (u32 off = begin; off < end;) {
        for (; more && m.at.host_off <= off; more = marks_next(&m))
            out("    -- %lx\n", b->pc + (u64)(s64)(s32)m.at.guest_off);
        u32 stop = more && m.at.host_off < end ? m.at.host_off : end;
        if (off < here && here < stop)
            stop = here;
        u32 n = stop - off < 16 ? stop - off : 16;
        host_line(code + off, (hva_t)code + off, n, off == here);
        off += n;
    }
}

static void block_report(struct engine *e, const struct block *b, hva_t host_pc)
{
    u32 off = (u32)(host_pc - (hva_t)e->code.rx) - b->code_off;
    gva_t pc = b->pc;
    engine_locate(e, host_pc, &pc);
    u32 len = 0;
    for (u32 i = 0; i < b->nextents; i++)
        len += b->extent[i].len;
    out("  block        %lx%s, key %lx: %u bytes of guest code, %u of host code at %lx; stopped at guest pc %lx\n",
        b->pc, b->dead ? " (dead)" : "", b->key, len, b->code_len, (u64)(hva_t)e->code.rx + b->code_off, pc);
    out("  to see all its forms: --dump=guest,ir,host --dump-range=%lx-%lx\n", b->pc, b->pc + 1);
    out("  guest code:\n");
    for (u32 i = 0; i < b->nextents; i++)
        guest_code(e, b->extent[i].pc, b->extent[i].len, pc);
    out("  host code:\n");
    host_code(e, b, off);
}

static void slots_report(const struct engine *e, const struct vcpu *v)
{
    char line[200];
    size_t n = 0;
    for (u32 i = 0; i < e->guest->slots.n; i++) {
        const struct ir_slot *s = &e->guest->slots.slot[i];
        u64 value;
        memcpy(&value, v->slots + s->offset, sizeof value);
        n += fmt(line + n, sizeof line - n, "%s%-9s %16lx", n ? "  " : "    ", s->name, value);
        if (i % 4 == 3 || i + 1 == e->guest->slots.n) {
            n += fmt(line + n, sizeof line - n, "\n");
            mk_console(line, n);
            n = 0;
        }
    }
}

void engine_report(struct vcpu *v, const struct mk_fault *f)
{
    struct engine *e = v->engine;
    hva_t off = f ? f->pc - (hva_t)e->code.rx : ~0ull;
    bool inside = e->host && cache_has(e, off);
    struct block at;
    const struct block *b = inside && block_at(e, (u32)off, &at) ? &at : NULL;
    out("  vCPU         %u: pc %lx, mode %lx, exit %u, trap %u, poll %u, %s translated code; %s tier, epoch %lu\n",
        v->index, v->pc, v->mode, v->exit, v->trap, v->poll, v->running ? "inside" : "outside",
        engine_tier_names[e->cfg.tier], e->epoch);
    if (b)
        block_report(e, b, f->pc);
    else if (inside)
        out("  host pc is %s\n", off < e->common_size ? "in the code that all translations share"
                                                      : "in the code cache, in no translation of now");
    out("  entered last:");
    for (u64 i = v->stat_entries > VCPU_RECENT ? v->stat_entries - VCPU_RECENT : 0; i < v->stat_entries; i++)
        out(" %lx", v->recent[i % VCPU_RECENT]);
    out("\n");
    if (b)
        fault_unwind(v, f);
    out("  registers%s:\n", inside && !b ? ", without those that the backend has pinned" : "");
    slots_report(e, v);
}
