"""The checker: reads logs and run directories, and says what in them breaks the rules of SPEC.md.

Rules are data (`rulesets/`), checks are pure (`checks/`), a log is read once from its first line to its last
(`judge.py`), and nothing of a log or of a rule is ever executed or used as a path.
"""
