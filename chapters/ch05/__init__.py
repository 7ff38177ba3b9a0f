"""What chapter 05, bcc, alone uses."""
