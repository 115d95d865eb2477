# Multiplication and division with their special cases.
	mul	a0, a0, a1
	mulh	a2, a0, a1
	mulhu	a3, a0, a1
	mulhsu	a4, a0, a1
	mulw	a5, a5, a0
	div	a0, a0, a1
	divu	a2, a2, a3
	rem	a3, a3, a4
	remu	a4, a4, a5
	divw	a0, a1, a2
	divuw	a1, a2, a3
	remw	a2, a3, a4
	remuw	a3, a4, a5
	ret
