returned = "15"
