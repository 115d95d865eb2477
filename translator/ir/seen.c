#include "translator/ir/seen.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"

/* All slots in s, but for those in `not`. */
static void add_all(u64 *s, const u64 * not, u32 n)
{
    for (u32 i = 0; i < IR_SEEN_WORDS; i++) {
        const u32 rest = n > 64 * i ? n - 64 * i : 0;
        const u64 all = rest >= 64 ? ~0ull : (1ull << rest) - 1;
        s[i] |= not ? all & ~not [i] : all;
    }
}

bool ir_looks_at_slots(const struct ir_unit *u, const struct ir_ins *in)
{
    switch (in->op) {
    case IR_OP_exit_if:
    case IR_OP_exit:
    case IR_OP_exit_ind:
    case IR_OP_trap:
    case IR_OP_poll:
        return true;
    case IR_OP_call:
        return u->helpers[in->aux].flags & IR_HELPER_READS;
    default:
        return ir_flags[in->op] & IR_FAULT;
    }
}

int ir_seen_make(const struct ir_unit *u, const struct ir_cfg *c, struct arena *a, struct ir_seen **out)
{
    struct ir_seen *s = ARENA_NEW_N(a, struct ir_seen, c->n);
    if (!s)
        return -ENOMEM;
    memset(s, 0, c->n * sizeof *s);
    for (u32 b = 0; b < c->n; b++)
        for (ir_ref i = c->block[b].first; i <= c->block[b].last; i++) {
            const struct ir_ins *in = &u->ins[i];
            if (ir_looks_at_slots(u, in))
                add_all(s[b].seen, s[b].put, u->slots->n);
            if (in->op == IR_OP_get && !bits_has(s[b].put, in->aux))
                bits_add(s[b].seen, in->aux);
            if (in->op == IR_OP_put)
                bits_add(s[b].put, in->aux);
            if (ir_forgets_slots(u, in))
                add_all(s[b].put, NULL, u->slots->n);
        }
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 n = c->nrpo; n-- > 0;) {
            const u32 b = c->rpo[n];
            for (u32 i = 0; i < IR_SEEN_WORDS; i++) {
                u64 o = 0;
                for (u32 k = 0; k < c->block[b].nsucc; k++)
                    o |= s[c->block[b].succ[k]].in[i];
                const u64 in = s[b].seen[i] | (o & ~s[b].put[i]);
                changed |= in != s[b].in[i];
                s[b].in[i] = in;
                s[b].out[i] = o;
            }
        }
    }
    *out = s;
    return 0;
}

int ir_dead_puts(const struct ir_unit *u, const struct ir_cfg *c, struct arena *a, bool *dead)
{
    struct ir_seen *seen;
    const int rc = ir_seen_make(u, c, a, &seen);
    if (rc)
        return rc;
    memset(dead, 0, u->n * sizeof *dead);
    for (u32 b = 0; b < c->n; b++) {
        u64 live[IR_SEEN_WORDS];
        memcpy(live, seen[b].out, sizeof live);
        for (ir_ref i = c->block[b].last + 1; i-- > c->block[b].first;) {
            const struct ir_ins *in = &u->ins[i];
            if (in->op == IR_OP_put) {
                dead[i] = !bits_has(live, in->aux);
                live[in->aux / 64] &= ~(1ull << (in->aux % 64));
            }
            if (ir_forgets_slots(u, in))
                memset(live, 0, sizeof live);
            if (ir_looks_at_slots(u, in))
                add_all(live, NULL, u->slots->n);
            if (in->op == IR_OP_get)
                bits_add(live, in->aux);
        }
    }
    return 0;
}
