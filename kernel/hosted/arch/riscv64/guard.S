/* Guarded accesses on RISC-V; the contract is in kernel/hosted/arch.h.
 *
 * Leaf routines that leave the stack alone, so that a fault anywhere in one can resume at its way out and
 * return from there. What is not a guest's pointer (out, in, expect, desired) is the caller's and does not fault.
 *
 * Accesses of 16 bytes are two of 8. A compare-and-swap of 16 is one instruction where the CPU has it (Zacas); else one lock
 * keeps such swaps apart from each other, though not from narrower stores. */

#define EFAULT 14

        .text
        .option norelax
        .option norvc /* context.c reads these instructions */

/* GUARDED name ... DONE name, write [, out]: a routine and its entry in the table. */
        .macro  GUARDED name
        .globl  \name
        .type   \name, @function
        .balign 16
\name:
        .cfi_startproc
        .endm

        .macro  DONE name, write, out=fail
.Lend_\name:
        .cfi_endproc
        .size   \name, . - \name
        .pushsection .data.rel.ro, "aw"
        .quad   \name, .Lend_\name, \out, \write
        .popsection
        .endm

        .pushsection .data.rel.ro, "aw"
        .balign 8
        .globl  hosted_guard_ranges
        .type   hosted_guard_ranges, @object
hosted_guard_ranges:
        .popsection

fail:
        .cfi_startproc
        li      a0, -EFAULT
        ret
        .cfi_endproc

/* int hosted_guard_copy(void *dst, const void *src, size_t n): words where both sides are aligned alike, else bytes, as the
 * hardware may be slow at the rest */
GUARDED hosted_guard_copy
        xor     t0, a0, a1
        andi    t0, t0, 7
        bnez    t0, 4f
1:      andi    t0, a0, 7 /* up to a boundary */
        beqz    t0, 2f
        beqz    a2, 5f
        lbu     t1, 0(a1)
        sb      t1, 0(a0)
        addi    a1, a1, 1
        addi    a0, a0, 1
        addi    a2, a2, -1
        j       1b
2:      li      t2, 32
3:      bltu    a2, t2, 6f
        ld      t3, 0(a1)
        ld      t4, 8(a1)
        ld      t5, 16(a1)
        ld      t6, 24(a1)
        sd      t3, 0(a0)
        sd      t4, 8(a0)
        sd      t5, 16(a0)
        sd      t6, 24(a0)
        addi    a1, a1, 32
        addi    a0, a0, 32
        addi    a2, a2, -32
        j       3b
6:      li      t2, 8
7:      bltu    a2, t2, 4f
        ld      t3, 0(a1)
        sd      t3, 0(a0)
        addi    a1, a1, 8
        addi    a0, a0, 8
        addi    a2, a2, -8
        j       7b
4:      beqz    a2, 5f
        lbu     t1, 0(a1)
        sb      t1, 0(a0)
        addi    a1, a1, 1
        addi    a0, a0, 1
        addi    a2, a2, -1
        j       4b
5:      li      a0, 0
        ret
DONE hosted_guard_copy, 1

/* int hosted_guard_loadN(hva_t addr, void *out) */
        .macro  LOAD bytes, load, store
GUARDED hosted_guard_load\bytes
        \load   t0, 0(a0)
        \store  t0, 0(a1)
        li      a0, 0
        ret
DONE hosted_guard_load\bytes, 0
        .endm
LOAD 1, lbu, sb
LOAD 2, lhu, sh
LOAD 4, lw, sw
LOAD 8, ld, sd

GUARDED hosted_guard_load16
        ld      t0, 0(a0)
        ld      t1, 8(a0)
        sd      t0, 0(a1)
        sd      t1, 8(a1)
        li      a0, 0
        ret
DONE hosted_guard_load16, 0

/* int hosted_guard_storeN(hva_t addr, const void *in) */
        .macro  STORE bytes, load, store
GUARDED hosted_guard_store\bytes
        \load   t0, 0(a1)
        \store  t0, 0(a0)
        li      a0, 0
        ret
DONE hosted_guard_store\bytes, 1
        .endm
STORE 1, lbu, sb
STORE 2, lhu, sh
STORE 4, lw, sw
STORE 8, ld, sd

/* The upper half first: when the access crosses into a page that faults, nothing was written. */
GUARDED hosted_guard_store16
        ld      t0, 0(a1)
        ld      t1, 8(a1)
        sd      t1, 8(a0)
        sd      t0, 0(a0)
        li      a0, 0
        ret
