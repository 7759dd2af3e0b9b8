"""What crosses the flight software's boundary: messages, mailbox, events, modes, verdicts."""
