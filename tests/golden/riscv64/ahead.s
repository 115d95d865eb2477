# A place in a table, whose alignment is asked for long before it is read; and a prefetch as such.
	srliw	a3, a5, 8
	slli	a3, a3, 4
	add	a3, a3, s11
	andi	a4, a3, 15
	bnez	a4, 9f
	ori	x0, a0, 65
	nop
9:	ret
