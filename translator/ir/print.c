/* The printer: a unit as text. README.md describes the form; parse.c reads it back.
 *
 * It prints whatever it is given, broken units included, as it is what a failed check is looked at with: a field of aux
 * that has no meaning comes out as ".?" and the whole aux in hex, which the parser refuses. */
#include "translator/ir/ir_int.h"

#include "lib/fmt.h"
#include "translator/ir/eval.h"

struct out {
    char *buf;
    size_t cap, len;
};

static void put(struct out *o, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(struct out *o, const char *format, ...)
{
    size_t at = o->len < o->cap ? o->len : o->cap;
    va_list ap;
    va_start(ap, format);
    o->len += fmt_va(o->buf + at, o->cap - at, format, ap);
    va_end(ap);
}

static void words(struct out *o, const struct ir_ins *in)
{
    u32 known = 0;
    bool bad = false;
    for (u32 i = 0; i < ir_nfields; i++) {
        const struct ir_field *f = &ir_fields[i];
        if (!ir_field_of(f, in->op))
            continue;
        const char *word = ir_field_word(f, in->aux);
        known |= f->mask;
        if (!word)
            bad = true;
        else if (*word)
            put(o, ".%s", word);
    }
    switch (ir_ops[in->op].aux) { /* in the operands */
    case IR_AUX_SLOT:
    case IR_AUX_HELPER:
    case IR_AUX_INSN:
    case IR_AUX_LABEL:
    case IR_AUX_PHI:
        known = 0xffff;
        break;
    default:
        break;
    }
    if (bad || (in->aux & ~known))
        put(o, ".?%x", in->aux);
}

/* "v1, v2": arguments from the i-th on; absent ones before a present one are "_". */
static void args(struct out *o, const struct ir_ins *in, u32 i, const char *before)
{
    u32 n = 4;
    while (n > i && !ir_arg(in, n - 1))
        n--;
    for (; i < n; i++) {
        if (ir_arg(in, i))
            put(o, "%sv%u", before, ir_arg(in, i));
        else
            put(o, "%s_", before);
        before = ", ";
    }
}

static void ins(struct out *o, const struct ir_unit *u, ir_ref r)
{
    const struct ir_ins *in = &u->ins[r];
    if (in->op >= IR_NOPS) {
        put(o, "  ?op%u\n", in->op);
        return;
    }
    put(o, in->op == IR_OP_insn ? "  " : "   ");
    if (ir_ops[in->op].sig[0] != '-')
        put(o, "v%u = ", r);
    put(o, "%s", ir_ops[in->op].name);
    if (ir_names_type(in->op))
        put(o, ".%s", in->type < IR_NTYPES ? ir_type_names[in->type] : "?");
    words(o, in);

    switch (in->op) {
    case IR_OP_const:
    case IR_OP_trap:
        put(o, " 0x%llx", (unsigned long long)in->imm);
        break;
    case IR_OP_insn:
        put(o, " 0x%llx %u", (unsigned long long)in->imm, in->aux);
        break;
    case IR_OP_get:
    case IR_OP_put:
        put(o, " %s", in->aux < u->slots->n ? u->slots->slot[in->aux].name : "?");
        args(o, in, 0, ", ");
        break;
    case IR_OP_label:
        put(o, " L%u 0x%llx", in->aux, (unsigned long long)in->imm);
        break;
    case IR_OP_phi:
    case IR_OP_phi_set:
        put(o, " p%u", in->aux);
        args(o, in, 0, ", ");
        break;
    case IR_OP_poll:
        put(o, " 0x%llx", (unsigned long long)in->imm);
        break;
    case IR_OP_jump:
        put(o, " L%llu", (unsigned long long)in->imm);
        break;
    case IR_OP_jump_if:
        args(o, in, 0, " ");
        put(o, ", L%llu", (unsigned long long)in->imm);
        break;
    case IR_OP_ld:
    case IR_OP_st:
    case IR_OP_amo:
    case IR_OP_cas:
    case IR_OP_sc:
        put(o, " [v%u", in->a);
        if (in->imm)
            put(o, "%s%lld", (s64)in->imm < 0 ? "" : "+", (long long)in->imm);
        put(o, "]");
        args(o, in, 1, ", ");
        break;
    case IR_OP_call:
    case IR_OP_vcall:
        put(o, " @%s", in->aux < u->nhelpers ? u->helpers[in->aux].name : "?");
        args(o, in, 0, ", ");
        break;
    case IR_OP_exit:
        put(o, " 0x%llx", (unsigned long long)in->imm);
        args(o, in, 0, ", ");
        break;
    case IR_OP_exit_if:
        args(o, in, 0, " ");
        put(o, ", 0x%llx", (unsigned long long)in->imm);
        break;
    default:
        args(o, in, 0, " ");
        break;
    }
    if (ir_has_hash(in->op))
        put(o, "%s#%llu", in->op == IR_OP_vcall || in->a ? ", " : " ", (unsigned long long)in->imm);
    put(o, "\n");
}

size_t ir_print(const struct ir_unit *u, char *buf, size_t cap)
{
    struct out o = {.buf = buf, .cap = cap};
    if (cap)
        buf[0] = 0;
    put(&o, "unit pc=0x%llx", (unsigned long long)u->pc);
    if (u->code_key)
        put(&o, " key=0x%llx", (unsigned long long)u->code_key);
    put(&o, "\n");
    for (ir_ref r = 1; r < u->n; r++)
        ins(&o, u, r);
    return o.len;
}
