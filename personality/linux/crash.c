/* The crash report; see crash.h.
 *
 * The kernel interface has written one line already that says what happened (a fault outside of what a guest may cause,
 * a failed assertion), and ends the process by SIGABRT afterwards. Here follow versions, the place in the host's code,
 * what the guest was at, the engine's own part, and a command line that runs the same again.
 *
 * All is async-signal-safe: text in buffers on the stack, or put together at the start; system calls are the
 * provider's. */
#define _GNU_SOURCE
#include "personality/linux/crash.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "kernel/hosted/hosted.h"
#include "lib/fmt.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscall.h"
#include "translator/host/host.h"

#define STACK_WORDS 512 /* looked at for return addresses */

static char command[4096];
static char where[128]; /* versions */
static const struct lx_process *process;

static void out(const char *format, ...) PRINTF_LIKE(1, 2);
static void out(const char *format, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, format);
    size_t n = fmt_va(line, sizeof line, format, ap);
    va_end(ap);
    mk_console(line, n < sizeof line ? n : sizeof line - 1);
}

/* --- the command line --- */

/* A word as a shell reads it. */
static void quote(struct strbuf *sb, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
    sb_putc(sb, ' ');
    if (*word && strspn(word, plain) == strlen(word)) {
        sb_puts(sb, word);
        return;
    }
    sb_putc(sb, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            sb_puts(sb, "'\\''");
        else
            sb_putc(sb, *word);
    }
    sb_putc(sb, '\'');
}

static void option(struct strbuf *sb, const char *name, const char *value)
{
    if (!value)
        return;
    sb_printf(sb, " --%s", name);
    quote(sb, value);
}

static void features(struct strbuf *sb, u64 off)
{
    char list[160] = "";
    size_t n = 0;
    if (!off)
        return;
    for (u32 i = 0; host_native.features[i] && n < sizeof list; i++)
        if (!(off >> i & 1))
            n += fmt(list + n, sizeof list - n, "%s%s", n ? "," : "", host_native.features[i]);
    option(sb, "host-features", n ? list : "none");
}

static void passes(struct strbuf *sb, const struct lx_options *opt)
{
    const u64 other = opt->passes_off ^ ir_passes_default();
    const char *before = " --passes=";
    for (u32 i = 0; i < IR_NPASSES; i++) {
        const u64 bit = IR_PASS_BIT(i);
        if (other & bit)
            sb_printf(sb, "%s%c%s", before, opt->passes_off & bit ? '-' : '+', ir_passes[i].name);
        if (opt->passes_broken & bit)
            sb_printf(sb, "%s!%s", other & bit ? "," : before, ir_passes[i].name);
        if ((other | opt->passes_broken) & bit)
            before = ",";
    }
}

static void build_command(const struct lx_options *opt, const char *program, char *const *argv)
{
    struct strbuf sb;
    sb_fixed(&sb, command, sizeof command);
    sb_printf(&sb, "dragoman run --tier %s --cache-size %zu", engine_tier_names[opt->tier], opt->cache_size);
    if (opt->hot)
        sb_printf(&sb, " --hot %u", opt->hot);
    if (opt->no_known)
        sb_puts(&sb, " --no-known");
    if (opt->cosim)
        sb_puts(&sb, " --cosim");
    passes(&sb, opt);
    if (opt->max_insns)
        sb_printf(&sb, " --max-insns %u", opt->max_insns);
    features(&sb, opt->features_off);
    option(&sb, "cpu", opt->cpu);
    option(&sb, "root", opt->root);
    option(&sb, "prefix", opt->prefix);
    option(&sb, "uname", opt->uname);
    option(&sb, "chdir", opt->chdir);
    if (argv[0] && strcmp(argv[0], program) != 0)
        option(&sb, "argv0", argv[0]);
    quote(&sb, program);
    for (u32 i = 1; argv[0] && argv[i]; i++)
        quote(&sb, argv[i]);
    if (sb.lost)
        strcpy(command + sizeof command - 5, " ...");
}

/* --- places --- */

