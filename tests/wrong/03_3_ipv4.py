address = "127.0.0.6"
