/* The verifier: holds a unit against what ir.h promises to backends.
 *
 * Run after each pass in debug builds, on what is parsed, and on what a frontend makes in tests. It stops at the first
 * thing that is wrong, and says which instruction and what. */
#include "translator/ir/ir_int.h"

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fmt.h"
#include "lib/str.h"
#include "translator/ir/seen.h"
#include "translator/ir/eval.h"

struct check {
    const struct ir_unit *u;
    ir_ref at;
    const char *what; /* first thing that is wrong, or NULL */
};

/* Notes what is wrong unless `ok`; gives `ok`. */
static bool must(struct check *c, bool ok, const char *what)
{
    if (!ok && !c->what)
        c->what = what;
    return ok;
}

/* --- one instruction --- */

static bool letter_allows(char c, u32 t)
{
    switch (c) {
    case 'T':
    case 'i':
        return ir_is_int(t);
    case 'l':
        return t == IR_I64;
    case 'q':
        return t == IR_I128;
    case 'F':
        return t == IR_F32 || t == IR_F64;
    case 'f':
        return ir_is_float(t);
    case 'd':
        return t == IR_F64;
    case 'v':
        return t == IR_V128;
    default: /* X, x, U */
        return t != IR_VOID && t < IR_NTYPES;
    }
}

/* Arguments that an op may do without. */
static bool may_lack(const struct ir_ins *in, u32 i)
{
    switch (in->op) {
    case IR_OP_call:
    case IR_OP_vcall:
        return true;
    case IR_OP_exit:
        return !(in->aux & IR_EXIT_CALL);
    case IR_OP_exit_ind:
        return i == 1 && !(in->aux & IR_EXIT_CALL);
    default:
        return false;
    }
}

/* Result and arguments against the op's signature. */
static bool signature(struct check *c, const struct ir_ins *in)
{
    const struct ir_ins *ins = c->u->ins;
    const char *sig = ir_ops[in->op].sig;
    const u32 nargs = (u32)strlen(sig) - 2;
    u32 shared = IR_VOID;

    if (sig[0] == '-') {
        if (in->op != IR_OP_put && in->op != IR_OP_st && in->op != IR_OP_exit_if && in->op != IR_OP_phi_set &&
            in->op != IR_OP_jump_if && !must(c, in->type == IR_VOID, "the op gives no value, so it has no type"))
            return false;
    } else if (!(in->op == IR_OP_call && in->type == IR_VOID) &&
               !must(c, letter_allows(sig[0], in->type), "the op cannot give this type")) {
        return false;
    }
    for (u32 i = 0; i < 4; i++) {
        ir_ref r = ir_arg(in, i);
        if (i >= nargs) {
            if (!must(c, !r, "too many arguments"))
                return false;
            continue;
        }
        if (!r) {
            if (!must(c, may_lack(in, i), "an argument is missing"))
                return false;
            continue;
        }
        if (!must(c, r < c->at, "an argument is not defined before") ||
            !must(c, ins[r].type != IR_VOID && ir_ops[ins[r].op].sig[0] != '-', "an argument is no value"))
            return false;
        const char l = sig[2 + i];
        const u32 t = ins[r].type;
        if (!must(c, letter_allows(l, t), "an argument has a wrong type"))
            return false;
        if (l == 'T' || l == 'F' || l == 'X') {
            if (!must(c, sig[0] == '-' || t == in->type, "an argument has not the instruction's type"))
                return false;
        }
        if (l == 'U') {
            if (!must(c, shared == IR_VOID || shared == t, "arguments have different types"))
                return false;
            shared = t;
        }
    }
    return true;
}

