/* Operands for floating-point tests, as bit patterns: seldom random, mostly where arithmetic goes wrong. */
#pragma once

#include "lib/softfp/softfp.h"

struct gen {
    u64 state;
};

/* The format's shape, as IEEE 754 tells it. */
struct shape {
    int prec; /* significand bits, the implied one included */
    int emax;
    int width;
};
extern const struct shape shapes[3]; /* by enum sfp_format */
extern const char *const format_names[3];
extern const char *const round_names[5];

/* Starts at the number in $SFP_SEED, or else at `seed`. */
void gen_init(struct gen *g, u64 seed);
/* How often to go round: `n`, times the number in $SFP_FACTOR. */
u32 gen_times(u32 n);

u64 gen_u64(struct gen *g);
u32 gen_below(struct gen *g, u32 n);
u64 gen_int(struct gen *g);                      /* an integer for conversions: few bits, edges, halfway cases */
u64 gen_value(struct gen *g, enum sfp_format f); /* anything, NaNs and infinities too */
u64 gen_nan(struct gen *g, enum sfp_format f);

/* Three operands that belong together: near in exponent, cancelling, with products and quotients near the ends of
 * the exponent range, c near -(a * b). */
void gen_operands(struct gen *g, enum sfp_format f, u64 op[3]);
