# The hot loop of bench/programs/mandelbrot.c.
l0:
    fadd.d fa5, fa5, fa5
    fsub.d fa3, fa3, fa2
    addw a5, a5, 1
    fmul.d fa4, fa5, fa4
    fadd.d fa5, fa3, fa0
    fadd.d fa4, fa4, ft0
    beq a5, a3, out0
    fmul.d fa3, fa5, fa5
    fmul.d fa2, fa4, fa4
    fadd.d fa1, fa3, fa2
    flt.d a4, fa1, ft1
    bnez a4, l0
out0:
    ret
