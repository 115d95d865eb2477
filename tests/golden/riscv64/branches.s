# Every condition, forwards; and against zero.
	beq	a0, a1, 9f
	bne	a0, a2, 9f
	blt	a0, a3, 9f
	bge	a0, a4, 9f
	bltu	a0, a5, 9f
	bgeu	a0, a6, 9f
	beqz	a1, 9f
	bnez	a1, 9f
	bltz	a2, 9f
	bgez	a2, 9f
	sltu	a3, a3, a4
	bnez	a3, 9f
	andi	a4, a4, 8
	beqz	a4, 9f
	nop
9:	ret
