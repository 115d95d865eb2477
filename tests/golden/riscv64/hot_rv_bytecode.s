# The hot loop of bench/programs/bytecode.c.
l0:
    addw a2, a3, 1
    bltu a0, a5, out0
    sll a5, a5, 0x2
    add a5, a5, a1
    lw a5, 0(a5)
    add a5, a5, a1
    jr a5
    addw a7, a4, -2
    addw t3, a4, -1
    sll a7, a7, 0x3
    sll a4, t3, 0x3
    add a5, a7, 144
    add a7, a5, sp
    add a5, a4, 144
    add a4, a5, sp
    ld t4, -128(a4)
    ld a5, -128(a7)
    mv a3, a2
    mv a4, t3
    rem a2, a5, t4
    mv a5, a6
    sd a2, -128(a7)
    sll a2, a3, 0x2
    add a5, a5, a2
    lw a5, 0(a5)
    j l0
out0:
    ret
