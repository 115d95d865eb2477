/* Library routines for op `known`, called by translated code.
 *
 * Arguments a, b, c come in rdx, rcx, rbx, addresses as the host's; the result goes to rax. Those four and xmm0 to xmm3
 * are all that is used, since every other register holds a slot, and there is no stack: rsp, the return-address stack,
 * stays where it is, so that a fault anywhere in here is unwound as one of the call (routine_caller, common.c). What is
 * read or written before a fault is what ops.def allows: nothing is written behind or before what is asked for, reads
 * stay within pages that hold a byte which is asked for, and what overlaps is not changed before it is known that all
 * of it can be.
 *
 * `rep bsf` is tzcnt where there is one, which AMD's CPUs do faster; of what is not 0 both find the same.
 *
 * Short work is most of it: sizes are told apart with few jumps, and up to four registers full are loaded before any is
 * stored. Long copies have their stores aligned. The files of some are read twice, for 16 bytes at a time and for 32. */
#include "translator/host/x86_64/known.h"

	.text
	.globl known_begin
	.hidden known_begin
known_begin:

/* dst = the byte cl in all places; cl's other bits do not matter */
	.macro BYTES16 dst
	movd %ecx, \dst
	punpcklbw \dst, \dst
	pshuflw $0, \dst, \dst
	punpcklqdq \dst, \dst
	.endm

/* xmm0 = ones where the 16 bytes at mem are 0; are xmm1's; are either, xmm3 being 0 */
	.macro IS_ZERO mem
	pxor %xmm0, %xmm0
	pcmpeqb \mem, %xmm0
	.endm
	.macro IS_BYTE mem
	movdqa \mem, %xmm0
	pcmpeqb %xmm1, %xmm0
	.endm
	.macro IS_EITHER mem
	movdqa \mem, %xmm0
	movdqa %xmm0, %xmm2
	pcmpeqb %xmm1, %xmm0
	pcmpeqb %xmm3, %xmm2
	por %xmm2, %xmm0
	.endm

/* The first match from rdx on is at rbx + rax. Uses rcx. */
	.macro SCAN match
	mov %rdx, %rbx
	and $-16, %rbx
	mov %edx, %ecx
	and $15, %ecx
	\match (%rbx)
	pmovmskb %xmm0, %eax
	shr %cl, %eax
	shl %cl, %eax
	test %eax, %eax
	jnz 2f
	.balign 16
1:	\match 16(%rbx)
	pmovmskb %xmm0, %eax
	test %eax, %eax
	jnz 3f
	\match 32(%rbx)
	add $32, %rbx
	pmovmskb %xmm0, %eax
	test %eax, %eax
	jz 1b
	rep bsf %eax, %eax
	jmp 4f
3:	add $16, %rbx
2:	rep bsf %eax, %eax
4:
	.endm

/* Goes to `far` when 16 bytes at p may reach into another page. Uses eax. */
	.macro NEAR_END p, far
	mov \p, %eax
	and $4095, %eax
	cmp $4080, %eax
	ja \far
	.endm

/* Strings at rdx and rcx: eax = 0 when the next 16 bytes are the same and have no 0, else a number whose lowest bit says
 * where that ends. */
	.macro STRINGS16
	movdqu (%rdx), %xmm0
	movdqu (%rcx), %xmm1
	pxor %xmm2, %xmm2
	pcmpeqb %xmm0, %xmm2
	pcmpeqb %xmm0, %xmm1
	pandn %xmm1, %xmm2
	pmovmskb %xmm2, %eax
	sub $0xffff, %eax
	.endm

	.balign 32
known_len:
	SCAN IS_ZERO
	sub %rdx, %rbx
	add %rbx, %rax
	ret

	.balign 32
known_rawchr:
	BYTES16 %xmm1
	SCAN IS_BYTE
	add %rbx, %rax
	ret

	.balign 32
known_chrnul:
	BYTES16 %xmm1
	pxor %xmm3, %xmm3
	SCAN IS_EITHER
	add %rbx, %rax
	ret

	.balign 32
known_chr:
	BYTES16 %xmm1
	pxor %xmm3, %xmm3
	SCAN IS_EITHER
	add %rbx, %rax
	movd %xmm1, %ecx
	cmpb %cl, (%rax)
	jne 1f
	ret
1:	xor %eax, %eax
	ret

/* The first byte that is xmm1's of rbx (not 0) at rdx: to `found` with its address in rax, else to `none`. */
	.macro SCAN_SOME found, none
	add %rdx, %rbx
	jnc 1f
	mov $-1, %rbx
