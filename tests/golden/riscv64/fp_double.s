# Double precision.
	fadd.d	fa0, fa1, fa2
	fsub.d	fa1, fa2, fa3
	fmul.d	fa2, fa3, fa4
	fdiv.d	fa3, fa4, fa5
	fsqrt.d	fa4, fa5
	fmadd.d	fa0, fa1, fa2, fa3
	fnmsub.d fa1, fa2, fa3, fa4
	fmin.d	fa2, fa3, fa4
	fmax.d	fa3, fa4, fa5
	fneg.d	fa4, fa5
	fabs.d	fa5, fa5
	fmv.d	fa0, fa1
	fsgnj.d	fa1, fa2, fa3
	feq.d	a0, fa0, fa1
	flt.d	a1, fa0, fa1
	fle.d	a2, fa0, fa1
	fclass.d a3, fa0
	ret
