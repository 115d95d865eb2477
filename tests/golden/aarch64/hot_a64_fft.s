// The hot loop of bench/programs/fft.c.
l0:
    add w2, w4, w1
    mov w0, w1
    fmul d4, d16, d5
    fmul d21, d17, d1
    fmul d19, d16, d1
    fmul d20, d17, d5
    ldr d0, [x20, x2, lsl #3]
    add w1, w1, #0x1
    ldr d3, [x19, x2, lsl #3]
    ldr d7, [x20, x0, lsl #3]
    fmul d2, d0, d5
    fmul d0, d0, d1
    fmul d18, d3, d1
    fmul d3, d3, d5
    ldr d6, [x19, x0, lsl #3]
    fadd d1, d4, d21
    fsub d5, d20, d19
    fsub d2, d2, d18
    fadd d0, d0, d3
    fsub d4, d7, d2
    fsub d3, d6, d0
    str d4, [x20, x2, lsl #3]
    ldr d4, [x20, x0, lsl #3]
    str d3, [x19, x2, lsl #3]
    ldr d3, [x19, x0, lsl #3]
    fadd d2, d4, d2
    fadd d0, d3, d0
    str d2, [x20, x0, lsl #3]
    str d0, [x19, x0, lsl #3]
    cmp w3, w1
    b.ne l0
    ret
