"""Host processes that play an end of a session."""
