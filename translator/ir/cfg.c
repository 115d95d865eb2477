/* Dominators are found by the iteration of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm") over the
 * reverse postorder, which for reducible flow needs two rounds. A loop is what a jump back to a dominator encloses;
 * cycles with several entries are no loops here, which costs speed and nothing else. */
#include "translator/ir/cfg.h"

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/str.h"

static u32 count_blocks(const struct ir_unit *u)
{
    u32 n = 1;
    for (ir_ref r = 2; r < u->n; r++)
        n += u->ins[r].op == IR_OP_label || ir_ends_block(&u->ins[r - 1]);
    return n;
}

static int find_blocks(const struct ir_unit *u, struct ir_cfg *c, u32 *label, u32 *block_of)
{
    u32 b = 0;
    memset(label, 0xff, u->nlabels * sizeof *label);
    c->block[0] = (struct ir_block){.first = 1};
    block_of[0] = 0;
    for (ir_ref r = 1; r < u->n; r++) {
        const struct ir_ins *in = &u->ins[r];
        if (r > 1 && (in->op == IR_OP_label || ir_ends_block(&u->ins[r - 1])))
            c->block[++b] = (struct ir_block){.first = r};
        if (in->op == IR_OP_label) {
            if (in->aux >= u->nlabels || label[in->aux] != IR_NO_BLOCK)
                return -EINVAL;
            label[in->aux] = b;
        }
        c->block[b].last = r;
        block_of[r] = b;
    }
    return 0;
}

static int find_edges(const struct ir_unit *u, struct ir_cfg *c)
{
    for (u32 b = 0; b < c->n; b++) {
        struct ir_block *k = &c->block[b];
        const struct ir_ins *last = &u->ins[k->last];
        k->idom = k->header = IR_NO_BLOCK;
        if (!(ir_flags[last->op] & IR_END)) {
            if (b + 1 == c->n)
                return -EINVAL;
            k->succ[k->nsucc++] = b + 1;
        }
        if (last->op == IR_OP_jump || last->op == IR_OP_jump_if) {
            if (last->imm >= u->nlabels || c->label[last->imm] == IR_NO_BLOCK)
                return -EINVAL;
            k->succ[k->nsucc++] = c->label[last->imm];
        }
    }
    return 0;
}

static void find_preds(struct ir_cfg *c, u32 *room)
{
    for (u32 b = 0; b < c->n; b++)
        for (u32 s = 0; s < c->block[b].nsucc; s++)
            c->block[c->block[b].succ[s]].npred++;
    for (u32 b = 0; b < c->n; b++) {
        c->block[b].pred = room;
        room += c->block[b].npred;
        c->block[b].npred = 0;
    }
    for (u32 b = 0; b < c->n; b++)
        for (u32 s = 0; s < c->block[b].nsucc; s++) {
            struct ir_block *to = &c->block[c->block[b].succ[s]];
            ((u32 *)to->pred)[to->npred++] = b;
        }
}

/* Depth first from the entry, without recursion: stack[] holds the way, next[] which successor comes next. */
static void find_order(struct ir_cfg *c, u32 *rpo, u32 *stack, u8 *next)
{
    u32 depth = 0, done = c->n;
    memset(next, 0, c->n);
    stack[depth++] = 0;
    next[0] = 1;
    while (depth) {
        const u32 b = stack[depth - 1];
        const struct ir_block *k = &c->block[b];
        if (next[b] > k->nsucc) {
            rpo[--done] = b;
            depth--;
            continue;
        }
        /* The last successor first: the one that follows in the text comes out right behind. */
        const u32 s = k->succ[k->nsucc - next[b]++];
        if (!next[s]) {
            next[s] = 1;
            stack[depth++] = s;
        }
    }
    c->nrpo = c->n - done;
    memmove(rpo, rpo + done, c->nrpo * sizeof *rpo);
    for (u32 i = 0; i < c->nrpo; i++)
        c->block[rpo[i]].order = i;
}

static u32 common_dominator(const struct ir_cfg *c, u32 x, u32 y)
{
    while (x != y) {
        while (c->block[x].order > c->block[y].order)
            x = c->block[x].idom;
        while (c->block[y].order > c->block[x].order)
            y = c->block[y].idom;
    }
    return x;
}

