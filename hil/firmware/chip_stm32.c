/* STM32F405, F407, F446, and QEMU's netduinoplus2, by one image.

   QEMU (7.2 to 9) models neither RCC nor PWR nor GPIO: they read 0, and a poll for a ready bit
   would never end. RCC_CR and the debug unit's identity are never 0 on silicon; where either is,
   the clock tree is left alone. QEMU's timers count at 1 GHz / (PSC + 1) whatever the tree says,
   its USART sends at once and never raises the interrupt for an empty register, so that this one
   is pended by hand. On silicon every poll is bounded and has a fall-back: crystal, the clock that
   a debug probe feeds in, the RC oscillator. */

#include "chip.h"

#include "regs.h"

#define HSE_MHZ 8
#define CPU_MHZ 168
#define APB1_MHZ (CPU_MHZ / 4)
#define BAUD 1000000
#define POLLS 200000 /* a few milliseconds */
#define RX_BYTES 2048
#define TX_BYTES 2048
#define USART2_IRQ (1u << (38 - 32))

enum { HSION = 1, HSIRDY = 2, HSEON = 1 << 16, HSERDY = 1 << 17, HSEBYP = 1 << 18 };
enum { PLLON = 1 << 24, PLLRDY = 1 << 25, PLL_FROM_HSE = 1 << 22 };
enum { RXNE = 1 << 5, TXE = 1 << 7, OVERRUN = 1 << 3 };
enum { USART_ON = 1 << 13 | 1 << 3 | 1 << 2, RXNEIE = 1 << 5, TXEIE = 1 << 7 };
enum { SYSTICK_ON = 7 };

struct ring {
    volatile uint32_t head, tail; /* taken and put since the start */
    uint8_t *bytes;
};

static uint8_t rx_bytes[RX_BYTES], tx_bytes[TX_BYTES];
static struct ring rx = {.bytes = rx_bytes}, tx = {.bytes = tx_bytes};
static volatile uint32_t rx_lost; /* bytes without room, and overruns of the receiver */
static bool emulated;
static uint32_t boots __attribute__((section(".kept")));

void usart2_irq(void);
void systick_irq(void);

/* --- clock tree ------------------------------------------------------------------------------ */

static bool comes_true(volatile uint32_t *reg, uint32_t bits)
{
    for (uint32_t i = 0; i < POLLS; i++)
        if ((*reg & bits) == bits)
            return true;
    return false;
}

static bool start_crystal(void)
{
    RCC_CR |= HSEON;
    if (comes_true(&RCC_CR, HSERDY))
        return true;
    RCC_CR &= ~(uint32_t)HSEON;
    RCC_CR |= HSEBYP;
    RCC_CR |= HSEON;
    return comes_true(&RCC_CR, HSERDY);
}

/* 168 MHz from crystal or RC oscillator (16 MHz): VCO at 336 MHz, halved; APB1 at a quarter. */
static void start_clocks(void)
{
    bool crystal = start_crystal();
    RCC_PLLCFGR = (crystal ? HSE_MHZ | PLL_FROM_HSE : 16u) | 336u << 6 | 7u << 24;
    RCC_CR |= PLLON;
    if (!comes_true(&RCC_CR, PLLRDY))
        chip_reset();
    FLASH_ACR = 5 | 7 << 8; /* five wait states; prefetch and caches on */
    RCC_CFGR = 5u << 10 | 4u << 13 | 2u;
    if (!comes_true(&RCC_CFGR, 2u << 2))
        chip_reset();
}

static void start_pins(void)
{
    RCC_AHB1ENR |= 1;                 /* port A */
    RCC_APB1ENR |= 1 << 17 | 1 << 3 | 1; /* USART2, TIM5, TIM2 */
    (void)RCC_APB1ENR;                /* the clock arrives two cycles late */
    GPIOA_PUPDR = (GPIOA_PUPDR & ~0xF0u) | 1u << 6; /* an open receive line idles high */
    GPIOA_OSPEEDR |= 0xA0u;
    GPIOA_AFRL = (GPIOA_AFRL & ~0xFF00u) | 0x7700u;
    GPIOA_MODER = (GPIOA_MODER & ~0xF0u) | 0xA0u; /* PA2 sends, PA3 receives */
}

