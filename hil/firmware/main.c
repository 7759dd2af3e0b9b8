#include "chip.h"
#include "session.h"

int main(void)
{
    chip_start();
    session_start();
    for (;;)
        session_turn();
}
