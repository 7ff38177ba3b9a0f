"""What chapter 08, the_verifier, alone uses."""
