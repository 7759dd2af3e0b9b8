/* What a compiled kernel may do with doubles, on operands that are the same everywhere, as one hash
   for each operation: a machine that rounds any of them otherwise prints another line. On a board it
   is linked with nothing else and prints by semihosting. */

#include <stdbool.h>
#include <stdint.h>

double f64_add(double a, double b);
double f64_subtract(double a, double b);
double f64_divide(double a, double b);
double f64_root(double x);
void begin(void);
int main(void);

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, ROOT, TO_FLOAT, FROM_INT, FROM_UNSIGNED, TO_INT, LESS, KINDS };

#define ROUNDS 40000
#define FRACTION ((1ull << 52) - 1)
#define NO_NUMBER (0x7FF8ull << 48)

union number {
    double x;
    uint64_t bits;
};

static uint64_t hashes[KINDS], state = 88172645463325252u;

/* G. Marsaglia, Xorshift RNGs, J. Stat. Softw. 8(14), 2003 */
static uint64_t any(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void mix(int kind, uint64_t bits)
{
    hashes[kind] = (hashes[kind] ^ bits) * 0x100000001B3u;
    hashes[kind] ^= hashes[kind] >> 29;
}

static void mix_number(int kind, double x)
{
    union number number = {.x = x};
    bool is_number = (number.bits << 1) <= (0x7FFull << 53);
    mix(kind, is_number ? number.bits : NO_NUMBER);
}

/* Short, long, nearly a power of two, or any. */
static uint64_t fraction(void)
{
    uint64_t how = any();
    uint64_t bits = any() & FRACTION, places = (how >> 8) % 52;
    switch (how & 7) {
    case 0:
        return 0;
    case 1:
        return bits & (UINT64_MAX << places);
    case 2:
        return FRACTION ^ (bits >> places);
    case 3:
        return bits >> places;
    default:
        return bits;
    }
}

/* One draw to a statement: compilers differ in the order within one. */
static double number(uint64_t exponent)
{
    uint64_t sign = any() & (1ull << 63);
    union number made = {.bits = sign | exponent << 52 | fraction()};
    return made.x;
}

static void compute(double a, double b)
{
    int64_t whole = (int64_t)any();
    whole >>= any() % 63;
    volatile double product = a * b, from_int = (double)whole, from_unsigned = (double)any();
    volatile float narrow = (float)a;
    mix_number(ADD, f64_add(a, b));
    mix_number(SUBTRACT, f64_subtract(a, b));
    mix_number(MULTIPLY, product);
    mix_number(DIVIDE, f64_divide(a, b));
    mix_number(ROOT, f64_root(a));
    mix_number(TO_FLOAT, (double)narrow);
    mix_number(FROM_INT, from_int);
    mix_number(FROM_UNSIGNED, from_unsigned);
    if (a > -9e18 && a < 9e18)
        mix(TO_INT, (uint64_t)(int64_t)a);
    mix(LESS, (uint64_t)(a < b) | (uint64_t)(a <= b) << 1 | (uint64_t)(a == b) << 2);
}

static void compute_all(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t exponent = 100 + any() % 1800, near = exponent - 70 + any() % 141;
        uint64_t ill_apart = exponent - 32 - any() % 3; /* where libgcc errs */
        uint64_t others[] = {near, ill_apart, any() % 2047};
        for (int n = 0; n < 3; n++) {
            double a = number(exponent), b = number(others[n]);
            compute(a, b);
            compute(b, a);
        }
    }
}

#ifdef __arm__

static void print(const char *text)
{
    __asm volatile("mov r0, #4\n mov r1, %0\n bkpt 0xAB" ::"r"(text) : "r0", "r1", "memory");
}

static void leave(void)
{
    __asm volatile("mov r0, #0x18\n ldr r1, =0x20026\n bkpt 0xAB" ::: "r0", "r1", "memory");
}

void begin(void)
{
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* the unit for floats on */
    main();
    leave();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))0x20010000, begin};

#else

#include <stdio.h>

static void print(const char *text)
{
    fputs(text, stdout);
}

#endif

int main(void)
{
    state = 88172645463325252u; /* on a board nobody has put it there */
    compute_all();
    for (int kind = 0; kind < KINDS; kind++) {
        char line[18];
        for (int i = 0; i < 16; i++)
            line[i] = "0123456789abcdef"[hashes[kind] >> (60 - 4 * i) & 15];
        line[16] = '\n';
        line[17] = 0;
        print(line);
    }
    return 0;
}
