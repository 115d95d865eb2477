/* Failed assertions: says where, and ends everything. */
#include "lib/assert.h"

#include <stdarg.h>

#include "lib/fmt.h"
#include "mk/mk.h"

_Noreturn void dgm_assert_fail(const char *file, int line, const char *cond, const char *text, ...)
{
    char buf[512];
    struct strbuf sb;
    va_list ap;

    sb_fixed(&sb, buf, sizeof(buf));
    sb_printf(&sb, "%s:%d: assertion `%s' failed: ", file, line, cond);
    va_start(ap, text);
    sb_vprintf(&sb, text, ap);
    va_end(ap);
    mk_panic(sb.text);
}
