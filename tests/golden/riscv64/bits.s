# Zba, Zbb, Zbs.
	sh1add	a0, a1, a2
	sh2add	a1, a2, a3
	sh3add.uw a2, a3, a4
	add.uw	a3, a4, a5
	slli.uw	a4, a5, 4
	andn	a0, a0, a1
	orn	a1, a1, a2
	xnor	a2, a2, a3
	clz	a3, a4
	clzw	a3, a3
	ctz	a4, a5
	ctzw	a4, a4
	cpop	a5, a0
	cpopw	a5, a5
	rev8	a0, a1
	orc.b	a1, a2
	rol	a2, a3, a4
	ror	a3, a4, a5
	rori	a4, a5, 17
	rolw	a5, a0, a1
	max	a0, a1, a2
	minu	a1, a2, a3
	sext.b	a2, a3
	sext.h	a3, a4
	zext.h	a4, a5
	bset	a0, a0, a1
	bclr	a1, a1, a2
	bext	a2, a2, a3
	binvi	a3, a3, 40
	bexti	a4, a4, 7
	ret
