"""What chapter 09, classic_bpf, alone uses."""
