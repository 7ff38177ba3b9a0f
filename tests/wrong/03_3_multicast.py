address = "ff06::1"
