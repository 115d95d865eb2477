/* Differential test: random programs on two implementations of a guest ISA, which must agree in every bit.
 *
 *     difftest [--a WHAT] [--b WHAT] [--seed N] [--insns N] [--units N] [--batch N] [--only NAME] [--ext NAME,...]
 *              [--faults N] [--rounds N] [--turns N] [--passes] [--keep] [--coverage]
 *
 * WHAT is qemu (its user emulator run on the same program as an ELF file), ir (translate and interpret), step (the
 * same, an instruction at a time), interp, baseline or optimised (the engine's tiers; the last wants turns). --insns:
 * about how many instructions to try, in batches of snippets, each run in several rounds on other data, and, with
 * --turns, as a loop; --only and --ext choose instructions;
 * --faults: so many of 1000 memory operands are bad (not with qemu). What qemu does not know is left out when it takes
 * part. --passes: the engine leaves out one of the translator's passes in each batch, and after the last of them all.
 * --coverage prints how often each instruction of the decode table was tried, and why some are not.
 *
 * A difference is made small: instructions of the snippet are replaced by nops as long as the two still differ. Then
 * the seed, what remains and the registers that differ are printed. Status 0: no difference; 1: some; 77: no qemu. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/gen.h"
#include "tests/guest/run.h"
#include "translator/guest/guest.h"

extern char **environ;

enum what { QEMU, IR, STEP, INTERP, BASELINE, OPTIMISED };
static const char *const what_names[] = {"qemu", "ir", "step", "interp", "baseline", "optimised"};

static char tmp_dir[] = "/tmp/isadiff-XXXXXX";
static char elf_path[64], out_path[64];
static bool keep, coverage, passes;
static u64 tried[1 << 16];
static u64 faulted; /* snippets */

/* --- running --- */

