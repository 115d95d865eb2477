/* Forming a region: which blocks, in which order.
 *
 * From the hot place the direct exits of units are followed as far as they are wanted and there is room. A place that
 * turns out to lie inside a block that is there already splits it: that block is made again, to end where the other
 * begins. Then the blocks are put in reverse postorder, so that a definition stands before what it dominates, with what
 * a loop leads to behind all of the loop; and each unit's instructions are emitted behind a label: exits to blocks of
 * the region become jumps, all others stay. A block that is jumped to from behind polls.
 *
 * Rounds. Of a short loop without another one in it there are several copies, each of which goes on in the next. The
 * first stands in front of the loop, and the last goes on in the second: what all rounds leave alike (a constant, one
 * value in two slots) is known wherever the loop begins. One poll and one set of phis are for several rounds, and what
 * a round leaves in a slot that the next one replaces is seen by faults only.
 *
 * Entry. A loop whose middle is where others come in, because its condition stands behind its begin, would begin at
 * that begin if the region did, and all loops around it, too. Then the first block stands once more in front of all,
 * and the loop begins where others come in.
 *
 * Calls, returns, indirect jumps and traps leave the region. */
#include "translator/opt/opt.h"

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/ir/ir_build.h"

/* Rounds of a loop: so many, of about so many guest instructions in all; and of loops up to this one that stands in
 * front. */
#define MAX_ROUNDS      5
#define MAX_ROUND_INSNS 64
#define MAX_PEEL_INSNS  48
#define MAX_ENTRY_INSNS 32 /* of a first block that stands in front of all */

#define NONE (~0u)

struct gblock {
    gva_t pc;
    struct ir_unit u;
    ir_ref *ways; /* its instructions that may lead on inside a region; */
    u32 nways;    /* so many */
    bool loops;   /* something behind jumps here */
    u32 depth;    /* how many loops it is in */
    u32 round;    /* it is of this round of the loop that begins with block `loop`, */
    u32 loop;     /* if that has several; NONE */
    u32 copies;   /* where its copies for further rounds begin */
};

struct form {
    const struct opt_request *rq;
    struct gblock *block;
    u32 n;
    u32 nfirst;                        /* those before rounds were added */
    u32 entry;                         /* the region begins here: block 0, or a copy of it that nothing leads to */
    u32 rounds[OPT_MAX_BLOCKS];        /* by first block of a loop */
    u32 order[OPT_MAX_BLOCKS], norder; /* reverse postorder */
    u32 place[OPT_MAX_BLOCKS];         /* block -> where in `order` */
};

/* The block at pc, of the first round; NONE. */
static u32 find(const struct form *f, gva_t pc)
{
    const u32 n = f->nfirst ? f->nfirst : f->n;
    for (u32 b = 0; b < n; b++)
        if (f->block[b].pc == pc)
            return b;
    return NONE;
}

/* Where block b goes on when it leads to pc; NONE: out of the region. */
static u32 follow(const struct form *f, u32 b, gva_t pc)
{
    const u32 to = find(f, pc), loop = f->block[b].loop;
    if (to == NONE || loop == NONE || f->block[to].loop != loop)
        return to;
    u32 round = f->block[b].round;
    if (to == loop && ++round == f->rounds[loop])
        round = 1;
    return round ? f->block[to].copies + round - 1 : to;
}

static bool is_leader(void *cx, gva_t pc)
{
    const struct form *f = cx;
    return find(f, pc) != NONE;
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

static const struct ir_ins *way_of(const struct gblock *k, u32 i)
{
    return &k->u.ins[k->ways[i]];
}

static int make(struct form *f, struct gblock *k)
{
    const int rc = f->rq->unit(f->rq->cx, k->pc, is_leader, f, &k->u);
    if (rc)
        return rc;
    k->nways = 0;
    for (ir_ref r = 1; r < k->u.n; r++)
        k->nways += leads_on(&k->u.ins[r]);
    k->ways = ARENA_NEW_N(f->rq->arena, ir_ref, k->nways + 1);
    if (!k->ways)
        return -ENOMEM;
    k->nways = 0;
    for (ir_ref r = 1; r < k->u.n; r++)
        if (leads_on(&k->u.ins[r]))
            k->ways[k->nways++] = r;
    return 0;
}

static int discover(struct form *f)
{
    const struct opt_request *rq = f->rq;
    const u32 max = rq->max_blocks < OPT_MAX_BLOCKS ? rq->max_blocks : OPT_MAX_BLOCKS;
    u32 insns = 0;
    f->block[0] = (struct gblock){.pc = rq->pc, .loop = NONE};
    f->n = 1;
    int rc = make(f, &f->block[0]);
    if (rc)
        return rc;
    insns = f->block[0].u.guest_insns;
    for (u32 b = 0; b < f->n; b++) {
        for (u32 i = 0; i < f->block[b].nways; i++) {
            const struct ir_ins *in = way_of(&f->block[b], i);
            if (find(f, in->imm) != NONE)
                continue;
            if (f->n == max || insns >= rq->max_insns || (in->op == IR_OP_exit_if && !rq->wanted(rq->cx, in->imm)))
                continue;
            struct gblock *k = &f->block[f->n];
            *k = (struct gblock){.pc = in->imm, .loop = NONE};
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
                        b = o; /* its new exit is to be looked at; and i begins anew */
                    i = ~0u;
                    break;
                }
        }
    }
    return 0;
}

