/* Runs filetests: text files of IR with directives in comments that say what must come of it.
 *
 *     filetest [--tier interp|baseline] [--bless] [--cover] [-v] FILE...
 *
 * A file is a row of sections; each begins with a line "; test: KIND" and goes on to the next such line.
 *
 *     ; test: roundtrip            the text is what the printer makes of it, comments and empty lines aside
 *     ; test: fold                 the unit, made anew through the builder, prints as what stands behind a line "; ---"
 *                                  (up to an empty line or the end)
 *     ; test: ahead                the same of what ir_ahead makes of that
 *     ; test: run                  each "; in:" line gives a start, the "; out:" line after it the end
 *     ; test: parse-error MESSAGE  the parser says MESSAGE
 *     ; test: verify-error MESSAGE the verifier says MESSAGE
 *
 * in:  SLOT=NUMBER, flags=NUMBER (sticky flags), round=NUMBER (enum ir_round), poll=1, [ADDRESS]=HEX (bytes of memory).
 * Slots that are not named hold a pattern, memory that is not named holds zeros. out: how it ended, then all that
 * changed and nothing else, in the one spelling that --bless writes.
 *
 * Units in `run`, `fold` and `ahead` are verified, printed, parsed and printed again; those in `run` run as they
 * are written and as the builder makes them, and both must end alike. A tier that takes only the builder's output skips
 * the first.
 *
 * --bless writes what came out into the files. --cover fails when an op of ops.def is in no `run` section of the files
 * given. */
#define _GNU_SOURCE
#include "tests/ir/filetest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "mk/mk.h"
#include "tests/ir/test_slots.h"
#include "tests/ir/test_units.h"
#include "translator/ir/ir_build.h"

#define TEXT_CAP (1 << 20)

static const struct filetest_tier *tier = &tier_interp;
static bool bless, cover, verbose;
static u32 covered[IR_NOPS];
static u32 nsections, nfailed;
static struct arena arena;
static struct vcpu *vcpu;
static u8 *mem; /* host address of guest address 0 */

/* --- one file --- */

struct text {
    char *s;
    size_t len, cap;
};

static void add(struct text *t, const char *s, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->s = realloc(t->s, t->cap);
    }
    memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = 0;
}

static void addf(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);

static void addf(struct text *t, const char *format, ...)
{
    char buf[1024];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(buf, sizeof buf, format, ap);
    va_end(ap);
    add(t, buf, (size_t)n);
}

static const char *file_name;
static int section_line;
static bool section_failed;

static void fail(const char *format, ...) PRINTF_LIKE(1, 2);

static void fail(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("%s:%d: ", file_name, section_line);
    vprintf(format, ap);
    printf("\n");
    va_end(ap);
    section_failed = true;
}

/* --- state --- */

static void fill_slots(struct vcpu *v)
{
    for (u32 i = 0; i < TEST_SLOT_BYTES; i++)
        v->slots[i] = (u8)(0xa0 + i / 8);
}

static const struct ir_slot *find_slot(const char *name, size_t len)
{
    for (u32 i = 0; i < TEST_NSLOTS; i++)
        if (strlen(test_slot_table[i].name) == len && !memcmp(test_slot_table[i].name, name, len))
            return &test_slot_table[i];
    return NULL;
}

/* Hex (0x, up to 128 bits) or decimal. */
static bool wide(const char *s, size_t len, u128 *out)
{
    u128 x = 0;
    bool negative = len && *s == '-';
    size_t i = negative;
    u32 base = 10;
    if (len > i + 2 && s[i] == '0' && s[i + 1] == 'x') {
        base = 16;
        i += 2;
    }
    if (i == len)
        return false;
    for (; i < len; i++) {
        const char *digits = "0123456789abcdef", *d = strchr(digits, s[i]);
        if (!d || !*d || (u32)(d - digits) >= base)
            return false;
        x = x * base + (u32)(d - digits);
    }
    *out = negative ? -x : x;
    return true;
}

/* "[0x10000]=00ff" */
static bool set_memory(const char *w, size_t len)
{
    char *end;
    u64 addr = strtoull(w + 1, &end, 0);
    if (end[0] != ']' || end[1] != '=')
        return false;
    u8 byte;
    for (const char *s = end + 2; s < w + len; s += 2, addr++) {
        if (sscanf(s, "%2hhx", &byte) != 1 || addr < TEST_MEM_RW || addr >= TEST_MEM_NONE)
            return false;
        mem[addr] = byte;
    }
    return true;
}

