/* Single functions of the shell on a workbench. Standard input holds requests, each a letter and
   its operands, little-endian; standard output their answers.

   e  size u16, first word u16, sequence u16, record   ->  length u16, frame
   d  size u16, bytes                                  ->  what the receiver made of them
   z                                                       forget what was received
   k  first word u16, size u16                             hear this message, too
   c  size u16, bytes                                  ->  CRC-32 u32
   h  size u16, words                                  ->  hash u64
   + - /  double, double                               ->  double
   r  double                                           ->  double */

#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "kept.h"

double f64_add(double a, double b);
double f64_subtract(double a, double b);
double f64_divide(double a, double b);
double f64_root(double x);

uint8_t payload_memory[1 << 17];
static struct receiver receiver;
static uint16_t sizes[0x10000]; /* of the records that this end hears, by first word */

static void take(void *to, size_t size)
{
    if (fread(to, 1, size, stdin) != size && size > 0)
        __builtin_trap();
}

static uint16_t take_u16(void)
{
    uint8_t bytes[2];
    take(bytes, 2);
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void give(const void *from, size_t size)
{
    fwrite(from, 1, size, stdout);
}

static uint16_t size_of(uint16_t first_word)
{
    return sizes[first_word];
}

static void encode(void)
{
    uint8_t record[MAX_PACKET_BYTES], frame[MAX_FRAME_BYTES];
    uint16_t size = take_u16(), first_word = take_u16(), sequence = take_u16();
    take(record, size);
    uint16_t length = (uint16_t)frame_write(frame, first_word, sequence, record, size);
    give(&length, sizeof length);
    give(frame, length);
}

/* The number of packets, each as first word, size, record; then the counters. */
static void decode(void)
{
    static uint8_t out[1 << 16];
    uint16_t count = 0, size = take_u16();
    size_t at = 0;
    for (uint16_t i = 0; i < size; i++) {
        uint8_t byte;
        struct packet packet;
        take(&byte, 1);
        if (frame_feed(&receiver, byte, size_of, &packet)) {
            memcpy(out + at, &packet.first_word, 2);
            memcpy(out + at + 2, &packet.size, 2);
            memcpy(out + at + 4, packet.payload, packet.size);
            at += 4u + packet.size;
            count++;
        }
    }
    give(&count, sizeof count);
    give(out, at);
    uint32_t counters[] = {receiver.packets, receiver.bad_cobs, receiver.bad_length,
                           receiver.bad_crc, receiver.bad_header};
    give(counters, sizeof counters);
}

static void sum(int letter)
{
    static uint64_t words[1 << 13];
    uint16_t size = take_u16();
    take(words, size);
    if (letter == 'c') {
        uint32_t crc = crc32(0, (const uint8_t *)words, size);
        give(&crc, sizeof crc);
    } else {
        uint64_t hash = hash_words(words, size);
        give(&hash, sizeof hash);
    }
}

static double computed(int letter, double a, double b)
{
    switch (letter) {
    case '+':
        return f64_add(a, b);
    case '-':
        return f64_subtract(a, b);
    case '/':
        return f64_divide(a, b);
    default:
        return f64_root(a);
    }
}

static void compute(int letter)
{
    double a, b = 0.0;
    take(&a, sizeof a);
    if (letter != 'r')
        take(&b, sizeof b);
    double x = computed(letter, a, b);
    give(&x, sizeof x);
}

int main(void)
{
    for (int letter; (letter = getchar()) != EOF; fflush(stdout)) {
        if (letter == 'e')
            encode();
        else if (letter == 'd')
            decode();
        else if (letter == 'z')
            memset(&receiver, 0, sizeof receiver);
        else if (letter == 'k') {
            uint16_t first_word = take_u16();
            sizes[first_word] = take_u16();
        } else if (letter == 'c' || letter == 'h')
            sum(letter);
        else
            compute(letter);
    }
}
