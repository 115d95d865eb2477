// The hot loop of bench/programs/sha256.c.
l0:
    mov w8, w10
    mov w11, w12
    mov w10, w7
    mov w12, w6
    mov w7, w1
    mov w6, w3
    lsl x1, x9, #2
    ror w5, w6, #11
    add x3, x16, x1
    add x1, x1, x15
    and w2, w6, w12
    eor w5, w5, w6, ror #6
    bic w4, w11, w6
    eor w5, w5, w6, ror #25
    ldur w26, [x3, #-4]
    eor w4, w4, w2
    ldur w1, [x1, #-4]
    ror w2, w7, #13
    eor w3, w10, w8
    add w4, w5, w4
    eor w2, w2, w7, ror #2
    and w5, w10, w8
    add w1, w26, w1
    and w3, w3, w7
    eor w3, w3, w5
    eor w2, w2, w7, ror #22
    add w1, w4, w1
    add w2, w2, w3
    add w1, w1, w0
    add x9, x9, #0x1
    add w3, w1, w13
    mov w0, w11
    add w1, w1, w2
    mov w13, w8
    cmp x9, #0x41
    b.ne l0
    ret
