/* What the session needs of the chip. chip_stm32.c is the real thing and QEMU's; the tests on the
   host bring their own. */

#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clocks, line and interrupts on. */
void chip_start(void);

/* Time since the start, microsecond steps. Must be called at least once an hour. */
int64_t chip_now_ns(void);

/* Runs freely: instructions in QEMU under -icount shift=0, half processor cycles on silicon. */
uint32_t chip_meter(void);

/* Takes up to `room` bytes that have arrived. */
size_t chip_read(uint8_t *bytes, size_t room);

/* Queues bytes for sending; waits while there is no room. */
void chip_write(const uint8_t *bytes, size_t length);

/* Sleeps until a byte arrives, or for a millisecond where `timed`. */
void chip_wait(bool timed);

/* Another number after every start. */
uint64_t chip_boot_number(void);

/* Starts again. */
_Noreturn void chip_reset(void);

#endif