/* The next of block b's successors from its way w->next on; NONE: no more. Those that are in fewer loops come first, so
 * in as many passes as there are depths. */
struct walk {
    u32 next;
    u32 depth;
};

static u32 next_of(const struct form *f, u32 b, struct walk *w)
{
    const struct gblock *k = &f->block[b];
    for (; w->depth <= k->depth + 1; w->depth++, w->next = 0)
        while (w->next < k->nways) {
            const u32 to = follow(f, b, way_of(k, w->next++)->imm);
            if (to != NONE &&
                (f->block[to].depth == w->depth || (w->depth > k->depth && f->block[to].depth > w->depth)))
                return to;
        }
    return NONE;
}

/* Depth first; the successor that is to come right behind last: one of the same loop, and the one that follows in the
 * text. */
static void order(struct form *f)
{
    u8 state[OPT_MAX_BLOCKS] = {0};
    struct walk walk[OPT_MAX_BLOCKS];
    u32 stack[OPT_MAX_BLOCKS], depth = 0, at = f->n;
    u32 post[OPT_MAX_BLOCKS];
    for (u32 b = 0; b < f->n; b++)
        f->block[b].loops = false;
    stack[depth++] = f->entry;
    state[f->entry] = 1;
    walk[f->entry] = (struct walk){0, 0};
    while (depth) {
        const u32 b = stack[depth - 1], to = next_of(f, b, &walk[b]);
        if (to != NONE) {
            if (state[to] == 1)
                f->block[to].loops = true;
            if (state[to])
                continue;
            state[to] = 1;
            walk[to] = (struct walk){0, 0};
            stack[depth++] = to;
            continue;
        }
        state[b] = 2;
        post[--at] = b;
        depth--;
    }
    f->norder = f->n - at;
    for (u32 i = 0; i < f->n; i++)
        f->place[i] = NONE;
    for (u32 i = 0; i < f->norder; i++) {
        f->order[i] = post[at + i];
        f->place[post[at + i]] = i;
    }
}

/* Does b lead to `to`? */
static bool leads_to(const struct form *f, u32 b, u32 to)
{
    for (u32 i = 0; i < f->block[b].nways; i++)
        if (way_of(&f->block[b], i)->imm == f->block[to].pc)
            return true;
    return false;
}

/* The blocks of the loop that begins with block h and goes back from block `latch`: all from which that can be reached,
 * but by way of h. False: there is no such loop, or something leads into its middle. */
static bool loop_of(const struct form *f, u32 h, u32 latch, bool in[OPT_MAX_BLOCKS])
{
    u32 work[OPT_MAX_BLOCKS], n = 0;
    if (f->place[latch] == NONE || f->place[latch] < f->place[h] || !leads_to(f, latch, h))
        return false;
    memset(in, 0, OPT_MAX_BLOCKS);
    in[h] = in[latch] = true;
    if (latch != h)
        work[n++] = latch;
    while (n) {
        const u32 x = work[--n];
        if (x == f->entry)
            return false;
        for (u32 b = 0; b < f->nfirst; b++)
            if (f->place[b] != NONE && !in[b] && leads_to(f, b, x)) {
                in[b] = true;
                work[n++] = b;
            }
    }
    return true;
}

/* How many guest instructions are in the loop of the blocks `in`, which begins with block h; 0: others are in it. */
static u32 innermost(const struct form *f, u32 h, const bool in[OPT_MAX_BLOCKS], u32 *blocks)
{
    u32 insns = 0;
    *blocks = 0;
    for (u32 b = 0; b < f->nfirst; b++)
        if (in[b]) {
            if (f->block[b].loop != NONE || (b != h && f->block[b].loops))
                return 0;
            insns += f->block[b].u.guest_insns;
            ++*blocks;
        }
    return insns;
}

