/* The generator of operands: see gen.h. Every choice is made with a small fixed chance, so that a run of some
 * hundred thousand meets each pair of them often. */
#include "tests/softfp/gen.h"

#include <stdlib.h>

const struct shape shapes[3] = {[SFP_F16] = {11, 15, 16}, [SFP_F32] = {24, 127, 32}, [SFP_F64] = {53, 1023, 64}};
const char *const format_names[3] = {"f16", "f32", "f64"};
const char *const round_names[5] = {"rne", "rtz", "rdn", "rup", "rmm"};

void gen_init(struct gen *g, u64 seed)
{
    const char *given = getenv("SFP_SEED");
    g->state = given ? strtoull(given, NULL, 0) : seed;
}

u32 gen_times(u32 n)
{
    const char *factor = getenv("SFP_FACTOR");
    return factor ? n * (u32)strtoul(factor, NULL, 0) : n;
}

/* A counter through a mixing function: any seed will do. */
u64 gen_u64(struct gen *g)
{
    u64 x = g->state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
    return x ^ x >> 32;
}

u32 gen_below(struct gen *g, u32 n)
{
    return (u32)((gen_u64(g) >> 32) * n >> 32);
}

/* `width` bits that end in a long run: x000, x100, x011, x101, x111, … for any cut. */
static u64 ragged(struct gen *g, u32 width)
{
    u64 x = gen_u64(g);
    u32 cut = gen_below(g, width + 1);
    u64 unit = cut < 64 ? 1ull << cut : 0;
    x &= -unit;
    switch (gen_below(g, 6)) {
    case 0:
        break;
    case 1:
        x += unit >> 1;
        break;
    case 2:
        x += (unit >> 1) + 1;
        break;
    case 3:
        x += (unit >> 1) - 1;
        break;
    case 4:
        x -= 1;
        break;
    case 5:
        x = gen_u64(g);
        break;
    }
    return width < 64 ? x & ((1ull << width) - 1) : x;
}

u64 gen_int(struct gen *g)
{
    u64 x = ragged(g, 1 + gen_below(g, 64));
    switch (gen_below(g, 4)) {
    case 0:
        return -x;
    case 1:
        return (1ull << gen_below(g, 64)) + gen_below(g, 5) - 2;
    default:
        return x;
    }
}

static u64 make(enum sfp_format f, bool sign, int exp, u64 frac)
{
    const struct shape *s = &shapes[f];
    int field = exp + s->emax;
    if (field < 0)
        field = 0;
    if (field > 2 * s->emax)
        field = 2 * s->emax;
    return (u64)sign << (s->width - 1) | (u64)field << (s->prec - 1) | (frac & ((1ull << (s->prec - 1)) - 1));
}

static int exponent(enum sfp_format f, u64 bits)
{
    const struct shape *s = &shapes[f];
    return (int)(bits >> (s->prec - 1) & (u64)(2 * s->emax + 1)) - s->emax;
}

u64 gen_nan(struct gen *g, enum sfp_format f)
{
    const struct shape *s = &shapes[f];
    u64 inf = (u64)(2 * s->emax + 1) << (s->prec - 1);
    u64 frac = gen_u64(g) & ((1ull << (s->prec - 1)) - 1);
    if (!gen_below(g, 3))
        frac = 1ull << gen_below(g, (u32)s->prec - 1);
    return (u64)gen_below(g, 2) << (s->width - 1) | inf | (frac ? frac : 1);
}

/* A finite number with an exponent near `exp`. */
static u64 near(struct gen *g, enum sfp_format f, int exp, int spread)
{
    exp += (int)gen_below(g, (u32)(2 * spread + 1)) - spread;
    return make(f, gen_below(g, 2), exp, ragged(g, (u32)shapes[f].prec - 1));
}

