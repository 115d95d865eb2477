// The hot loop of bench/programs/v_sort.c.
l0:
    ldp q4, q5, [x0]
    ldp q0, q3, [x0, #32]
    fcmgt v1.4s, v5.4s, v4.4s
    fcmgt v2.4s, v3.4s, v0.4s
    mov v7.16b, v1.16b
    bsl v1.16b, v5.16b, v4.16b
    mov v6.16b, v2.16b
    bsl v2.16b, v3.16b, v0.16b
    bsl v7.16b, v4.16b, v5.16b
    bsl v6.16b, v0.16b, v3.16b
    fcmgt v5.4s, v2.4s, v1.4s
    fcmgt v0.4s, v6.4s, v7.4s
    mov v3.16b, v5.16b
    bsl v5.16b, v2.16b, v1.16b
    mov v4.16b, v0.16b
    bsl v3.16b, v1.16b, v2.16b
    bsl v0.16b, v7.16b, v6.16b
    bsl v4.16b, v6.16b, v7.16b
    ext v0.16b, v0.16b, v0.16b, #4
    fcmgt v2.4s, v4.4s, v3.4s
    mov v1.16b, v2.16b
    bsl v2.16b, v4.16b, v3.16b
    bsl v1.16b, v3.16b, v4.16b
    stp q0, q2, [x0]
    ext v1.16b, v1.16b, v1.16b, #4
    stp q1, q5, [x0, #32]
    add x0, x0, #0x40
    cmp x0, x1
    b.ne l0
    ret
