/* The region that outlives a restart, kept twice: as the payload works on it, and as it was after
   the last tick. Whichever a restart finds whole is flown on from. */

#ifndef KEPT_H
#define KEPT_H

#include <stdbool.h>
#include <stdint.h>

/* A flight begins: its core shall outlive a restart. */
void kept_begin(void);

/* A tick is over, and the region is whole. */
void kept_note(void);

/* The flight is over, or another one's core is loaded. */
void kept_forget(void);

/* True when a flight was cut short and its core is whole; puts it where the payload works on it. */
bool kept_recall(void);

/* Hash of some 64-bit words, as fsw/framework/hash64.py has it. */
uint64_t hash_words(const void *words, uint32_t size);

#endif
