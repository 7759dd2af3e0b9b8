#include "send.h"

#include "chip.h"
#include "frame.h"
#include "table.h"

/* Packets are counted per APID, and a repeated answer repeats its counts. The words of the shell's
   own messages come first. */
static uint16_t next_count[SENT_WORDS], remembered[SENT_WORDS];

static uint16_t count_of(uint16_t first_word)
{
    for (uint32_t i = 0; i < SENT_WORDS; i++)
        if (sent_words[i] == first_word)
            return next_count[i]++;
    return 0;
}

void send(uint16_t first_word, const void *record, uint16_t size)
{
    uint8_t frame[MAX_FRAME_BYTES];
    chip_write(frame, frame_write(frame, first_word, count_of(first_word), record, size));
}

void send_place(const struct place *place)
{
    send(place->first_word, payload_memory + place->at, place->size);
}

uint8_t send_outputs(void)
{
    uint8_t sent = 0;
    for (uint32_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        struct place place = outputs[i].place;
        uint8_t count = outputs[i].count_at == NO_COUNT ? 1 : payload_memory[outputs[i].count_at];
        for (; count > 0; count--, sent++, place.at += place.size)
            send_place(&place);
    }
    return sent;
}

void sequence_remember(void)
{
    for (uint32_t i = SHELL_WORDS; i < SENT_WORDS; i++)
        remembered[i] = next_count[i];
}

void sequence_repeat(void)
{
    for (uint32_t i = SHELL_WORDS; i < SENT_WORDS; i++)
        next_count[i] = remembered[i];
}
