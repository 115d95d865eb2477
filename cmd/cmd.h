/* What the verbs of the command share. A verb handles arguments and output, and nothing else. */
#pragma once

#include "lib/types.h"

/* Exit statuses of Dragoman's own (DESIGN, section 8). */
enum { CMD_ERROR = 125, CMD_CANNOT_EXECUTE = 126, CMD_NOT_FOUND = 127 };

struct cmd_verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; gives the exit status */
    const char *usage, *help;
};

int cmd_run(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* Prints `dragoman: ` and the message, one line, to standard error; returns CMD_ERROR. */
int cmd_error(const char *format, ...) PRINTF_LIKE(1, 2);

/* Where translations are kept unless an option or DRAGOMAN_CACHE says otherwise; NULL: nowhere. */
const char *cmd_cache_dir(void);

/* Prints the options of `run`, from their table. */
void cmd_run_options(void);
