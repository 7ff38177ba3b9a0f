headers_only = "b7 00 00 00 22 00 00 00"
