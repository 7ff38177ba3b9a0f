my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES').replace('? ARP : NOT_IP', '? ARP : type == 0x88cc ? LLDP : NOT_IP')
