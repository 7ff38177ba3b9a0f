"""What chapter 06, the_bpf_system_call, alone uses."""
