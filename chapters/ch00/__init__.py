"""What chapter 00, start_here, alone uses."""
