// Two conditions, by ccmp: a branch where either holds, one where both do, and with a load between, which may look.
	cmp	w0, #1
	ccmp	w1, #2, #4, ne
	b.eq	1f
	cmp	x2, x3
	ccmp	x4, x5, #2, eq
	b.hi	1f
	cmp	w6, #3
	ccmp	w7, w8, #0, lt
	ldr	x9, [x10]
	b.eq	1f
	adds	x9, x9, #1
	ret
1:	sub	x0, x0, #1
	ret