static int run_qemu(const struct image *im, u8 *out, const char **why)
{
    static char text[128];
    *why = text;
    int rc = gen_write_elf(im, elf_path);
    if (rc) {
        snprintf(text, sizeof text, "%s: %s", elf_path, strerror(-rc));
        return -1;
    }
    if (chmod(elf_path, 0755)) {
        snprintf(text, sizeof text, "%s: %s", elf_path, strerror(errno));
        return -1;
    }
    const char *argv[16] = {gen_isa.qemu};
    u32 argc = 1;
    for (const char *const *o = gen_isa.qemu_options; *o; o++)
        argv[argc++] = *o;
    argv[argc] = elf_path;
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 1, out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid;
    int err = posix_spawnp(&pid, gen_isa.qemu, &fa, NULL, (char **)argv, environ), status = 0;
    posix_spawn_file_actions_destroy(&fa);
    if (err) {
        snprintf(text, sizeof text, "%s: %s", gen_isa.qemu, strerror(err));
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    FILE *f = fopen(out_path, "rb");
    const size_t n = f ? fread(out, gen_isa.record_size, gen_nrecords(im), f) : 0;
    if (f)
        fclose(f);
    if (status == 0 && n == gen_nrecords(im))
        return 0;
    snprintf(text, sizeof text, "%s: status 0x%x, %zu of %u records", gen_isa.qemu, status, n, gen_nrecords(im));
    return -1;
}

static int run(enum what what, const struct image *im, u8 *out, const char **why)
{
    return what == QEMU ? run_qemu(im, out, why) : run_image((enum run_tier)(what - IR), im, out, why);
}

/* --- reporting --- */

/* Registers whose numbers are named by what was printed. */
static bool named[32];

static void print_code(const struct image *im, const struct snippet *s)
{
    memset(named, 0, sizeof named);
    for (u32 k = 0; k < s->nunits; k++) {
        const struct gen_unit *u = &s->units[k];
        for (u32 at = u->offset; at < u->offset + u->len;) {
            char text[96];
            const u8 *p = im->code + at;
            size_t n = gen_isa.guest->disasm(p, im->code_len - at, GEN_CODE + at, text, sizeof text);
            if (gen_isa.names(p, named))
                printf("    %llx:  %s\n", GEN_CODE + at, text);
            at += (u32)n;
        }
    }
}

static void print_difference(const struct image *im, u32 n, enum what wa, enum what wb, const u8 *a, const u8 *b)
{
    const struct record_head *ha = (const struct record_head *)a, *hb = (const struct record_head *)b;
    const struct snippet *s = &im->snippets[n % im->nsnippets];
    printf("  base x%u\n", s->base);
    print_code(im, s);
    printf("  %-8s %-18s %-18s %-18s\n", "", "before", what_names[wa], what_names[wb]);
#define SHOW(name, member)                                                                                             \
    if (ha->member != hb->member)                                                                                      \
    printf("  %-8s %-18s %018llx %018llx\n", name, "", (unsigned long long)ha->member, (unsigned long long)hb->member)
    SHOW("pc", fault_pc);
    SHOW("addr", fault_addr);
    SHOW("kind", fault_kind);
    gen_isa.show(gen_record(im, n), a, b, named);
}

static const u8 *nth(const u8 *records, u32 n)
{
    return records + n * gen_isa.record_size;
}

static bool equal(const u8 *a, const u8 *b, u32 n)
{
    return memcmp(nth(a, n), nth(b, n), gen_isa.record_size) == 0;
}

/* Record n still differs? */
static bool differs(const struct image *im, u32 n, enum what wa, enum what wb, u8 *a, u8 *b)
{
    const char *why;
    bool fa = run(wa, im, a, &why) != 0, fb = run(wb, im, b, &why) != 0;
    return fa != fb || (!fa && !equal(a, b, n));
}

static void report(struct image *im, u32 n, enum what wa, enum what wb, u8 *a, u8 *b, u64 seed)
{
    const u32 snippet = n % im->nsnippets;
    printf("difference in snippet %u, round %u of the batch with seed %llu:\n", snippet, n / im->nsnippets,
           (unsigned long long)seed);
    for (u32 k = 0; k < im->nsnippets; k++)
        if (k != snippet)
            gen_blank_snippet(im, k);
    if (!differs(im, n, wa, wb, a, b)) {
        printf("  gone when run alone\n");
        return;
    }
    for (u32 k = im->snippets[snippet].nunits; k-- > 0;) {
        const struct gen_unit *u = &im->snippets[snippet].units[k];
        u8 saved[64];
        memcpy(saved, im->code + u->offset, u->len);
        gen_blank_unit(im, snippet, k);
        if (!differs(im, n, wa, wb, a, b))
            memcpy(im->code + u->offset, saved, u->len);
    }
    const char *why;
    if (run(wa, im, a, &why))
        printf("  %s: %s\n", what_names[wa], why);
    if (run(wb, im, b, &why))
        printf("  %s: %s\n", what_names[wb], why);
    print_difference(im, n, wa, wb, nth(a, n), nth(b, n));
    if (keep && gen_write_elf(im, elf_path) == 0)
        printf("  program: %s\n", elf_path);
}

/* --- batches --- */

/* One batch. Returns the number of differences (which it reports, at most `show` of them), or -1. */
static int batch(const struct gen_options *o, enum what wa, enum what wb, u32 show)
{
    struct image im;
    const char *why_a = "", *why_b = "";
    int bad = 0;
    if (!gen_image(&im, o))
        return -1;
    const u32 nrecords = gen_nrecords(&im);
    u8 *a = calloc(nrecords, gen_isa.record_size), *b = calloc(nrecords, gen_isa.record_size);
    if (!a || !b)
        abort();
    for (u32 n = 0; n < im.nsnippets; n++)
        for (u32 k = 0; k < im.snippets[n].nunits; k++)
            tried[im.snippets[n].units[k].op] += (u64)im.nrounds * im.turns;
    int ra = run(wa, &im, a, &why_a), rb = run(wb, &im, b, &why_b);
    if (ra || rb) {
        printf("seed %llu: %s: %s; %s: %s\n", (unsigned long long)o->seed, what_names[wa], ra ? why_a : "ran",
               what_names[wb], rb ? why_b : "ran");
        bad = -1;
        goto out;
    }
    for (u32 n = 0; n < nrecords; n++) {
        faulted += ((const struct record_head *)nth(a, n))->fault_pc != 0;
        if (equal(a, b, n))
            continue;
        if ((u32)bad < show) {
            struct image one;
            u8 *ta = calloc(nrecords, gen_isa.record_size), *tb = calloc(nrecords, gen_isa.record_size);
            if (!ta || !tb || !gen_image(&one, o))
                abort();
            report(&one, n, wa, wb, ta, tb, o->seed);
            gen_free(&one);
            free(ta);
            free(tb);
        }
        bad++;
    }
out:
    free(a);
    free(b);
    gen_free(&im);
    return bad;
}

static enum what what_of(const char *name)
{
    for (u32 i = 0; i < ARRAY_LEN(what_names); i++)
        if (strcmp(name, what_names[i]) == 0)
            return (enum what)i;
    fprintf(stderr, "difftest: %s: not one of qemu, ir, step, interp, baseline, optimised\n", name);
    exit(2);
}

static u32 op_of(const char *name)
{
    for (u32 op = 1; op < gen_isa.nops; op++)
        if (strcmp(name, gen_isa.op_name(op)) == 0)
            return op;
    fprintf(stderr, "difftest: %s: no such instruction\n", name);
    exit(2);
}

static u64 exts_of(char *names)
{
    u64 exts = 0;
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
        u32 e = 0;
        while (e < gen_isa.nexts && strcmp(name, gen_isa.ext_name(e)))
            e++;
        if (e == gen_isa.nexts) {
            fprintf(stderr, "difftest: %s: no such extension\n", name);
            exit(2);
        }
        exts |= 1ull << e;
    }
    return exts;
}

