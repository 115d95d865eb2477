# Large constants that lie near each other; a branch by bits of a register; a base that is written back.
	movz	x1, #0x6000
	movk	x1, #0xb3a6, lsl #16
	movk	x1, #0x2a, lsl #32
	ldrb	w2, [x1, #5]
	add	x3, x1, #0x760
	ldr	x4, [x3, #16]
	tbz	w2, #3, 1f
	tbnz	w22, #20, 1f
	ldp	x0, x5, [sp], #32
	ldrb	w6, [x0], #1
1:	ret
