# Single precision, with its boxes.
	flw	fa4, 0(a0)
	flw	fa5, 4(a0)
	fadd.s	fa0, fa4, fa5
	fmul.s	fa0, fa0, fa4
	fmadd.s	fa1, fa0, fa4, fa5
	fdiv.s	fa1, fa1, fa0
	fmin.s	fa2, fa1, fa0
	fneg.s	fa2, fa2
	flt.s	a1, fa0, fa1
	fmv.x.w	a2, fa0
	fmv.w.x	fa3, a2
	fsw	fa0, 8(a0)
	ret
