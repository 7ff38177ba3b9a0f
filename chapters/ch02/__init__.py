"""What chapter 02, compile_the_sample, alone uses."""
