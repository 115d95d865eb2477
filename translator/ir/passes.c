/* Names of passes, and reading a list of them. */
#include "translator/ir/ir.h"

#include "lib/err.h"
#include "lib/str.h"

const struct ir_pass_info ir_passes[IR_NPASSES] = {
#define PASS(id, name, where, on, doc) {name, doc, IR_PASS_IN_##where, on},
#include "translator/ir/passes.def"
#undef PASS
};

u64 ir_passes_default(void)
{
    u64 off = 0;
    for (u32 i = 0; i < IR_NPASSES; i++)
        off |= ir_passes[i].on ? 0 : IR_PASS_BIT(i);
    return off;
}

static u32 find(const char *name, size_t n)
{
    u32 i = 0;
    while (i < IR_NPASSES && (strlen(ir_passes[i].name) != n || memcmp(ir_passes[i].name, name, n) != 0))
        i++;
    return i;
}

int ir_passes_read(const char *list, u64 *off, u64 *broken, size_t *bad, size_t *bad_len)
{
    for (const char *at = list; *at;) {
        const char sign = *at == '-' || *at == '+' || *at == '!' ? *at : 0;
        const char *name = at + (sign != 0);
        size_t n = 0;
        while (name[n] && name[n] != ',')
            n++;
        const u32 i = find(name, n);
        const bool all = !sign && n == 3 && memcmp(name, "all", 3) == 0,
                   none = !sign && n == 4 && !memcmp(name, "none", 4);
        if (!all && !none && (i == IR_NPASSES || !sign || (sign == '!' && !broken))) {
            *bad = (size_t)(at - list);
            *bad_len = (size_t)(name - at) + n;
            return -EINVAL;
        }
        if (all)
            *off = 0;
        else if (none)
            *off = ~0ull;
        else if (sign == '-')
            *off |= IR_PASS_BIT(i);
        else if (sign == '+')
            *off &= ~IR_PASS_BIT(i);
        else
            *broken |= IR_PASS_BIT(i);
        at = name + n;
        at += *at == ',';
    }
    return 0;
}