1:	mov %edx, %ecx
	and $15, %ecx
	and $-16, %rdx
	IS_BYTE (%rdx)
	pmovmskb %xmm0, %eax
	shr %cl, %eax
	shl %cl, %eax
	test %eax, %eax
	jnz 3f
	.balign 16
2:	add $16, %rdx
	cmp %rbx, %rdx
	jae \none
	IS_BYTE (%rdx)
	pmovmskb %xmm0, %eax
	test %eax, %eax
	jz 2b
3:	rep bsf %eax, %eax
	add %rdx, %rax
	cmp %rbx, %rax
	jae \none
\found:
	.endm

	.balign 32
known_memchr:
	test %rbx, %rbx
	jz 8f
	BYTES16 %xmm1
	SCAN_SOME 7, 8f
	ret
8:	xor %eax, %eax
	ret

	.balign 32
known_nlen:
	movq %rdx, %xmm2
	movq %rbx, %xmm3
	test %rbx, %rbx
	jz 8f
	pxor %xmm1, %xmm1
	SCAN_SOME 7, 8f
	movq %xmm2, %rdx
	sub %rdx, %rax
	ret
8:	movq %xmm3, %rax
	ret

	.balign 32
known_memrchr:
	test %rbx, %rbx
	jz 3f
	BYTES16 %xmm1
	lea -1(%rdx,%rbx), %rbx
	mov %ebx, %ecx
	and $15, %ecx
	xor $31, %ecx /* bits up to that of the last byte stay */
	and $-16, %rbx
	IS_BYTE (%rbx)
	pmovmskb %xmm0, %eax
	shl %cl, %eax
	shr %cl, %eax
1:	test %eax, %eax
	jnz 2f
	cmp %rdx, %rbx
	jbe 3f
	sub $16, %rbx
	IS_BYTE (%rbx)
	pmovmskb %xmm0, %eax
	jmp 1b
2:	bsr %eax, %eax
	add %rbx, %rax
	cmp %rdx, %rax
	jb 3f
	ret
3:	xor %eax, %eax
	ret

/* rcx = the last match so far */
	.balign 32
known_rchr:
	BYTES16 %xmm1
	pxor %xmm3, %xmm3
	mov %edx, %ecx
	and $15, %ecx
	and $-16, %rdx
	IS_BYTE (%rdx)
	pmovmskb %xmm0, %eax
	IS_ZERO (%rdx)
	pmovmskb %xmm0, %ebx
	shr %cl, %eax
	shl %cl, %eax
	shr %cl, %ebx
	shl %cl, %ebx
	xor %ecx, %ecx
1:	test %ebx, %ebx
	jnz 3f
	test %eax, %eax
	jz 2f
	bsr %eax, %eax
	lea (%rdx,%rax), %rcx
2:	add $16, %rdx
	IS_BYTE (%rdx)
	pmovmskb %xmm0, %eax
	IS_ZERO (%rdx)
	pmovmskb %xmm0, %ebx
	jmp 1b
3:	movq %rcx, %xmm2
	lea -1(%rbx), %ecx /* up to the first 0, which counts */
	xor %ebx, %ecx
	and %ecx, %eax
	jz 4f
	bsr %eax, %eax
	add %rdx, %rax
	ret
4:	movq %xmm2, %rax
	ret

	.balign 32
known_strcmp:
1:	NEAR_END %edx, 3f
	NEAR_END %ecx, 3f
	STRINGS16
	jnz 2f
	add $16, %rdx
	add $16, %rcx
	jmp 1b
2:	rep bsf %eax, %eax
	movzbl (%rcx,%rax), %ecx
	movzbl (%rdx,%rax), %eax
	sub %rcx, %rax
	ret
3:	movzbl (%rdx), %eax
	movzbl (%rcx), %ebx
	sub %rbx, %rax
	jnz 4f
	test %ebx, %ebx
	jz 4f
	inc %rdx
	inc %rcx
	jmp 1b
4:	ret

	.balign 32
known_strncmp:
	test %rbx, %rbx
	jz 5f
1:	NEAR_END %edx, 3f
	NEAR_END %ecx, 3f
	STRINGS16
	jnz 2f
	add $16, %rdx
	add $16, %rcx
	sub $16, %rbx
	ja 1b
	jmp 5f
2:	rep bsf %eax, %eax
	cmp %rbx, %rax
	jae 5f
	movzbl (%rcx,%rax), %ecx
	movzbl (%rdx,%rax), %eax
	sub %rcx, %rax
	ret
