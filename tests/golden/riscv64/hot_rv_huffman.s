# The hot loop of bench/programs/huffman.c.
l0:
    li a5, 126
    j l10
l6:
    lw a5, 1280(a1)
    add a3, a3, 1
    bge s4, a5, l32
l10:
    srl a4, a3, 0x6
    sll a4, a4, 0x3
    add a4, a4, t1
    ld a4, 0(a4)
    sll a1, a5, 0x2
    add a1, a1, s2
    srl a4, a4, a3
    and a4, a4, 1
    bnez a4, l6
    lw a5, 768(a1)
    add a3, a3, 1
    blt s4, a5, l10
l32:
    sll a4, s5, 0x5
    add a4, a4, s5
    add s5, a5, a4
    addw a0, a0, 1
    bltu a3, t4, l0
    ret
