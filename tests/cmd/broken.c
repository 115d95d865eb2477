/* Dragoman with a bug on demand: the command, with lx_syscall wrapped (ld --wrap) so that system call 30000 of the
 * guest breaks the engine in the way that its first argument says. For the tests of crash reports; nothing of it is in
 * the real command. */
#define _GNU_SOURCE
#include <string.h>

#include "lib/assert.h"
#include "no_insn.h"
#include "personality/linux/lx.h"
#include "personality/linux/syscall.h"
#include "translator/engine/engine_int.h"

#define BREAK 30000

s64 __real_lx_syscall(struct lx_thread *t);
s64 __wrap_lx_syscall(struct lx_thread *t);

static int deeper(int n)
{
    volatile char room[4096];
    room[0] = (char)n;
    return n ? deeper(n + 1) + room[0] : 0;
}

/* Makes the translation of guest address pc an illegal instruction, from its second guest instruction on. */
static bool spoil(struct vcpu *v, gva_t pc)
{
    struct engine *e = v->engine;
    struct block *b = block_find(e, pc, v->mode);
    struct marks m = marks_of(b ? b->marks : NULL, b ? b->marks_size : 0);
    if (!b || !e->host || !marks_next(&m) || !marks_next(&m))
        return false;
    u8 *at = e->code.rw + b->code_off + m.at.host_off;
    memcpy(at, no_insn, sizeof no_insn);
    mk_code_sync(&e->code, (size_t)(at - e->code.rw), sizeof no_insn);
    return true;
}

/* What is wrong here is meant to be. */
__attribute__((no_sanitize("undefined"))) s64 __wrap_lx_syscall(struct lx_thread *t)
{
    if (t->call_nr != BREAK)
        return __real_lx_syscall(t);
    switch (t->call_arg[0]) {
    case 0:
        return *(volatile int *)(hva_t)t->call_arg[1];
    case 1:
        dgm_assert(t->call_arg[1] == 0, "the guest asked for %lu", t->call_arg[1]);
        return 0;
    case 2:
        return spoil(t->vcpu, t->call_arg[1]) ? 0 : -1;
    case 3:
        return deeper(1);
    case 4:
        __builtin_trap();
    default: /* a vCPU that has lost its engine: the report itself faults */
        t->vcpu->engine =
            (struct engine *)4096; /* where nothing is; a sanitizer would say of NULL itself what is wrong */
        return *(volatile int *)(hva_t)t->call_arg[1];
    }
}
