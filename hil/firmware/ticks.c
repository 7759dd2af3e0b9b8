/* One tick is the same in both paces: grant, messages, step, answer. In lockstep the bench grants
   it, its messages wait until then, and a repeated grant is answered with the same bytes. In
   real time a payload that paces itself is granted ticks by the clock, on a grid that a late one
   does not shift: missed ticks are counted and skipped. */

#include "ticks.h"

#include "chip.h"
#include "kept.h"
#include "payload.h"
#include "records.h"
#include "send.h"
#include "table.h"

#define INPUTS (sizeof inputs / sizeof *inputs)
#define HASHES (sizeof wanted_hashes / sizeof *wanted_hashes)
#define APID_MASK 0x7FFu
#define WAITING_BYTES 2048
#define NEAR_NS 1500000 /* a deadline nearer than this is polled for */

/* Calls an entry. A kernel that fails has met an impossible state: restart. */
#define CALL(entry, ...)                                                            \
    __extension__({                                                                \
        int64_t returned = 0;                                                      \
        void *error;                                                               \
        if (entry(&returned, &error, payload_memory, __VA_ARGS__) != 0)               \
            chip_reset();                                                          \
        returned;                                                                  \
    })

struct meter meter;
uint8_t payload_memory[MEMORY_BYTES] __attribute__((section(".kept"), aligned(8)));

static struct {
    bool running, realtime;
    bool answered, flown; /* of the last tick in lockstep: answered, ran */
    int64_t answered_ns;  /* its t_ns */
    int64_t zero_ns;      /* chip's clock at time 0 of the payload's */
    int64_t next;         /* tick that the pacer waits for; before 0 only questions are sent */
    int64_t missed;       /* ticks skipped since the last one */
    uint32_t waiting_length;
    int64_t waiting_count;
    uint8_t waiting[WAITING_BYTES]; /* lockstep: messages of a tick that is not granted yet */
} ticks;

static int64_t now_ns(void)
{
    return chip_now_ns() - ticks.zero_ns;
}

static void note_cost(uint32_t begun)
{
    meter.last = chip_meter() - begun;
    meter.ticks++;
    if (meter.last > meter.worst)
        meter.worst = meter.last;
}

static void copy(uint8_t *to, const uint8_t *from, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = from[i];
}

static const struct place *input_of(uint16_t first_word)
{
    for (uint32_t i = 0; i < INPUTS; i++)
        if (inputs[i].first_word == first_word)
            return &inputs[i];
    return NULL;
}

static void post(const struct place *place, const uint8_t *payload, int64_t at_ns)
{
    copy(payload_memory + place->at, payload, place->size);
    if (CALL(payload_post, place->first_word & APID_MASK, at_ns) == 1)
        send_place(&reply);
}

/* --- lockstep -------------------------------------------------------------------------------- */

/* A waiting message is its number among the inputs and its bytes. One without room is missing when
   the tick is granted, and is then sent again. */
static void wait_for_grant(const struct place *place, const uint8_t *payload)
{
    if (ticks.waiting_length + 1u + place->size > WAITING_BYTES)
        return;
    ticks.waiting[ticks.waiting_length++] = (uint8_t)(place - inputs);
    copy(ticks.waiting + ticks.waiting_length, payload, place->size);
    ticks.waiting_length += place->size;
    ticks.waiting_count++;
}

static void post_waiting(int64_t at_ns)
{
    for (uint32_t at = 0; at < ticks.waiting_length;) {
        const struct place *place = &inputs[ticks.waiting[at++]];
        post(place, ticks.waiting + at, at_ns);
        at += place->size;
    }
}

static void answer(bool whole)
{
    payload_memory[DONE_MESSAGES_AT] = whole && ticks.flown ? send_outputs() : 0;
    for (uint32_t i = 0; i < HASHES; i++) {
        const struct wanted_hash *wanted = &wanted_hashes[i];
        const struct region *region = &regions[wanted->region];
        uint64_t hash = 0;
        if (whole && (payload_memory[GRANT_WANTS_AT] & wanted->bit) != 0)
            hash = hash_words(payload_memory + region->at, region->size);
        __builtin_memcpy(payload_memory + wanted->at, &hash, sizeof hash);
    }
    send_place(&done);
}

