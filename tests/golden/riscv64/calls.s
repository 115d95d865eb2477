# A function with a frame that calls itself: fib.
fib:	addi	sp, sp, -32
	sd	ra, 24(sp)
	sd	s0, 16(sp)
	sd	s1, 8(sp)
	mv	s0, a0
	li	a5, 1
	ble	a0, a5, 1f
	addi	a0, a0, -1
	jal	fib
	mv	s1, a0
	addi	a0, s0, -2
	jal	fib
	add	a0, a0, s1
1:	ld	ra, 24(sp)
	ld	s0, 16(sp)
	ld	s1, 8(sp)
	addi	sp, sp, 32
	ret
