# The hot loop of bench/programs/collatz.c.
l0:
    sll a4, a5, 0x1
    and a3, a5, 1
    add a4, a4, a5
    srl a5, a5, 0x1
    beqz a3, l12
    add a5, a4, 1
l12:
    addw a4, a2, 1
    sext.w a2, a4
    bne a5, a0, l0
    ret
