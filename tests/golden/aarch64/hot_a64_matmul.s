// The hot loop of bench/programs/matmul.c.
l0:
    ldr q3, [x0]
    add x0, x0, #0x780
    ld1r {v1.2d}, [x1], #8
    fmul v1.2d, v1.2d, v3.2d
    fadd v2.2d, v2.2d, v1.2d
    cmp x0, x2
    b.ne l0
    ret