DONE hosted_guard_store16, 1

/* int hosted_guard_casN(hva_t addr, void *expect, const void *desired)
 *
 * Where the values differ, the old one is stored back: memory has to be writable then, too. */
        .macro  CAS bytes, load, s, store
GUARDED hosted_guard_cas\bytes
        \load   t0, 0(a1)
        \load   t1, 0(a2)
1:      lr.\s\().aqrl t2, (a0)
        mv      t3, t2
        bne     t2, t0, 2f
        mv      t3, t1
2:      sc.\s\().rl t4, t3, (a0)
        bnez    t4, 1b
        fence   rw, rw
        \store  t2, 0(a1)
        li      a0, 0
        ret
DONE hosted_guard_cas\bytes, 1
        .endm
CAS 4, lw, w, sw
CAS 8, ld, d, sd

/* Narrower ones within the word that holds them. */
        .macro  CAS_PART bytes, load, store, bits
GUARDED hosted_guard_cas\bytes
        \load   t0, 0(a1)
        \load   t1, 0(a2)
        andi    a3, a0, 3
        slli    a3, a3, 3 /* shift */
        andi    a0, a0, -4
        li      t5, (1 << \bits) - 1
        sllw    t5, t5, a3 /* mask */
        sllw    t0, t0, a3
        sllw    t1, t1, a3
        and     t0, t0, t5
        and     t1, t1, t5
1:      lr.w.aqrl t2, (a0)
        and     t6, t2, t5
        mv      t3, t2
        bne     t6, t0, 2f
        xor     t3, t2, t6
        or      t3, t3, t1
2:      sc.w.rl t4, t3, (a0)
        bnez    t4, 1b
        fence   rw, rw
        srlw    t6, t6, a3
        \store  t6, 0(a1)
        li      a0, 0
        ret
DONE hosted_guard_cas\bytes, 1
        .endm
CAS_PART 1, lbu, sb, 8
CAS_PART 2, lhu, sh, 16

GUARDED hosted_guard_cas16
        lla     t0, hosted_guard_amocas
        lbu     t0, 0(t0)
        ld      t3, 0(a1)
        ld      t4, 8(a1)
        beqz    t0, 1f
        mv      a6, t3
        mv      a7, t4
        ld      a4, 0(a2)
        ld      a5, 8(a2)
        .insn r 0x2f, 4, 0x17, a6, a0, a4 /* amocas.q.aqrl a6, a4, (a0) */
        sd      a6, 0(a1)
        sd      a7, 8(a1)
        li      a0, 0
        ret
1:      lla     t0, cas16_lock
        li      t1, 1
2:      amoswap.w.aqrl t2, t1, (t0)
        bnez    t2, 2b
        ld      a4, 0(a2)
        ld      a5, 8(a2)
        ld      t5, 0(a0)
        ld      t6, 8(a0)
        bne     t5, t3, 3f
        bne     t6, t4, 3f
        j       4f
3:      mv      a4, t5
        mv      a5, t6
        amoor.d zero, zero, (a0) /* has to be writable */
        j       5f
4:      sd      a4, 0(a0)
        sd      a5, 8(a0)
5:      fence   rw, rw
        amoswap.w.aqrl zero, zero, (t0)
        sd      t5, 0(a1)
        sd      t6, 8(a1)
        li      a0, 0
        ret
DONE hosted_guard_cas16, 1, fail_cas16

fail_cas16:
        .cfi_startproc
        lla     t0, hosted_guard_amocas
        lbu     t0, 0(t0)
        bnez    t0, 1f
        lla     t0, cas16_lock
        amoswap.w.aqrl zero, zero, (t0)
1:      li      a0, -EFAULT
        ret
        .cfi_endproc

        .pushsection .data.rel.ro, "aw"
.Lranges_end:
        .size   hosted_guard_ranges, . - hosted_guard_ranges
        .popsection

        .section .rodata
        .balign 8
        .globl  hosted_guard_nranges
hosted_guard_nranges:
        .quad   (.Lranges_end - hosted_guard_ranges) / 32

        .bss
        .balign 4
cas16_lock:
        .zero   4
        .globl  hosted_guard_amocas
hosted_guard_amocas:
        .zero   1

        .section .note.GNU-stack, "", @progbits
