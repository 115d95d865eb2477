/* Guarded accesses on AArch64; the contract is in kernel/hosted/arch.h.
 *
 * Leaf routines that leave the stack alone, so that a fault anywhere in one can resume at its way out and
 * return from there. What is not a guest's pointer (out, in, expect, desired) is the caller's and does not fault. */

#define EFAULT 14

        .text

/* GUARDED name ... DONE name, write: a routine and its entry in the table. */
        .macro  GUARDED name
        .globl  \name
        .type   \name, %function
        .balign 16
\name:
        .cfi_startproc
        .endm

        .macro  DONE name, write
.Lend_\name:
        .cfi_endproc
        .size   \name, . - \name
        .pushsection .data.rel.ro, "aw"
        .quad   \name, .Lend_\name, fail, \write
        .popsection
        .endm

        .pushsection .data.rel.ro, "aw"
        .balign 8
        .globl  hosted_guard_ranges
        .type   hosted_guard_ranges, %object
hosted_guard_ranges:
        .popsection

fail:
        .cfi_startproc
        mov     w0, #-EFAULT
        ret
        .cfi_endproc

/* int hosted_guard_copy(void *dst, const void *src, size_t n) */
GUARDED hosted_guard_copy
        subs    x2, x2, #64
        b.lo    2f
1:      ldp     q0, q1, [x1]
        ldp     q2, q3, [x1, #32]
        stp     q0, q1, [x0]
        stp     q2, q3, [x0, #32]
        add     x1, x1, #64
        add     x0, x0, #64
        subs    x2, x2, #64
        b.hs    1b
2:      adds    x2, x2, #56
        b.mi    4f
3:      ldr     x3, [x1], #8
        str     x3, [x0], #8
        subs    x2, x2, #8
        b.pl    3b
4:      adds    x2, x2, #8
        b.eq    6f
5:      ldrb    w3, [x1], #1
        strb    w3, [x0], #1
        subs    x2, x2, #1
        b.ne    5b
6:      mov     w0, wzr
        ret
DONE hosted_guard_copy, 1

/* int hosted_guard_loadN(hva_t addr, void *out) */
        .macro  LOAD bytes, load, store, reg
GUARDED hosted_guard_load\bytes
        \load   \reg, [x0]
        \store  \reg, [x1]
        mov     w0, wzr
        ret
DONE hosted_guard_load\bytes, 0
        .endm
LOAD 1, ldrb, strb, w2
LOAD 2, ldrh, strh, w2
LOAD 4, ldr, str, w2
LOAD 8, ldr, str, x2
LOAD 16, ldr, str, q0

/* int hosted_guard_storeN(hva_t addr, const void *in) */
        .macro  STORE bytes, load, store, reg
GUARDED hosted_guard_store\bytes
        \load   \reg, [x1]
        \store  \reg, [x0]
        mov     w0, wzr
        ret
DONE hosted_guard_store\bytes, 1
        .endm
STORE 1, ldrb, strb, w2
STORE 2, ldrh, strh, w2
STORE 4, ldr, str, w2
STORE 8, ldr, str, x2
STORE 16, ldr, str, q0

/* int hosted_guard_casN(hva_t addr, void *expect, const void *desired)
 *
 * Where the values differ, the old one is stored back: memory has to be writable then, too. */
        .macro  CAS bytes, s, load, store, r
GUARDED hosted_guard_cas\bytes
        \load   \r\()3, [x1]
        \load   \r\()4, [x2]
1:      ldaxr\s \r\()5, [x0]
        cmp     \r\()5, \r\()3
        csel    \r\()6, \r\()4, \r\()5, eq
        stlxr\s w7, \r\()6, [x0]
        cbnz    w7, 1b
        dmb     ish
        \store  \r\()5, [x1]
        mov     w0, wzr
        ret
DONE hosted_guard_cas\bytes, 1
        .endm
CAS 1, b, ldrb, strb, w
CAS 2, h, ldrh, strh, w
CAS 4, , ldr, str, w
CAS 8, , ldr, str, x

GUARDED hosted_guard_cas16
        ldp     x3, x4, [x1]
        ldp     x5, x6, [x2]
1:      ldaxp   x7, x8, [x0]
        cmp     x7, x3
        ccmp    x8, x4, #0, eq
        csel    x9, x5, x7, eq
        csel    x10, x6, x8, eq
        stlxp   w11, x9, x10, [x0]
        cbnz    w11, 1b
        dmb     ish
        stp     x7, x8, [x1]
        mov     w0, wzr
        ret
DONE hosted_guard_cas16, 1

        .pushsection .data.rel.ro, "aw"
.Lranges_end:
        .size   hosted_guard_ranges, . - hosted_guard_ranges
        .popsection

        .section .rodata
        .balign 8
        .globl  hosted_guard_nranges
hosted_guard_nranges:
        .quad   (.Lranges_end - hosted_guard_ranges) / 32

        .section .note.GNU-stack, "", %progbits
