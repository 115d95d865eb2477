// The hot loop of bench/programs/sort.c.
l0:
    cmp x2, x3
    b.gt out0
    lsl x7, x2, #2
    ldr w4, [x19, x2, lsl #2]
    add x1, x7, #0x4
    lsl x0, x3, #2
    ldr w6, [x19, x3, lsl #2]
    add x1, x1, x19
    add x7, x7, x19
    add x8, x0, x19
    cmp w5, w4
    b.ls out1
l30:
    mov x7, x1
    ldr w4, [x1], #4
    add x2, x2, #0x1
    cmp w5, w4
    b.hi l30
    cmp w5, w6
    b.cs l70
    sub x0, x0, #0x4
    add x0, x0, x19
    nop
l58:
    mov x1, x0
    ldr w6, [x0], #-4
    sub x3, x3, #0x1
    cmp w5, w6
    b.cc l58
    mov x8, x1
l70:
    cmp x3, x2
    b.lt l0
out0:
out1:
    ret
