/* `dragoman run`: reads options from the command line and the environment, and starts the Linux personality. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/heap.h"
#include "personality/linux/lx.h"
#include "personality/linux/run.h"
#include "translator/host/host.h"

extern char **environ;

enum option_id {
#define OPT(id, name, letter, arg, env, help) OPT_##id,
#include "cmd/options_def.h"
#undef OPT
    OPT_COUNT
};

static const struct option {
    const char *name;
    char letter;
    const char *arg, *env, *help;
} options[] = {
#define OPT(id, name, letter, arg, env, help) {name, letter, arg, env, help},
#include "cmd/options_def.h"
#undef OPT
};

#define DEFAULT_CACHE (32u << 20)
#define DEFAULT_LIMIT (512u << 20)

void cmd_run_options(void)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        const struct option *o = &options[i];
        char left[64], letter[8] = "";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        printf("  %-28s %s%s%s%s\n", left, o->help, o->env ? " [" : "", o->env ? o->env : "", o->env ? "]" : "");
    }
    printf("\npasses, for --passes:\n");
    for (u32 i = 0; i < IR_NPASSES; i++)
        printf("  %-12s %s%s\n", ir_passes[i].name, ir_passes[i].doc,
               ir_passes[i].on ? "" : " (not done unless asked for)");
}

/* The guest's environment while options edit it: a private copy of the pointers. */
struct guest_env {
    char **v;
    size_t n;
};

static bool env_names(const char *entry, const char *name, size_t len)
{
    return !strncmp(entry, name, len) && entry[len] == '=';
}

static void env_unset(struct guest_env *g, const char *name, size_t len)
{
    size_t k = 0;
    for (size_t i = 0; i < g->n; i++)
        if (!env_names(g->v[i], name, len))
            g->v[k++] = g->v[i];
    g->n = k;
    g->v[k] = NULL;
}

static int env_set(struct guest_env *g, char *entry)
{
    const char *eq = strchr(entry, '=');
    if (!eq || eq == entry)
        return cmd_error("-E %s: not NAME=VALUE", entry);
    env_unset(g, entry, (size_t)(eq - entry));
    char **v = heap_realloc(g->v, (g->n + 2) * sizeof *v);
    if (!v)
        return cmd_error("no memory");
    g->v = v;
    g->v[g->n++] = entry;
    g->v[g->n] = NULL;
    return 0;
}

static int env_copy(struct guest_env *g)
{
    while (environ[g->n])
        g->n++;
    g->v = heap_alloc((g->n + 1) * sizeof *g->v);
    if (!g->v)
        return cmd_error("no memory");
    memcpy(g->v, environ, (g->n + 1) * sizeof *g->v);
    return 0;
}

static int parse_size(const char *text, size_t *out)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 0);
    unsigned shift = *end == 'K' || *end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (shift)
        end++;
    if (errno || end == text || *end || n > (~0ull >> shift) || text[0] == '-')
        return -EINVAL;
    *out = (size_t)n << shift;
    return 0;
}

/* A plain decimal number, at most `most`. */
static int parse_number(const char *text, u32 most, u32 *out)
{
    u64 n = 0;
    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || (n = n * 10 + (u64)(*text - '0')) > most)
            return -EINVAL;
    }
    *out = (u32)n;
    return 0;
}

static int parse_dump(const char *list, u32 *out)
{
    static const struct {
        const char *name;
        u32 bit;
    } parts[] = {{"guest", ENGINE_DUMP_GUEST}, {"ir", ENGINE_DUMP_IR},        {"opt", ENGINE_DUMP_OPT},
                 {"host", ENGINE_DUMP_HOST},   {"in_asm", ENGINE_DUMP_GUEST}, {"op", ENGINE_DUMP_IR},
                 {"out_asm", ENGINE_DUMP_HOST}};
    *out = 0;
    while (*list) {
        size_t n = strcspn(list, ",");
        size_t i = 0;
        while (i < ARRAY_LEN(parts) && (strlen(parts[i].name) != n || strncmp(list, parts[i].name, n)))
            i++;
        if (i == ARRAY_LEN(parts))
            return cmd_error("--dump %.*s: not one of guest, ir, opt, host", (int)n, list);
        *out |= parts[i].bit;
        list += n + (list[n] == ',');
    }
    return 0;
}

