/* Ticks of the payload, in lockstep and in real time. */

#ifndef TICKS_H
#define TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/* Cost of a tick, by chip_meter; read through a debugger. */
struct meter {
    uint32_t ticks, last, worst;
};
extern struct meter meter;

/* Begins; flight time 0 is at zero_ns of the chip's clock. Returns the result for Ready. */
uint8_t ticks_start(uint8_t how, bool armed, bool realtime, int64_t zero_ns);

void ticks_stop(void);

/* Size of a message that the payload takes; 0 for any other. */
uint16_t ticks_size_of(uint16_t first_word);

/* Takes a message of the payload's. */
void ticks_take(const struct packet *packet);

/* Runs the tick that is due by the clock, else sleeps. */
void ticks_turn(void);

#endif
