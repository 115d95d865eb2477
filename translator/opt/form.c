/* Forming a region: which blocks, in which order.
 *
 * From the hot place the direct exits of units are followed as far as they are wanted and there is room. A place that
 * turns out to lie inside a block that is there already splits it: that block is made again, to end where the other
 * begins. Then the blocks are put in reverse postorder, so that a definition stands before what it dominates, and each
 * unit's instructions are emitted behind a label: exits to blocks of the region become jumps, all others stay. A block
 * that is jumped to from behind polls.
 *
 * Calls, returns, indirect jumps and traps leave the region. */
#include "translator/opt/opt.h"

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/ir/ir_build.h"

struct gblock {
    gva_t pc;
    struct ir_unit u;
    bool loops; /* something behind jumps here */
};

struct form {
    const struct opt_request *rq;
    struct gblock *block;
    u32 n;
    u32 order[OPT_MAX_BLOCKS], norder; /* reverse postorder */
    u32 place[OPT_MAX_BLOCKS];         /* block -> where in `order` */
};

static u32 find(const struct form *f, gva_t pc)
{
    for (u32 b = 0; b < f->n; b++)
        if (f->block[b].pc == pc)
            return b;
    return f->n;
}

static bool is_leader(void *cx, gva_t pc)
{
    const struct form *f = cx;
    return find(f, pc) < f->n;
}

/* Does a guest instruction of the unit, but its first, begin at pc? */
static bool has_inside(const struct ir_unit *u, gva_t pc)
{
    if (pc <= u->pc || pc >= u->pc + u->guest_bytes)
        return false;
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_insn && u->ins[r].imm == pc)
            return true;
    return false;
}

static bool leads_on(const struct ir_ins *in)
{
    return in->op == IR_OP_exit_if || (in->op == IR_OP_exit && !(in->aux & IR_EXIT_CALL));
}

static int make(struct form *f, struct gblock *k)
{
    return f->rq->unit(f->rq->cx, k->pc, is_leader, f, &k->u);
}

static int discover(struct form *f)
{
    const struct opt_request *rq = f->rq;
    const u32 max = rq->max_blocks < OPT_MAX_BLOCKS ? rq->max_blocks : OPT_MAX_BLOCKS;
    u32 insns = 0;
    f->block[0] = (struct gblock){.pc = rq->pc};
    f->n = 1;
    int rc = make(f, &f->block[0]);
    if (rc)
        return rc;
    insns = f->block[0].u.guest_insns;
    for (u32 b = 0; b < f->n; b++) {
        for (ir_ref r = 1; r < f->block[b].u.n; r++) {
            const struct ir_ins *in = &f->block[b].u.ins[r];
            if (!leads_on(in) || find(f, in->imm) < f->n)
                continue;
            if (f->n == max || insns >= rq->max_insns || (in->op == IR_OP_exit_if && !rq->wanted(rq->cx, in->imm)))
                continue;
            struct gblock *k = &f->block[f->n];
            *k = (struct gblock){.pc = in->imm};
            rc = make(f, k);
            if (rc == -ENOMEM)
                return rc;
            if (rc)
                continue;
            insns += k->u.guest_insns;
            f->n++;
            /* Who has it inside? At most one block, as blocks do not overlap. */
            for (u32 o = 0; o + 1 < f->n; o++)
                if (has_inside(&f->block[o].u, k->pc)) {
                    insns -= f->block[o].u.guest_insns;
                    rc = make(f, &f->block[o]);
                    if (rc)
                        return rc;
                    insns += f->block[o].u.guest_insns;
                    if (o <= b)
                        b = o; /* its new exit is to be looked at; and r begins anew */
                    r = 0;
                    break;
                }
        }
    }
    return 0;
}

