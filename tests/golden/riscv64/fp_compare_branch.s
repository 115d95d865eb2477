# if (x < y) …: a comparison that is branched on.
	flt.d	a5, fa0, fa1
	beqz	a5, 1f
	fmv.d	fa0, fa1
1:	feq.d	a5, fa0, fa2
	bnez	a5, 2f
	fadd.d	fa0, fa0, fa2
2:	ret
