# Traps.
	li	a7, 64
	ecall
	ebreak
	.word	0