/* Depth first; the successor that follows in the text last, so that it comes right behind. */
static void order(struct form *f)
{
    u8 state[OPT_MAX_BLOCKS] = {0};
    ir_ref next[OPT_MAX_BLOCKS];
    u32 stack[OPT_MAX_BLOCKS], depth = 0, at = f->n;
    u32 post[OPT_MAX_BLOCKS];
    stack[depth++] = 0;
    state[0] = 1;
    next[0] = 1;
    while (depth) {
        const u32 b = stack[depth - 1];
        const struct ir_unit *u = &f->block[b].u;
        u32 to = f->n;
        while (next[b] < u->n && to == f->n) {
            const struct ir_ins *in = &u->ins[next[b]++];
            if (leads_on(in))
                to = find(f, in->imm);
            if (to < f->n && state[to]) {
                if (state[to] == 1)
                    f->block[to].loops = true;
                to = f->n;
            }
        }
        if (to < f->n) {
            state[to] = 1;
            next[to] = 1;
            stack[depth++] = to;
            continue;
        }
        state[b] = 2;
        post[--at] = b;
        depth--;
    }
    f->norder = f->n - at;
    for (u32 i = 0; i < f->norder; i++) {
        f->order[i] = post[at + i];
        f->place[post[at + i]] = i;
    }
}

/* Label of a place inside the region, or false. */
static bool label_of(const struct form *f, gva_t pc, u32 *label)
{
    u32 b = find(f, pc);
    if (b == f->n)
        return false;
    *label = f->place[b];
    return true;
}

static void emit_block(const struct form *f, struct ir_builder *b, const struct gblock *k, ir_ref *map)
{
    const struct ir_unit *u = &k->u;
    u32 label;
    ir_emit(b, IR_OP_label, IR_VOID, f->place[k - f->block], k->pc, 0, 0, 0, 0);
    if (k->loops)
        ir_emit(b, IR_OP_poll, IR_VOID, 0, k->pc, 0, 0, 0, 0);
    for (ir_ref r = 1; r < u->n; r++) {
        const struct ir_ins *in = &u->ins[r];
        const ir_ref a1 = map[in->a], a2 = map[in->b], a3 = map[in->c], a4 = map[in->d];
        if (leads_on(in) && label_of(f, in->imm, &label)) {
            if (in->op == IR_OP_exit)
                ir_emit(b, IR_OP_jump, IR_VOID, 0, label, 0, 0, 0, 0);
            else
                ir_emit(b, IR_OP_jump_if, in->type, in->aux & IR_EXIT_CC, label, a1, a2, 0, 0);
            continue;
        }
        map[r] = ir_emit(b, in->op, in->type, in->aux, in->imm, a1, a2, a3, a4);
    }
}

int opt_form(const struct opt_request *rq, struct ir_unit *out)
{
    struct form *f = ARENA_NEW(rq->arena, struct form);
    if (!f)
        return -ENOMEM;
    f->rq = rq;
    f->block = ARENA_NEW_N(rq->arena, struct gblock, OPT_MAX_BLOCKS);
    if (!f->block)
        return -ENOMEM;
    int rc = discover(f);
    if (rc)
        return rc;
    order(f);
    u32 longest = 0;
    for (u32 i = 0; i < f->n; i++)
        longest = f->block[i].u.n > longest ? f->block[i].u.n : longest;
    ir_ref *map = ARENA_NEW_N(rq->arena, ir_ref, longest);
    struct ir_builder *b = ARENA_NEW(rq->arena, struct ir_builder);
    if (!map || !b)
        return -ENOMEM;
    memset(map, 0, longest * sizeof *map);
    const struct ir_unit *first = &f->block[0].u;
    memset(out, 0, sizeof *out);
    out->arena = rq->arena;
    out->slots = first->slots;
    out->helpers = first->helpers;
    out->nhelpers = first->nhelpers;
    out->code_key = first->code_key;
    out->alone = first->alone;
    out->tiny_any = first->tiny_any;
    out->off = first->off;
    out->broken = first->broken;
    ir_begin(b, out, rq->pc);
    ir_emit(b, IR_OP_jump, IR_VOID, 0, 0, 0, 0, 0, 0);
    for (u32 i = 0; i < f->norder; i++)
        emit_block(f, b, &f->block[f->order[i]], map);
    return ir_finish(b);
}