static void find_dominators(struct ir_cfg *c)
{
    c->block[0].idom = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 i = 1; i < c->nrpo; i++) {
            struct ir_block *k = &c->block[c->rpo[i]];
            u32 d = IR_NO_BLOCK;
            for (u32 p = 0; p < k->npred; p++)
                if (c->block[k->pred[p]].idom != IR_NO_BLOCK)
                    d = d == IR_NO_BLOCK ? k->pred[p] : common_dominator(c, d, k->pred[p]);
            changed |= d != k->idom;
            k->idom = d;
        }
    }
}

bool ir_dominates(const struct ir_cfg *c, u32 x, u32 y)
{
    while (c->block[y].order > c->block[x].order)
        y = c->block[y].idom;
    return x == y;
}

/* The body of the loop with this header: what reaches the jump back without passing it. Headers are taken from the
 * innermost outward, so that the first to claim a block is its innermost loop; work[] is a stack. */
static void find_loop(struct ir_cfg *c, u32 h, u32 *work)
{
    u32 n = 0;
    for (u32 p = 0; p < c->block[h].npred; p++) {
        const u32 b = c->block[h].pred[p];
        if (c->block[b].idom != IR_NO_BLOCK && ir_dominates(c, h, b))
            work[n++] = b;
    }
    if (!n)
        return;
    if (c->block[h].header == IR_NO_BLOCK)
        c->block[h].header = h;
    while (n) {
        u32 b = work[--n];
        /* A block of an inner loop stands for that loop: on with the outermost header known so far. */
        u32 outer = b;
        while (c->block[outer].header != IR_NO_BLOCK && outer != h) {
            u32 up = c->block[outer].header;
            if (up == outer) {
                /* `outer` is a header without a loop around it yet: its parent is kept in depth for now. */
                if (c->block[outer].depth == 0)
                    break;
                up = c->block[outer].depth - 1;
            }
            outer = up;
        }
        if (outer == h)
            continue;
        if (c->block[outer].header == outer)
            c->block[outer].depth = h + 1;
        else
            c->block[outer].header = h;
        for (u32 p = 0; p < c->block[outer].npred; p++) {
            const u32 q = c->block[outer].pred[p];
            if (c->block[q].idom != IR_NO_BLOCK && !(c->block[outer].header == outer && ir_dominates(c, outer, q)))
                work[n++] = q;
        }
    }
}

/* While loops are found, `depth` of a header is 1 + the header of the loop around it. Then it becomes what it says. */
static void find_loops(struct ir_cfg *c, u32 *work)
{
    for (u32 i = c->nrpo; i-- > 0;)
        find_loop(c, c->rpo[i], work);
    for (u32 i = 0; i < c->nrpo; i++) {
        struct ir_block *k = &c->block[c->rpo[i]];
        if (k->header == c->rpo[i])
            k->depth = 1 + (k->depth ? c->block[k->depth - 1].depth : 0);
        else
            k->depth = k->header == IR_NO_BLOCK ? 0 : c->block[k->header].depth;
    }
}

int ir_cfg_make(const struct ir_unit *u, struct arena *a, struct ir_cfg *c)
{
    *c = (struct ir_cfg){.n = count_blocks(u)};
    c->block = ARENA_NEW_N(a, struct ir_block, c->n);
    u32 *label = ARENA_NEW_N(a, u32, u->nlabels + 1);
    u32 *block_of = ARENA_NEW_N(a, u32, u->n);
    u32 *preds = ARENA_NEW_N(a, u32, 2 * c->n);
    u32 *rpo = ARENA_NEW_N(a, u32, c->n);
    u32 *work = ARENA_NEW_N(a, u32, 4 * c->n);
    u8 *next = ARENA_NEW_N(a, u8, c->n);
    if (!c->block || !label || !block_of || !preds || !rpo || !work || !next)
        return -ENOMEM;
    c->label = label;
    c->block_of = block_of;
    c->rpo = rpo;
    int rc = find_blocks(u, c, label, block_of);
    if (!rc)
        rc = find_edges(u, c);
    if (rc)
        return rc;
    find_preds(c, preds);
    find_order(c, rpo, work, next);
    find_dominators(c);
    find_loops(c, work);
    return 0;
}
