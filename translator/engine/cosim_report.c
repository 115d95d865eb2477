/* What cosimulation says when something differs: the block or region, the way out, what is expected and what was found,
 * which guest instruction should have made it so, the guest code, the IR, and the pass to blame.
 *
 * The pass is found by making the translation anew with one pass after the other left out, from the same guest code,
 * and checking each from the same state. When the IR that was compiled already means something else, those that work on
 * IR are tried, else the backend's first. Of several that help, the first of the table is named and the others are
 * listed. */
#include "translator/engine/cosim.h"

#include "lib/err.h"
#include "lib/fmt.h"
#include "lib/str.h"
#include "translator/opt/opt.h"

#define MOST_LINES 12 /* of memory that differs */

static void out(struct engine *e, const char *format, ...) PRINTF_LIKE(2, 3);
static void out(struct engine *e, const char *format, ...)
{
    char line[400];
    va_list ap;
    va_start(ap, format);
    size_t n = fmt_va(line, sizeof line, format, ap);
    va_end(ap);
    if (n >= sizeof line)
        n = sizeof line - 1;
    if (e->cfg.print)
        e->cfg.print(e->cfg.cx, line, n);
    else
        mk_console(line, n);
}

/* The guest instruction at pc, as text. */
static void name_insn(struct engine *e, const struct cosim_note *note, gva_t pc, char *buf, size_t cap)
{
    u8 code[16];
    char text[120];
    const size_t n = pc ? cosim_fetch(note, pc, code, sizeof code) : 0;
    if (n && e->guest->disasm(code, n, pc, text, sizeof text))
        fmt(buf, cap, "%lx: %s", pc, text);
    else
        fmt(buf, cap, "%lx", pc);
}

/* --- what differs --- */

static void way_out(struct engine *e, const char *what, const struct vcpu *v)
{
    if (v->exit == VCPU_FAULT)
        out(e, "  %s at %lx by a fault: address %lx, access %u, kind %u\n", what, v->pc, v->fault.addr, v->fault.access,
            v->fault.kind);
    else if (v->exit == VCPU_TRAP)
        out(e, "  %s at %lx by trap %u\n", what, v->pc, v->trap);
    else
        out(e, "  %s at %lx\n", what, v->pc);
}

static void tell_bytes(struct engine *e, const char *name, const u8 *want, const u8 *found, u32 n, const char *by)
{
    u64 w[2] = {0}, f[2] = {0};
    memcpy(w, want, n);
    memcpy(f, found, n);
    if (n > 8)
        out(e, "  %-12s expected %016lx%016lx, found %016lx%016lx; %s\n", name, w[1], w[0], f[1], f[0], by);
    else
        out(e, "  %-12s expected %0*lx, found %0*lx; %s\n", name, (int)n * 2, w[0], (int)n * 2, f[0], by);
}

static void tell_slots(struct engine *e, const struct cosim_note *note, const struct vcpu *v)
{
    struct cosim *c = e->cosim;
    struct vcpu *want = c->again, *found = c->given;
    cosim_copy(e, want, c->plain);
    cosim_copy(e, found, v);
    cosim_settle(e, want, found);
    bool any = false;
    for (u32 i = 0; i < e->guest->slots.n; i++) {
        const struct ir_slot *s = &e->guest->slots.slot[i];
        const u32 n = ir_bits(s->type) / 8;
        char insn[160], by[200] = "not to be written";
        if (memcmp(want->slots + s->offset, found->slots + s->offset, n) == 0)
            continue;
        any = true;
        if (c->writer[i]) {
            name_insn(e, note, c->writer[i], insn, sizeof insn);
            fmt(by, sizeof by, "written by %s", insn);
        }
        tell_bytes(e, s->name, want->slots + s->offset, found->slots + s->offset, n, by);
    }
    if (!any && memcmp(want->slots, found->slots, e->guest->state_size) != 0)
        out(e, "  state that is in no slot\n");
    if (want->fp_round != found->fp_round)
        out(e, "  rounding     expected %u, found %u\n", want->fp_round, found->fp_round);
    if (cosim_flags_differ(note->given, want, found))
        out(e, "  FP flags     expected %x, found %x\n", want->fp_flags, found->fp_flags);
}

