// The hot loop of bench/programs/filter.c.
l0:
    ldrsh w0, [x4, x2, lsl #1]
    add x3, x5, x2, lsl #2
    add x2, x2, #0x1
    scvtf s0, w0
    ldur s2, [x3, #-4]
    fmul s0, s0, s2
    fadd s1, s1, s0
    cmp x2, #0x21
    b.ne l0
    ret
