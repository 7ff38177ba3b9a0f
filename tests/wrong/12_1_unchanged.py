my_parser = parser
