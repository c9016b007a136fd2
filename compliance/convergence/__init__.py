"""Reference convergence points: does a set of runs reach its target in fewer epochs than the reference can?

The method is that of MLPerf's training rules, sections "Reference Convergence Points" and "RCP Examples": epochs of the
reference, by batch size; a one-sided pooled two-sample t-test; pruning to the lower convex envelope; interpolation
between batch sizes. `check.check_convergence` is a pure function over the runs of a set.
"""