static bool set_state(const char *line, size_t len, struct vcpu *v)
{
    const char *end = line + len;
    for (const char *w = line; w < end;) {
        if (*w == ' ') {
            w++;
            continue;
        }
        size_t n = strcspn(w, " \n");
        if (w + n > end)
            n = (size_t)(end - w);
        const char *eq = memchr(w, '=', n);
        u128 x;
        if (*w == '[') {
            if (!set_memory(w, n))
                return false;
        } else {
            if (!eq || !wide(eq + 1, (size_t)(w + n - eq - 1), &x))
                return false;
            size_t k = (size_t)(eq - w);
            const struct ir_slot *s = find_slot(w, k);
            if (s)
                memcpy(v->slots + s->offset, &x, ir_bits(s->type) / 8);
            else if (k == 5 && !memcmp(w, "flags", k))
                v->fp_flags = (u32)x;
            else if (k == 5 && !memcmp(w, "round", k))
                v->fp_round = (u32)x;
            else if (k == 4 && !memcmp(w, "poll", k))
                v->poll = x ? VCPU_POLLED : 0;
            else
                return false;
        }
        w += n;
    }
    return true;
}

static void put_wide(struct text *t, u128 x)
{
    if (x >> 64)
        addf(t, "0x%llx%016llx", (unsigned long long)(x >> 64), (unsigned long long)x);
    else
        addf(t, "0x%llx", (unsigned long long)x);
}

/* What the vCPU and memory show that was not so before. */
static void describe(struct text *t, const struct vcpu *was, const struct vcpu *v, const u8 *mem_was)
{
    static const char *const exits[] = {"none", "link", "lookup", "poll", "trap", "fault"};
    static const char *const kinds[] = {"unmapped", "protection", "bus", "misaligned"};
    static const char *const access[] = {"read", "write", "exec"};
    static const char *const traps[] = {"syscall", "break", "illegal", "sync", "mode", "fetch", "stop", "align", "own"};
    addf(t, "exit=%s", v->exit < ARRAY_LEN(exits) ? exits[v->exit] : "?");
    if (v->exit == VCPU_TRAP)
        addf(t, ",%s", v->trap < ARRAY_LEN(traps) ? traps[v->trap] : "?");
    if (v->exit == VCPU_FAULT)
        addf(t, ",%s,%s,0x%llx", v->fault.kind < ARRAY_LEN(kinds) ? kinds[v->fault.kind] : "?",
             v->fault.access < ARRAY_LEN(access) ? access[v->fault.access] : "?", (unsigned long long)v->fault.addr);
    addf(t, " pc=0x%llx", (unsigned long long)v->pc);
    for (u32 i = 0; i < TEST_NSLOTS; i++) {
        const struct ir_slot *s = &test_slot_table[i];
        u32 n = ir_bits(s->type) / 8;
        if (!memcmp(was->slots + s->offset, v->slots + s->offset, n))
            continue;
        u128 x = 0;
        memcpy(&x, v->slots + s->offset, n);
        addf(t, " %s=", s->name);
        put_wide(t, x);
    }
    if (was->fp_flags != v->fp_flags)
        addf(t, " flags=0x%x", v->fp_flags);
    for (u32 i = TEST_MEM_RW; i < TEST_MEM_NONE;) {
        if (mem[i] == mem_was[i]) {
            i++;
            continue;
        }
        addf(t, " [0x%x]=", i);
        u32 last = i; /* runs end where eight bytes did not change */
        for (u32 k = i; k < TEST_MEM_NONE && k < last + 8; k++)
            if (mem[k] != mem_was[k])
                last = k;
        for (; i <= last; i++)
            addf(t, "%02x", mem[i]);
    }
}

/* --- sections --- */

struct section {
    const char *text;       /* from the line after "; test:" on */
    const char *kind, *arg; /* of the ; test: line */
    size_t len, kind_len, arg_len;
};

static bool next_line(const char **p, const char *end, const char **line, size_t *len)
{
    if (*p >= end)
        return false;
    *line = *p;
    const char *nl = memchr(*p, '\n', (size_t)(end - *p));
    *len = (size_t)((nl ? nl : end) - *p);
    *p = nl ? nl + 1 : end;
    return true;
}

static bool starts(const char *line, size_t len, const char *with, const char **rest)
{
    size_t n = strlen(with);
    if (len < n || memcmp(line, with, n))
        return false;
    *rest = line + n;
    return true;
}

static char *print(const struct ir_unit *u)
{
    char *buf = malloc(TEXT_CAP);
    size_t n = ir_print(u, buf, TEXT_CAP);
    if (n >= TEXT_CAP)
        fail("the printed unit is too long");
    return buf;
}

