# The hot loop of bench/programs/divide.c.
l0:
    mv a3, a4
    remu a4, a5, a4
    mv a5, a3
    bnez a4, l0
    ret
