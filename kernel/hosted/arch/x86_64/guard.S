/* Guarded accesses on x86-64; the contract is in kernel/hosted/arch.h.
 *
 * Leaf routines that leave the stack alone, so that a fault anywhere in one can resume at its way out and
 * return from there. What is not a guest's pointer (out, in, expect, desired) is the caller's and does not fault. */

#define EFAULT 14

        .text

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
        movl    $-EFAULT, %eax
        ret
        .cfi_endproc

/* int hosted_guard_copy(void *dst, const void *src, size_t n) */
GUARDED hosted_guard_copy
        cmpq    $128, %rdx
        jae     4f
        subq    $8, %rdx
        jb      2f
1:      movq    (%rsi), %rax
        movq    %rax, (%rdi)
        addq    $8, %rsi
        addq    $8, %rdi
        subq    $8, %rdx
        jae     1b
2:      addq    $8, %rdx
        jz      5f
3:      movb    (%rsi), %al
        movb    %al, (%rdi)
        incq    %rsi
        incq    %rdi
        decq    %rdx
        jnz     3b
        jmp     5f
4:      movq    %rdx, %rcx
        rep movsb
5:      xorl    %eax, %eax
        ret
DONE hosted_guard_copy, 1

/* int hosted_guard_loadN(hva_t addr, void *out) */
        .macro  LOAD bytes, mov, reg
GUARDED hosted_guard_load\bytes
        \mov    (%rdi), \reg
        \mov    \reg, (%rsi)
        xorl    %eax, %eax
        ret
DONE hosted_guard_load\bytes, 0
        .endm
LOAD 1, movb, %al
LOAD 2, movw, %ax
LOAD 4, movl, %eax
LOAD 8, movq, %rax
LOAD 16, movdqu, %xmm0

/* int hosted_guard_storeN(hva_t addr, const void *in) */
        .macro  STORE bytes, mov, reg
GUARDED hosted_guard_store\bytes
        \mov    (%rsi), \reg
        \mov    \reg, (%rdi)
        xorl    %eax, %eax
        ret
DONE hosted_guard_store\bytes, 1
        .endm
STORE 1, movb, %al
STORE 2, movw, %ax
STORE 4, movl, %eax
STORE 8, movq, %rax
STORE 16, movdqu, %xmm0

/* int hosted_guard_casN(hva_t addr, void *expect, const void *desired) */
        .macro  CAS bytes, mov, acc, new
GUARDED hosted_guard_cas\bytes
        \mov    (%rsi), \acc
        \mov    (%rdx), \new
        lock cmpxchg \new, (%rdi)
        \mov    \acc, (%rsi)
        xorl    %eax, %eax
        ret
DONE hosted_guard_cas\bytes, 1
        .endm
CAS 1, movb, %al, %cl
CAS 2, movw, %ax, %cx
CAS 4, movl, %eax, %ecx
CAS 8, movq, %rax, %rcx

/* The widest one needs rbx, which is the caller's: it waits in r8. */
GUARDED hosted_guard_cas16
        movq    %rbx, %r8
        .cfi_register %rbx, %r8
        movq    (%rdx), %rbx
        movq    8(%rdx), %rcx
        movq    (%rsi), %rax
        movq    8(%rsi), %rdx
        lock cmpxchg16b (%rdi)
        movq    %rax, (%rsi)
        movq    %rdx, 8(%rsi)
        movq    %r8, %rbx
        xorl    %eax, %eax
        ret
DONE hosted_guard_cas16, 1, fail_cas16

fail_cas16:
        .cfi_startproc
        .cfi_register %rbx, %r8
        movq    %r8, %rbx
        movl    $-EFAULT, %eax
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

        .section .note.GNU-stack, "", @progbits
