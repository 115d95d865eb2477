# Words of unknown alignment, read and written byte by byte; one copied; a rotation by shifts.
        lbu     a5, 1(a0)
        lbu     a4, 0(a0)
        lbu     a3, 2(a0)
        slli    a5, a5, 8
        or      a5, a5, a4
        lbu     a4, 3(a0)
        slli    a3, a3, 16
        or      a3, a3, a5
        slliw   a4, a4, 24
        or      a4, a4, a3
        srliw   a5, a4, 19
        slliw   a4, a4, 13
        or      a5, a5, a4
        srliw   a4, a5, 8
        sb      a5, 0(a1)
        sb      a4, 1(a1)
        srliw   a4, a5, 16
        srliw   a5, a5, 24
        sb      a4, 2(a1)
        sb      a5, 3(a1)
        lbu     a2, 0(a6)
        lbu     a3, 1(a6)
        lbu     a4, 2(a6)
        lbu     a5, 3(a6)
        sb      a2, 8(sp)
        sb      a3, 9(sp)
        sb      a4, 10(sp)
        sb      a5, 11(sp)
        lw      a5, 8(sp)
        mv      a4, a5
        mv      a3, a5
        mv      a2, a5
        ret
