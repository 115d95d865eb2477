/* --dump: what a block was and what it became, as text.
 *
 * One block is printed as up to three parts: guest instructions, IR, host code. Host code is given as bytes under the
 * guest instruction that they came from when the backend has no disassembler. */
#include "translator/engine/engine_int.h"

#include "lib/fmt.h"
#include "lib/str.h"

static void out(struct engine *e, const char *text, size_t len)
{
    e->cfg.print(e->cfg.cx, text, len);
}

static void dump_guest(struct engine *e, const struct ir_unit *u, const u8 *code)
{
    char line[200], text[120];
    for (u32 off = 0; off < u->guest_bytes;) {
        size_t n = e->guest->disasm(code + off, u->guest_bytes - off, u->pc + off, text, sizeof text);
        if (!n)
            break;
        u32 w = 0;
        memcpy(&w, code + off, n < 4 ? n : 4);
        size_t len =
            fmt(line, sizeof line, "  %8lx:  %0*x%*s  %s\n", u->pc + off, (int)n * 2, w, 8 - (int)n * 2, "", text);
        out(e, line, len < sizeof line ? len : sizeof line - 1);
        off += (u32)n;
    }
}

/* A guest instruction above its host code. */
static void dump_mark(struct engine *e, const struct ir_unit *u, const u8 *code, u32 off)
{
    char line[200], text[120] = "";
    if (code && off < u->guest_bytes &&
        !e->guest->disasm(code + off, u->guest_bytes - off, u->pc + off, text, sizeof text))
        text[0] = 0;
    size_t len = fmt(line, sizeof line, "  -- %lx  %s\n", u->pc + (u64)(s64)(s32)off, text);
    out(e, line, len < sizeof line ? len : sizeof line - 1);
}

static void dump_host(struct engine *e, const struct ir_unit *u, const u8 *code, const struct host_code *hc)
{
    char line[200], text[120];
    u32 mark = 0;
    for (size_t off = 0; off < hc->size;) {
        while (mark < hc->nmarks && hc->marks[mark].host_off <= off) {
            dump_mark(e, u, code, hc->marks[mark++].guest_off);
        }
        size_t n = 0, len;
        if (e->host->disasm)
            n = e->host->disasm(hc->rw + off, hc->size - off, (hva_t)hc->rx + off, text, sizeof text);
        if (n) {
            len = fmt(line, sizeof line, "  %8lx:  %s\n", (u64)(hva_t)hc->rx + off, text);
        } else {
            size_t end = mark < hc->nmarks && hc->marks[mark].host_off < hc->size ? hc->marks[mark].host_off : hc->size;
            n = end - off < 16 ? end - off : 16;
            len = fmt(line, sizeof line, "  %8lx: ", (u64)(hva_t)hc->rx + off);
            for (size_t i = 0; i < n; i++)
                len += fmt(line + len, sizeof line - len, " %02x", hc->rw[off + i]);
            len += fmt(line + len, sizeof line - len, "\n");
        }
        out(e, line, len < sizeof line ? len : sizeof line - 1);
        off += n;
    }
}

static void dump_ir(struct engine *e, const struct ir_unit *u)
{
    size_t n = ir_print(u, NULL, 0);
    char *text = arena_alloc(u->arena, n + 1, 1);
    if (text) {
        ir_print(u, text, n + 1);
        out(e, text, n);
    }
}

static bool is_dumped(const struct engine *e, gva_t pc)
{
    return (!e->cfg.dump_lo && !e->cfg.dump_hi) || (pc >= e->cfg.dump_lo && pc < e->cfg.dump_hi);
}

void dump_region(struct engine *e, const struct ir_unit *u, const struct host_code *hc)
{
    char line[160];
    if (!e->cfg.dump || !is_dumped(e, u->pc))
        return;
    size_t len =
        fmt(line, sizeof line, "region %lx: %u instructions, %zu host bytes\n", u->pc, u->guest_insns, hc->size);
    out(e, line, len);
    if (e->cfg.dump & ENGINE_DUMP_OPT)
        dump_ir(e, u);
    if ((e->cfg.dump & ENGINE_DUMP_HOST) && e->host)
        dump_host(e, u, NULL, hc);
}

void dump_block(struct engine *e, const struct ir_unit *u, const u8 *code, const struct host_code *hc)
{
    if (!(e->cfg.dump & ~(u32)ENGINE_DUMP_OPT) || !is_dumped(e, u->pc))
        return;
    char line[160];
    size_t len = fmt(line, sizeof line, "block %lx: %u instructions, %u bytes, %zu host bytes\n", u->pc, u->guest_insns,
                     u->guest_bytes, hc->size);
    out(e, line, len);
    if (e->cfg.dump & ENGINE_DUMP_GUEST)
        dump_guest(e, u, code);
    if (e->cfg.dump & ENGINE_DUMP_IR)
        dump_ir(e, u);
    if ((e->cfg.dump & ENGINE_DUMP_HOST) && e->host)
        dump_host(e, u, code, hc);
}
