#include "frame.h"

#define UNSEGMENTED 0xC000u /* the two bits above the count, which wraps below them */
#define CRC_RESIDUE 0x2144DF1Cu /* CRC-32 of any message followed by its own, least byte first */

/* Four bits at a time: a table of sixteen words instead of 256. */
uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t length)
{
    static const uint32_t of_nibble[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    crc = ~crc;
    while (length--) {
        crc ^= *bytes++;
        crc = (crc >> 4) ^ of_nibble[crc & 15u];
        crc = (crc >> 4) ^ of_nibble[crc & 15u];
    }
    return ~crc;
}

/* COBS has a special case for 254 bytes without a zero. No packet is that long. */
_Static_assert(MAX_PACKET_BYTES < 254, "COBS needs its long groups");

/* Decodes in place; returns the length, or 0 for what is no code of anything. */
static uint32_t cobs_decode(uint8_t *bytes, uint32_t length)
{
    uint32_t from = 0, to = 0;
    while (from < length) {
        uint32_t code = bytes[from++];
        if (code - 1u > length - from)
            return 0;
        for (uint32_t i = 1; i < code; i++)
            bytes[to++] = bytes[from++];
        if (from < length)
            bytes[to++] = 0;
    }
    return to;
}

static size_t cobs_encode(uint8_t *coded, const uint8_t *bytes, size_t length)
{
    size_t code_at = 0, to = 1;
    uint8_t code = 1;
    for (size_t from = 0; from < length; from++) {
        if (bytes[from] != 0) {
            coded[to++] = bytes[from];
            code++;
        } else {
            coded[code_at] = code;
            code_at = to++;
            code = 1;
        }
    }
    coded[code_at] = code;
    return to;
}

static uint16_t big_endian(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void write_big_endian(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* Judges what stood between two zeros. */
static bool take(struct receiver *receiver, size_lookup *size_of, struct packet *packet)
{
    uint8_t *bytes = receiver->bytes;
    if (receiver->length <= MIN_PACKET_BYTES || receiver->length > MAX_CODED_BYTES) {
        receiver->bad_length++;
        return false;
    }
    uint32_t length = cobs_decode(bytes, receiver->length);
    if (length == 0) {
        receiver->bad_cobs++;
        return false;
    }
    if (crc32(0, bytes, length) != CRC_RESIDUE) {
        receiver->bad_crc++;
        return false;
    }
    uint16_t size = size_of(big_endian(bytes));
    if (size == 0 || big_endian(bytes + 2) < UNSEGMENTED) {
        receiver->bad_header++;
        return false;
    }
    if (length != HEADER_BYTES + CRC_BYTES + (uint32_t)size ||
        big_endian(bytes + 4) != size + CRC_BYTES - 1) {
        receiver->bad_length++;
        return false;
    }
    receiver->packets++;
    *packet = (struct packet){big_endian(bytes), size, bytes + HEADER_BYTES};
    return true;
}

bool frame_feed(struct receiver *receiver, uint8_t byte, size_lookup *size_of,
                struct packet *packet)
{
    if (byte != 0) {
        if (receiver->overlong)
            return false;
        receiver->bytes[receiver->length++] = byte;
        if (receiver->length > MAX_CODED_BYTES) {
            receiver->overlong = true;
            receiver->length = 0;
            receiver->bad_length++;
        }
        return false;
    }
    bool whole = receiver->length > 0 && take(receiver, size_of, packet);
    receiver->length = 0;
    receiver->overlong = false;
    return whole;
}

size_t frame_write(uint8_t *frame, uint16_t first_word, uint16_t sequence, const void *payload,
                   uint16_t size)
{
    uint8_t packet[MAX_PACKET_BYTES];
    size_t length = HEADER_BYTES;
    write_big_endian(packet, first_word);
    write_big_endian(packet + 2, UNSEGMENTED | sequence);
    write_big_endian(packet + 4, size + CRC_BYTES - 1u);
    for (uint16_t i = 0; i < size; i++)
        packet[length++] = ((const uint8_t *)payload)[i];
    uint32_t crc = crc32(0, packet, length);
    for (int i = 0; i < CRC_BYTES; i++, crc >>= 8)
        packet[length++] = (uint8_t)crc;
    frame[0] = 0;
    size_t coded = cobs_encode(frame + 1, packet, length);
    frame[coded + 1] = 0;
    return coded + 2;
}
