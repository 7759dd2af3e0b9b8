"""WIRE: packets, links, clocks, the host flight computer, the sensor emulator, sessions, logs."""
