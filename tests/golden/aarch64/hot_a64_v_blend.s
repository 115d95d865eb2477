// The hot loop of bench/programs/v_blend.c.
l0:
    ldr q3, [x1, x0]
    ldr q0, [x3, x0]
    ldr q1, [x2, x0]
    zip1 v5.16b, v3.16b, v2.16b
    zip2 v6.16b, v3.16b, v2.16b
    zip1 v17.16b, v0.16b, v2.16b
    zip1 v3.16b, v1.16b, v2.16b
    zip2 v4.16b, v0.16b, v2.16b
    mov v0.16b, v7.16b
    zip2 v1.16b, v1.16b, v2.16b
    mla v0.8h, v3.8h, v5.8h
    sub v5.8h, v16.8h, v3.8h
    mov v3.16b, v7.16b
    mla v0.8h, v5.8h, v17.8h
    mla v3.8h, v1.8h, v6.8h
    sub v1.8h, v16.8h, v1.8h
    ushr v0.8h, v0.8h, #8
    mla v3.8h, v1.8h, v4.8h
    ushr v1.8h, v3.8h, #8
    uzp1 v0.16b, v0.16b, v1.16b
    str q0, [x1, x0]
    add x0, x0, #0x10
    cmp x0, #0x8, lsl #12
    b.ne l0
    ret
