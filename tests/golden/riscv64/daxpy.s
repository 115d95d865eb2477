# y[i] += a * x[i], in doubles.
1:	fld	fa4, 0(a1)
	fld	fa5, 0(a2)
	fmadd.d	fa5, fa0, fa4, fa5
	fsd	fa5, 0(a2)
	addi	a1, a1, 8
	addi	a2, a2, 8
	bne	a1, a3, 1b
	ret
