/* The engine's log. */
#include "lib/log.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "lib/fmt.h"
#include "lib/str.h"
#include "mk/mk.h"

static _Atomic int max_level = LOG_LEVEL_WARN;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    char line[LOG_LINE_MAX + 1];
    struct strbuf sb;
    va_list ap;

    sb_fixed(&sb, line, LOG_LINE_MAX);
    sb_printf(&sb, "dragoman: %s: ", names[level]);
    va_start(ap, format);
    sb_vprintf(&sb, format, ap);
    va_end(ap);
    if (sb.lost)
        memcpy(line + sb.len - 3, "...", 3);
    line[sb.len] = '\n';
    mk_console(line, sb.len + 1);
}
