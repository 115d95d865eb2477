// The hot loop of bench/programs/v_saxpy.c.
l0:
    ldr q0, [x1, x0]
    ldr q1, [x2, x0]
    fmul v0.4s, v0.4s, v3.4s
    fmul v1.4s, v1.4s, v2.4s
    fadd v0.4s, v0.4s, v1.4s
    str q0, [x1, x0]
    add x0, x0, #0x10
    cmp x0, #0x4, lsl #12
    b.ne l0
    ret