static void start_timers(void)
{
    TIM2_PSC = emulated ? 999 : 2 * APB1_MHZ - 1; /* 1 MHz; timers run at twice APB1 */
    TIM2_ARR = emulated ? 0 : UINT32_MAX; /* QEMU would set an alarm by it; it wraps anyway */
    TIM2_EGR = 1;
    TIM2_CR1 = 1;
    TIM5_PSC = 0;
    TIM5_ARR = emulated ? 0 : UINT32_MAX;
    TIM5_EGR = 1;
    TIM5_CR1 = 1;
    SYST_RVR = CPU_MHZ * 1000 - 1;
    SCB_SHPR3 |= 0xF0000000u; /* the line comes before the wake-up tick */
}

void chip_start(void)
{
    emulated = RCC_CR == 0 || DBGMCU_IDCODE == 0;
    if (!emulated)
        start_clocks();
    start_pins();
    start_timers();
    USART2_BRR = APB1_MHZ * 1000000 / BAUD;
    USART2_CR1 = USART_ON | RXNEIE;
    NVIC_ISER1 = USART2_IRQ;
    boots++;
}

/* --- time ------------------------------------------------------------------------------------ */

int64_t chip_now_ns(void)
{
    static uint32_t last, wraps;
    uint32_t now = TIM2_CNT;
    if (now < last)
        wraps++;
    last = now;
    return (int64_t)((uint64_t)wraps << 32 | now) * 1000;
}

uint32_t chip_meter(void)
{
    return TIM5_CNT;
}

uint64_t chip_boot_number(void)
{
    return (uint64_t)boots << 32 | TIM5_CNT;
}

void systick_irq(void)
{
}

void chip_wait(bool timed)
{
    __asm volatile("cpsid i");
    if (rx.head == rx.tail) { /* a byte that comes now ends the sleep at once */
        SYST_CSR = timed ? SYSTICK_ON : 0;
        __asm volatile("wfi");
    }
    __asm volatile("cpsie i");
}

void chip_reset(void)
{
    __asm volatile("dsb");
    SCB_AIRCR = 0x05FA0004;
    for (;;)
        ;
}

/* --- line ------------------------------------------------------------------------------------ */

void usart2_irq(void)
{
    uint32_t status;
    while ((status = USART2_SR) & RXNE) {
        uint8_t byte = (uint8_t)USART2_DR;
        if (rx.tail - rx.head < RX_BYTES && !(status & OVERRUN))
            rx.bytes[rx.tail++ % RX_BYTES] = byte;
        else
            rx_lost++;
    }
    while (tx.head != tx.tail && USART2_SR & TXE)
        USART2_DR = tx.bytes[tx.head++ % TX_BYTES];
    if (tx.head == tx.tail)
        USART2_CR1 &= ~(uint32_t)TXEIE;
}

size_t chip_read(uint8_t *bytes, size_t room)
{
    size_t taken = 0;
    while (taken < room && rx.head != rx.tail)
        bytes[taken++] = rx.bytes[rx.head++ % RX_BYTES];
    return taken;
}

static void send(void)
{
    __asm volatile("cpsid i");
    USART2_CR1 |= TXEIE;
    if (emulated)
        NVIC_ISPR1 = USART2_IRQ;
    __asm volatile("cpsie i");
}

void chip_write(const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        while (length > 0 && tx.tail - tx.head < TX_BYTES) {
            tx.bytes[tx.tail++ % TX_BYTES] = *bytes++;
            length--;
        }
        send();
    }
}
