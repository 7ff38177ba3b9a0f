address = "2001:db8::6"
