# strlen, a byte at a time.
	mv	a5, a0
1:	lbu	a4, 0(a5)
	addi	a5, a5, 1
	bnez	a4, 1b
	sub	a0, a5, a0
	addi	a0, a0, -1
	ret
