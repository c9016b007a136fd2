"""Scores: one number for a set of runs, by MLPerf's rules, with what is needed to believe it."""
