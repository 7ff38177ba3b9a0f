"""What chapter 10, containers, alone uses."""