3:	movzbl (%rdx), %eax
	cmpb (%rcx), %al
	jne 4f
	test %eax, %eax
	jz 5f
	inc %rdx
	inc %rcx
	dec %rbx
	jnz 1b
5:	xor %eax, %eax
	ret
4:	movzbl (%rcx), %ecx
	sub %rcx, %rax
	ret

	.balign 32
known_cmp:
	cmp $16, %rbx
	jb 3f
1:	movdqu (%rdx), %xmm0
	movdqu (%rcx), %xmm1
	pcmpeqb %xmm1, %xmm0
	pmovmskb %xmm0, %eax
	sub $0xffff, %eax
	jnz 2f
	add $16, %rdx
	add $16, %rcx
	sub $16, %rbx
	cmp $16, %rbx
	jae 1b
	test %rbx, %rbx
	jz 7f
	lea -16(%rdx,%rbx), %rdx
	lea -16(%rcx,%rbx), %rcx
	mov $16, %ebx
	jmp 1b
2:	rep bsf %eax, %eax
	movzbl (%rcx,%rax), %ecx
	movzbl (%rdx,%rax), %eax
	sub %rcx, %rax
	ret
3:	cmp $8, %ebx
	jb 4f
	mov (%rdx), %rax
	xor (%rcx), %rax
	jnz 8f
	lea -8(%rdx,%rbx), %rdx
	lea -8(%rcx,%rbx), %rcx
	mov (%rdx), %rax
	xor (%rcx), %rax
	jnz 8f
	ret
4:	cmp $4, %ebx
	jb 5f
	mov (%rdx), %eax
	xor (%rcx), %eax
	jnz 8f
	lea -4(%rdx,%rbx), %rdx
	lea -4(%rcx,%rbx), %rcx
	mov (%rdx), %eax
	xor (%rcx), %eax
	jnz 8f
	ret
5:	test %ebx, %ebx
	jz 7f
6:	movzbl (%rdx), %eax
	cmpb (%rcx), %al
	jne 9f
	inc %rdx
	inc %rcx
	dec %ebx
	jnz 6b
7:	xor %eax, %eax
	ret
8:	rep bsf %rax, %rax /* by the first bit that differs */
	shr $3, %eax
	movzbl (%rcx,%rax), %ecx
	movzbl (%rdx,%rax), %eax
	sub %rcx, %rax
	ret
9:	movzbl (%rcx), %ecx
	sub %rcx, %rax
	ret

/* How copies end: with nothing to tell; with the length of a string. */
	.macro GIVE_0
	xor %eax, %eax
	ret
	.endm
	.macro GIVE_LENGTH
	mov KNOWN_SAVE(%rbp), %rax
	ret
	.endm

/* 16 bytes at a time */
#define VS 16
#define V0 %xmm0
#define V1 %xmm1
#define V2 %xmm2
#define V3 %xmm3
#define LOAD  movups
#define STORE movups
#define STOREA movaps
#define LOW(op) op
#define DONE
#define NAME(x) x##_sse2
#include "translator/host/x86_64/known_copy.S"
#include "translator/host/x86_64/known_set.S"
#undef VS
#undef V0
#undef V1
#undef V2
#undef V3
#undef LOAD
#undef STORE
#undef STOREA
#undef LOW
#undef DONE
#undef NAME

/* 32 bytes at a time */
#define VS 32
#define V0 %ymm0
#define V1 %ymm1
#define V2 %ymm2
#define V3 %ymm3
#define LOAD  vmovups
#define STORE vmovups
#define STOREA vmovaps
#define LOW(op) v##op
#define DONE vzeroupper
#define NAME(x) x##_avx2
#define AVX 1
#include "translator/host/x86_64/known_copy.S"
#include "translator/host/x86_64/known_set.S"

	.globl known_end
	.hidden known_end
known_end:

	.macro TABLE name, move, set, copystr, spn, cspn, pbrk
	.globl \name
	.hidden \name
	.balign 8
\name:	.quad \move, \set, \copystr, known_len, known_nlen, known_cmp, known_strcmp, known_strncmp
	.quad \spn, \cspn, \pbrk, known_chr, known_chrnul, known_rchr, known_memchr, known_memrchr, known_rawchr
	.endm
	.section .data.rel.ro, "aw", @progbits
	TABLE known_sse2, move_sse2, set_sse2, copystr_sse2, spn_sse2, cspn_sse2, pbrk_sse2
	TABLE known_avx2, move_avx2, set_avx2, copystr_avx2, spn_avx2, cspn_avx2, pbrk_avx2

	.section .note.GNU-stack, "", @progbits
