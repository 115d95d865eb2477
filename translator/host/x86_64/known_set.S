/* Strings and sets of bytes, VS bytes at a time; known.S reads this twice and says what the names are.
 *
 * A set is a string, too. Each of its bytes in turn is compared with VS bytes of the string. Where AVX2 is SSE4.2 is,
 * which has an instruction for sets of up to 15 bytes. Sets of more than 255 repeat themselves, and may be as long as
 * the string: there the guest's own code, whose time is that of both and not of one times the other, goes on from a
 * fault, which ud2 is as good as any. */

/* V1 = ones where V3 is the byte at rcx. Uses eax. */
	.macro NAME(IS_AT)
#ifdef AVX
	vpbroadcastb (%rcx), V1
	vpcmpeqb V3, V1, V1
#else
	movzbl (%rcx), %eax
	movd %eax, V1
	punpcklbw V1, V1
	pshuflw $0, V1, V1
	punpcklqdq V1, V1
	pcmpeqb V3, V1
#endif
	.endm

/* rbx + rax is where the string's first byte lies that is in the set, or its 0; with `spn` that is not in the set. */
	.macro NAME(ANY_SET) kind
	mov %rdx, %rbx
	and $-VS, %rbx
	LOW(movq) %rcx, %xmm2
1:	LOAD (%rbx), V3
#ifdef AVX
	vpxor V0, V0, V0
#else
	pxor V0, V0
#endif
	.ifc \kind, spn
	jmp 3f
	.endif
2:	NAME(IS_AT)
#ifdef AVX
	vpor V1, V0, V0
#else
	por V1, V0
#endif
	inc %rcx
	.ifc \kind, spn
3:	cmpb $0, (%rcx)
	.else
	cmpb $0, -1(%rcx) /* it is looked for as well */
	.endif
	jne 2b
	LOW(pmovmskb) V0, %eax
	.ifc \kind, spn
	xor $(1 << VS) - 1, %eax
	.endif
	cmp %rdx, %rbx
	jae 4f
	mov %edx, %ecx
	and $VS - 1, %ecx
	shr %cl, %eax
	shl %cl, %eax
	test %eax, %eax
	jnz 5f
	LOW(movq) %xmm2, %rcx
	jmp 7f
4:	test %eax, %eax
	jnz 5f
	LOW(movq) %xmm2, %rax
	sub %rax, %rcx
	cmp $256, %rcx
	ja 6f
	mov %rax, %rcx
7:	add $VS, %rbx
	jmp 1b
6:	ud2
5:	rep bsf %eax, %eax
	DONE
	.endm

#ifdef AVX
/* Up to 15 bytes in the set: to `found` with that byte at rbx + rcx, or behind this: with `spn` just so, else when it
 * is the string's 0. To `far` for more, and close to where a page ends. */
	.macro SHORT_SET kind, found, far
	NEAR_END %ecx, \far
	NEAR_END %edx, \far
	movdqu (%rcx), %xmm1
	IS_ZERO %xmm1
	pmovmskb %xmm0, %eax
	test %eax, %eax
	jz \far
	mov %rdx, %rbx
	movdqu (%rdx), %xmm2
	.ifc \kind, spn
	pcmpistri $0x10, %xmm2, %xmm1 /* the 0 is not in the set */
	jc \found
	and $-16, %rbx
1:	add $16, %rbx
	pcmpistri $0x10, (%rbx), %xmm1
	jnc 1b
	.else
	pcmpistri $0, %xmm2, %xmm1
	jbe 2f
	and $-16, %rbx
1:	add $16, %rbx
	movdqa (%rbx), %xmm2
	pcmpistri $0, %xmm2, %xmm1
	ja 1b
2:	jc \found
	IS_ZERO %xmm2
	pmovmskb %xmm0, %eax
	rep bsf %eax, %ecx
	.endif
	.endm

	.macro SHORT_SPAN kind
	SHORT_SET \kind, 7f, 8f
7:	sub %rdx, %rbx
	lea (%rbx,%rcx), %rax
	ret
8:
	.endm
#endif

	.macro NAME(SPAN) kind
#ifdef AVX
	SHORT_SPAN \kind
#endif
	NAME(ANY_SET) \kind
	sub %rdx, %rbx
	add %rbx, %rax
	ret
	.endm

	.balign 32
NAME(spn):
	NAME(SPAN) spn

	.balign 32
NAME(cspn):
	NAME(SPAN) cspn

	.balign 32
NAME(pbrk):
#ifdef AVX
	SHORT_SET pbrk, 7f, 8f
	xor %eax, %eax
	ret
7:	lea (%rbx,%rcx), %rax
	ret
8:
#endif
	NAME(ANY_SET) pbrk
	add %rbx, %rax
	cmpb $0, (%rax)
	je 9f
	ret
9:	xor %eax, %eax
	ret
