"""A refusal: what was asked for cannot be done."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - it is no error of ours
    """The command line asks for something that cannot be done; the message says what to do."""
