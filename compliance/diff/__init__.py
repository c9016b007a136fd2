"""Differences of two runs or submissions: in what they were asked to do, and in what and with what they did it."""