/* Its major version, or 0. */
static u32 qemu_version(void)
{
    char command[80];
    u32 version = 0;
    snprintf(command, sizeof command, "%s --version 2>/dev/null", gen_isa.qemu);
    FILE *f = popen(command, "r");
    if (!f || fscanf(f, "%*s version %u", &version) != 1)
        version = 0;
    if (f)
        pclose(f);
    return version;
}

int main(int argc, char **argv)
{
    enum what wa = QEMU, wb = IR;
    u64 insns = 200000;
    struct gen_options o = {.seed = 1, .nsnippets = 1000, .nrounds = 8, .turns = 1, .nunits = 40, .exts = GEN_ALL_EXTS};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--keep") == 0) {
            keep = true;
            continue;
        }
        if (strcmp(argv[i], "--passes") == 0) {
            passes = true;
            continue;
        }
        if (strcmp(argv[i], "--coverage") == 0) {
            coverage = true;
            continue;
        }
        if (strcmp(argv[i], "--a") == 0)
            wa = what_of(value);
        else if (strcmp(argv[i], "--b") == 0)
            wb = what_of(value);
        else if (strcmp(argv[i], "--seed") == 0)
            o.seed = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--insns") == 0)
            insns = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--units") == 0)
            o.nunits = (u32)strtoul(value, NULL, 0);
        else if (strcmp(argv[i], "--batch") == 0)
            o.nsnippets = (u32)strtoul(value, NULL, 0);
        else if (strcmp(argv[i], "--rounds") == 0)
            o.nrounds = (u32)strtoul(value, NULL, 0);
        else if (strcmp(argv[i], "--turns") == 0)
            o.turns = (u32)strtoul(value, NULL, 0);
        else if (strcmp(argv[i], "--faults") == 0)
            o.faults = (u32)strtoul(value, NULL, 0);
        else if (strcmp(argv[i], "--only") == 0)
            o.only = op_of(value);
        else if (strcmp(argv[i], "--ext") == 0)
            o.exts = exts_of(argv[i + 1]);
        else {
            fprintf(stderr, "difftest: %s: not understood\n", argv[i]);
            return 2;
        }
        i++;
    }
    if (!gen_isa.again)
        o.nrounds = 1;
    if (o.nunits == 0 || o.nunits > GEN_MAX_UNITS || o.nsnippets == 0 || o.nrounds == 0 || o.turns == 0) {
        fprintf(stderr, "difftest: --units is 1 to %d, --batch, --rounds and --turns at least 1\n", GEN_MAX_UNITS);
        return 2;
    }
    if (wa == QEMU || wb == QEMU) {
        o.qemu = qemu_version();
        if (!o.qemu) {
            printf("no %s: skipped\n", gen_isa.qemu);
            return 77;
        }
        o.exts &= gen_isa.qemu_exts;
        o.faults = 0;
    }
    if (!mkdtemp(tmp_dir)) {
        perror(tmp_dir);
        return 2;
    }
    snprintf(elf_path, sizeof elf_path, "%s/program", tmp_dir);
    snprintf(out_path, sizeof out_path, "%s/out", tmp_dir);

    u64 seed = o.seed, sum = 0;
    u32 bad = 0, turn = 0;
    for (u64 done = 0; done < insns && bad < 10; done += (u64)o.nsnippets * o.nrounds * o.turns * o.nunits) {
        /* All in turn, then all at once. */
        if (passes)
            o.off = turn % (IR_NPASSES + 1) < IR_NPASSES ? IR_PASS_BIT(turn % (IR_NPASSES + 1)) : ~0ull;
        turn++;
        int n = batch(&o, wa, wb, bad < 3 ? 3 - bad : 0);
        bad += n < 0 ? 10 : (u32)n;
        o.seed += 0x100000001ull;
    }
    u32 kinds = 0, missing = 0;
    u64 least = ~0ull;
    for (u32 op = 1; op < gen_isa.nops; op++) {
        const char *why = gen_skips(op, &o);
        sum += tried[op];
        kinds += tried[op] != 0;
        if (coverage)
            printf("%10llu %s%s%s\n", (unsigned long long)tried[op], gen_isa.op_name(op), why ? ": " : "",
                   why ? why : "");
        if (why)
            continue;
        least = tried[op] < least ? tried[op] : least;
        if (tried[op] == 0) {
            missing++;
            printf("never tried: %s\n", gen_isa.op_name(op));
        }
    }
    printf("%s against %s, seed %llu: %llu instructions of %u kinds, each at least %llu times, %u differences%s\n",
           what_names[wa], what_names[wb], (unsigned long long)seed, (unsigned long long)sum, kinds,
           (unsigned long long)least, bad, bad >= 10 ? " or more" : "");
    if (o.faults)
        printf("%llu snippets ended in a fault\n", (unsigned long long)faulted);
    if (!keep) {
        unlink(elf_path);
        unlink(out_path);
        rmdir(tmp_dir);
    }
    return bad || missing || (o.faults && !faulted) ? 1 : 0;
}
