"""What chapter 14, a_monitor_of_your_own, alone uses."""
