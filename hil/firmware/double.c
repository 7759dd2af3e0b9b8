/* Sum, difference, quotient and square root of doubles, correctly rounded.

   The Cortex-M4F computes doubles in software. The object compiled from the kernels is made to call
   these instead of libgcc's.

   libgcc's division takes about 360 instructions and a bitwise root about 850; these take about 90
   and 100, which is what lets a tick fit. Both find a quotient in two digits of 26 bits by a
   reciprocal of 32 bits that is never too large, and mend it by the remainder. What is not normal
   goes the slow way.

   libgcc's sum (arm/ieee754-df.S of GCC 12) is used, but for two that are ill apart. 33 powers of two
   apart and subtracted, it keeps one bit of the smaller below the last of the larger, where two
   decide once the leading bit has gone: 1 - 1.1671101208817266e-10 is wrong by a last bit. 32 apart
   and added, it loses the smaller one's last bit to a carry. What is below the least normal is left
   to it. */

#include <stdbool.h>
#include <stdint.h>

#define FRACTION ((1ull << 52) - 1)
#define SIGN (1ull << 63)
#define INFINITE 0x7FFu
#define BIAS 1023

double f64_add(double a, double b);
double f64_subtract(double a, double b);
double f64_divide(double a, double b);
double f64_root(double x);

static uint64_t bits_of(double x)
{
    union {
        double x;
        uint64_t bits;
    } both = {x};
    return both.bits;
}

static double double_of(uint64_t bits)
{
    union {
        uint64_t bits;
        double x;
    } both = {bits};
    return both.x;
}

static uint32_t exponent_of(double x)
{
    return (uint32_t)(bits_of(x) >> 52) & INFINITE;
}

static bool are_ill_apart(uint32_t larger, uint32_t smaller)
{
    uint32_t apart = larger - smaller;
    return (apart == 32 || apart == 33) && smaller != 0 && larger < INFINITE - 1;
}

/* True for all that are ill apart, and for some others: the upper words without their signs, of
   which the difference is that of the exponents and a fraction, rounded down to an even one. */
static bool may_be_ill_apart(double a, double b)
{
    uint32_t u = (uint32_t)(bits_of(a) >> 32) << 1, v = (uint32_t)(bits_of(b) >> 32) << 1;
    int32_t apart = (int32_t)(u - v) >> 22;
    return (uint32_t)(apart ^ -(apart < 0)) - 15 < 2;
}

/* a + b, of which a is the larger and they are ill apart. */
static double add_ill_apart(double a, double b)
{
    uint32_t e = exponent_of(a), places = e - exponent_of(b) - 3;
    uint64_t n = ((bits_of(a) & FRACTION) | (1ull << 52)) << 3; /* guard, round, sticky */
    uint64_t m = (bits_of(b) & FRACTION) | (1ull << 52);
    bool lost = (m & ((1ull << places) - 1)) != 0;
    if ((bits_of(a) ^ bits_of(b)) & SIGN)
        n = (n - (m >> places) - lost) | lost;
    else
        n = (n + (m >> places)) | lost;
    if (n >> 56) {
        n = n >> 1 | (n & 1);
        e++;
    } else if (n >> 55 == 0) {
        n <<= 1;
        e--;
    }
    uint64_t q = n >> 3;
    q += (n & 7) > 4 || (n & 15) == 12; /* a tie goes to the even one */
    return double_of((bits_of(a) & SIGN) | (((uint64_t)(e - 1) << 52) + q));
}

/* Not inline: a sum that is well apart shall save no register for it. */
static __attribute__((noinline)) double add_carefully(double a, double b)
{
    if (are_ill_apart(exponent_of(a), exponent_of(b)))
        return add_ill_apart(a, b);
    if (are_ill_apart(exponent_of(b), exponent_of(a)))
        return add_ill_apart(b, a);
    return a + b;
}

double f64_add(double a, double b)
{
    return may_be_ill_apart(a, b) ? add_carefully(a, b) : a + b;
}