static void new_unit(struct ir_unit *u)
{
    *u = (struct ir_unit){.arena = &arena, .slots = &test_slots, .helpers = test_helpers, .nhelpers = TEST_NHELPERS};
}

static bool parse(const struct section *s, struct ir_unit *u)
{
    char err[200], *text = strndup(s->text, s->len);
    new_unit(u);
    bool ok = !ir_parse(u, text, err, sizeof err);
    if (!ok)
        fail("parser: %s (line numbers count from the ; test: line)", err);
    free(text);
    return ok;
}

static bool verify(const struct ir_unit *u, const char *what)
{
    char err[200];
    if (!ir_verify(u, err, sizeof err))
        return true;
    char *text = print(u);
    fail("%s: verifier: %s\n%s", what, err, text);
    free(text);
    return false;
}

static bool roundtrips(const struct ir_unit *u)
{
    struct ir_unit again;
    char err[200], *first = print(u), *second = NULL;
    new_unit(&again);
    bool ok = !ir_parse(&again, first, err, sizeof err);
    if (!ok) {
        fail("parser, on what was printed: %s\n%s", err, first);
    } else {
        second = print(&again);
        ok = !strcmp(first, second);
        if (!ok)
            fail("printed, parsed and printed, a unit differs:\n%s\n%s", first, second);
    }
    free(first);
    free(second);
    return ok;
}

static void rebuild(const struct ir_unit *u, struct ir_unit *out)
{
    new_unit(out);
    if (test_rebuild(u, out))
        fail("the builder ran out of memory");
}

/* All but comments and empty lines. */
static char *strip(const char *text, size_t len)
{
    struct text t = {0};
    const char *p = text, *line;
    size_t n;
    add(&t, "", 0);
    while (next_line(&p, text + len, &line, &n)) {
        size_t k = 0;
        while (k < n && line[k] == ' ')
            k++;
        if (k == n || line[k] == ';')
            continue;
        add(&t, line, n);
        add(&t, "\n", 1);
    }
    return t.s;
}

/* Copies the section's comment lines, then `text`. */
static void comments_then(struct text *out, const struct section *s, const char *text)
{
    const char *p = s->text, *end = s->text + s->len, *line;
    size_t n, tail = 0;
    while (next_line(&p, end, &line, &n)) {
        if (n && line[0] == ';') {
            add(out, line, n);
            add(out, "\n", 1);
        }
    }
    add(out, text, strlen(text));
    for (tail = s->len; tail && s->text[tail - 1] == '\n'; tail--)
        ;
    for (size_t i = tail + 1; i < s->len; i++)
        add(out, "\n", 1);
}

static void do_roundtrip(const struct section *s, struct text *out)
{
    struct ir_unit u;
    if (!parse(s, &u) || !verify(&u, "as written") || !roundtrips(&u))
        return;
    char *want = strip(s->text, s->len), *got = print(&u);
    if (bless)
        comments_then(out, s, got);
    else if (strcmp(want, got))
        fail("printed differently:\n%s", got);
    free(want);
    free(got);
}

/* What the builder makes of a unit, and `pass`, if there is one, of that. */
static void do_fold(const struct section *s, int (*pass)(struct ir_unit *), struct text *out)
{
    const char *p = s->text, *end = s->text + s->len, *line, *rest;
    size_t n;
    struct section unit = *s;
    const char *want = NULL, *after = end;
    while (next_line(&p, end, &line, &n)) {
        if (!want && starts(line, n, "; ---", &rest)) {
            unit.len = (size_t)(line - s->text);
            want = p;
        } else if (want && !n) {
            after = line;
            break;
        }
    }
    if (!want) {
        if (!bless) {
            fail("no \"; ---\" line");
            return;
        }
        want = after = end;
    }
    struct ir_unit u, folded;
    if (!parse(&unit, &u) || !verify(&u, "as written") || !roundtrips(&u))
        return;
    rebuild(&u, &folded);
    if (pass && pass(&folded))
        fail("the pass ran out of memory");
    char *got = print(&folded);
    if (verify(&folded, "folded") && roundtrips(&folded)) {
        if (bless) {
            add(out, unit.text, unit.len);
            addf(out, "; ---\n");
            add(out, got, strlen(got));
            add(out, after, (size_t)(end - after));
        } else if (strlen(got) != (size_t)(after - want) || memcmp(got, want, strlen(got))) {
            fail("folds differently:\n%s", got);
        }
    }
    free(got);
}

