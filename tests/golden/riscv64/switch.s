# A jump through a table.
	li	a5, 7
	bltu	a5, a0, 1f
	slli	a0, a0, 2
	add	a0, a0, a1
	lw	a0, 0(a0)
	add	a0, a0, a1
	jr	a0
1:	jalr	a2
	jalr	zero, 8(a3)