static int parse_features(const char *list, u64 *off)
{
    if (!strcmp(list, "all"))
        return *off = 0, 0;
    *off = ~0ull;
    if (!strcmp(list, "none"))
        return 0;
    while (*list) {
        size_t n = strcspn(list, ","), i = 0;
        while (host_native.features[i] &&
               (strlen(host_native.features[i]) != n || strncmp(list, host_native.features[i], n)))
            i++;
        if (!host_native.features[i])
            return cmd_error("--host-features %.*s: this backend has no such feature (see `dragoman doctor`)", (int)n,
                             list);
        *off &= ~(1ull << i);
        list += n + (list[n] == ',');
    }
    return 0;
}

struct run_args {
    struct lx_options opt;
    struct guest_env env;
    char *argv0;
    const char *chdir;
    u64 features_off;
};

static int take(struct run_args *r, enum option_id id, char *value)
{
    struct lx_options *o = &r->opt;
    u32 number;
    size_t size;
    char *end;
    switch (id) {
    case OPT_ROOT:
        o->root = value;
        return 0;
    case OPT_PREFIX:
        o->prefix = value;
        return 0;
    case OPT_SETENV:
        return env_set(&r->env, value);
    case OPT_UNSETENV:
        env_unset(&r->env, value, strlen(value));
        return 0;
    case OPT_ARGV0:
        r->argv0 = value;
        return 0;
    case OPT_CHDIR:
        r->chdir = value;
        return 0;
    case OPT_UNAME:
        o->uname = value;
        return 0;
    case OPT_CPU:
        o->cpu = value;
        return 0;
    case OPT_TIER:
        o->tier = 0;
        while (o->tier <= ENGINE_OPTIMISED && strcmp(value, engine_tier_names[o->tier]))
            o->tier++;
        if (o->tier > ENGINE_OPTIMISED)
            return cmd_error("--tier %s: not one of interp, baseline, optimised", value);
        return 0;
    case OPT_HOT:
        if (parse_number(value, 1u << 30, &o->hot) || !o->hot)
            return cmd_error("--hot %s: not a number from 1 to 2^30", value);
        return 0;
    case OPT_CACHE:
        if (parse_size(value, &o->cache_size) || o->cache_size < 64u << 10 || o->cache_size > 1u << 30)
            return cmd_error("--cache-size %s: not a size from 64K to 1G", value);
        return 0;
    case OPT_CACHEDIR:
        o->cache_dir = strcmp(value, "off") ? value : NULL;
        return 0;
    case OPT_NOCACHE:
        o->cache_dir = NULL;
        return 0;
    case OPT_CACHELIM:
        if (parse_size(value, &size) || !size)
            return cmd_error("--cache-limit %s: not a size, as 64M", value);
        o->cache_limit = size;
        return 0;
    case OPT_BLOCK:
        if (parse_number(value, 1024, &o->max_insns) || !o->max_insns)
            return cmd_error("--max-insns %s: not a number from 1 to 1024", value);
        return 0;
    case OPT_PASSES: {
        size_t bad, n;
        if (ir_passes_read(value, &o->passes_off, &o->passes_broken, &bad, &n))
            return cmd_error("--passes %.*s: not -PASS, +PASS, all or none (`dragoman help` lists them)", (int)n,
                             value + bad);
        return 0;
    }
    case OPT_COSIM:
        o->cosim = true;
        return 0;
    case OPT_NOFEAT:
        return parse_features(value, &r->features_off);
    case OPT_STRACE:
        o->strace = true;
        return 0;
    case OPT_NOKNOWN:
        o->no_known = true;
        return 0;
    case OPT_STATS:
        o->stats = true;
        return 0;
    case OPT_DUMP:
        return parse_dump(value, &o->dump);
    case OPT_DUMPAT:
        o->dump_lo = strtoull(value, &end, 16);
        if (*end != '-')
            return cmd_error("--dump-range %s: not LO-HI in hexadecimal", value);
        o->dump_hi = strtoull(end + 1, &end, 16);
        if (*end || o->dump_hi <= o->dump_lo)
            return cmd_error("--dump-range %s: not LO-HI in hexadecimal", value);
        return 0;
    case OPT_LOG:
        o->log_file = value;
        return 0;
    case OPT_GDB:
        if (parse_number(value, 65535, &number))
            return cmd_error("--gdb %s: not a port", value);
        o->gdb_port = number ? (int)number : -1;
        return 0;
    case OPT_PERF:
        o->perf_map = true;
        return 0;
    default:
        return cmd_error("option %d has no handler", (int)id);
    }
}