/* Every field of aux has a meaning, and no other bit is set. */
static bool aux_fields(struct check *c, const struct ir_ins *in)
{
    u32 known = 0;
    for (u32 i = 0; i < ir_nfields; i++) {
        const struct ir_field *f = &ir_fields[i];
        if (!ir_field_of(f, in->op))
            continue;
        known |= f->mask;
        if (!must(c, ir_field_word(f, in->aux), "aux has no such value"))
            return false;
    }
    switch (ir_ops[in->op].aux) {
    case IR_AUX_SLOT:
        return must(c, in->aux < c->u->slots->n, "no such slot");
    case IR_AUX_HELPER:
        return must(c, in->aux < c->u->nhelpers, "no such helper");
    case IR_AUX_INSN:
        return must(c, in->aux > 0, "a guest instruction has a length");
    case IR_AUX_LABEL:
        return must(c, in->aux < c->u->nlabels, "no such label");
    case IR_AUX_PHI:
        return must(c, in->aux < c->u->nphis, "no such phi");
    default:
        return must(c, !(in->aux & ~known), "aux has a bit that means nothing");
    }
}

static bool is_const_i64(const struct check *c, ir_ref r)
{
    return c->u->ins[r].op == IR_OP_const && c->u->ins[r].type == IR_I64;
}

static void memory(struct check *c, const struct ir_ins *in)
{
    const u32 t = in->type;
    const u32 bits = 8u << (in->aux & IR_MEM_SIZE);
    must(c, bits <= ir_bits(t), "the access is wider than the value");
    if (in->aux & IR_MEM_SIGNED) {
        must(c, ir_is_int(t), "only i32 and i64 are extended");
        must(c, in->op != IR_OP_st && in->op != IR_OP_sc, "a store has no sign");
    }
    if (ir_ops[in->op].aux == IR_AUX_MEM)
        must(c, !(in->aux & IR_MEM_GRANULE) || (in->aux & IR_MEM_ALIGN), "only what is checked has another granule");
    switch (in->op) {
    case IR_OP_ld:
        must(c, ir_is_int(t) || t == IR_V128 || bits == ir_bits(t), "the type must be loaded whole");
        break;
    case IR_OP_amo:
        break;
    case IR_OP_cas:
        must(c, ir_is_int(t) || t == IR_I128, "cas is on i32, i64, i128");
        must(c, t != IR_I128 || bits == 128, "an i128 must be accessed whole");
        break;
    default:
        break;
    }
    if (ir_ops[in->op].aux == IR_AUX_AMO)
        must(c, in->imm == 0, "atomics have no displacement");
}

