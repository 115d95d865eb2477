/* An oracle for rounded results that shares nothing with lib/softfp: it never computes a result. It is given one
 * and says whether that is the right one, by comparing the exact value with the neighbours of the result and the
 * midpoints between them, in as many bits as it takes. */
#pragma once

#include "tests/softfp/gen.h"

/* (-1)^neg * m * 2^e */
struct exact {
    bool neg;
    u128 m;
    int e;
};

/* An exact real number other than 0: the sum of some terms, or the quotient of two, or the root of one. */
struct real {
    enum { REAL_SUM, REAL_QUOTIENT, REAL_ROOT } how;
    struct exact term[2];
    int n;
};

bool oracle_is_nan(enum sfp_format f, u64 bits);
bool oracle_is_snan(enum sfp_format f, u64 bits);
bool oracle_is_inf(enum sfp_format f, u64 bits);
bool oracle_sign(enum sfp_format f, u64 bits);
u64 oracle_canonical(enum sfp_format f);
u64 oracle_quiet(enum sfp_format f);
struct exact oracle_value(enum sfp_format f, u64 bits); /* of a finite number */
struct exact oracle_product(struct exact a, struct exact b);

/* -1, 0, 1: the sign of the sum of the n terms. */
int oracle_sign_of_sum(const struct exact *term, int n);

/* NULL when `result` and `flags` are right for r in format f, else what is wrong with them. */
const char *oracle_check(enum sfp_format f, enum sfp_round round, const struct real *r, u64 result, u32 flags);

/* a rounded to an integer: its magnitude, and whether it was not one before. False when that has over 64 bits. */
bool oracle_integer(struct exact a, enum sfp_round round, u64 *whole, bool *inexact);