static void take_grant(const uint8_t *payload)
{
    int64_t t_ns;
    __builtin_memcpy(&t_ns, payload, sizeof t_ns);
    if (ticks.answered && t_ns == ticks.answered_ns) {
        sequence_repeat();
        answer(true);
    } else {
        uint32_t begun = chip_meter();
        copy(payload_memory + grant.at, payload, grant.size);
        bool whole = CALL(payload_grant, -1, t_ns, 0) == ticks.waiting_count;
        if (whole)
            post_waiting(t_ns);
        bool flown = CALL(payload_step, whole) == 1;
        if (whole) {
            kept_note();
            note_cost(begun);
            ticks.answered = true;
            ticks.answered_ns = t_ns;
            ticks.flown = flown;
        }
        sequence_remember();
        answer(whole);
    }
    ticks.waiting_length = 0;
    ticks.waiting_count = 0;
}

/* --- real time ------------------------------------------------------------------------------- */

static void fly(int64_t tick, int64_t granted_ns)
{
    uint32_t meter_begun = chip_meter();
    int64_t begun_ns = now_ns();
    CALL(payload_grant, tick, granted_ns, ticks.missed);
    bool flown = CALL(payload_step, 1) == 1;
    kept_note();
    note_cost(meter_begun);
    ticks.missed = 0;
    if (!flown)
        return;
    int64_t stepped_ns = now_ns();
    payload_memory[DONE_MESSAGES_AT] = send_outputs();
    CALL(payload_report, begun_ns, stepped_ns, now_ns());
    send_place(&timing);
}

/* Skips ticks that were due at past_ns or before; the first one is never skipped. */
static void skip_to(int64_t past_ns)
{
    if (ticks.next <= 0)
        return;
    while (ticks.next * TICK_NS <= past_ns) {
        ticks.next++;
        ticks.missed++;
    }
}

static void pace(void)
{
    int64_t wait_ns = ticks.next * TICK_NS - now_ns();
    if (wait_ns > 0) {
        if (wait_ns > NEAR_NS)
            chip_wait(true);
        return;
    }
    skip_to(now_ns() - TICK_NS);
    if (ticks.next >= 0)
        fly(ticks.next, ticks.next * TICK_NS);
    if (CALL(payload_ask, now_ns()) == 1)
        send_place(&question);
    ticks.next++;
    skip_to(now_ns());
}

/* --- either ---------------------------------------------------------------------------------- */

uint8_t ticks_start(uint8_t how, bool armed, bool realtime, int64_t zero_ns)
{
    uint8_t result = (uint8_t)CALL(payload_start, how, armed, realtime);
    ticks.running = result == READY_STARTED;
    ticks.realtime = realtime;
    ticks.answered = false;
    ticks.waiting_length = 0;
    ticks.waiting_count = 0;
    ticks.zero_ns = realtime && PACES_ITSELF ? zero_ns : 0;
    ticks.next = now_ns() < 0 ? now_ns() / TICK_NS : 0;
    if (now_ns() >= 0 && how != START_ANEW) /* it flies on from what it was, never from time 0 */
        ticks.next = now_ns() / TICK_NS + 1;
    ticks.missed = 0;
    meter = (struct meter){0};
    return result;
}

void ticks_stop(void)
{
    ticks.running = false;
}

uint16_t ticks_size_of(uint16_t first_word)
{
    const struct place *place = first_word == grant.first_word ? &grant : input_of(first_word);
    return place == NULL ? 0 : place->size;
}

void ticks_take(const struct packet *packet)
{
    bool grants = packet->first_word == grant.first_word;
    if (grants && !ticks.realtime)
        take_grant(packet->payload);
    else if (grants) {
        copy(payload_memory + grant.at, packet->payload, grant.size);
        if (!PACES_ITSELF) /* else it is for the next tick */
            fly(-1, now_ns());
    } else if (ticks.realtime)
        post(input_of(packet->first_word), packet->payload, now_ns());
    else
        wait_for_grant(input_of(packet->first_word), packet->payload);
}

void ticks_turn(void)
{
    if (ticks.running && ticks.realtime && PACES_ITSELF)
        pace();
    else
        chip_wait(false);
}
