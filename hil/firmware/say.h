/* Messages on their way out. */

#ifndef SAY_H
#define SAY_H

#include <stdint.h>

#include "payload.h"

/* Sends one message. */
void say(uint16_t first_word, const void *record, uint16_t size);

/* Sends the message that lies at a place of the payload's memory. */
void say_place(const struct place *place);

/* Sends all that the payload says in this tick; returns how many messages that is. */
uint8_t say_outputs(void);

/* From here on the same messages will be the same bytes after say_again. */
void say_remember(void);
void say_again(void);

#endif
