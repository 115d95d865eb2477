/* The engine's log: one line per event, to mk_console.
 *
 * Lines read `dragoman: LEVEL: text`. Each is put together on the stack and written by one call, so lines of several
 * threads do not mix, and logging is async-signal-safe. Text beyond LOG_LINE_MAX bytes is cut and ends in "...". */
#pragma once

#include "lib/types.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum { LOG_LINE_MAX = 512 };

/* The least important level that is written; LOG_LEVEL_WARN at start. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* The text must not end in a newline. */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_at(level, ...) (log_enabled(level) ? log_line((level), __VA_ARGS__) : (void)0)
#define log_error(...)     log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)      log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)      log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)     log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
