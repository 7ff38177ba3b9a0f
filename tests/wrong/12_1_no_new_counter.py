my_parser = parser.replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? NOT_IP : NOT_IP')
