"""What chapter 12, beyond_sockex1, alone uses."""
