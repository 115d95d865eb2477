/* Copying and setting, VS bytes at a time; known.S reads this twice and says what the names are. */

/* rbx bytes from rcx to rdx; `ret` is the macro by which it ends. */
	.macro NAME(MOVE) ret
	cmp $4 * VS, %rbx
	ja 10f
	lea -1(%rdx,%rbx), %eax
	xor %edx, %eax
	test $4096, %eax
	jnz 8f
0:	cmp $16, %ebx
	jb 3f
	cmp $32, %ebx
	ja 1f
	LOW(movups) (%rcx), %xmm0
	LOW(movups) -16(%rcx,%rbx), %xmm1
	LOW(movups) %xmm0, (%rdx)
	LOW(movups) %xmm1, -16(%rdx,%rbx)
	\ret
1:
#ifdef AVX
	cmp $64, %ebx
	ja 2f
	LOAD (%rcx), V0
	LOAD -VS(%rcx,%rbx), V1
	STORE V0, (%rdx)
	STORE V1, -VS(%rdx,%rbx)
	DONE
	\ret
2:
#endif
	LOAD (%rcx), V0
	LOAD VS(%rcx), V1
	LOAD -2 * VS(%rcx,%rbx), V2
	LOAD -VS(%rcx,%rbx), V3
	STORE V0, (%rdx)
	STORE V1, VS(%rdx)
	STORE V2, -2 * VS(%rdx,%rbx)
	STORE V3, -VS(%rdx,%rbx)
	DONE
	\ret
3:	cmp $8, %ebx
	jb 4f
	LOW(movq) (%rcx), %xmm0
	LOW(movq) -8(%rcx,%rbx), %xmm1
	LOW(movq) %xmm0, (%rdx)
	LOW(movq) %xmm1, -8(%rdx,%rbx)
	\ret
4:	cmp $4, %ebx
	jb 5f
	mov (%rcx), %eax
	mov -4(%rcx,%rbx), %ecx
	mov %eax, (%rdx)
	mov %ecx, -4(%rdx,%rbx)
	\ret
5:	cmp $1, %ebx
	jb 7f
	je 6f
	movzwl (%rcx), %eax
	movzbl -1(%rcx,%rbx), %ecx
	mov %ax, (%rdx)
	mov %cl, -1(%rdx,%rbx)
	\ret
6:	movzbl (%rcx), %eax
	mov %al, (%rdx)
7:	\ret

/* Few bytes, into two pages, of which either may be missing. */
8:	mov %rdx, %rax
	sub %rcx, %rax
	cmp %rbx, %rax
	jb 9f
	neg %rax
	cmp %rbx, %rax
	jae 0b
9:	lock orb $0, (%rdx)
	lock orb $0, -1(%rdx,%rbx)
	jmp 0b

10:	mov %rdx, %rax
	sub %rcx, %rax
	cmp %rbx, %rax
	jb 13f
	neg %rax
	cmp %rbx, %rax
	jb 13f
/* They do not overlap. */
	LOAD (%rcx), V0
	STORE V0, (%rdx)
	lea VS(%rdx), %rax
	and $-VS, %rax
	sub %rdx, %rax
	add %rax, %rdx
	add %rax, %rcx
	sub %rax, %rbx
	cmp $4 * VS, %rbx
	jbe 12f
	.balign 16
11:	LOAD (%rcx), V0
	LOAD VS(%rcx), V1
	LOAD 2 * VS(%rcx), V2
	LOAD 3 * VS(%rcx), V3
	STOREA V0, (%rdx)
	STOREA V1, VS(%rdx)
	STOREA V2, 2 * VS(%rdx)
	STOREA V3, 3 * VS(%rdx)
	add $4 * VS, %rcx
	add $4 * VS, %rdx
	sub $4 * VS, %rbx
	cmp $4 * VS, %rbx
	ja 11b
12:	LOAD -4 * VS(%rcx,%rbx), V0
	LOAD -3 * VS(%rcx,%rbx), V1
	LOAD -2 * VS(%rcx,%rbx), V2
	LOAD -VS(%rcx,%rbx), V3
	STORE V0, -4 * VS(%rdx,%rbx)
	STORE V1, -3 * VS(%rdx,%rbx)
	STORE V2, -2 * VS(%rdx,%rbx)
	STORE V3, -VS(%rdx,%rbx)
	DONE
	\ret

/* They overlap: all pages are tried first, unless the first access tells. */
13:	lea -1(%rdx,%rbx), %rax
	xor %rdx, %rax
	shr $12, %rax
	jnz 14f
	lea -1(%rcx,%rbx), %rax
	xor %rcx, %rax
	shr $12, %rax
	jz 16f
