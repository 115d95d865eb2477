# Choosing without branches: Zicond (czero.eqz, czero.nez), and by masks.
	.insn	r 0x33, 5, 7, a0, a1, a2
	.insn	r 0x33, 7, 7, a3, a1, a2
	or	a0, a0, a3
	snez	a4, a5
	neg	a4, a4
	and	a4, a4, a1
	ret
