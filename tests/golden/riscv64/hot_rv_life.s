# The hot loop of bench/programs/life.c.
l0:
    li a6, 0
    bne a5, t5, l10
    lbu a6, 1(a2)
    snez a6, a6
    add a1, a1, a6
l10:
    sb a6, 0(a0)
    add a4, a4, 1
    add a2, a2, 1
    add a3, a3, 1
    add a0, a0, 1
    beq a4, t3, out0
    lbu t1, 1(a4)
    lbu a5, 0(a4)
    lbu a7, 2(a4)
    lbu a6, 0(a2)
    addw a5, a5, t1
    lbu s3, 2(a2)
    addw a5, a5, a7
    lbu t1, 0(a3)
    addw a5, a5, a6
    lbu a7, 1(a3)
    lbu a6, 2(a3)
    addw a5, a5, s3
    addw a5, a5, t1
    addw a5, a5, a7
    addw a5, a5, a6
    bne a5, t4, l0
out0:
    ret
