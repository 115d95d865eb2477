// The hot loop of bench/programs/lu.c.
l0:
    add x4, x0, x7
    ldr d1, [x0]
    add w3, w3, #0x1
    ldr d2, [x4, x8]
    fmul d2, d3, d2
    fsub d1, d1, d2
    str d1, [x0], #8
    cmp w3, #0xa1
    b.ne l0
    ret
