/* The call into the host kernel.
 *
 *   s64 prov_enter(const volatile u32 *flag, u32 host_nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
 *
 * From prov_enter_begin up to prov_enter_end the kernel has not been entered, or has rewound the call to make it again after a signal: a
 * signal handler that finds the pc there moves it to prov_enter_refuse (prov_interrupt), and the call ends undone. Without a flag (NULL) the call is
 * not to be refused. */
    .text
    .option norelax
    .globl prov_enter, prov_enter_begin, prov_enter_end, prov_enter_refuse
    .type prov_enter, @function
    .balign 16
prov_enter:
    mv t0, a0
    sext.w t1, a1
    mv a0, a2
    mv a1, a3
    mv a2, a4
    mv a3, a5
    mv a4, a6
    mv a5, a7
    mv a7, t1
    beqz t0, prov_enter_now
prov_enter_begin:
    lw t1, 0(t0)
    bnez t1, prov_enter_refuse
    ecall
prov_enter_end:
    ret
prov_enter_refuse:
    li a0, -513 /* -LX_ERESTARTNOINTR */
    ret
prov_enter_now: /* outside of the window: signals wait until the call is done, or the kernel restarts it itself */
    ecall
    ret
    .size prov_enter, . - prov_enter

    .section .note.GNU-stack, "", @progbits
