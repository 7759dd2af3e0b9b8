"""Packets, framing, session messages, message slots, interface control document."""