static int find_option(const char *word, size_t len)
{
    for (size_t i = 0; i < OPT_COUNT; i++)
        if ((strlen(options[i].name) == len && !strncmp(options[i].name, word, len)) ||
            (len == 1 && options[i].letter == *word))
            return (int)i;
    return -1;
}

/* Environment twins first, so that the command line wins. A switch is on when its variable is set and neither empty nor
 * 0. */
static int take_environment(struct run_args *r)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        char *value = options[i].env ? getenv(options[i].env) : NULL;
        if (!value || !*value || (!options[i].arg && !strcmp(value, "0")))
            continue;
        int rc = take(r, (enum option_id)i, value);
        if (rc)
            return rc;
    }
    return 0;
}

/* Reads the command line into r and starts the program. */
static int run_with(struct run_args *r, int argc, char **argv)
{
    int rc = env_copy(&r->env);
    if (!rc)
        rc = take_environment(r);
    int i = 1;
    for (; !rc && i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *word = argv[i] + 1 + (argv[i][1] == '-');
        if (!*word) {
            i++;
            break;
        }
        size_t len = strcspn(word, "=");
        int id = find_option(word, len);
        if (id < 0)
            return cmd_error("%s: no such option: try `dragoman help`", argv[i]);
        char *value = NULL;
        if (options[id].arg) {
            if (word[len] == '=')
                value = argv[i] + (word - argv[i]) + len + 1;
            else if (i + 1 < argc)
                value = argv[++i];
            else
                return cmd_error("%s: needs %s", argv[i], options[id].arg);
        } else if (word[len]) {
            return cmd_error("%s: takes no value", argv[i]);
        }
        rc = take(r, (enum option_id)id, value);
    }
    if (rc)
        return rc;
    if (i >= argc)
        return cmd_error("run: no program: dragoman run [OPTION…] PROGRAM [ARG…]");
    if (r->opt.tier != ENGINE_INTERP && !host_native.emit)
        return cmd_error("run: there is no compiler for this machine yet: use --tier interp");
    if (r->opt.tier == ENGINE_OPTIMISED && !host_native.regions)
        return cmd_error("run: there is no optimising compiler for this machine yet: use --tier baseline");
    if (r->opt.tier != ENGINE_INTERP && host_native.max_code && r->opt.cache_size > host_native.max_code)
        return cmd_error("--cache-size: at most %zuM on this machine", host_native.max_code >> 20);
    if (r->opt.cosim && r->opt.tier == ENGINE_INTERP)
        return cmd_error("run: --cosim compares with --tier interp: there is nothing to compare");
    if (r->opt.cosim && r->opt.gdb_port)
        return cmd_error("run: --cosim and --gdb exclude each other");
    if (r->opt.root && r->opt.prefix)
        return cmd_error("run: --root and --prefix exclude each other");
    if (r->chdir && !r->opt.root && chdir(r->chdir))
        return cmd_error("%s: %s", r->chdir, strerror(errno));
    r->opt.chdir = r->opt.root ? r->chdir : NULL;
    r->opt.features_off = r->features_off;
    host_native.probe(r->features_off);
    const char *program = argv[i];
    if (r->argv0)
        argv[i] = r->argv0;
    return lx_start(&r->opt, program, argv + i, r->env.v);
}

const char *cmd_cache_dir(void)
{
    static char dir[4096];
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = 0;
    if (xdg && *xdg == '/')
        n = snprintf(dir, sizeof dir, "%s/dragoman", xdg);
    else if (home && *home == '/')
        n = snprintf(dir, sizeof dir, "%s/.cache/dragoman", home);
    return n > 0 && n < (int)sizeof dir ? dir : NULL;
}

int cmd_run(int argc, char **argv)
{
    struct run_args r = {.opt = {.tier = ENGINE_BASELINE,
                                 .cache_size = DEFAULT_CACHE,
                                 .cache_dir = cmd_cache_dir(),
                                 .passes_off = ir_passes_default(),
                                 .cache_limit = DEFAULT_LIMIT}};
    int status = run_with(&r, argc, argv);
    heap_free(r.env.v);
    return status;
}