/* Lanes and immediates of vector ops. */
static void vector(struct check *c, const struct ir_ins *in)
{
    enum { B = 1 << IR_V8, H = 1 << IR_V16, S = 1 << IR_V32, D = 1 << IR_V64 };
    const u32 at = c->u->ins[in->a].type, index = (in->aux & IR_V_INDEX) >> IR_V_INDEX_SHIFT;
    u32 lane = in->aux & IR_V_LANE, lanes = B | H | S | D;
    switch (in->op) {
    case IR_OP_vzext:
        must(c, ir_bits(at) <= 64, "vzext is of at most 64 bits");
        return;
    case IR_OP_vlow:
        must(c, ir_bits(in->type) <= 64, "vlow gives at most 64 bits");
        return;
    case IR_OP_vdup:
        must(c, 8u << lane <= ir_bits(at), "a lane is wider than the value");
        return;
    case IR_OP_vset:
        must(c, 8u << lane <= ir_bits(c->u->ins[in->b].type), "a lane is wider than the value");
        must(c, index < 16u >> lane, "no such lane");
        return;
    case IR_OP_vget:
        must(c, 8u << lane <= ir_bits(in->type), "a lane is wider than the value");
        must(c, index < 16u >> lane, "no such lane");
        return;
    case IR_OP_vdupl:
        must(c, index < 16u >> lane, "no such lane");
        return;
    case IR_OP_vrev:
        must(c, index > lane, "a group has one lane");
        return;
    case IR_OP_vshl:
    case IR_OP_vshr:
    case IR_OP_vsar:
        must(c, in->imm < 8u << lane, "the shift is by all bits of a lane");
        return;
    case IR_OP_vext:
        must(c, in->imm < 16, "vext begins at byte 0 to 15");
        return;
    case IR_OP_vaes:
        must(c, in->imm < 4, "vaes has four steps");
        return;
    case IR_OP_vsha1:
        must(c, in->imm < 3, "vsha1 has three functions");
        return;
    case IR_OP_vsha256:
        must(c, in->imm < 4, "vsha256 has four steps");
        return;
    case IR_OP_vest:
        must(c, in->imm < 2, "vest has two functions");
        return;
    case IR_OP_vmul:
    case IR_OP_vwiden:
    case IR_OP_vmull:
    case IR_OP_vnarrow:
    case IR_OP_vqnarrow:
    case IR_OP_vclz:
        lanes = B | H | S;
        break;
    case IR_OP_vavg:
        lanes = B | H;
        break;
    case IR_OP_vqdmulh:
        lanes = H | S;
        break;
    case IR_OP_vdot:
        lanes = S;
        break;
    case IR_OP_vpmul:
        lanes = B;
        break;
    case IR_OP_vpmull:
        lanes = B | D;
        break;
    default:
        if (ir_ops[in->op].aux == IR_AUX_VFP) {
            lane = (in->aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT;
            lanes = in->op == IR_OP_vfwiden || in->op == IR_OP_vfnarrow ? H | S : S | D;
        }
        break;
    }
    must(c, lanes >> lane & 1, "the op has no lanes of this size");
}

/* What signatures do not say. */
static void op_rules(struct check *c, const struct ir_ins *in)
{
    const struct ir_unit *u = c->u;
    const u32 t = in->type, at = u->ins[in->a].type;
    switch (in->op) {
    case IR_OP_const:
        if (must(c, ir_bits(t) <= 64, "no constants of this type"))
            must(c, !(in->imm & ~ir_type_mask(t)), "the constant has bits above its type");
        return;
    case IR_OP_get:
        must(c, t == u->slots->slot[in->aux].type, "the type is not the slot's");
        return;
    case IR_OP_put:
        must(c, t == at && t == u->slots->slot[in->aux].type, "the type is not the slot's");
        return;
    case IR_OP_sext:
    case IR_OP_zext:
        must(c, in->aux <= ir_bits(at) && in->aux <= ir_bits(t), "the extension is from more bits than there are");
        return;
    case IR_OP_trunc:
        must(c, t == IR_I32, "trunc gives i32");
        return;
    case IR_OP_cmp:
    case IR_OP_select:
        must(c, ir_is_int(at), "the condition is on integers");
        return;
    case IR_OP_phi_set:
        must(c, t == at, "the type is not that of the value");
        return;
    case IR_OP_exit_if:
    case IR_OP_jump_if:
        must(c, ir_is_int(at), "the condition is on integers");
        must(c, t == at, "the type is not that of the values");
        return;
    case IR_OP_fcmp:
    case IR_OP_ford:
        must(c, at == IR_F32 || at == IR_F64, "the comparison is on f32, f64");
        return;
    case IR_OP_st:
        must(c, t == u->ins[in->b].type, "the type is not that of the value");
        memory(c, in);
        return;
    case IR_OP_ld:
    case IR_OP_amo:
    case IR_OP_cas:
    case IR_OP_sc:
        memory(c, in);
        return;
    case IR_OP_fcvt:
        must(c, ir_is_float(t) && t != at, "fcvt is from one floating format to another");
        return;
    case IR_OP_bitcast:
        must(c,
             (t == IR_I32 && at == IR_F32) || (t == IR_F32 && at == IR_I32) || (t == IR_I64 && at == IR_F64) ||
                 (t == IR_F64 && at == IR_I64),
             "bitcast is between i32 and f32 or i64 and f64");
        return;
    case IR_OP_nanbox:
        must(c, at != IR_F64, "an f64 needs no box");
        return;
    case IR_OP_nanunbox:
        must(c, t == IR_F16 || t == IR_F32, "a box holds f16 or f32");
        return;
    case IR_OP_call:
        must(c, t == IR_VOID || ir_is_int(t), "a helper gives i32, i64 or nothing");
        must(c, u->helpers[in->aux].fn, "the helper is one that takes vectors");
        return;
    case IR_OP_vcall:
        must(c, u->helpers[in->aux].vfn, "the helper takes no vectors");
        must(c, !(u->helpers[in->aux].flags & (IR_HELPER_READS | IR_HELPER_WRITES)), "a vector helper uses no slots");
        return;
    case IR_OP_exit:
        if (in->aux & IR_EXIT_CALL)
            must(c, is_const_i64(c, in->a), "the return address must be a constant");
        else
            must(c, !in->a, "only a call has a return address");
        return;
    case IR_OP_exit_ind:
        if (in->aux & IR_EXIT_CALL)
            must(c, is_const_i64(c, in->b), "the return address must be a constant");
        else
            must(c, !in->b, "only a call has a return address");
        must(c, (in->aux & (IR_EXIT_CALL | IR_EXIT_RET)) != (IR_EXIT_CALL | IR_EXIT_RET), "a call is no return");
        return;
    default:
        if (ir_is_vec_op(in->op))
            vector(c, in);
        return;
    }
}

/* Only these read imm. */
static bool has_imm(u32 op)
{
    switch (op) {
    case IR_OP_const:
    case IR_OP_insn:
    case IR_OP_ld:
    case IR_OP_st:
    case IR_OP_exit:
    case IR_OP_exit_if:
    case IR_OP_trap:
    case IR_OP_label:
    case IR_OP_poll:
    case IR_OP_jump:
    case IR_OP_jump_if:
        return true;
    default:
        return ir_has_hash(op);
    }
}

/* --- the unit --- */

/* Slots, sticky flags: guest registers that a fault must find unchanged. */
static bool changes_registers(const struct ir_unit *u, const struct ir_ins *in)
{
    switch (in->op) {
    case IR_OP_put:
    case IR_OP_setflags:
    case IR_OP_setround:
        return true;
    default:
        return ir_forgets_slots(u, in);
    }
}

static void walk(struct check *c)
{
    const struct ir_unit *u = c->u;
    bool begun = false, changed = false;
    gva_t pc = u->pc;
    u32 exits = 0, insns = 0;
    u64 bytes = 0;

    if (!must(c, u->n > 1, "the unit is empty") || !must(c, u->ins[0].op == IR_OP_nop, "instruction 0 is not a nop"))
        return;
    for (c->at = 1; c->at < u->n; c->at++) {
        const struct ir_ins *in = &u->ins[c->at];
        if (!must(c, in->op < IR_NOPS, "no such op") || !must(c, in->type < IR_NTYPES, "no such type") ||
            !signature(c, in) || !aux_fields(c, in))
            return;
        op_rules(c, in);
        must(c, !in->imm || has_imm(in->op), "the op has no immediate");

        const u32 flags = ir_flags[in->op];
        if (flags & IR_END)
            must(c, c->at == u->n - 1 || u->ins[c->at + 1].op == IR_OP_label,
                 "an END that is not the last instruction, nor before a label");
        else
            must(c, c->at != u->n - 1, "the last instruction is no END");
        if (flags & IR_FAULT) {
            must(c, begun, "may fault outside any guest instruction");
            must(c, !changed, "may fault after this guest instruction has changed a register");
        }
        if (in->op == IR_OP_insn) {
            begun = true;
            changed = false;
            pc = in->imm;
            insns++;
            must(c, (in->imm >= u->pc || u->nlabels) && in->imm - u->pc + (1u << 30) < 1u << 31,
                 "a guest instruction before the unit's pc, or far away");
            if (in->imm >= u->pc && in->imm - u->pc + in->aux > bytes)
                bytes = in->imm - u->pc + in->aux;
        }
        if (in->op == IR_OP_label) { /* no guest instruction has begun on every way here */
            begun = false;
            changed = false;
            pc = in->imm;
        }
        if (changes_registers(u, in))
            changed = true;
        if (in->op == IR_OP_exit || in->op == IR_OP_exit_if) {
            exits++;
            must(c, u->nlabels || in->imm > pc || (in->aux & IR_EXIT_POLL), "an exit that goes back must poll");
        }
        if (c->what)
            return;
    }
    c->at = 0;
    must(c, u->nexits == exits, "nexits is not how many exits there are");
    must(c, u->guest_insns == insns, "guest_insns is not how many markers there are");
    must(c, u->guest_bytes == bytes, "guest_bytes is not what the markers cover");
}

/* `uses` of every value. Quadratic work is avoided by counting down a copy, which needs memory only for that time. */
static int count_uses(struct check *c)
{
    const struct ir_unit *u = c->u;
    u32 *uses = ARENA_NEW_N(u->arena, u32, u->n);
    if (!uses)
        return -ENOMEM;
    memset(uses, 0, u->n * sizeof *uses);
    for (ir_ref r = 1; r < u->n; r++)
        for (u32 i = 0; i < 4; i++)
            uses[ir_arg(&u->ins[r], i)]++;
    for (c->at = 1; c->at < u->n; c->at++)
        if (!must(c, uses[c->at] == u->ins[c->at].uses, "uses is not how often the value is used"))
            break;
    return 0;
}

/* --- regions --- */

/* Behind a label stand its phis, and before a jump to it they are set. */
static void phis(struct check *c, const struct ir_cfg *g, u32 *phi_block)
{
    const struct ir_unit *u = c->u;
    for (u32 i = 0; i < u->nphis; i++)
        phi_block[i] = IR_NO_BLOCK;
    for (c->at = 1; c->at < u->n; c->at++) {
        const struct ir_ins *in = &u->ins[c->at];
        if (in->op != IR_OP_phi)
            continue;
        const u32 before = u->ins[c->at - 1].op;
        must(c, before == IR_OP_label || before == IR_OP_phi, "a phi that is not behind a label");
        must(c, phi_block[in->aux] == IR_NO_BLOCK, "a phi stands twice");
        phi_block[in->aux] = g->block_of[c->at];
    }
    for (c->at = 1; c->at < u->n && !c->what; c->at++) {
        const struct ir_ins *in = &u->ins[c->at];
        if (in->op == IR_OP_phi_set) {
            const struct ir_block *k = &g->block[g->block_of[c->at]];
            const u32 after = u->ins[c->at + 1].op, to = phi_block[in->aux];
            must(c, after == IR_OP_phi_set || after == IR_OP_jump || after == IR_OP_label,
                 "a phi_set that is not before a jump");
            must(c, k->nsucc == 1 && k->succ[0] == to, "a phi_set whose phi is not where the block leads");
        } else if (in->op == IR_OP_phi) {
            const struct ir_block *k = &g->block[g->block_of[c->at]];
            for (u32 p = 0; p < k->npred; p++) {
                bool set = false;
                for (ir_ref r = g->block[k->pred[p]].first; r <= g->block[k->pred[p]].last; r++)
                    set |= u->ins[r].op == IR_OP_phi_set && u->ins[r].aux == in->aux && u->ins[r].type == in->type;
                must(c, set, "a phi that is not set, with its type, on every way");
            }
        }
    }
}

static void loops(struct check *c, const struct ir_cfg *g)
{
    const struct ir_unit *u = c->u;
    for (u32 b = 0; b < g->n; b++)
        for (u32 s = 0; s < g->block[b].nsucc; s++) {
            const struct ir_block *to = &g->block[g->block[b].succ[s]];
            if (g->block[b].succ[s] > b)
                continue;
            bool polls = false;
            for (ir_ref r = to->first; r <= to->last; r++)
                polls |= u->ins[r].op == IR_OP_poll;
            c->at = g->block[b].last;
            must(c, polls, "a jump back to a label that does not poll");
        }
}

/* Where ways meet, each slot holds what it did at the end of the dominator, or is put to right behind the label; or
 * nobody looks. */
static int slots_meet(struct check *c, const struct ir_cfg *g)
{
    const struct ir_unit *u = c->u;
    const u32 n = u->slots->n;
    ir_ref *out = ARENA_NEW_N(u->arena, ir_ref, (size_t)g->n * n);
    struct ir_seen *seen;
    if (!out || ir_seen_make(u, g, u->arena, &seen))
        return -ENOMEM;
    memset(out, 0, (size_t)g->n * n * sizeof *out);
    for (u32 i = 0; i < g->nrpo; i++) {
        const u32 b = g->rpo[i];
        const struct ir_block *k = &g->block[b];
        ir_ref *held = out + (size_t)b * n;
        if (b)
            memcpy(held, out + (size_t)k->idom * n, n * sizeof *held);
        for (ir_ref r = k->first; r <= k->last; r++) {
            const struct ir_ins *in = &u->ins[r];
            if (in->op == IR_OP_put)
                held[in->aux] = in->a;
            else if (ir_forgets_slots(u, in))
                for (u32 s = 0; s < n; s++)
                    held[s] = r; /* whatever it is, it is from here */
        }
    }
    for (u32 b = 1; b < g->n; b++) {
        const struct ir_block *k = &g->block[b];
        bool put[IR_MAX_SLOTS] = {false};
        for (ir_ref r = k->first; r <= k->last; r++) {
            const struct ir_ins *in = &u->ins[r];
            if (in->op == IR_OP_put)
                put[in->aux] = true;
            else if (in->op != IR_OP_label && in->op != IR_OP_phi)
                break;
        }
        for (u32 p = 0; p < k->npred; p++)
            for (u32 s = 0; s < n; s++) {
                c->at = k->first;
                must(c,
                     put[s] || !(seen[b].in[s / 64] >> (s % 64) & 1) ||
                         out[(size_t)k->pred[p] * n + s] == out[(size_t)k->idom * n + s],
                     "a slot that differs by the way here and is not put to behind the label");
            }
    }
    return 0;
}

static int region(struct check *c)
{
    const struct ir_unit *u = c->u;
    struct ir_cfg g;
    int rc = ir_cfg_make(u, u->arena, &g);
    if (rc == -EINVAL)
        must(c, false, "a jump to no label, or a label that stands twice");
    if (rc)
        return rc == -ENOMEM ? rc : 0;
    u32 *phi_block = ARENA_NEW_N(u->arena, u32, u->nphis + 1);
    if (!phi_block)
        return -ENOMEM;
    must(c, u->ins[1].op != IR_OP_label, "a region begins with a label");
    for (u32 b = 0; b < g.n && !c->what; b++) {
        c->at = g.block[b].first;
        must(c, g.block[b].idom != IR_NO_BLOCK, "nothing leads here");
    }
    if (c->what)
        return 0;
    for (c->at = 1; c->at < u->n && !c->what; c->at++)
        for (u32 i = 0; i < 4; i++) {
            const ir_ref r = ir_arg(&u->ins[c->at], i);
            if (r)
                must(c, ir_dominates(&g, g.block_of[r], g.block_of[c->at]), "an argument is not defined on every way");
        }
    if (!c->what)
        phis(c, &g, phi_block);
    if (!c->what)
        loops(c, &g);
    return c->what || !u->lifted ? 0 : slots_meet(c, &g);
}

int ir_verify(const struct ir_unit *u, char *err, size_t errcap)
{
    struct check c = {.u = u};
    walk(&c);
    if (!c.what && u->nlabels && region(&c)) {
        fmt(err, errcap, "out of memory");
        return -ENOMEM;
    }
    if (!c.what && count_uses(&c)) {
        fmt(err, errcap, "out of memory");
        return -ENOMEM;
    }
    if (!c.what)
        return 0;
    if (!c.at)
        fmt(err, errcap, "unit: %s", c.what);
    else if (u->ins[c.at].op < IR_NOPS)
        fmt(err, errcap, "v%u (%s): %s", c.at, ir_ops[u->ins[c.at].op].name, c.what);
    else
        fmt(err, errcap, "v%u: %s", c.at, c.what);
    return -EINVAL;
}
