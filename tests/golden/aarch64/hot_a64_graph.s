// The hot loop of bench/programs/graph.c.
l0:
    ldr w2, [x5, x0, lsl #2]
    add x0, x0, #0x1
    mov w1, w2
    ldr w3, [x4, x1, lsl #2]
    cmn w3, #0x1
    b.ne l2c
    ldr w3, [x4, x8, lsl #2]
    str w2, [x23, w6, uxtw #2]
    add w6, w6, #0x1
    add w2, w3, #0x1
    str w2, [x4, x1, lsl #2]
l2c:
    cmp x0, #0x6
    b.ne l0
    ret
