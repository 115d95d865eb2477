# The hot loop of bench/programs/sort.c.
l0:
    blt s0, s1, out0
    sll a5, s1, 0x2
    add a0, s2, a5
    lw a3, 0(a0)
    sll a4, s0, 0x2
    add a6, s2, a4
    add a5, a5, 4
    lw a1, 0(a6)
    add a5, a5, s2
    bgeu a3, a2, out1
l22:
    lw a3, 0(a5)
    mv a0, a5
    add s1, s1, 1
    add a5, a5, 4
    bltu a3, a2, l22
    bgeu a2, a1, l46
    add a5, a4, -4
    add a5, a5, s2
l38:
    lw a1, 0(a5)
    mv a4, a5
    add s0, s0, -1
    add a5, a5, -4
    bltu a2, a1, l38
    mv a6, a4
l46:
    blt s0, s1, l0
out0:
out1:
    ret
