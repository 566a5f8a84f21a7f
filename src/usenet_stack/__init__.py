"""Deploy and run a self-hosted media stack from one command line."""

__version__ = "0.1.0"
