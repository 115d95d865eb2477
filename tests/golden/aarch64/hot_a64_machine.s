// The hot loop of bench/programs/machine.c.
l0:
    cmp w0, #0x2
    b.eq out0
    cmp w0, #0x3
    b.ne out1
    cmp w2, #0x65
    b.eq out2
    sub w3, w2, #0x30
    and w3, w3, #0xff
    cmp w3, #0x9
    b.hi out3
    add x5, x5, #0x1
    cmp x4, x5
    b.eq out4
    mov w3, w0
    ldr w2, [x7, x3, lsl #2]
    add w2, w2, #0x1
    str w2, [x7, x3, lsl #2]
    ldrb w2, [x5]
    cmp w0, #0x4
    b.eq out5
    b.ls l0
out0:
out1:
out2:
out3:
out4:
out5:
    ret
