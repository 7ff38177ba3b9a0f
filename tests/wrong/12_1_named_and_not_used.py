my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES')
