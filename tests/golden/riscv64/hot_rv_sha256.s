# The hot loop of bench/programs/sha256.c.
l0:
    mv t4, a6
    mv ra, t3
    mv a6, t1
    mv t3, a1
    sllw t1, a3, 0x1a
    sllw a4, a3, 0x15
    lw s11, 0(t5)
    lw t6, 0(s0)
    srlw a0, a3, 0x6
    srlw a1, a3, 0xb
    srlw a7, a3, 0x19
    or a1, a1, a4
    sllw t2, a3, 0x7
    or a0, a0, t1
    or t2, t2, a7
    not a4, a3
    srlw s9, a2, 0x2
    sllw t1, a2, 0x1e
    srlw s8, a2, 0xd
    sllw t0, a2, 0x13
    xor a0, a0, a1
    and s6, a3, t3
    xor a7, a6, t4
    sllw a1, a2, 0xa
    srlw s5, a2, 0x16
    xor a0, a0, t2
    and a4, a4, ra
    addw t6, t6, s11
    or t1, s9, t1
    or t0, s8, t0
    and t2, a6, t4
    and a7, a2, a7
    addw t6, t6, a0
    xor t1, t1, t0
    xor a4, a4, s6
    or a1, a1, s5
    addw a4, t6, a4
    xor a1, t1, a1
    xor a7, a7, t2
    addw a4, a4, a5
    addw a1, a1, a7
    addw t6, a4, s1
    add t5, t5, 4
    addw a4, a4, a1
    sext.w t1, a2
    sext.w a1, a3
    sext.w t3, t3
    sext.w a6, a6
    sext.w a3, t6
    sext.w a2, a4
    sext.w a5, ra
    sext.w s1, t4
    add s0, s0, 4
    bne t5, s7, l0
    ret
