my_parser = parser.replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? LLDP : NOT_IP')
