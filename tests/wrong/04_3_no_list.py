moving = "HOPOPT"
