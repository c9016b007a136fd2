"""Submission packages: built from run directories, written in MLPerf's layout, and checked without being unpacked.

`build.py` makes one, `check.py` judges one. What a package has to be is data (`rulesets/<name>/package.json`); the text
of each rule stands in SPEC.md, section 7.11.
"""