static void tell_memory(struct engine *e, const struct cosim_note *note)
{
    const struct ir_overlay *mem = &e->cosim->plain_mem;
    u32 lines = 0;
    for (u32 k = 0; k < mem->n; k++) {
        const struct ir_cell *cell = &mem->cell[mem->used[k]];
        char name[40], insn[160], by[200];
        u64 found;
        if (!cosim_cell_differs(cell, &found))
            continue;
        if (lines++ == MOST_LINES) {
            out(e, "  and more memory\n");
            return;
        }
        const u32 first = (u32)__builtin_ctz(cell->mask), n = 32 - (u32)__builtin_clz(cell->mask) - first;
        const u64 want = cell->now >> 8 * first, got = found >> 8 * first;
        fmt(name, sizeof name, "[%lx]", cell->at + first - e->cfg.mem_base);
        name_insn(e, note, cell->pc, insn, sizeof insn);
        fmt(by, sizeof by, "stored by %s", insn);
        tell_bytes(e, name, (const u8 *)&want, (const u8 *)&got, n, by);
    }
}

static void tell_code(struct engine *e, const struct cosim_note *note)
{
    const struct block *b = note->b;
    const u8 *bytes = note->bytes;
    out(e, "  guest code:\n");
    for (u32 i = 0; i < b->nextents; bytes += b->extent[i++].len)
        for (u32 off = 0; off < b->extent[i].len;) {
            char text[120];
            const gva_t pc = b->extent[i].pc + off;
            const size_t n = e->guest->disasm(bytes + off, b->extent[i].len - off, pc, text, sizeof text);
            if (!n || n > 8)
                break;
            u64 w = 0;
            memcpy(&w, bytes + off, n);
            out(e, "  %8lx:  %0*lx%*s  %s\n", pc, (int)n * 2, w, 8 - (int)n * 2, "", text);
            off += (u32)n;
        }
    mk_lock(&e->lock);
    arena_reset(&e->tmp);
    const size_t n = ir_print(note->given, NULL, 0);
    char *text = arena_alloc(&e->tmp, n + 1, 1);
    if (text)
        ir_print(note->given, text, n + 1);
    mk_unlock(&e->lock);
    out(e, "  IR:\n");
    if (text && e->cfg.print)
        e->cfg.print(e->cfg.cx, text, n);
    else if (text)
        mk_console(text, n);
}

/* --- which pass --- */

/* Does the IR that was compiled come to something else than plain units do? After a check, with memory undone. */
static bool ir_differs(struct engine *e, const struct cosim_note *note)
{
    struct cosim *c = e->cosim;
    struct ir_watch w = {.mem = &c->given_mem, .limit = c->insns};
    ir_overlay_clear(w.mem);
    cosim_copy(e, c->given, c->before);
    c->given->fuel = ~0u;
    ir_interp_watched(note->given, c->given, &w);
    cosim_copy(e, c->after, c->given); /* comparing takes c->given */
    if (!cosim_same_state(e, note->given, c->after, c->plain))
        return true;
    for (u32 k = 0; k < c->plain_mem.n; k++) {
        const struct ir_cell *cell = &c->plain_mem.cell[c->plain_mem.used[k]];
        for (u32 i = 0; i < 8; i++) {
            u8 x;
            if (cell->mask >> i & 1 && (ir_overlay_load(w.mem, cell->at + i, 1, &x) || x != (u8)(cell->now >> 8 * i)))
                return true;
        }
    }
    return false;
}

struct source {
    struct engine *e;
    const struct cosim_note *note;
};

static int unit(void *cx, gva_t pc, bool (*leader)(void *cx, gva_t pc), void *leader_cx, struct ir_unit *u)
{
    const struct source *s = cx;
    u8 code[16 * ENGINE_MAX_INSNS];
    struct guest_request rq = {.pc = pc,
                               .code = code,
                               .len = cosim_fetch(s->note, pc, code, sizeof code),
                               .mode = s->note->given->code_key,
                               .max_insns = ENGINE_MAX_INSNS,
                               .stop_at = leader,
                               .cx = leader_cx};
    return rq.len ? translate_unit(s->e, &rq, &s->e->opt, u) : -ENOENT;
}

/* In a region made anew is what was in the first. */
static bool wanted(void *cx, gva_t pc)
{
    const struct ir_unit *u = ((const struct source *)cx)->note->given;
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_label && u->ins[r].imm == pc)
            return true;
    return false;
}

static int make_unit(struct engine *e, const struct cosim_note *note, struct ir_unit *u)
{
    struct source s = {e, note};
    arena_reset(&e->opt);
    if (note->given->nlabels) {
        const struct opt_request rq = {.arena = &e->opt,
                                       .pc = note->b->pc,
                                       .max_insns = 4096,
                                       .max_blocks = OPT_MAX_BLOCKS,
                                       .unit = unit,
                                       .wanted = wanted,
                                       .cx = &s};
        return opt_region(&rq, u);
    }
    u8 code[16 * ENGINE_MAX_INSNS];
    const struct guest_request rq = {.pc = note->b->pc,
                                     .code = code,
                                     .len = cosim_fetch(note, note->b->pc, code, sizeof code),
                                     .mode = note->given->code_key,
                                     .max_insns = e->cfg.max_insns ? e->cfg.max_insns : ENGINE_MAX_INSNS,
                                     .max_exits = ENGINE_MAX_EXITS,
                                     .max_rounds = e->cfg.off & IR_PASS_BIT(IR_PASS_ROUNDS) ? 0 : ENGINE_MAX_ROUNDS};
    return translate_unit(e, &rq, &e->opt, u);
}

