// The hot loop of bench/programs/hash.c.
l0:
    eor x5, x5, x5, lsl #13
    eor x5, x5, x5, lsr #7
    eor x5, x5, x5, lsl #17
    mul x2, x5, x11
    umulh x0, x2, x10
    lsr x0, x0, #17
    msub x0, x0, x9, x2
    add x6, x0, #0x1
    madd x0, x0, x8, x8
    lsr x0, x0, #46
    lsl x3, x0, #4
    ldr x2, [x4, x3]
    cbnz x2, l48
    b out0
l38:
    ubfiz x3, x0, #4, #18
    and x0, x0, #0x3ffff
    ldr x2, [x4, x3]
    cbz x2, out0
l48:
    add x0, x0, #0x1
    cmp x6, x2
    b.ne l38
    add x3, x4, x3
    ldr x0, [x3, #8]
    add x0, x7, x0
    add x7, x7, #0x1
    str x0, [x3, #8]
    add x1, x1, x0
    cmp x19, x7
    b.ne l0
out0:
    ret
