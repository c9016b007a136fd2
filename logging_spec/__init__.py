"""The log format of sciml-bench: its text (SPEC.md), its keys, its schemas, and a reader and a writer of one line.

Everything here needs the standard library only, so that a third party can log and read without installing anything.
"""
