"""One verb of the command line per file; harness/cli.py names them and imports none until it is asked for."""