14:	lea -1(%rbx), %rax
15:	lock orb $0, (%rdx,%rax)
	testb $0, (%rcx,%rax)
	sub $4096, %rax
	jae 15b
	lock orb $0, (%rdx)
	testb $0, (%rcx)
16:	mov %rdx, %rax
	sub %rcx, %rax
	cmp %rbx, %rax
	jb 19f
/* upwards, the end being loaded before */
	LOAD -VS(%rcx,%rbx), V2
	LOAD -2 * VS(%rcx,%rbx), V3
17:	LOAD (%rcx), V0
	LOAD VS(%rcx), V1
	STORE V0, (%rdx)
	STORE V1, VS(%rdx)
	add $2 * VS, %rcx
	add $2 * VS, %rdx
	sub $2 * VS, %rbx
	cmp $2 * VS, %rbx
	ja 17b
	STORE V3, -2 * VS(%rdx,%rbx)
	STORE V2, -VS(%rdx,%rbx)
	DONE
	\ret
/* downwards, the beginning being loaded before */
19:	LOAD (%rcx), V2
	LOAD VS(%rcx), V3
20:	LOAD -VS(%rcx,%rbx), V0
	LOAD -2 * VS(%rcx,%rbx), V1
	STORE V0, -VS(%rdx,%rbx)
	STORE V1, -2 * VS(%rdx,%rbx)
	sub $2 * VS, %rbx
	cmp $2 * VS, %rbx
	ja 20b
	STORE V2, (%rdx)
	STORE V3, VS(%rdx)
	DONE
	\ret
	.endm

	.balign 32
NAME(move):
	NAME(MOVE) GIVE_0

	.balign 32
NAME(copystr):
	movq %rdx, %xmm3
	mov %rcx, %rdx
	SCAN IS_ZERO
	sub %rdx, %rbx
	add %rax, %rbx
	mov %rbx, KNOWN_SAVE(%rbp)
	inc %rbx
	mov %rdx, %rcx
	movq %xmm3, %rdx
	NAME(MOVE) GIVE_LENGTH

	.balign 32
NAME(set):
	movzbl %cl, %ecx
	mov $0x0101010101010101, %rax
	imul %rcx, %rax
	cmp $16, %rbx
	jb 5f
	LOW(movq) %rax, %xmm0
#ifdef AVX
	vpbroadcastq %xmm0, V0
#else
	punpcklqdq %xmm0, %xmm0
#endif
	cmp $4 * VS, %rbx
	ja 2f
	cmp $32, %ebx
	ja 1f
	LOW(movups) %xmm0, (%rdx)
	LOW(movups) %xmm0, -16(%rdx,%rbx)
	DONE
	GIVE_0
1:	STORE V0, (%rdx)
	STORE V0, -VS(%rdx,%rbx)
	cmp $2 * VS, %ebx
	jbe 4f
	STORE V0, VS(%rdx)
	STORE V0, -2 * VS(%rdx,%rbx)
	DONE
	GIVE_0
2:	STORE V0, (%rdx)
	lea VS(%rdx), %rax
	and $-VS, %rax
	sub %rdx, %rax
	add %rax, %rdx
	sub %rax, %rbx
	cmp $4 * VS, %rbx
	jbe 6f
	.balign 16
3:	STOREA V0, (%rdx)
	STOREA V0, VS(%rdx)
	STOREA V0, 2 * VS(%rdx)
	STOREA V0, 3 * VS(%rdx)
	add $4 * VS, %rdx
	sub $4 * VS, %rbx
	cmp $4 * VS, %rbx
	ja 3b
6:	STORE V0, -4 * VS(%rdx,%rbx)
	STORE V0, -3 * VS(%rdx,%rbx)
	STORE V0, -2 * VS(%rdx,%rbx)
	STORE V0, -VS(%rdx,%rbx)
4:	DONE
	GIVE_0
5:	cmp $8, %ebx
	jb 7f
	mov %rax, (%rdx)
	mov %rax, -8(%rdx,%rbx)
	GIVE_0
7:	cmp $4, %ebx
	jb 8f
	mov %eax, (%rdx)
	mov %eax, -4(%rdx,%rbx)
	GIVE_0
8:	test %ebx, %ebx
	jz 9f
	mov %al, (%rdx)
	mov %al, -1(%rdx,%rbx)
	shr $1, %ebx
	mov %al, (%rdx,%rbx)
9:	GIVE_0