/* One start of a unit; what came of it goes into `got`. */
static bool run_case(const struct ir_unit *u, const char *in, size_t len, struct text *got)
{
    static struct vcpu was;
    static u8 mem_was[TEST_MEM_NONE];
    memset(mem + TEST_MEM_RW, 0, TEST_MEM_RO - TEST_MEM_RW);
    mprotect(mem + TEST_MEM_RO, TEST_MEM_NONE - TEST_MEM_RO, PROT_READ | PROT_WRITE);
    memset(mem + TEST_MEM_RO, 0, TEST_MEM_NONE - TEST_MEM_RO);
    vcpu->poll = vcpu->fp_flags = vcpu->fp_round = 0;
    vcpu->exit = ~0u;
    vcpu->pc = 1;
    vcpu->mem_base = (hva_t)mem;
    fill_slots(vcpu);
    bool ok = set_state(in, len, vcpu);
    mprotect(mem + TEST_MEM_RO, TEST_MEM_NONE - TEST_MEM_RO, PROT_READ);
    if (!ok) {
        fail("bad in: line: %.*s", (int)len, in);
        return false;
    }
    memcpy(mem_was + TEST_MEM_RW, mem + TEST_MEM_RW, TEST_MEM_NONE - TEST_MEM_RW);
    was = *vcpu;
    int e = tier->run(u, vcpu);
    if (e == -ENOSYS)
        return false; /* a host that does not compile regions, or op `known` */
    if (e) {
        fail("tier %s: error %d", tier->name, -e);
        return false;
    }
    describe(got, &was, vcpu, mem_was);
    return true;
}

static void check_case(const char *in, size_t in_len, const char *what, const char *want, size_t want_len,
                       const struct text *got)
{
    if (want_len != got->len || memcmp(want, got->s, want_len))
        fail("%s, in: %.*s\n  wanted %.*s\n  got    %s", what, (int)in_len, in, (int)want_len, want, got->s);
}

static void do_run(const struct section *s, struct text *out)
{
    struct ir_unit u, folded;
    if (!parse(s, &u) || !verify(&u, "as written") || !roundtrips(&u))
        return;
    rebuild(&u, &folded);
    if (!verify(&folded, "folded") || !roundtrips(&folded))
        return;
    for (ir_ref r = 1; r < u.n; r++)
        covered[u.ins[r].op]++;

    const char *p = s->text, *end = s->text + s->len, *line, *in = NULL, *rest;
    size_t n, in_len = 0;
    u32 cases = 0;
    while (next_line(&p, end, &line, &n)) {
        if (starts(line, n, "; in:", &rest)) {
            if (in && !bless)
                fail("an in: line without an out: line");
            in = rest;
            in_len = (size_t)(line + n - in);
            if (!bless)
                continue;
            struct text got = {0};
            add(out, line, n);
            if (run_case(tier->folded ? &folded : &u, in, in_len, &got))
                addf(out, "\n; out: %s\n", got.s);
            free(got.s);
            in = NULL;
            cases++;
        } else if (starts(line, n, "; out:", &rest)) {
            if (bless)
                continue;
            if (!in) {
                fail("an out: line without an in: line");
                return;
            }
            while (*rest == ' ')
                rest++;
            for (u32 made = tier->folded; made < 2; made++) {
                struct text got = {0};
                if (run_case(made ? &folded : &u, in, in_len, &got))
                    check_case(in, in_len, made ? "folded" : "as written", rest, (size_t)(line + n - rest), &got);
                free(got.s);
            }
            in = NULL;
            cases++;
        } else if (bless) {
            add(out, line, n);
            add(out, "\n", 1);
        }
    }
    if (!cases || in)
        fail("no case, or an in: line without an out: line");
}

static void do_error(const struct section *s, bool parser, struct text *out)
{
    struct ir_unit u;
    char err[200] = "";
    new_unit(&u);
    char *text = strndup(s->text, s->len);
    int e = ir_parse(&u, text, err, sizeof err);
    free(text);
    if (!parser) {
        if (e) {
            fail("parser: %s", err);
            return;
        }
        e = ir_verify(&u, err, sizeof err);
    }
    if (!e)
        fail("nothing was found to be wrong");
    else if (!bless && (strlen(err) != s->arg_len || memcmp(err, s->arg, s->arg_len)))
        fail("said: %s", err);
    if (bless && e) {
        out->len -= (size_t)(s->text - s->kind) - s->kind_len; /* the rest of the ; test: line */
        addf(out, " %s\n", err);
    }
}