double f64_subtract(double a, double b)
{
    return may_be_ill_apart(a, b) ? add_carefully(a, -b) : a - b;
}

/* 2^63 / b for b >= 2^31; never too large, too small by less than 2^-29 of it. */
static uint32_t reciprocal(uint32_t b)
{
    uint32_t x = (UINT32_MAX / ((b >> 16) + 1)) << 15;
    uint32_t short_by = 0x7FFFFFFFu - (uint32_t)(((uint64_t)b * x) >> 32);
    return x + (uint32_t)(((uint64_t)x * short_by) >> 31);
}

double f64_divide(double a, double b)
{
    uint64_t u = bits_of(a), v = bits_of(b);
    uint32_t ea = (uint32_t)(u >> 52) & INFINITE, eb = (uint32_t)(v >> 52) & INFINITE;
    int32_t e = (int32_t)(ea - eb) + BIAS;
    if (ea - 1 >= INFINITE - 1 || eb - 1 >= INFINITE - 1 || e < 2 || e >= (int32_t)INFINITE - 1)
        return a / b;
    uint64_t n = (u & FRACTION) | (1ull << 52), d = (v & FRACTION) | (1ull << 52);
    if (n < d) {
        n <<= 1;
        e--;
    }
    /* d loses bits here: 2 less makes up for them */
    uint32_t x = reciprocal((uint32_t)(d >> 21)) - 2;
    uint32_t high = (uint32_t)(((uint64_t)(uint32_t)(n >> 22) * x) >> 36);
    uint64_t rest = (n << 26) - high * d;
    uint32_t low = (uint32_t)(((uint64_t)(uint32_t)(rest >> 23) * x) >> 35);
    rest = (rest << 26) - low * d;
    uint64_t q = ((uint64_t)high << 26) + low;
    while (rest >= d) {
        rest -= d;
        q++;
    }
    q += 2 * rest > d; /* a tie cannot be */
    return double_of(((u ^ v) & SIGN) | (((uint64_t)(uint32_t)(e - 1) << 52) + q));
}

/* The root of m 2^e, m in [2^52, 2^53). */
static double root_of_normal(uint64_t m, int32_t e)
{
    if (e & 1) {
        m <<= 1;
        e--;
    }
    uint32_t s = (uint32_t)(__builtin_sqrtf((float)(uint32_t)(m >> 22)) * 2048.0f);
    if (s >= 1u << 27) /* the float was rounded up */
        s = (1u << 27) - 1;
    uint32_t x = reciprocal(s << 5);
    int64_t rest = (int64_t)(m - (uint64_t)s * s);
    s = (uint32_t)((int32_t)s + (int32_t)((rest * (int64_t)x) >> 59));
    if ((uint64_t)s * s > m)
        s--;
    rest = (int64_t)(m - (uint64_t)s * s);
    uint32_t low = (uint32_t)(((uint64_t)rest * x) >> 33);
    uint64_t q = ((uint64_t)s << 26) + low;
    uint64_t left = ((uint64_t)rest << 52) - (((uint64_t)s * low) << 27) - (uint64_t)low * low;
    while (left & SIGN) {
        q--;
        left += 2 * q + 1;
    }
    while (left > 2 * q) {
        left -= 2 * q + 1;
        q++;
    }
    q += left > q; /* a tie cannot be */
    return double_of(((uint64_t)(e / 2 + BIAS - 1) << 52) + q);
}

double f64_root(double x)
{
    uint64_t u = bits_of(x);
    uint32_t e = (uint32_t)(u >> 52);
    uint64_t m = u & FRACTION;
    if ((u & ~SIGN) == 0)
        return x;
    if (e > INFINITE || (e == INFINITE && m != 0)) /* negative, or no number */
        return double_of(0x7FF8ull << 48);
    if (e == INFINITE)
        return x;
    if (e == 0) {
        int shift = __builtin_clzll(m) - 11;
        return root_of_normal(m << shift, 1 - shift - BIAS);
    }
    return root_of_normal(m | (1ull << 52), (int32_t)e - BIAS);
}
