/* The parser: text into a unit, exactly as written (nothing is folded). README.md describes the form.
 *
 * It takes any text without harm. What it accepts is well formed: known ops, words, slots and helpers, values defined
 * before they are used. Whether it makes sense (types, order) is for ir_verify to say.
 *
 * Values may be numbered in any way; the unit numbers them by position, so that printing what was parsed once and
 * parsing it again changes nothing. */
#include "translator/ir/ir_int.h"

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fmt.h"
#include "lib/str.h"
#include "translator/ir/eval.h"

#define MAX_NAME 99999 /* largest number of a value in the text */
#define MAX_WORD 32

struct parser {
    struct ir_unit *u;
    const char *p;
    u32 line;
    ir_ref *value; /* by number in the text; 0: not defined */
    u32 nvalues;
    char *err;
    size_t errcap;
};

static int fail(struct parser *ps, const char *format, ...) PRINTF_LIKE(2, 3);

static int fail(struct parser *ps, const char *format, ...)
{
    size_t n = fmt(ps->err, ps->errcap, "line %u: ", ps->line);
    if (n < ps->errcap) {
        va_list ap;
        va_start(ap, format);
        fmt_va(ps->err + n, ps->errcap - n, format, ap);
        va_end(ap);
    }
    return -EINVAL;
}

/* --- words and numbers --- */

