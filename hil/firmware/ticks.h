/* Ticks of the payload, in lockstep and in real time. */

#ifndef TICKS_H
#define TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/* What a tick cost, by chip_meter; read through a debugger. */
struct meter {
    uint32_t ticks, last, worst;
};
extern struct meter meter;

/* Begins; flight time 0 is at zero_ns of the chip's clock. Returns what Ready shall say. */
uint8_t ticks_start(uint8_t how, bool armed, bool realtime, int64_t zero_ns);

void ticks_stop(void);

/* Size of a message that the payload hears; 0 for none. */
uint16_t ticks_size_of(uint16_t first_word);

/* Takes a message of the payload's. */
void ticks_take(const struct packet *packet);

/* Does what is due by the clock; sleeps when nothing is. */
void ticks_turn(void);

#endif
