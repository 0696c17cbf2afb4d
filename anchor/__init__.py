"""The anchor service and the public chain."""
