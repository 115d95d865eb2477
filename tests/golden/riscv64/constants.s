# Constants, addresses, and what is folded.
	lui	a0, 0x12345
	addi	a0, a0, 0x678
	auipc	a1, 0x10
	addi	a1, a1, -4
	li	a2, -1
	li	a3, 0
	lui	a4, 0x80000
	slli	a4, a4, 1
	mv	a5, a0
	nop
	add	a6, zero, a7
	add	s2, a3, a5
	ret
