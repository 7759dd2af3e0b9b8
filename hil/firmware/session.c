/* Meeting, loading, beginning, ending; the ticks themselves are in ticks.c.

   A Hello with another boot number begins another session: a flight in progress is over. */

#include "session.h"

#include "chip.h"
#include "frame.h"
#include "kept.h"
#include "payload.h"
#include "records.h"
#include "send.h"
#include "table.h"
#include "ticks.h"

#define REGIONS (sizeof regions / sizeof *regions)
#define READ_CHUNK 64

static struct {
    bool known;  /* the bench has the same schema */
    bool armed;  /* the bench permits faults */
    bool flying; /* between Begin and End */
    bool kept;   /* a core has survived a restart */
    uint64_t boot, bench_boot;
    struct receiver receiver;
} session;

static void send_hello(bool asks)
{
    struct Hello hello = {
        .t_ns = chip_now_ns(),
        .schema = SCHEMA,
        .boot = session.boot,
        .version = VERSION,
        .role = ROLE,
        .asks = asks,
        .kept = session.kept,
    };
    send(HELLO_WORD, &hello, sizeof hello);
}

static void send_end(uint8_t reason)
{
    struct End end = {.t_ns = chip_now_ns(), .reason = reason};
    send(END_WORD, &end, sizeof end);
}

static void send_ready(uint8_t result)
{
    struct Ready ready = {.t_ns = chip_now_ns(), .result = result};
    send(READY_WORD, &ready, sizeof ready);
}

static void stop(void)
{
    ticks_stop();
    session.flying = false;
    session.armed = false;
    kept_forget();
}

static void take_hello(const struct Hello *hello)
{
    if (hello->schema != SCHEMA) {
        session.known = false;
        send_hello(false); /* so that the bench can name the difference */
        send_end(END_REFUSED);
        return;
    }
    if (session.flying && hello->boot != session.bench_boot) {
        stop();
        session.kept = false;
    }
    session.known = true;
    session.bench_boot = hello->boot;
    if (hello->asks)
        send_hello(false);
}

static const struct region *region_of(uint8_t number)
{
    for (uint32_t i = 0; i < REGIONS; i++)
        if (regions[i].number == number)
            return &regions[i];
    return NULL;
}

/* Regions are loaded where they are flown from: there is no room for them twice. */
static void take_block(const struct Block *block)
{
    const struct region *region = region_of(block->region);
    if (session.flying || region == NULL || block->size != region->size ||
        block->length > BLOCK_BYTES || block->offset > region->size ||
        block->length > region->size - block->offset)
        return;
    if (region->is_kept) {
        kept_forget();
        session.kept = false;
    }
    for (uint32_t i = 0; i < block->length; i++)
        payload_memory[region->at + block->offset + i] = block->data[i];
}

static void send_blocks(const struct BlockRequest *request)
{
    const struct region *region = region_of(request->region);
    if (region == NULL || request->offset > region->size)
        return;
    uint32_t left = region->size - request->offset;
    uint32_t end = request->offset + (request->length < left ? request->length : left);
    for (uint32_t at = request->offset; at < end; at += BLOCK_BYTES) {
        struct Block block = {.t_ns = chip_now_ns(), .offset = at, .size = region->size};
        block.region = region->number;
        block.length = (uint8_t)(end - at < BLOCK_BYTES ? end - at : BLOCK_BYTES);
        for (uint32_t i = 0; i < block.length; i++)
            block.data[i] = payload_memory[region->at + at + i];
        send(BLOCK_WORD, &block, sizeof block);
    }
}

/* Whether the regions that Begin needs are present and correct: a READY_ code. */
static uint8_t check_regions(const struct Begin *begin)
{
    for (uint32_t i = 0; i < REGIONS; i++) {
        const struct region *region = &regions[i];
        bool sent = begin->regions >> region->number & 1;
        if (!sent && (i == 0 || begin->start == START_LOADED))
            return READY_INCOMPLETE;
        uint32_t crc;
        __builtin_memcpy(&crc, (const uint8_t *)begin + region->crc_at, sizeof crc);
        if (sent && crc32(0, payload_memory + region->at, region->size) != crc)
            return READY_DIFFERS;
    }
    return begin->start == START_KEPT && !session.kept ? READY_NOTHING_KEPT : READY_STARTED;
}

