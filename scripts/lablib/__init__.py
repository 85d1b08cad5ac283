"""The parts of scripts/lab."""
