/* Fuzzer of the command line of `dragoman run`: any words give an error in one line, or options that make sense. Lines
 * "NAME=VALUE" that begin with DRAGOMAN_ go into the environment, all others are words. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define chdir(path) (0) /* stays where it is */
#include "cmd/run.c"
#undef chdir

static bool started;
static int errors;

static _Noreturn void broken(const char *why)
{
    fprintf(stderr, "%s\n", why);
    abort();
}

int cmd_error(const char *format, ...)
{
    char line[20000];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    errors++;
    return 125;
}

int lx_start(const struct lx_options *opt, const char *program, char **argv, char **envp)
{
    started = true;
    if (opt->cache_size < 64u << 10 || opt->cache_size > 1u << 30 || opt->max_insns > 1024 ||
        opt->tier > ENGINE_BASELINE || !program || !argv[0] || (opt->root && opt->prefix) || opt->gdb_port < -1 ||
        opt->gdb_port > 65535 || (opt->dump_hi && opt->dump_hi <= opt->dump_lo))
        broken("options out of range");
    for (size_t i = 0; envp[i]; i++)
        if (strlen(envp[i]) > 1 << 20)
            broken("environment");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *rest = text, *line, *words[64], *names[64];
    int n = 0, m = 0;
    memcpy(text, data, size);
    text[size] = 0;
    words[n++] = (char *)"run";
    while (n < 63 && m < 63 && (line = strsep(&rest, "\n"))) {
        char *eq = strchr(line, '=');
        if (strncmp(line, "DRAGOMAN_", 9) || !eq) {
            words[n++] = line;
            continue;
        }
        *eq = 0;
        setenv(line, eq + 1, 1);
        names[m++] = line;
    }
    words[n] = NULL;
    started = false;
    errors = 0;
    const int rc = cmd_run(n, words);
    if (started ? rc || errors : rc != 125 || errors != 1)
        broken("neither started nor one error");
    while (m--)
        unsetenv(names[m]);
    free(text);
    return 0;
}
