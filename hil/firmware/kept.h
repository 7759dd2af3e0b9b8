/* The region that survives a restart, kept twice: where the payload works on it, and a copy made
   after the last tick. The flight goes on from the one that is intact. */

#ifndef KEPT_H
#define KEPT_H

#include <stdbool.h>
#include <stdint.h>

/* A flight begins: its core is kept over a restart. */
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
