function = ""
