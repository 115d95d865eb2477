/* See probe.h. */
        .text

        .macro  PROBE name
        .globl  \name, \name\()_at, \name\()_next
        .type   \name, @function
\name:
        .endm

PROBE probe_load
probe_load_at:
        movq    (%rdi), %rax
probe_load_next:
        ret

PROBE probe_store
probe_store_at:
        movq    %rsi, (%rdi)
probe_store_next:
        ret

PROBE probe_divide
        movl    $1, %eax
        xorl    %edx, %edx
probe_divide_at:
        divq    %rdi
probe_divide_next:
        ret

PROBE probe_illegal
probe_illegal_at:
        ud2
probe_illegal_next:
        ret

PROBE probe_trap
probe_trap_at:
        int3
probe_trap_next:
        ret

        .macro  STORE_XMM at
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movdqu  %xmm\n, \n * 16(\at)
        .endr
        .endm

PROBE probe_registers
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        /* 0x1110 and the number of the register; vectors: that, doubled. */
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movl    $0x2220 + \n, %eax
        movq    %rax, %xmm\n
        .endr
        movl    $0x1110, %eax
        movl    $0x1111, %ecx
        movl    $0x1112, %edx
        movl    $0x1113, %ebx
        movl    $0x1115, %ebp
        movl    $0x1116, %esi
        movl    $0x1117, %edi
        .irp    n, 8, 9, 10, 11, 12, 13, 14, 15
        movl    $0x1110 + \n, %r\n\()d
        .endr
        stc
probe_registers_at:
        ud2
probe_registers_next:
        pushfq
        pushq   %rax
        pushq   %rcx
        /* 0 rcx, 8 rax, 16 flags, 24 &mxcsr, 32 &flags, 40 &xmm, 48 &out */
        movq    40(%rsp), %rax
        STORE_XMM %rax
        movq    24(%rsp), %rax
        stmxcsr (%rax)
        movl    $0x1f80, 16 + 4(%rsp)
        ldmxcsr 16 + 4(%rsp)
        movq    32(%rsp), %rax
        movl    16(%rsp), %ecx
        movq    %rcx, (%rax)
        movq    48(%rsp), %rax
        popq    %rcx
        movq    %rcx, 8(%rax)
        popq    %rcx
        movq    %rcx, 0(%rax)
        movq    %rdx, 16(%rax)
        movq    %rbx, 24(%rax)
        movq    %rbp, 40(%rax)
        movq    %rsi, 48(%rax)
        movq    %rdi, 56(%rax)
        .irp    n, 8, 9, 10, 11, 12, 13, 14, 15
        movq    %r\n, 8 * \n(%rax)
        .endr
        addq    $40, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        cld
        ret

/* XRSTOR of an area that holds no state makes the state initial, in a way that the CPU remembers; zeroing registers need not. */
PROBE probe_vectors
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        pxor    %xmm\n, %xmm\n
        .endr
        pushq   %rbx
        movl    $1, %eax
        cpuid
        popq    %rbx
        btl     $27, %ecx       /* OSXSAVE */
        jnc     probe_vectors_at
        movl    $2, %eax        /* SSE */
        xorl    %edx, %edx
        xrstor64 no_state(%rip)
probe_vectors_at:
        ud2
probe_vectors_next:
        STORE_XMM %rdi
        ret

PROBE probe_cas
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        movl    $0x5501, %ebx
        movl    $0x5502, %ebp
        movl    $0x5503, %r12d
        movl    $0x5504, %r13d
        movl    $0x5505, %r14d
        movl    $0x5506, %r15d
        call    mk_cas
        addq    $8, %rsp
        xorq    $0x5501, %rbx
        xorq    $0x5502, %rbp
        xorq    $0x5503, %r12
        xorq    $0x5504, %r13
        xorq    $0x5505, %r14
        xorq    $0x5506, %r15
        orq     %rbp, %rbx
        orq     %r12, %rbx
        orq     %r13, %rbx
        orq     %r14, %rbx
        orq     %r15, %rbx
        jz      1f
        movl    $-1, %eax
1:      popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .globl  probe_base_load
        .type   probe_base_load, @function
probe_base_load:
        movq    %gs:(%rdi), %rax
        ret

        .section .rodata
        .balign 64
no_state:
        .fill   24, 1, 0
        .long   0x1f80, 0xffff  /* mxcsr and its mask */
        .fill   576 - 32, 1, 0

        .section .note.GNU-stack, "", @progbits
