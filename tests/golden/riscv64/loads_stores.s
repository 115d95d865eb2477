# Every width and sign, near and far offsets.
	lb	a0, 0(a1)
	lbu	a0, 1(a1)
	lh	a2, 2(a1)
	lhu	a2, -2(a1)
	lw	a3, 2047(a1)
	lwu	a3, -2048(a1)
	ld	a4, 8(sp)
	sb	a0, 0(a1)
	sh	a2, 2(a1)
	sw	a3, 4(a1)
	sd	a4, 0(sp)
	sd	zero, 16(sp)
	sb	zero, 0(a5)
	add	a6, a1, a2
	lw	a6, 0(a6)
	ld	zero, 0(a0)
	ret
