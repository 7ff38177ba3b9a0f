"""What chapter 11, measuring, alone uses."""
