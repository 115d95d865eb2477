# Conversions and rounding modes.
	fcvt.d.w fa0, a0
	fcvt.d.wu fa1, a0
	fcvt.d.l fa2, a0
	fcvt.d.lu fa3, a0
	fcvt.s.w fa4, a0
	fcvt.w.d a1, fa0, rtz
	fcvt.wu.d a2, fa0, rtz
	fcvt.l.d a3, fa0, rtz
	fcvt.lu.d a4, fa0, rtz
	fcvt.w.s a5, fa4, rne
	fcvt.s.d fa5, fa0
	fcvt.d.s fa5, fa5
	fcvt.l.d a1, fa0
	fadd.d	fa0, fa0, fa1, rtz
	fadd.d	fa0, fa0, fa1, rup
	fadd.d	fa0, fa0, fa1, rmm
	fmv.x.d	a0, fa0
	fmv.d.x	fa0, a0
	ret
