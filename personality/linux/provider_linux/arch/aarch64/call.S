/* The call into the host kernel.
 *
 *   s64 prov_enter(const volatile u32 *flag, u32 host_nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
 *
 * From prov_enter_begin up to prov_enter_end the kernel has not been entered, or has rewound the call to make it again after a signal: a
 * signal handler that finds the pc there moves it to prov_enter_refuse (prov_interrupt), and the call ends undone. Without a flag (NULL) the call is
 * not to be refused. */
    .text
    .globl prov_enter, prov_enter_begin, prov_enter_end, prov_enter_refuse
    .type prov_enter, %function
    .balign 16
prov_enter:
    mov x9, x0
    mov w8, w1
    mov x0, x2
    mov x1, x3
    mov x2, x4
    mov x3, x5
    mov x4, x6
    mov x5, x7
    cbz x9, prov_enter_now
prov_enter_begin:
    ldr w10, [x9]
    cbnz w10, prov_enter_refuse
    svc #0
prov_enter_end:
    ret
prov_enter_refuse:
    mov x0, #-513 /* -LX_ERESTARTNOINTR */
    ret
prov_enter_now: /* outside of the window: signals wait until the call is done, or the kernel restarts it itself */
    svc #0
    ret
    .size prov_enter, . - prov_enter

    .section .note.GNU-stack, "", %progbits
