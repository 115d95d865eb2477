/* Library routines: op `known` is a call of assembly (known.S) with registers of its own, without leaving translated
 * code: slots stay in theirs.
 *
 * The common code has a table of the routines that this CPU takes. Long work, which would keep a signal waiting, is
 * left to the guest's own code. A fault in a routine is one of the call, and leaves with IR_TRAP_OWN. */
#include "translator/host/common/entry.h"
#include "translator/host/x86_64/gen.h"
#include "translator/host/x86_64/known.h"

#include "mk/arch/x86_64/regs.h"

#include "lib/str.h"

#define LONGEST (2 << 20)

_Static_assert(KNOWN_SAVE == VOFF(scratch[0]), "known.S keeps a word there");

static bool is_counted(u32 kind)
{
    return kind == IR_KNOWN_MOVE || kind == IR_KNOWN_SET || kind == IR_KNOWN_CMP;
}
/* Is b an address? */
static bool takes_two(u32 kind)
{
    return kind == IR_KNOWN_MOVE || kind == IR_KNOWN_COPYSTR || kind == IR_KNOWN_CMP || kind == IR_KNOWN_STRCMP ||
           kind == IR_KNOWN_STRNCMP || kind == IR_KNOWN_SPN || kind == IR_KNOWN_CSPN || kind == IR_KNOWN_PBRK;
}
static bool gives_address(u32 kind)
{
    return kind >= IR_KNOWN_PBRK;
}

void known_table(struct asmb *a)
{
    const void *const *table = have(FEAT_AVX2) ? known_avx2 : known_sse2;
    while ((uintptr_t)code_rx(&a->c) & 7)
        put8(&a->c, 0);
    label(a, C_KNOWN);
    for (u32 i = 0; i < IR_NKNOWN; i++)
        put64(&a->c, (u64)(uintptr_t)table[i]);
}

static void cold_long(struct gen *g, const struct cold *k)
{
    if (k->held)
        region_leave(g, k->held, 0);
    x_mov_imm(&g->c, RAX, IR_TRAP_OWN, true);
    store_pc(g, g->u->pc + k->guest_off);
    x_jmp_common(&g->c, g->common->off[C_TRAP]);
}

void emit_known(struct gen *g, ir_ref i)
{
    static const u8 reg[3] = {RDX, RCX, RBX};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    /* Arguments that lie in these registers already, in any order, go through memory. */
    bool clash = false;
    for (u32 n = 0; n < 3; n++)
        clash |= reg_bit(reg_of(g, ir_arg(in, n))) & TEMPS_INT;
    for (u32 n = 0; clash && n < 3; n++) {
        call_arg(g, ir_arg(in, n), n);
        g->locked = 0;
    }
    temps_flush(g);
    for (u32 n = 0; n < 3; n++) {
        temp_take(g, reg[n]);
        if (clash)
            x_load(c, X_W, reg[n], o_vcpu(VOFF(scratch[0]) + 8 * (s32)n));
        else
            load_into(g, reg[n], ir_arg(in, n));
    }
    if (is_counted(in->aux)) {
        x_alu_imm(c, X_W, ALU_CMP, o_reg(RBX), LONGEST);
        struct cold *k = cold_new(g, cold_long, x_jcc(c, CC_A));
        if (g->region)
            k->held = region_held(g);
    }
    if (!c->flat0) {
        const struct opnd base = o_vcpu(VOFF(mem_base));
        x_alu(c, X_W, ALU_ADD, RDX, base);
        if (takes_two(in->aux))
            x_alu(c, X_W, ALU_ADD, RCX, base);
    }
    x_rm(c, 0xff, 2, o_common(g->common->off[C_KNOWN] + 8 * in->aux), 0);
    g->changed = true;
    if (!c->flat0 && gives_address(in->aux)) {
        x_rr(c, 0x85 | X_W, RAX, RAX);
        u8 *none = x_jcc8(c, CC_E);
        x_alu(c, X_W, ALU_SUB, RAX, o_vcpu(VOFF(mem_base)));
        x_here8(c, none);
    }
    g->locked = 1u << RAX;
    def_from(g, i, RAX);
}

uintptr_t routine_caller(struct mk_regs *regs)
{
    const u8 *pc;
    uintptr_t back;
    memcpy(&pc, &regs->rip, sizeof pc);
    if (pc < known_begin || pc >= known_end)
        return 0;
    memcpy(&back, (const void *)(uintptr_t)regs->gpr[RSP], sizeof back);
    regs->gpr[RSP] += sizeof back;
    return regs->rip = back - 1;
}
