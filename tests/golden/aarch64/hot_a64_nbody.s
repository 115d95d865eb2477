// The hot loop of bench/programs/nbody.c.
l0:
    adrp x2, out0
    mov x1, x26
    mov x0, #0x1
    ldr d8, [x2, #1640]
l10:
    add x3, x20, x1
    ldr d0, [x1], #8
    add x2, x21, x0, lsl #3
    add x0, x0, #0x1
    ldr d1, [x3, x19]
    fsub d0, d0, d1
    fmul d1, d0, d0
    stur d0, [x2, #-8]
    fadd d8, d8, d1
    cmp x0, #0x4
    b.ne l10
    fcmp d8, #0.0
    b.pl l6c
    fmov d0, d8
    stp x4, x8, [sp, #120]
    stp x7, x5, [sp, #136]
    str x9, [sp, #152]
    bl out1
    ldp x4, x8, [sp, #120]
    mov x6, #0x18
    ldp x7, x5, [sp, #136]
    ldr x9, [sp, #152]
    b l70
l6c:
    fsqrt d0, d8
l70:
    fmul d8, d8, d0
    ldur d4, [x23, #-8]
    ldr d3, [x23, x22, lsl #3]
    mov x0, x25
    mov x1, #0x1
    fdiv d8, d9, d8
l88:
    add x3, x21, x1, lsl #3
    ldr d1, [x0]
    add x2, x20, x0
    add x1, x1, #0x1
    add x0, x0, #0x8
    ldur d0, [x3, #-8]
    fmul d2, d0, d3
    fmul d0, d0, d4
    fmul d2, d2, d8
    fmul d0, d0, d8
    fsub d1, d1, d2
    stur d1, [x0, #-8]
    ldr d1, [x2, x19]
    fadd d0, d1, d0
    str d0, [x2, x19]
    cmp x1, #0x4
    b.ne l88
    add x22, x22, #0x1
    add x19, x19, #0x18
    cmp x24, x22
    b.ne l0
out0:
out1:
    ret