/* True for an address in a region that was sent or kept. */
static bool stays(const struct Begin *begin, uint32_t at)
{
    for (uint32_t i = 0; i < REGIONS; i++)
        if (at >= regions[i].at && at - regions[i].at < regions[i].size)
            return (begin->regions >> regions[i].number & 1) ||
                   (regions[i].is_kept && begin->start == START_KEPT);
    return false;
}

/* Brings all other memory to the defaults of its records. */
static void clear_memory(const struct Begin *begin)
{
    uint64_t *words = (uint64_t *)(void *)payload_memory;
    for (uint32_t at = 0; at < MEMORY_BYTES; at += 8)
        if (!stays(begin, at))
            words[at / 8] = 0;
    for (const struct word *word = defaults; word->at != NO_WORD; word++)
        if (!stays(begin, word->at))
            words[word->at / 8] = word->value;
}

static void take_begin(const struct Begin *begin)
{
    int64_t now_ns = chip_now_ns();
    uint8_t result = READY_STARTED;
    if (!session.flying) {
        result = check_regions(begin);
        if (result == READY_STARTED) {
            bool realtime = begin->pace == PACE_REALTIME;
            clear_memory(begin);
            result = ticks_start(begin->start, session.armed, realtime,
                                 now_ns + begin->start_in_ns);
        }
        session.flying = result == READY_STARTED;
        if (session.flying) {
            session.kept = false;
            kept_begin();
        }
    }
    send_ready(result);
}

static void take_end(void)
{
    if (session.known && session.flying)
        send_end(END_FINISHED);
    stop();
    session.known = false;
    session.kept = false;
}

static void take(const struct packet *packet)
{
    /* the receiver holds the packet at no particular alignment */
    union {
        uint64_t aligned;
        struct Hello hello;
        struct Block block;
        struct BlockRequest request;
        struct Begin begin;
        struct Arm arm;
    } m;
    bool for_shell = packet->size <= sizeof m;
    if (for_shell)
        __builtin_memcpy(&m, packet->payload, packet->size);
    if (packet->first_word == HELLO_WORD)
        take_hello(&m.hello);
    else if (packet->first_word == END_WORD)
        take_end();
    else if (!session.known)
        return;
    else if (packet->first_word == BLOCK_WORD)
        take_block(&m.block);
    else if (packet->first_word == BLOCK_REQUEST_WORD)
        send_blocks(&m.request);
    else if (packet->first_word == BEGIN_WORD)
        take_begin(&m.begin);
    else if (packet->first_word == ARM_WORD)
        session.armed = m.arm.armed == 1;
    else if (session.flying)
        ticks_take(packet);
}

static uint16_t size_of(uint16_t first_word)
{
    switch (first_word) {
    case HELLO_WORD:
        return sizeof(struct Hello);
    case BLOCK_WORD:
        return sizeof(struct Block);
    case BLOCK_REQUEST_WORD:
        return sizeof(struct BlockRequest);
    case BEGIN_WORD:
        return sizeof(struct Begin);
    case END_WORD:
        return sizeof(struct End);
    case ARM_WORD:
        return ROLE == ROLE_SENSORS ? sizeof(struct Arm) : 0;
    default:
        return ticks_size_of(first_word);
    }
}

void session_start(void)
{
    session.boot = chip_boot_number();
    session.kept = kept_recall();
    send_hello(false);
}

void session_turn(void)
{
    uint8_t bytes[READ_CHUNK];
    size_t length;
    while ((length = chip_read(bytes, sizeof bytes)) > 0) {
        struct packet packet;
        for (size_t i = 0; i < length; i++)
            if (frame_feed(&session.receiver, bytes[i], size_of, &packet))
                take(&packet);
    }
    ticks_turn();
}
