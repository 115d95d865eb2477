// Vectors of integers: what the host has as it is, and what takes a few instructions.
	ldp	q0, q1, [x0]
	add	v2.4s, v0.4s, v1.4s
	mul	v3.8h, v1.8h, v2.8h
	mul	v3.16b, v3.16b, v2.16b
	bic	v4.16b, v0.16b, v3.16b
	bsl	v5.16b, v0.16b, v4.16b
	stp	q4, q5, [x0, #32]
	cmhi	v6.4s, v0.4s, v1.4s
	cmge	v6.2d, v6.2d, v2.2d
	umax	v7.16b, v6.16b, v3.16b
	shl	v7.16b, v7.16b, #3
	sshr	v7.2d, v7.2d, #7
	stp	q6, q7, [x0, #32]
	zip1	v2.8h, v1.8h, v2.8h
	uzp2	v0.16b, v0.16b, v1.16b
	trn1	v1.4s, v0.4s, v2.4s
	ext	v1.16b, v1.16b, v0.16b, #5
	rev64	v2.16b, v1.16b
	tbl	v3.16b, {v2.16b}, v0.16b
	cnt	v3.16b, v3.16b
	dup	v4.8h, w1
	ins	v4.d[1], x2
	dup	v5.4s, v4.s[2]
	stp	q4, q5, [x0, #64]
	umov	w3, v4.b[3]
	smov	x3, v4.h[2]
	uxtl	v5.8h, v3.8b
	umull2	v5.4s, v5.8h, v3.8h
	xtn	v6.8b, v5.8h
	movi	v7.16b, #0x1f
	str	q7, [x0, #32]
	ret
