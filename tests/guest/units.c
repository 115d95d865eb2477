/* See units.h. */
#include "tests/guest/units.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "mk/mk.h"

struct vcpu *v;
u8 *window;

static const struct guest_isa *guest;
static struct arena arena;
static u8 code[4096];
static size_t len;
static struct sigaction ours[2];

bool units_open(const struct guest_isa *isa)
{
    guest = isa;
    v = aligned_alloc(64, (sizeof *v + 63) & ~63ull);
    window = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!v || window == MAP_FAILED || mprotect(window + MEM, 4096, PROT_READ | PROT_WRITE))
        return false;
    memset(v, 0, sizeof *v);
    return !mk_thread_enter() && !sigaction(SIGSEGV, NULL, &ours[0]) && !sigaction(SIGBUS, NULL, &ours[1]);
}

void own_faults(void)
{
    sigaction(SIGSEGV, &ours[0], NULL);
    sigaction(SIGBUS, &ours[1], NULL);
}

void begin(void)
{
    len = 0;
    guest->reset(v);
    v->mode = 0;
    v->exit = VCPU_NONE;
    v->pc = CODE;
    v->mem_base = (hva_t)window;
    memset(window + MEM, 0, 4096);
}

void code_bytes(u32 w, u32 n)
{
    for (u32 i = 0; i < n; i++)
        code[len++] = (u8)(w >> 8 * i);
}

size_t code_len(void)
{
    return len;
}

struct guest_request request(gva_t pc)
{
    return (struct guest_request){.pc = pc,
                                  .code = code + (pc - CODE),
                                  .len = len - (pc - CODE),
                                  .mode = guest->mode(v),
                                  .max_insns = 100,
                                  .max_exits = 4};
}

struct ir_unit unit(const struct guest_request *rq)
{
    struct ir_unit u = {.arena = &arena};
    char err[200];
    arena_reset(&arena);
    assert_int_equal(guest->translate(rq, &u), 0);
    if (ir_verify(&u, err, sizeof err))
        fail_msg("%s", err);
    return u;
}

const struct ir_ins *last(const struct ir_unit *u)
{
    return &u->ins[u->n - 1];
}

void assert_rounds(bool jump)
{
    struct guest_request rq = request(CODE);
    rq.max_rounds = 3;
    struct ir_unit u = unit(&rq);
    assert_int_equal(u.guest_insns, 6);
    assert_int_equal(u.guest_bytes, 8);
    assert_int_equal(u.nexits, jump ? 1 : 4);
    assert_int_equal(last(&u)->imm, jump ? CODE : CODE + 8);
    rq.max_insns = 5;
    assert_int_equal(unit(&rq).guest_insns, 4);
    rq.max_insns = 100;
    rq.max_rounds = 100;
    assert_int_equal(unit(&rq).nexits, jump ? 1 : 9);
}

void run(void)
{
    for (v->exit = VCPU_NONE; v->pc - CODE < len;) {
        const struct guest_request rq = request(v->pc);
        const struct ir_unit u = unit(&rq);
        v->exit = VCPU_NONE;
        ir_interp(&u, v);
        if (v->exit == VCPU_FAULT || (v->exit == VCPU_TRAP && v->trap != IR_TRAP_MODE && v->trap != IR_TRAP_SYNC))
            return;
    }
    v->exit = VCPU_NONE;
}

u64 mem(u64 offset)
{
    u64 x;
    memcpy(&x, window + MEM + offset, 8);
    return x;
}

void set_mem(u64 offset, u64 x)
{
    memcpy(window + MEM + offset, &x, 8);
}
