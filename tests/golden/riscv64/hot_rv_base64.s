# The hot loop of bench/programs/base64.c.
l0:
    lbu a5, 0(a2)
    lbu s4, 1(a2)
    lbu s5, 3(a2)
    lbu a4, 2(a2)
    add a5, a5, t4
    add s4, s4, t4
    lbu a5, 0(a5)
    lbu s4, 0(s4)
    add s5, s5, t4
    add a4, a4, t4
    lbu s5, 0(s5)
    lbu a4, 0(a4)
    sllw s4, s4, 0xc
    sllw a5, a5, 0x12
    or a5, a5, s4
    or a5, a5, s5
    sllw a4, a4, 0x6
    or a4, a4, a5
    srlw s4, a4, 0x8
    srlw a5, a5, 0x10
    sb a5, 0(a3)
    sb s4, 1(a3)
    sb a4, 2(a3)
    add a3, a3, 3
    add a2, a2, 4
    bne a3, t5, l0
    ret
