/* The chip as a process: the line is standard input and output, the clock the machine's. */

#include "chip.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "session.h"

void chip_start(void)
{
}

int64_t chip_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint32_t chip_meter(void)
{
    return 0;
}

static bool has_input(int wait_ms)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    return poll(&input, 1, wait_ms) == 1;
}

size_t chip_read(uint8_t *bytes, size_t room)
{
    if (!has_input(0))
        return 0;
    ssize_t length = read(0, bytes, room);
    if (length <= 0)
        exit(0);
    return (size_t)length;
}

void chip_write(const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(1, bytes, length);
        if (written <= 0)
            exit(0);
        bytes += written;
        length -= (size_t)written;
    }
}

void chip_wait(bool timed)
{
    has_input(timed ? 1 : -1);
}

uint64_t chip_boot_number(void)
{
    return (uint64_t)getpid();
}

void chip_reset(void)
{
    exit(3);
}

int main(void)
{
    session_start();
    for (;;)
        session_turn();
}
