/* The call into the host kernel.
 *
 *   s64 prov_enter(const volatile u32 *flag, u32 host_nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
 *
 * From prov_enter_begin up to prov_enter_end the kernel has not been entered, or has rewound the call to make it again after a signal: a
 * signal handler that finds the pc there moves it to prov_enter_refuse (prov_interrupt), and the call ends undone. Without a flag (NULL) the call is
 * not to be refused. */
    .text
    .globl prov_enter, prov_enter_begin, prov_enter_end, prov_enter_refuse
    .type prov_enter, @function
    .balign 16
prov_enter:
    mov %rdi, %r11
    mov %esi, %eax
    mov %rdx, %rdi
    mov %rcx, %rsi
    mov %r8, %rdx
    mov %r9, %r10
    mov 8(%rsp), %r8
    mov 16(%rsp), %r9
    test %r11, %r11
    jz prov_enter_now
prov_enter_begin:
    cmpl $0, (%r11)
    jne prov_enter_refuse
    syscall
prov_enter_end:
    ret
prov_enter_refuse:
    mov $-513, %rax /* -LX_ERESTARTNOINTR */
    ret
prov_enter_now: /* outside of the window: signals wait until the call is done, or the kernel restarts it itself */
    syscall
    ret
    .size prov_enter, . - prov_enter

    .section .note.GNU-stack, "", @progbits
