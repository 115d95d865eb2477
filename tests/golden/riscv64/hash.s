# A hash of 64-bit words: multiply, fold, rotate by shifts.
hash:	ld	a5, 0(a0)
	li	a4, 0x9e3779b9
	addi	a0, a0, 8
	mul	a5, a5, a4
	mulhu	a3, a5, a4
	xor	a5, a5, a3
	srli	a3, a5, 29
	slli	a5, a5, 35
	or	a5, a5, a3
	xor	a2, a2, a5
	bne	a0, a1, 1f
	ret
1:	j	hash
