# The hot loop of bench/programs/bits.c.
l0:
    mul a0, s4, s9
    add a0, a0, s8
    jal out0
    mul a3, s4, s9
    add s5, s5, 1
    add s4, a3, s8
    srl a4, s4, 0x1
    and a5, s4, s7
    and a4, a4, s7
    add a4, a4, a5
    srl a5, a4, 0x2
    and a5, a5, s6
    and a4, a4, s6
    add a4, a4, a5
    srl a5, a4, 0x4
    add a5, a5, a4
    and a5, a5, s3
    mul a5, a5, s2
    and a4, s4, 31
    sub a3, s1, a3
    srl a0, a0, a4
    and a3, a3, s4
    srl a4, s4, 0x20
    sltu a3, a4, a3
    srl a5, a5, 0x38
    add a5, a5, s10
    xor a0, a0, a5
    add s10, a3, a0
    bne s5, s0, l0
out0:
    ret
