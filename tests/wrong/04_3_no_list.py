shown = "HOPOPT"
