# The hot loop of bench/programs/sieve.c.
l0:
    sb a1, 0(a4)
    add a5, a5, a3
    add a4, a4, a3
    bgeu s0, a5, l0
    ret
