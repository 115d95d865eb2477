# The hot loop of bench/programs/methods.c.
l0:
    and a5, s5, s6
    sll s2, a5, 0x1
    add s2, s2, a5
    sll s2, s2, 0x3
    add s2, s2, s1
    ld a5, 0(s2)
    mv a0, s2
    add s5, s5, 17
    ld a5, 0(a5)
    jalr a5
    mv a4, a0
    and a5, s3, 7
    mv a1, s3
    mv a0, s2
    add s3, s3, 1
    add s4, s4, a4
    bnez a5, l36
    ld a5, 0(s2)
    ld a5, 8(a5)
    jalr a5
    xor s4, s4, a0
l36:
    bne s3, s0, l0
    ret
