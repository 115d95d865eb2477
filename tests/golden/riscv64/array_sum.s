# Sum of an array of int.
	li	a5, 0
1:	lw	a4, 0(a0)
	addi	a0, a0, 4
	addw	a5, a5, a4
	bltu	a0, a1, 1b
	mv	a0, a5
	ret
