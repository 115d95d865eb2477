# Integer arithmetic, register and immediate, 64 and 32 bits.
	add	a0, a1, a2
	sub	a0, a0, a3
	xor	a4, a4, a5
	and	a4, a4, a0
	or	a4, a4, a1
	addi	a0, a0, 1
	addi	a0, a1, -2048
	andi	a1, a1, 255
	xori	a2, a2, -1
	sll	a3, a3, a4
	srl	a3, a3, a5
	sra	a3, a1, a4
	slli	a5, a5, 13
	srai	a5, a5, 3
	addw	a0, a0, a1
	subw	a0, a1, a0
	addiw	a2, a2, 1
	sext.w	a3, a3
	slliw	a4, a4, 5
	sllw	a4, a4, a5
	srlw	a4, a4, a5
	sraiw	a5, a5, 7
	slt	a0, a0, a1
	sltu	a1, a0, a1
	seqz	a2, a2
	snez	a3, a3
	sltiu	a4, a4, 100
	ret
