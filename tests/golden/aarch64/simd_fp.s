// Vectors of floating point, with a look for NaNs after each.
	ldp	q0, q1, [x0]
	fadd	v2.4s, v0.4s, v1.4s
	fmul	v2.2d, v0.2d, v2.2d
	fmla	v3.4s, v2.4s, v1.4s
	fsqrt	v4.4s, v3.4s
	fmax	v4.2d, v4.2d, v2.2d
	fcmgt	v5.4s, v4.4s, v3.4s
	scvtf	v5.4s, v5.4s
	fcvtzs	v6.4s, v5.4s
	fcvtl	v6.2d, v5.2s
	fcvtn	v6.2s, v6.2d
	frintm	v7.2d, v6.2d
	str	q7, [x0]
	ret
