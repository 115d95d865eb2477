# A linked list.
1:	ld	a0, 8(a0)
	lw	a5, 0(a0)
	addw	a1, a1, a5
	bnez	a0, 1b
	ret
