# Counters and fcsr, read.
	frcsr	a0
	frrm	a1
	rdtime	a2
	rdcycle	a3
	ret
