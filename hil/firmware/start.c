/* From reset to main: vectors, floating-point unit, memory, and the few functions that compilers
   take for granted. */

#include <stddef.h>
#include <stdint.h>

#include "chip.h"
#include "regs.h"

extern uint32_t data_load[], data_begin[], data_end[], bss_begin[], bss_end[]; /* by board.ld */
extern uint32_t stack_begin[], stack_end[];

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

static void fill(uint32_t *to, const uint32_t *end, uint32_t value)
{
    while (to < end)
        *to++ = value;
}

static void prepare(void)
{
    SCB_CPACR |= 0xFu << 20; /* the floating-point unit, before code that may use it */
    __asm volatile("dsb\n isb");
    memcpy(data_begin, data_load, (size_t)((uintptr_t)data_end - (uintptr_t)data_begin));
    fill(bss_begin, bss_end, 0);
    const uint32_t *here = __builtin_frame_address(0);
    fill(stack_begin, here - 16, STACK_PAINT); /* what is left of it was never in use */
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
    stack_end, start, fail, fail, fail, fail, fail, [11] = fail, [14] = fail,
    [15] = systick_irq, [16 + 38] = usart2_irq,
};
