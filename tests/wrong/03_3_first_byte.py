address = "600::1"
