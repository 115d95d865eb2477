// Loads and stores that keep an order: x86-64 has its barrier at the load.
	.arch_extension rcpc
	stlr	x1, [x0]
	ldar    x2, [x0]
	stlrb   w3, [x4]
	ldarb   w5, [x4]
	ldapr   x6, [x0]
	ldaxr   w7, [x8]
	stlxr   w9, w10, [x8]
	ret
