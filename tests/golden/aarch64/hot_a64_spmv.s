// The hot loop of bench/programs/spmv.c.
l0:
    ldr w3, [x4, x0, lsl #2]
    ldr d2, [x5, x0, lsl #3]
    add x0, x0, #0x1
    ldr d0, [x6, x3, lsl #3]
    fmul d0, d0, d2
    fadd d1, d1, d0
    cmp x0, #0xc
    b.ne l0
    ret