u64 gen_value(struct gen *g, enum sfp_format f)
{
    const struct shape *s = &shapes[f];
    u64 sign = (u64)gen_below(g, 2) << (s->width - 1);
    u64 inf = (u64)(2 * s->emax + 1) << (s->prec - 1);
    u64 one = 1ull << (s->prec - 1);
    switch (gen_below(g, 16)) {
    case 0:
        return sign;
    case 1:
        return sign | inf;
    case 2:
        return gen_nan(g, f);
    case 3: /* subnormal */
        return sign | ragged(g, (u32)s->prec - 1);
    case 4: /* the smallest */
        return sign | gen_below(g, 4);
    case 5: /* around the smallest normal one */
        return sign | (one + gen_below(g, 9) - 4);
    case 6: /* the largest */
        return sign | (inf - 1 - gen_below(g, 4));
    case 7: /* around a power of two */
        return sign | ((1 + (u64)gen_below(g, 2 * (u32)s->emax)) * one + gen_below(g, 5) - 2);
    case 8: /* around one */
        return sign | ((u64)s->emax * one + gen_below(g, 9) - 4);
    case 9: /* where integers end */
        return near(g, f, gen_below(g, 2) ? 32 : 64, 2);
    case 10: /* integers and halves */
    case 11:
        return near(g, f, s->prec / 2, s->prec / 2 + 2);
    case 12: /* what is left of these in a smaller format */
        return near(g, f, gen_below(g, 2) ? -20 : -138, 14);
    case 13:
        return near(g, f, gen_below(g, 2) ? 15 : 127, 2);
    case 14:
        return make(f, sign, (int)gen_below(g, 2 * (u32)s->emax) - s->emax, ragged(g, (u32)s->prec - 1));
    default:
        return gen_u64(g) & (s->width == 64 ? ~0ull : (1ull << s->width) - 1);
    }
}

void gen_operands(struct gen *g, enum sfp_format f, u64 op[3])
{
    const struct shape *s = &shapes[f];
    const u64 sign = 1ull << (s->width - 1);
    struct sfp env = {.round = (u8)gen_below(g, 5), .defnan = true};
    op[0] = gen_value(g, f);
    op[1] = gen_value(g, f);
    op[2] = gen_value(g, f);
    int ea = exponent(f, op[0]), ends = gen_below(g, 2) ? 1 - s->emax : s->emax;
    switch (gen_below(g, 8)) {
    case 0: /* a sum that meets the rounding place */
        op[1] = near(g, f, ea - (gen_below(g, 2) ? s->prec : 0), 3);
        break;
    case 1: /* a sum that cancels */
        op[1] = (op[0] ^ sign) + gen_below(g, 5) - 2;
        break;
    case 2: /* a product at one of the ends */
        op[1] = near(g, f, ends - ea, 3);
        break;
    case 3: /* a product among the subnormals */
        op[1] = near(g, f, 1 - s->emax - ea - s->prec / 2, s->prec / 2 + 2);
        break;
    case 4: /* a quotient at one of the ends */
        op[1] = near(g, f, ea - ends, 3);
        break;
    case 5: /* a quotient among the subnormals, or exact: a = q * b */
        if (gen_below(g, 2))
            op[1] = near(g, f, ea - 1 + s->emax + s->prec / 2, s->prec / 2 + 2);
        else
            op[0] = sfp_mul(&env, f, op[0], op[1]) + gen_below(g, 3) - 1;
        break;
    default:
        break;
    }
    if (s->width < 64) {
        op[0] &= 2 * sign - 1;
        op[1] &= 2 * sign - 1;
    }
    u64 product = sfp_mul(&env, f, op[0], op[1]);
    switch (gen_below(g, 6)) {
    case 0: /* fma that cancels */
    case 1:
        op[2] = (product ^ sign) + gen_below(g, 5) - 2;
        break;
    case 2: /* fma that meets the rounding place, from either side */
        op[2] = near(g, f, exponent(f, product) - (gen_below(g, 2) ? s->prec : -s->prec), 3);
        break;
    case 3: /* the low half of the product cancels */
        op[2] = near(g, f, exponent(f, product), 2);
        break;
    default:
        break;
    }
    if (s->width < 64)
        op[2] &= 2 * sign - 1;
}
