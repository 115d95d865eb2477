# The hot loop of bench/programs/crc32.c.
l0:
    lbu a3, 0(a5)
    srlw a4, a1, 0x8
    add a5, a5, 1
    xor a1, a1, a3
    zext.b a1, a1
    sll a1, a1, 0x2
    add a1, a1, a0
    lw a1, 0(a1)
    xor a1, a1, a4
    sext.w a1, a1
    bne a2, a5, l0
    ret
