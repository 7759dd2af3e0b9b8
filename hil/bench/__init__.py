"""The bench: it holds a session, in lockstep or in real time, and compares runs."""