/* A translation of the same with more passes left out, which nobody else finds. With the engine's lock held. */
static struct cosim_note *variant_locked(struct engine *e, const struct cosim_note *note)
{
    struct ir_unit u;
    struct host_code hc = {0};
    struct block *b = ARENA_NEW(&e->meta, struct block);
    if (!b || make_unit(e, note, &u))
        return NULL;
    *b = (struct block){
        .pc = note->b->pc, .key = note->b->key, .extent = note->b->extent, .nextents = note->b->nextents};
    struct cosim_note *n = ARENA_NEW(&e->meta, struct cosim_note);
    if (!n || translate_emit(e, &u, b, &hc))
        return NULL;
    *n = (struct cosim_note){.b = b, .given = translate_keep(e, &u), .bytes = note->bytes};
    return n->given ? n : NULL;
}

/* Is all as expected with these passes left out, too? */
static bool helps(struct engine *e, struct vcpu *v, const struct cosim_note *note, u64 off)
{
    const u64 before = e->cfg.off;
    mk_lock(&e->lock);
    e->cfg.off |= off;
    struct cosim_note *n = variant_locked(e, note);
    e->cfg.off = before;
    mk_unlock(&e->lock);
    if (!n)
        return false;
    cosim_copy(e, v, e->cosim->before);
    const enum cosim_result r = cosim_check(e, v, n, block_entry(e, n->b));
    cosim_undo(e->cosim);
    return r == COSIM_SAME;
}

static void tell_pass(struct engine *e, struct vcpu *v, const struct cosim_note *note, bool ir)
{
    static const u8 ir_first[] = {IR_PASS_IN_REGION, IR_PASS_IN_UNIT};
    static const u8 host_first[] = {IR_PASS_IN_HOST, IR_PASS_IN_REGION, IR_PASS_IN_UNIT};
    const u8 *where = ir ? ir_first : host_first;
    const u32 n = ir ? ARRAY_LEN(ir_first) : ARRAY_LEN(host_first);
    u32 found = 0;
    if (note->b->known) {
        out(e, "  pass         known (%s): this is a library routine\n", ir_passes[IR_PASS_KNOWN].doc);
        return;
    }
    if (helps(e, v, note, 0)) {
        out(e, "  pass         not known: translated anew, it does what it should\n");
        return;
    }
    for (u32 k = 0; k < n; k++)
        for (u32 p = 0; p < IR_NPASSES; p++) {
            if (ir_passes[p].where != where[k] || (e->cfg.off & IR_PASS_BIT(p)) || !helps(e, v, note, IR_PASS_BIT(p)))
                continue;
            if (found++)
                out(e, "               and nothing differs without %s\n", ir_passes[p].name);
            else
                out(e, "  pass         %s (%s): without it nothing differs\n", ir_passes[p].name, ir_passes[p].doc);
        }
    if (!found)
        out(e, "  pass         none alone: %s\n",
            helps(e, v, note, ~0ull)
                ? "without all of them nothing differs"
                : "it differs without all of them, too: the guest's meaning of the instruction, or "
                  "the host's code for it");
}

void cosim_report(struct engine *e, struct vcpu *v, struct cosim_note *note)
{
    struct cosim *c = e->cosim;
    const bool region = note->given->nlabels;
    cosim_copy(e, v, c->before);
    const enum cosim_result r = cosim_check(e, v, note, block_entry(e, note->b));
    out(e, "dragoman: cosim: the %s at %lx does not do what the interpreter does\n", region ? "region" : "block",
        note->b->pc);
    way_out(e, "left        ", v);
    if (r == COSIM_SAME) {
        out(e, "  run once more, it did\n");
    } else {
        way_out(e, "expected    ", c->plain);
        out(e, "  entered      at %lx, %lu guest instructions before\n", c->before->pc, c->insns);
        tell_slots(e, note, v);
        tell_memory(e, note);
    }
    cosim_undo(c);
    const bool ir = ir_differs(e, note);
    out(e, "  found in     %s\n", ir ? "the IR: interpreted, it does the same" : "host code: the IR is right");
    tell_pass(e, v, note, ir);
    tell_code(e, note);
    out(e, "  to see its host code: --dump=guest,ir,opt,host --dump-range=%lx-%lx\n", note->b->pc, note->b->pc + 1);
    if (e->cfg.differs)
        e->cfg.differs(e->cfg.cx);
}
