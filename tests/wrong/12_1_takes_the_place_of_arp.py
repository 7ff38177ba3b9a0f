my_parser = parser.replace('ARP = 256, NOT_IP', 'LLDP = 256, ARP, NOT_IP').replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? LLDP : NOT_IP')