/* The file that a host address lies in, and where: "dragoman+0x1234"; from /proc/self/maps. */
static void name_place(hva_t pc, char *buf, size_t cap)
{
    char text[4096];
    size_t have = 0;
    fmt(buf, cap, "%lx", pc);
    s64 fd = prov_call_now(LX_NR_openat, (u64)AT_FDCWD, (u64) "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    for (s64 n;
         fd >= 0 && (n = prov_call_now(LX_NR_read, (u64)fd, (u64)text + have, sizeof text - 1 - have, 0, 0, 0)) > 0;) {
        have += (size_t)n;
        text[have] = 0;
        char *line = text, *end;
        for (; (end = strchr(line, '\n')); line = end + 1) {
            u64 v[3] = {0};
            const char *s = line;
            *end = 0;
            /* START-END PERMISSIONS OFFSET … */
            for (u32 i = 0; i < 3; i++) {
                for (; *s && strchr("0123456789abcdef", *s); s++)
                    v[i] = v[i] << 4 | (u64)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
                s += *s ? 1 : 0;
                if (i == 1)
                    s += strlen(s) > 5 ? 5 : 0;
            }
            if (pc < v[0] || pc >= v[1])
                continue;
            const char *path = strchr(s, '/'), *slash = path ? strrchr(path, '/') : NULL;
            if (path && !strncmp(path, "/dev/zero", 9)) /* what Linux calls shared anonymous memory */
                fmt(buf, cap, "%lx, in memory for code", pc);
            else if (slash)
                fmt(buf, cap, "%s+%#lx (%lx)", slash + 1, pc - v[0] + v[2], pc);
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
        if (have == sizeof text - 1)
            break;
    }
    if (fd >= 0)
        prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
}

extern const char __executable_start[], etext[];

/* What may be return addresses into our own code, from a stack pointer up. */
static void stack_report(hva_t sp)
{
    u32 found = 0;
    /* As addr2line wants them: a position-independent file's addresses begin at 0. */
    const Elf64_Ehdr *eh = (const void *)__executable_start;
    u64 base = eh->e_type == ET_DYN ? (u64)__executable_start : 0;
    out("  our stack   ");
    for (u32 i = 0; i < STACK_WORDS && found < 24; i++) {
        u64 word;
        if (mk_copy(&word, (const void *)(sp + i * sizeof word), sizeof word))
            break;
        if (word >= (u64)__executable_start && word < (u64)etext && ++found)
            out(" %lx", word - base);
    }
    out("  (for addr2line -f -e dragoman)\n");
}

/* --- the report --- */

static void report(const struct mk_fault *f)
{
    struct lx_thread *t = lx_self();
    char text[256];
    hva_t sp = (hva_t)text;
    out("This is a bug of Dragoman, not of the program that it runs. A report of it should contain these lines:\n");
    out("  version      %s\n", where);
    out("  host CPU     %s:", host_native.name);
    for (u32 i = 0; host_native.features[i]; i++)
        out(" %s%s", host_native.have() >> i & 1 ? "" : "no-", host_native.features[i]);
    out("\n");
    if (f) {
        name_place(f->pc, text, sizeof text);
        out("  host pc      %s\n", text);
        sp = f->sp;
    }
    stack_report(sp);
    if (t) {
        const struct lx_call *c = t->call_nr < LX_NCALLS ? &lx_calls[t->call_nr] : NULL;
        out("  guest        thread %d, last system call %s (%lu) with %lx %lx %lx %lx %lx %lx from %lx\n", t->tid,
            c && c->name ? c->name : "?", t->call_nr, t->call_arg[0], t->call_arg[1], t->call_arg[2], t->call_arg[3],
            t->call_arg[4], t->call_arg[5], t->call_pc);
    } else {
        out("  guest        not on one of its threads\n");
    }
    s64 n = prov_call_now(LX_NR_readlinkat, (u64)AT_FDCWD, (u64) "/proc/self/cwd", (u64)text, sizeof text - 1, 0, 0);
    text[n < 0 ? 0 : n] = 0;
    out("  directory    %s\n", text);
    mk_console("  command      ", 15);
    mk_console(command, strlen(command));
    mk_console("\n", 1);
    if (t)
        engine_report(t->vcpu, f);
    else if (process && process->threads)
        out("  vCPU         none here; the first one's pc is %lx\n", process->threads->vcpu->pc);
    out("End of the report.\n");
}

void lx_crash_start(const struct lx_process *p, const char *program, char *const *argv)
{
    struct utsname u;
    process = p;
    uname(&u);
    fmt(where, sizeof where, "dragoman %s (compiler %s), %s %s", DGM_VERSION, __VERSION__, u.sysname, u.release);
    build_command(p->opt, program, argv);
    mk_hosted_crash_report(report);
}
