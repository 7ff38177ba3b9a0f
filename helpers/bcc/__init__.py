"""The same road through bcc: kernel headers for it, and programs."""
