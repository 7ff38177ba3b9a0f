"""What chapter 01, kernel_config, alone uses."""
