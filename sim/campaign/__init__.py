"""Campaigns: many flights, drawn, flown, stored and summed up."""
