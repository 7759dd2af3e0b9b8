/* From reset to main: vectors, floating-point unit, memory, and the few functions that compilers
   take for granted. */

#include <stddef.h>
#include <stdint.h>

#include "chip.h"
#include "regs.h"

extern uint32_t data_load, data_begin, data_end, bss_begin, bss_end, stack_begin, stack_end;

int main(void);
void start(void);
void *memcpy(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
void __aeabi_unwind_cpp_pr0(void);
void usart2_irq(void);
void systick_irq(void);

void *memcpy(void *to, const void *from, size_t length)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    while (length--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int value, size_t length)
{
    uint8_t *t = to;
    while (length--)
        *t++ = (uint8_t)value;
    return to;
}

/* LLVM names the unwinder of C++ in every object; nothing ever unwinds. */
void __aeabi_unwind_cpp_pr0(void)
{
}

#define STACK_PAINT 0xA5A5A5A5u

static void prepare(void)
{
    SCB_CPACR |= 0xFu << 20; /* the floating-point unit, before code that may use it */
    __asm volatile("dsb\n isb");
    for (uint32_t *to = &data_begin, *from = &data_load; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_begin; to < &bss_end;)
        *to++ = 0;
    uint32_t *here = __builtin_frame_address(0);
    for (uint32_t *to = &stack_begin; to < here - 16;)
        *to++ = STACK_PAINT;
}

void start(void)
{
    prepare();
    main();
}

static void fail(void)
{
    chip_reset();
}

static void *const vectors[16 + 39] __attribute__((section(".vectors"), used)) = {
    &stack_end, start, fail, fail, fail, fail, fail, [11] = fail, [14] = fail,
    [15] = systick_irq, [16 + 38] = usart2_irq,
};
