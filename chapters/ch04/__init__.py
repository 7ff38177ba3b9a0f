"""What chapter 04, live_plot, alone uses."""
