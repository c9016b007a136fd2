"""Reference implementations: those of the checkout, and those of every other folder `reference` on Python's path."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
