# The hot loop of bench/programs/stream.c.
l0:
    ld a5, 0(a3)
    ld a0, 0(a4)
    add a4, a4, 8
    srl a5, a5, 0x1
    add a5, a5, a0
    sd a5, 0(a2)
    add a3, a3, 8
    add a2, a2, 8
    bne a4, t1, l0
    ret
