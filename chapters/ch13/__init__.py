"""What chapter 13, one_packets_journey, alone uses."""