/* Adds rounds to the loop that begins with block h, of the blocks `in`, if it is short. */
static void add_rounds(struct form *f, u32 h, const bool in[OPT_MAX_BLOCKS])
{
    u32 blocks;
    const u32 insns = innermost(f, h, in, &blocks);
    if (!insns || insns > MAX_PEEL_INSNS || ir_is_off(&f->block[0].u, IR_PASS_ROUNDS))
        return;
    u32 rounds = MAX_ROUND_INSNS / insns + 1;
    rounds = rounds < MAX_ROUNDS ? rounds : MAX_ROUNDS;
    while (rounds > 1 && f->n + blocks * (rounds - 1) > OPT_MAX_BLOCKS)
        rounds--;
    if (rounds < 2)
        return;
    f->rounds[h] = rounds;
    for (u32 b = 0; b < f->nfirst; b++) {
        if (!in[b])
            continue;
        f->block[b].loop = h;
        f->block[b].copies = f->n;
        for (u32 r = 1; r < rounds; r++) {
            f->block[f->n] = f->block[b];
            f->block[f->n++].round = r;
        }
    }
}

/* Finds loops, by which the order is to go, and adds rounds to those that are short. Of loops that begin with the same
 * block the smallest is the inner one. */
static void find_loops(struct form *f)
{
    bool in[OPT_MAX_BLOCKS], least[OPT_MAX_BLOCKS];
    f->nfirst = f->n;
    for (u32 h = 0; h < f->nfirst; h++)
        for (u32 latch = 0; latch < f->nfirst && f->block[h].loops; latch++)
            if (loop_of(f, h, latch, in))
                for (u32 b = 0; b < f->nfirst; b++)
                    f->block[b].depth += in[b];
    for (u32 h = 0; h < f->nfirst; h++) {
        u32 size = NONE, blocks;
        for (u32 latch = 0; latch < f->nfirst && f->block[h].loops; latch++) {
            const u32 n = loop_of(f, h, latch, in) ? innermost(f, h, in, &blocks) : 0;
            if (n && n < size) {
                size = n;
                memcpy(least, in, sizeof in);
            }
        }
        if (size != NONE)
            add_rounds(f, h, least);
    }
}

/* Label of the place inside the region to which block b leads by pc, or false. */
static bool label_of(const struct form *f, u32 b, gva_t pc, u32 *label)
{
    const u32 to = follow(f, b, pc);
    if (to == NONE)
        return false;
    *label = f->place[to];
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
        if (leads_on(in) && label_of(f, (u32)(k - f->block), in->imm, &label)) {
            if (in->op == IR_OP_exit)
                ir_emit(b, IR_OP_jump, IR_VOID, 0, label, 0, 0, 0, 0);
            else
                ir_emit(b, IR_OP_jump_if, in->type, in->aux & IR_EXIT_CC, label, a1, a2, 0, 0);
            continue;
        }
        map[r] = ir_emit(b, in->op, in->type, in->aux, in->imm, a1, a2, a3, a4);
    }
}

/* Is block 0 in a loop, as the text has it, which others come into behind it? */
static bool is_entered_behind(const struct form *f)
{
    u32 work[OPT_MAX_BLOCKS], n = 0, latch = NONE;
    bool in[OPT_MAX_BLOCKS] = {[0] = true};
    for (u32 b = 0; b < f->n; b++)
        if (f->block[b].pc >= f->block[0].pc && leads_to(f, b, 0) &&
            (latch == NONE || f->block[b].pc < f->block[latch].pc))
            latch = b;
    if (latch == NONE || latch == 0)
        return false;
    in[latch] = true;
    work[n++] = latch;
    while (n) {
        const u32 x = work[--n];
        for (u32 b = 0; b < f->n; b++) {
            if (in[b] || !leads_to(f, b, x))
                continue;
            if (f->block[b].pc < f->block[0].pc || f->block[b].pc > f->block[latch].pc)
                return true;
            in[b] = true;
            work[n++] = b;
        }
    }
    return false;
}

int opt_form(const struct opt_request *rq, struct ir_unit *out)
{
    struct form *f = ARENA_NEW(rq->arena, struct form);
    if (!f)
        return -ENOMEM;
    f->rq = rq;
    f->nfirst = f->entry = 0;
    f->block = ARENA_NEW_N(rq->arena, struct gblock, OPT_MAX_BLOCKS);
    if (!f->block)
        return -ENOMEM;
    int rc = discover(f);
    if (rc)
        return rc;
    if (f->n < OPT_MAX_BLOCKS && f->block[0].u.guest_insns <= MAX_ENTRY_INSNS && is_entered_behind(f) &&
        !ir_is_off(&f->block[0].u, IR_PASS_ROUNDS)) {
        f->block[f->n] = f->block[0];
        f->entry = f->n++;
    }
    order(f);
    find_loops(f);
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
    out->nans_trap = first->nans_trap;
    out->off = first->off;
    out->broken = first->broken;
    ir_begin(b, out, rq->pc);
    u32 n = 0;
    for (u32 i = 0; i < f->norder; i++)
        n += f->block[f->order[i]].u.n;
    ir_expect(b, n + f->norder);
    ir_emit(b, IR_OP_jump, IR_VOID, 0, 0, 0, 0, 0, 0);
    for (u32 i = 0; i < f->norder; i++)
        emit_block(f, b, &f->block[f->order[i]], map);
    return ir_finish(b);
}
