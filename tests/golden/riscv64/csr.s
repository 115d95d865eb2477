# Floating-point flags and rounding, counters.
	frflags	a0
	fsflags	a0
	fscsr	zero, zero
