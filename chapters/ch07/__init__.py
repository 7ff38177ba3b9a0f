"""What chapter 07, inside_the_bytecode, alone uses."""
