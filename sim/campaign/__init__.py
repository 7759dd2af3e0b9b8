"""Campaigns: many flights, sampled, flown, stored and summarised."""
