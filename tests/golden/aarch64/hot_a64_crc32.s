// The hot loop of bench/programs/crc32.c.
l0:
    ldrb w0, [x2], #1
    eor w0, w0, w1
    and x0, x0, #0xff
    ldr w0, [x4, x0, lsl #2]
    eor w1, w0, w1, lsr #8
    cmp x2, x3
    b.ne l0
    ret
