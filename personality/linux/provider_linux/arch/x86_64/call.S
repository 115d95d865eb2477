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

/* prov_in_place: jumped to, with where to return to on the stack, and returns by a jump. A window as above.
 * ORDER prov_ready, prov_how */
    .globl in_place, in_place_begin, in_place_end, in_place_refuse
    .type in_place, @function
    .balign 16
in_place:
    push %rbx
    sub $64, %rsp
    mov %rdi, %rbx
    mov %rsp, %rsi
    call prov_begin
    cmp $2, %eax /* PROV_ENTER */
    jne in_place_done
    mov (%rsp), %rax
    mov 8(%rsp), %rdi
    mov 16(%rsp), %rsi
    mov 24(%rsp), %rdx
    mov 32(%rsp), %r10
    mov 40(%rsp), %r8
    mov 48(%rsp), %r9
    mov 56(%rsp), %r11
in_place_begin:
    cmpl $0, (%r11)
    jne in_place_refuse
    syscall
in_place_end:
    mov %rbx, %rdi
    mov %rax, %rsi
    call prov_end
in_place_done:
    add $64, %rsp
    pop %rbx
    pop %rcx
    jmp *%rcx
in_place_refuse:
    mov $-513, %rax /* -LX_ERESTARTNOINTR */
    jmp in_place_end
    .size in_place, . - in_place

    .section .note.GNU-stack, "", @progbits
