"""What chapter 03, load_attach_count, alone uses."""
