# Copies 8 bytes a time, four at once.
1:	ld	a3, 0(a1)
	ld	a4, 8(a1)
	ld	a5, 16(a1)
	ld	a6, 24(a1)
	addi	a1, a1, 32
	sd	a3, 0(a0)
	sd	a4, 8(a0)
	sd	a5, 16(a0)
	sd	a6, 24(a0)
	addi	a0, a0, 32
	addi	a2, a2, -32
	bnez	a2, 1b
	ret
