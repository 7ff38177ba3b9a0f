form = "one hash, please"
