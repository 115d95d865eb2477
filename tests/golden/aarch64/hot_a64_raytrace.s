// The hot loop of bench/programs/raytrace.c.
l0:
    ldp d6, d17, [x19]
    ldp d16, d7, [x19, #16]
    fsub d6, d8, d6
    fsub d17, d1, d17
    fsub d16, d2, d16
    fmul d18, d7, d7
    fmul d19, d17, d4
    fmul d7, d3, d6
    fmul d17, d17, d17
    fmul d6, d6, d6
    fmul d0, d16, d5
    fmul d16, d16, d16
    fadd d7, d7, d19
    fadd d6, d6, d17
    fadd d7, d7, d0
    fadd d6, d6, d16
    fmul d0, d7, d7
    fsub d6, d6, d18
    fsub d6, d0, d6
    fcmpe d6, #0.0
    b.ls la0
    fcmp d6, #0.0
    fneg d7, d7
    b.pl l90
    fmov d0, d6
    stp d7, d1, [sp, #104]
    stp d2, d3, [sp, #120]
    stp d4, d5, [sp, #136]
    str w0, [sp, #156]
    bl out0
    ldp d7, d1, [sp, #104]
    fmov d6, d0
    ldp d2, d3, [sp, #120]
    ldp d4, d5, [sp, #136]
    ldr w0, [sp, #156]
    b l94
l90:
    fsqrt d6, d6
l94:
    fsub d7, d7, d6
    fcmpe d7, d10
    b.gt out1
la0:
    add w20, w20, #0x1
    add x19, x19, #0x28
    cmp w20, #0xc
    b.ne l0
out0:
out1:
    ret
