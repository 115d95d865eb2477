/* The `dragoman` command: finds the verb and hands over. */
#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "personality/linux/exec.h"

static const struct cmd_verb verbs[] = {
    {"run", cmd_run, "run [OPTION...] PROGRAM [ARG...]", "run a program built for another CPU"},
    {"cache", cmd_cache, "cache [--cache DIR] list|size|clear|verify", "the translations that are kept on disk"},
    {"doctor", cmd_doctor, "doctor", "what this host offers, and what is missing"},
};

int cmd_error(const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    fprintf(stderr, "dragoman: %s\n", text);
    return CMD_ERROR;
}

static int help(void)
{
    printf("dragoman: run software built for one CPU on another\n\n");
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        printf("  dragoman %-44s %s\n", verbs[i].usage, verbs[i].help);
    printf("  dragoman %-44s %s\n  dragoman %-44s %s\n", "help", "this text", "version", "the version");
    printf("\nOptions of run:\n");
    cmd_run_options();
    printf("\nWhat --dump=host prints as bytes, tools/hostdis.py of the source tree disassembles.\n");
    printf("\nExit status: the guest's own; 125 for Dragoman's own errors, 126 cannot execute, 127 not found.\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && lx_is_reexec(argc, argv))
        return lx_reexec(argc, argv);
    if (argc < 2) {
        cmd_error("no verb: try `dragoman help`");
        return CMD_ERROR;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return help();
    if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version")) {
        puts("dragoman " DGM_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (!strcmp(argv[1], verbs[i].name))
            return verbs[i].run(argc - 1, argv + 1);
    return cmd_error("%s: no such verb: try `dragoman help`", argv[1]);
}
