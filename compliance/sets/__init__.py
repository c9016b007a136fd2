"""Sets of runs: finding their logs, reading what a log says of its run, and saying which runs belong together.

Scores, reference convergence points and differences are about sets, and all three read them here.
"""
