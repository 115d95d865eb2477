# More registers than are pinned.
	add	t0, t1, t2
	xor	t3, t4, t5
	add	t6, s2, s3
	sub	s4, s5, s6
	or	s7, s8, s9
	and	s10, s11, tp
	addi	gp, gp, 16
	ld	s11, 0(s10)
	sd	s11, 8(s9)
	add	s5, s5, t6
	bne	s5, s6, 1f
	addi	s6, s6, 1
1:	ret
