/* IEEE 754 binary arithmetic in software: binary16, binary32 and binary64, with integer operations only.
 *
 * Values are bit patterns in a u64. An f16 lies in the low 16 bits and an f32 in the low 32; whatever lies above
 * them in an argument is ignored, and in a result it is zero.
 *
 * Each function takes its environment as `struct sfp`: it rounds as `round` says and ORs the exceptions that it
 * raises into `flags`, which it never clears. Exceptions do not trap. Subnormals are computed with in full, never
 * flushed. Tininess is detected after rounding, or with `tiny_before` before it, and underflow is raised only when the
 * result is tiny and inexact.
 *
 * NaNs. A NaN with the top bit of its fraction clear is signalling; as an operand it raises invalid. With `defnan`
 * every NaN result is the canonical one: sign 0, quiet bit only. Without it a NaN result is
 *     - the canonical NaN, where no operand is a NaN (invalid operation), and in fma for inf * 0 + quiet NaN;
 *     - else an operand, made quiet: the first signalling NaN, or when none signals the first quiet one, looking at
 *       the operands in the order a, b, and for fma c, a, b (signs flipped already). A conversion keeps the sign and
 *       the upper bits of the fraction.
 * This is what Arm does without FPCR.DN.
 *
 * Nothing here is shared or kept: any number of threads may call, each with its own struct. Nothing fails; an
 * unknown format, rounding mode or width is a bug of the caller's. */
#pragma once

#include "lib/types.h"

enum sfp_format { SFP_F16, SFP_F32, SFP_F64 };

/* Rounding modes and flags carry the same numbers as enum ir_round and IR_FLAG_*, so they pass unchanged. */
enum sfp_round {
    SFP_RNE, /* to nearest, ties to even */
    SFP_RTZ, /* toward zero */
    SFP_RDN, /* down */
    SFP_RUP, /* up */
    SFP_RMM, /* to nearest, ties away from zero */
};
enum {
    SFP_NX = 1,  /* inexact */
    SFP_UF = 2,  /* underflow */
    SFP_OF = 4,  /* overflow */
    SFP_DZ = 8,  /* divide by zero */
    SFP_NV = 16, /* invalid */
};

struct sfp {
    u8 round;         /* enum sfp_round */
    u8 flags;         /* sticky */
    bool defnan;      /* NaN results are canonical */
    bool tiny_before; /* tininess is detected before rounding */
    bool snan_wins;   /* sfp_min, sfp_max: a signalling NaN wins over a number, a quiet one as nan_wins says */
    bool nan_zero;    /* sfp_to_int: a NaN gives 0, not the largest */
};

u64 sfp_add(struct sfp *s, enum sfp_format f, u64 a, u64 b);
u64 sfp_sub(struct sfp *s, enum sfp_format f, u64 a, u64 b);
u64 sfp_mul(struct sfp *s, enum sfp_format f, u64 a, u64 b);
u64 sfp_div(struct sfp *s, enum sfp_format f, u64 a, u64 b);
u64 sfp_sqrt(struct sfp *s, enum sfp_format f, u64 a);

/* a * b + c, rounded once. `neg_mul` flips the sign of a and `neg_add` that of c before anything else, NaN or not.
 * inf * 0 raises invalid even when c is a quiet NaN. */
u64 sfp_fma(struct sfp *s, enum sfp_format f, u64 a, u64 b, u64 c, bool neg_mul, bool neg_add);

/* The smaller and the larger; -0 is less than +0. A number wins over a NaN, quiet or signalling (minimumNumber of
 * IEEE 754-2019), or with `nan_wins` a NaN over a number (minimum). A signalling NaN raises invalid in both. */
u64 sfp_min(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool nan_wins);
u64 sfp_max(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool nan_wins);

/* Comparisons: false when an operand is a NaN. A signalling NaN raises invalid, with `signal` any NaN does. */
bool sfp_eq(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool signal);
bool sfp_lt(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool signal);
bool sfp_le(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool signal);

/* a, of format `from`, in format `to`. */
u64 sfp_cvt(struct sfp *s, enum sfp_format from, enum sfp_format to, u64 a);

/* a rounded as `round` says (s->round is not looked at) to an integer of `bits` (32 or 64) bits, which lie in the
 * low end of the result with zeros above. Out of range saturates; a NaN gives the largest, or with `nan_zero` 0. Both
 * raise invalid and then not inexact. For an unsigned integer a negative a that rounds to 0 is in range. */
u64 sfp_to_int(struct sfp *s, enum sfp_format from, u64 a, u32 bits, bool is_unsigned, enum sfp_round round);

/* The low `bits` (32 or 64) bits of `value`, as a signed or unsigned integer, in format `to`. */
u64 sfp_from_int(struct sfp *s, enum sfp_format to, u64 value, u32 bits, bool is_unsigned);

/* a rounded to an integral value, which keeps its sign even as a zero. Raises inexact only with `exact`. */
u64 sfp_round_int(struct sfp *s, enum sfp_format f, u64 a, bool exact);

/* One bit of ten: 0 -inf, 1 -normal, 2 -subnormal, 3 -0, 4 +0, 5 +subnormal, 6 +normal, 7 +inf, 8 signalling NaN,
 * 9 quiet NaN. Raises nothing. */
u32 sfp_class(enum sfp_format f, u64 a);
