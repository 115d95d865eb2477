// Rounds of AES, and products over GF(2).
	aese	v0.16b, v1.16b
	aesmc	v0.16b, v0.16b
	aesd	v2.16b, v3.16b
	aesimc	v2.16b, v2.16b
	aese	v0.16b, v2.16b
	pmull	v4.1q, v0.1d, v2.1d
	pmull2	v5.1q, v0.2d, v2.2d
	eor	v4.16b, v4.16b, v5.16b
	ret
