my_parser = parser.splitlines()