static void blanks(struct parser *ps)
{
    while (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\r')
        ps->p++;
}

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A word of letters, digits and _ into buf; false when there is none or it is too long. */
static bool word(struct parser *ps, char buf[MAX_WORD])
{
    u32 n = 0;
    while (word_char(*ps->p)) {
        if (n == MAX_WORD - 1)
            return false;
        buf[n++] = *ps->p++;
    }
    buf[n] = 0;
    return n;
}

static bool end_of_line(struct parser *ps)
{
    blanks(ps);
    return *ps->p == 0 || *ps->p == '\n' || *ps->p == ';';
}

static bool take(struct parser *ps, char c)
{
    blanks(ps);
    if (*ps->p != c)
        return false;
    ps->p++;
    return true;
}

static int expect(struct parser *ps, char c)
{
    return take(ps, c) ? 0 : fail(ps, "'%c' expected", c);
}

/* Decimal or 0x, perhaps negative. */
static int number(struct parser *ps, u64 *out)
{
    bool negative = take(ps, '-');
    u32 base = 10;
    u64 x = 0;
    blanks(ps);
    if (ps->p[0] == '0' && ps->p[1] == 'x') {
        base = 16;
        ps->p += 2;
    }
    const char *start = ps->p;
    for (;; ps->p++) {
        char c = *ps->p;
        u32 d;
        if (c >= '0' && c <= '9')
            d = (u32)(c - '0');
        else if (base == 16 && c >= 'a' && c <= 'f')
            d = (u32)(c - 'a') + 10;
        else if (base == 16 && c >= 'A' && c <= 'F')
            d = (u32)(c - 'A') + 10;
        else
            break;
        if (x > (~0ull - d) / base)
            return fail(ps, "a number of more than 64 bits");
        x = x * base + d;
    }
    if (ps->p == start || word_char(*ps->p))
        return fail(ps, "a number expected");
    *out = negative ? 0 - x : x;
    return 0;
}

/* --- values --- */

static int value_name(struct parser *ps, u32 *out)
{
    u64 n = 0;
    int e;
    blanks(ps);
    if (ps->p[0] != 'v' || ps->p[1] < '0' || ps->p[1] > '9')
        return fail(ps, "a value (v and a number) expected");
    ps->p++;
    if ((e = number(ps, &n)))
        return e;
    if (n > MAX_NAME)
        return fail(ps, "values are numbered up to %d", MAX_NAME);
    *out = (u32)n;
    return 0;
}

static int value(struct parser *ps, ir_ref *out)
{
    u32 name = 0;
    int e = value_name(ps, &name);
    if (e)
        return e;
    if (name >= ps->nvalues || !ps->value[name])
        return fail(ps, "v%u is not defined", name);
    *out = ps->value[name];
    return 0;
}

static int define(struct parser *ps, u32 name, ir_ref r)
{
    if (name >= ps->nvalues) {
        u32 n = ps->nvalues ? ps->nvalues * 2 : 64;
        while (n <= name)
            n *= 2;
        ir_ref *more = ARENA_NEW_N(ps->u->arena, ir_ref, n);
        if (!more)
            return fail(ps, "out of memory");
        memset(more, 0, n * sizeof *more);
        if (ps->nvalues)
            memcpy(more, ps->value, ps->nvalues * sizeof *more);
        ps->value = more;
        ps->nvalues = n;
    }
    ps->value[name] = r;
    return 0;
}

/* Arguments separated by commas until the end of the line, from the i-th on; the comma before the first too if `more`.
 * An immediate (#number) may be the last. */
static int values(struct parser *ps, struct ir_ins *in, u32 i, bool more)
{
    ir_ref *arg = &in->a;
    u32 max = (u32)strlen(ir_ops[in->op].sig) - 2;
    int e;
    if (!more && end_of_line(ps))
        return 0;
    for (;; i++) {
        if (more) {
            if (end_of_line(ps))
                return 0;
            if ((e = expect(ps, ',')))
                return e;
        }
        more = true;
        if (ir_has_hash(in->op) && take(ps, '#'))
            return number(ps, &in->imm);
        if (i >= max)
            return fail(ps, "too many arguments");
        if ((in->op == IR_OP_call || in->op == IR_OP_vcall) && take(ps, '_'))
            continue;
        if ((e = value(ps, &arg[i])))
            return e;
    }
}

/* --- ops --- */

static int op_of(struct parser *ps, const char *name, u8 *op)
{
    for (u32 i = 0; i < IR_NOPS; i++)
        if (!strcmp(ir_ops[i].name, name)) {
            *op = (u8)i;
            return 0;
        }
    return fail(ps, "no such op: %s", name);
}

static int type_of(struct parser *ps, const char *name, u8 *type)
{
    for (u32 i = 0; i < IR_NTYPES; i++)
        if (!strcmp(ir_type_names[i], name)) {
            *type = (u8)i;
            return 0;
        }
    return fail(ps, "no such type: %s", name);
}

/* Sets the field that `w` is a word of, if it is not in `done` yet. */
static int set_field(struct parser *ps, struct ir_ins *in, const char *w, u32 *done)
{
    for (u32 i = 0; i < ir_nfields; i++) {
        const struct ir_field *f = &ir_fields[i];
        if (!ir_field_of(f, in->op) || (*done & f->mask))
            continue;
        for (u32 v = 0; v < f->n; v++)
            if (f->words[v] && *f->words[v] && !strcmp(f->words[v], w)) {
                in->aux |= (u16)(v << __builtin_ctz(f->mask));
                *done |= f->mask;
                return 0;
            }
    }
    return fail(ps, "%s: unknown or repeated: .%s", ir_ops[in->op].name, w);
}

static int op_and_words(struct parser *ps, struct ir_ins *in)
{
    char w[MAX_WORD];
    u32 done = 0;
    int e;
    blanks(ps);
    if (!word(ps, w))
        return fail(ps, "an op expected");
    if ((e = op_of(ps, w, &in->op)))
        return e;
    if (ir_names_type(in->op)) {
        if (*ps->p != '.')
            return fail(ps, "%s needs a type", ir_ops[in->op].name);
        ps->p++;
        if (!word(ps, w))
            return fail(ps, "a type expected");
        if ((e = type_of(ps, w, &in->type)))
            return e;
    }
    while (*ps->p == '.') {
        ps->p++;
        if (!word(ps, w))
            return fail(ps, "a word expected behind '.'");
        if ((e = set_field(ps, in, w, &done)))
            return e;
    }
    for (u32 i = 0; i < ir_nfields; i++) {
        const struct ir_field *f = &ir_fields[i];
        if (ir_field_of(f, in->op) && !(done & f->mask) && (!f->words[0] || *f->words[0]))
            return fail(ps, "%s needs one more of its words", ir_ops[in->op].name);
    }
    return 0;
}

static int slot(struct parser *ps, struct ir_ins *in)
{
    char w[MAX_WORD];
    blanks(ps);
    if (!word(ps, w))
        return fail(ps, "a slot expected");
    for (u32 i = 0; i < ps->u->slots->n; i++)
        if (!strcmp(ps->u->slots->slot[i].name, w)) {
            in->aux = (u16)i;
            return 0;
        }
    return fail(ps, "no such slot: %s", w);
}

static int helper(struct parser *ps, struct ir_ins *in)
{
    char w[MAX_WORD];
    int e = expect(ps, '@');
    if (e)
        return e;
    if (!word(ps, w))
        return fail(ps, "a helper expected");
    for (u32 i = 0; i < ps->u->nhelpers; i++)
        if (!strcmp(ps->u->helpers[i].name, w)) {
            in->aux = (u16)i;
            return 0;
        }
    return fail(ps, "no such helper: %s", w);
}

/* [v1], [v1+8], [v1-8] */
static int address(struct parser *ps, struct ir_ins *in)
{
    int e;
    if ((e = expect(ps, '[')) || (e = value(ps, &in->a)))
        return e;
    blanks(ps);
    if (*ps->p == '+' || *ps->p == '-') {
        if (*ps->p == '+')
            ps->p++;
        if ((e = number(ps, &in->imm)))
            return e;
    }
    return expect(ps, ']');
}

/* L3, p3: the letter and a number below 2^16. */
static int numbered(struct parser *ps, char letter, u64 *out)
{
    int e;
    blanks(ps);
    if (ps->p[0] != letter || ps->p[1] < '0' || ps->p[1] > '9')
        return fail(ps, "%s (%c and a number) expected", letter == 'L' ? "a label" : "a phi", letter);
    ps->p++;
    if ((e = number(ps, out)))
        return e;
    return *out > 0xffff ? fail(ps, "labels and phis are numbered up to %u", 0xffff) : 0;
}

static int operands(struct parser *ps, struct ir_ins *in)
{
    u64 n = 0;
    int e;
    switch (in->op) {
    case IR_OP_const:
        if ((e = number(ps, &in->imm)))
            return e;
        if (ir_bits(in->type) < 64)
            in->imm &= ir_type_mask(in->type);
        return 0;
    case IR_OP_trap:
        return number(ps, &in->imm);
    case IR_OP_insn:
        if ((e = number(ps, &in->imm)) || (e = number(ps, &n)))
            return e;
        if (n > 0xffff)
            return fail(ps, "an instruction is not that long");
        in->aux = (u16)n;
        return 0;
    case IR_OP_get:
    case IR_OP_put:
        if ((e = slot(ps, in)))
            return e;
        return values(ps, in, 0, true);
    case IR_OP_label:
        if ((e = numbered(ps, 'L', &n)))
            return e;
        in->aux = (u16)n;
        return number(ps, &in->imm);
    case IR_OP_phi:
    case IR_OP_phi_set:
        if ((e = numbered(ps, 'p', &n)))
            return e;
        in->aux = (u16)n;
        return values(ps, in, 0, true);
    case IR_OP_poll:
        return number(ps, &in->imm);
    case IR_OP_jump:
        return numbered(ps, 'L', &in->imm);
    case IR_OP_jump_if:
        if ((e = value(ps, &in->a)) || (e = expect(ps, ',')) || (e = value(ps, &in->b)) || (e = expect(ps, ',')))
            return e;
        return numbered(ps, 'L', &in->imm);
    case IR_OP_ld:
    case IR_OP_st:
    case IR_OP_amo:
    case IR_OP_cas:
    case IR_OP_sc:
        if ((e = address(ps, in)))
            return e;
        return values(ps, in, 1, true);
    case IR_OP_call:
    case IR_OP_vcall:
        if ((e = helper(ps, in)))
            return e;
        return values(ps, in, 0, true);
    case IR_OP_exit:
        if ((e = number(ps, &in->imm)))
            return e;
        return values(ps, in, 0, true);
    case IR_OP_exit_if:
        if ((e = value(ps, &in->a)) || (e = expect(ps, ',')) || (e = value(ps, &in->b)) || (e = expect(ps, ',')))
            return e;
        return number(ps, &in->imm);
    default:
        return values(ps, in, 0, false);
    }
}

/* Types that an operand or the op implies. */
static void implied_type(struct parser *ps, struct ir_ins *in)
{
    const struct ir_ins *def = ps->u->ins;
    switch (in->op) {
    case IR_OP_put:
    case IR_OP_phi_set:
    case IR_OP_exit_if:
    case IR_OP_jump_if:
        in->type = def[in->a].type;
        return;
    case IR_OP_st:
        in->type = def[in->b].type;
        return;
    default:
        break;
    }
    switch (ir_ops[in->op].sig[0]) {
    case 'l':
        in->type = IR_I64;
        break;
    case 'q':
        in->type = IR_I128;
        break;
    case 'd':
        in->type = IR_F64;
        break;
    case 'v':
        in->type = IR_V128;
        break;
    default:
        break;
    }
}

static int header(struct parser *ps)
{
    char w[MAX_WORD];
    u64 pc = 0;
    bool have_pc = false;
    int e;
    while (!end_of_line(ps)) {
        u64 *to = NULL;
        if (!word(ps, w))
            return fail(ps, "pc= or key= expected");
        if (!strcmp(w, "pc")) {
            to = &pc;
            have_pc = true;
        } else if (!strcmp(w, "key")) {
            to = &ps->u->code_key;
        } else {
            return fail(ps, "pc= or key= expected");
        }
        if ((e = expect(ps, '=')) || (e = number(ps, to)))
            return e;
    }
    if (!have_pc)
        return fail(ps, "a unit needs pc=");
    return ir_unit_init(ps->u, pc) ? 0 : fail(ps, "out of memory");
}

static int line(struct parser *ps)
{
    char w[MAX_WORD];
    struct ir_ins in = {0};
    u32 name = 0;
    bool named = false;
    int e;

    if (!ps->u->n) {
        if (!word(ps, w) || strcmp(w, "unit"))
            return fail(ps, "a unit begins with \"unit pc=...\"");
        return header(ps);
    }
    if (ps->p[0] == 'v' && ps->p[1] >= '0' && ps->p[1] <= '9') {
        if ((e = value_name(ps, &name)) || (e = expect(ps, '=')))
            return e;
        named = true;
    }
    if ((e = op_and_words(ps, &in)))
        return e;
    if (named != (ir_ops[in.op].sig[0] != '-'))
        return fail(ps, named ? "%s gives no value" : "%s gives a value", ir_ops[in.op].name);
    if (named && name < ps->nvalues && ps->value[name])
        return fail(ps, "v%u is defined already", name);
    if ((e = operands(ps, &in)))
        return e;
    if (!end_of_line(ps))
        return fail(ps, "unexpected text at the end");
    implied_type(ps, &in);
    ir_ref r = ir_append(ps->u, &in);
    if (!r)
        return fail(ps, "out of memory");
    return named ? define(ps, name, r) : 0;
}

int ir_parse(struct ir_unit *u, const char *text, char *err, size_t errcap)
{
    struct parser ps = {.u = u, .p = text, .line = 1, .err = err, .errcap = errcap};
    u->n = 0;
    u->code_key = 0;
    u->lifted = true; /* text is as backends take it */
    for (;; ps.line++) {
        if (!end_of_line(&ps)) {
            int e = line(&ps);
            if (e)
                return e;
        }
        while (*ps.p && *ps.p != '\n') /* a comment */
            ps.p++;
        if (!*ps.p)
            break;
        ps.p++;
    }
    return u->n ? 0 : fail(&ps, "no unit");
}
