# Atomic operations, a compare-and-swap loop, fences.
	amoadd.w a0, a1, (a2)
	amoadd.d a0, a1, (a2)
	amoswap.w.aqrl a0, a1, (a2)
	amoor.d	a3, a1, (a2)
	amomax.w a3, a1, (a2)
	amominu.d a3, a1, (a2)
	amoadd.w zero, a1, (a2)
	fence	rw, rw
	fence	r, rw
	fence	w, w
1:	lr.w.aq	a4, (a2)
	bne	a4, a0, 2f
	sc.w.rl	a5, a1, (a2)
	bnez	a5, 1b
2:	ret
