/* What litmus.c needs to know of riscv64: scratch registers are t0 to t3, a6, a7, fa0 and fa1. amocas, which assemblers
 * of the day do not know, is written as a number. */
#pragma once

#define is_possible(name) true

#define FIXED(text)    text
#define FIXED_CLOBBERS "t0", "t1", "t2", "t3", "a6", "a7", "fa0", "fa1"

#define AMOCAS_D_T1_A6_T0 ".word 0x2902b32f" /* amocas.d t1, a6, (t0) */
#define AMOCAS_Q_T1_A6_T0 ".word 0x2902c32f"
