/* Outgoing messages. */

#ifndef SEND_H
#define SEND_H

#include <stdint.h>

#include "payload.h"

/* Sends one message. */
void send(uint16_t first_word, const void *record, uint16_t size);

/* Sends the message that lies at a place of the payload's memory. */
void send_place(const struct place *place);

/* Sends the payload's outputs of this tick; returns the number of messages. */
uint8_t send_outputs(void);

/* After sequence_repeat the messages sent since sequence_remember are the same bytes again. */
void sequence_remember(void);
void sequence_repeat(void);

#endif