static void do_section(const struct section *s, struct text *out)
{
    static const char *const kinds[] = {"roundtrip", "fold", "run", "parse-error", "verify-error", "ahead"};
    u32 k = 0;
    while (k < ARRAY_LEN(kinds) && (strlen(kinds[k]) != s->kind_len || memcmp(kinds[k], s->kind, s->kind_len)))
        k++;
    section_failed = false;
    nsections++;
    size_t before = out->len;
    switch (k) {
    case 0:
        do_roundtrip(s, out);
        break;
    case 1:
        do_fold(s, NULL, out);
        break;
    case 2:
        do_run(s, out);
        break;
    case 3:
    case 4:
        do_error(s, k == 3, out);
        add(out, s->text, s->len);
        before = out->len;
        break;
    case 5:
        do_fold(s, ir_ahead, out);
        break;
    default:
        fail("no such kind of test: %.*s", (int)s->kind_len, s->kind);
    }
    if (section_failed) {
        nfailed++;
        if (k != 3 && k != 4) { /* keep what stood there */
            out->len = before;
            add(out, s->text, s->len);
        }
    }
    if (verbose)
        printf("%s:%d: %s\n", file_name, section_line, section_failed ? "FAILED" : "ok");
    arena_reset(&arena);
}

static bool do_file(const char *name)
{
    FILE *f = fopen(name, "r");
    if (!f) {
        printf("%s: cannot read\n", name);
        return false;
    }
    struct text in = {0}, out = {0};
    char buf[4096];
    size_t n, len;
    add(&in, "", 0);
    add(&out, "", 0);
    while ((n = fread(buf, 1, sizeof buf, f)))
        add(&in, buf, n);
    fclose(f);

    file_name = name;
    const char *p = in.s, *end = in.s + in.len, *line, *rest;
    struct section s = {0};
    int line_no = 0;
    for (;;) {
        bool more = next_line(&p, end, &line, &len);
        line_no++;
        if (!more || starts(line, len, "; test:", &rest)) {
            if (s.kind) {
                s.len = (size_t)((more ? line : end) - s.text);
                do_section(&s, &out);
            }
            if (!more)
                break;
            section_line = line_no;
            while (*rest == ' ')
                rest++;
            s = (struct section){.text = p, .kind = rest};
            s.kind_len = strcspn(rest, " \n");
            s.arg = rest + s.kind_len;
            while (*s.arg == ' ')
                s.arg++;
            s.arg_len = (size_t)(line + len - s.arg);
        } else if (s.kind) {
            continue;
        }
        add(&out, line, len);
        add(&out, "\n", 1);
    }
    if (bless && (in.len != out.len || memcmp(in.s, out.s, in.len))) {
        f = fopen(name, "w");
        if (!f || fwrite(out.s, 1, out.len, f) != out.len || fclose(f)) {
            printf("%s: cannot write\n", name);
            return false;
        }
        printf("%s: blessed\n", name);
    }
    free(in.s);
    free(out.s);
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: filetest [--tier interp|baseline] [--bless] [--cover] [-v] FILE...\n");
    return 2;
}

int main(int argc, char **argv)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--bless"))
            bless = true;
        else if (!strcmp(argv[i], "--cover"))
            cover = true;
        else if (!strcmp(argv[i], "-v"))
            verbose = true;
        else if (!strcmp(argv[i], "--tier") && i + 1 < argc) {
            i++;
            if (!strcmp(argv[i], tier_baseline.name))
                tier = &tier_baseline;
            else if (strcmp(argv[i], tier_interp.name))
                return usage();
        } else {
            return usage();
        }
    }
    if (i == argc)
        return usage();

    if (mk_thread_enter())
        return 2;
    mem = mmap(NULL, TEST_MEM_END, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mem == MAP_FAILED || mprotect(mem + TEST_MEM_RW, TEST_MEM_NONE - TEST_MEM_RW, PROT_READ | PROT_WRITE)) {
        perror("filetest");
        return 2;
    }
    void *p;
    if (mk_pages_alloc(&p, sizeof *vcpu))
        return 2;
    vcpu = p;

    bool ok = true;
    for (; i < argc; i++)
        ok = do_file(argv[i]) && ok;
    if (cover)
        for (u32 op = 0; op < IR_NOPS; op++)
            if (!covered[op]) {
                printf("op %s is in no run section\n", ir_ops[op].name);
                ok = false;
            }
    printf("%u sections, %u failed\n", nsections, nfailed);
    return ok && !nfailed ? 0 : 1;
}
