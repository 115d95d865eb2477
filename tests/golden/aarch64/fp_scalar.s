// Scalars in vector registers: what is above them becomes zeros.
	ldr	d0, [x0]
	ldr	d1, [x0, #8]
	fadd	d2, d0, d1
	fmul	d2, d2, d3
	fmadd	d4, d2, d1, d4
	fsub	s5, s4, s2
	fdiv	s5, s5, s3
	fneg	d6, d4
	fabs	s6, s6
	fcmp	d4, d2
	b.gt	1f
	scvtf	d4, x1
	fcvtzs	x2, d4
1:	fmov	x3, d6
	fmov	d7, x3
	fcvt	s7, d7
	str	s7, [x0, #16]
	ret
