// The hot loop of bench/programs/v_chacha.c.
l0:
    add v16.4s, v0.4s, v16.4s
    subs w0, w0, #0x1
    eor v1.16b, v16.16b, v1.16b
    shl v17.4s, v1.4s, #16
    ushr v1.4s, v1.4s, #16
    orr v1.16b, v1.16b, v17.16b
    add v2.4s, v1.4s, v2.4s
    eor v0.16b, v0.16b, v2.16b
    shl v17.4s, v0.4s, #12
    ushr v0.4s, v0.4s, #20
    orr v0.16b, v0.16b, v17.16b
    add v16.4s, v16.4s, v0.4s
    eor v1.16b, v1.16b, v16.16b
    shl v17.4s, v1.4s, #8
    ushr v1.4s, v1.4s, #24
    orr v1.16b, v1.16b, v17.16b
    add v2.4s, v1.4s, v2.4s
    ext v1.16b, v1.16b, v1.16b, #12
    eor v0.16b, v0.16b, v2.16b
    ext v2.16b, v2.16b, v2.16b, #8
    shl v17.4s, v0.4s, #7
    ushr v0.4s, v0.4s, #25
    orr v0.16b, v0.16b, v17.16b
    ext v0.16b, v0.16b, v0.16b, #4
    add v16.4s, v16.4s, v0.4s
    eor v1.16b, v1.16b, v16.16b
    shl v17.4s, v1.4s, #16
    ushr v1.4s, v1.4s, #16
    orr v1.16b, v1.16b, v17.16b
    add v2.4s, v1.4s, v2.4s
    eor v0.16b, v0.16b, v2.16b
    shl v17.4s, v0.4s, #12
    ushr v0.4s, v0.4s, #20
    orr v0.16b, v0.16b, v17.16b
    add v16.4s, v16.4s, v0.4s
    eor v1.16b, v1.16b, v16.16b
    shl v17.4s, v1.4s, #8
    ushr v1.4s, v1.4s, #24
    orr v1.16b, v1.16b, v17.16b
    add v2.4s, v1.4s, v2.4s
    ext v1.16b, v1.16b, v1.16b, #4
    eor v0.16b, v0.16b, v2.16b
    ext v2.16b, v2.16b, v2.16b, #8
    shl v17.4s, v0.4s, #7
    ushr v0.4s, v0.4s, #25
    orr v0.16b, v0.16b, v17.16b
    ext v0.16b, v0.16b, v0.16b, #12
    b.ne l0
    ret
