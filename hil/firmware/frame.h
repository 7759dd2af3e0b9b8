/* Bytes in, packets out; packets in, bytes out. hil/ICD.md describes the frame. */

#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records.h"

#define HEADER_BYTES 6
#define CRC_BYTES 4
#define MAX_CODED_BYTES (MAX_PACKET_BYTES + 1)
#define MAX_FRAME_BYTES (MAX_CODED_BYTES + 2)

/* What has come since the last zero, and counts of what was no packet. */
struct receiver {
    uint8_t bytes[MAX_CODED_BYTES + 1];
    uint32_t length;
    bool overlong;
    uint32_t packets, bad_cobs, bad_length, bad_crc, bad_header;
};

/* A packet that has arrived; `payload` lies in the receiver until it is fed again. */
struct packet {
    uint16_t first_word;
    uint16_t size;
    const uint8_t *payload;
};

/* Size of the record that travels under this first word; 0 when this end does not receive it. */
typedef uint16_t size_lookup(uint16_t first_word);

/* Takes one byte; true when it completes a packet. */
bool frame_feed(struct receiver *receiver, uint8_t byte, size_lookup *size_of,
                struct packet *packet);

/* Writes the frame of one record; returns its length, at most MAX_FRAME_BYTES. */
size_t frame_write(uint8_t *frame, uint16_t first_word, uint16_t sequence, const void *payload,
                   uint16_t size);

/* CRC-32 (ISO-HDLC), to be continued: begins with 0 and is what zlib.crc32 gives. */
uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t length);

#endif
