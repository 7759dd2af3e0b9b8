/* What a payload is to the shell.

   A payload is one object file, compiled from Python kernels, and `table.h`, generated from the
   records; hil/boards/payload.py describes both. The shell keeps the payload's memory, moves
   messages between the line and places in it, and calls the entries below. It knows no field of it
   but those that the table names. */

#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_COUNT UINT32_MAX
#define NO_WORD UINT32_MAX /* ends a list of words */

/* A message of the packet table, and where in the payload's memory it lies. */
struct place {
    uint16_t first_word; /* of the packet header: type and APID */
    uint16_t size;
    uint32_t at;
};

/* Messages that can be sent in a tick: their number is the byte at `count_at`, or always one. */
struct output {
    struct place place;
    uint32_t count_at;
};

/* A memory region as Blocks move it; `crc_at` is where Begin has its CRC-32. */
struct region {
    uint32_t at, size;
    uint16_t crc_at;
    uint8_t number;
    bool is_kept; /* survives a restart */
};

/* A region whose hash is wanted when this bit of the grant's `wants` is set. */
struct wanted_hash {
    uint8_t bit, region;
    uint32_t at;
};

/* A word of memory that does not begin as zero. */
struct word {
    uint32_t at;
    uint64_t value;
};

/* All memory of the payload. */
extern uint8_t payload_memory[];

/* The entries. Status, result and error are how Numba calls; the status is 0 unless the kernel would
   have raised, which none of the flight subset does. */
typedef int32_t entry_1(int64_t *result, void **error, void *memory, int64_t a);
typedef int32_t entry_2(int64_t *result, void **error, void *memory, int64_t a, int64_t b);
typedef int32_t entry_3(int64_t *result, void **error, void *memory, int64_t a, int64_t b,
                       int64_t c);

entry_3 payload_start;  /* how, armed, realtime -> READY_ */
entry_3 payload_grant;  /* tick or -1, now, ticks missed -> messages that belong to the tick */
entry_2 payload_post;   /* APID, now -> 1 to send the reply */
entry_1 payload_step;   /* 1 when all messages came -> 1 when it ran */
entry_3 payload_report; /* begun, stepped, sent */
entry_1 payload_ask;    /* now -> 1 to send the question */

#endif
