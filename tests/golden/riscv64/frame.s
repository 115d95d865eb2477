# A prologue and epilogue with compressed forms.
	addi	sp, sp, -64
	sd	ra, 56(sp)
	sd	s0, 48(sp)
	sd	s1, 40(sp)
	sd	s2, 32(sp)
	addi	s0, sp, 64
	sw	a0, -52(s0)
	lw	a5, -52(s0)
	addiw	a5, a5, 1
	sw	a5, -52(s0)
	lw	a0, -52(s0)
	ld	ra, 56(sp)
	ld	s0, 48(sp)
	ld	s1, 40(sp)
	ld	s2, 32(sp)
	addi	sp, sp, 64
	ret
