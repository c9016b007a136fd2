"""Points above and below a wave: a benchmark as small as one can be, from outside the repository."""
