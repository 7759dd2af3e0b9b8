"""Verdict, requirements and margins, run monitor, survivability bound."""
