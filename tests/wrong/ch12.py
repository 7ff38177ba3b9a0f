# %% 1 a_list -> ?
my_parser = parser.splitlines()

# %% 1 does_not_compile -> ?
my_parser = parser.replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? LLDP : NOT_IP')

# %% 1 everything_else_is_lldp -> ?
my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES').replace('? ARP : NOT_IP', '? ARP : LLDP')

# %% 1 named_and_not_used -> ?
my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES')

# %% 1 no_byte_order -> ?
my_parser = parser.replace('TOO_MANY, CLASSES', 'TOO_MANY, LLDP, CLASSES').replace('? ARP : NOT_IP', '? ARP : type == 0x88cc ? LLDP : NOT_IP')

# %% 1 no_new_counter -> ?
my_parser = parser.replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? NOT_IP : NOT_IP')

# %% 1 takes_the_place_of_arp -> ?
my_parser = parser.replace('ARP = 256, NOT_IP', 'LLDP = 256, ARP, NOT_IP').replace('? ARP : NOT_IP', '? ARP : type == bpf_htons(0x88cc) ? LLDP : NOT_IP')

# %% 1 unchanged -> ?
my_parser = parser

# %% 2 behind_an_ipv4_address -> ?
def ports(key):
    return int.from_bytes(key[8:10], "big"), int.from_bytes(key[10:12], "big")

# %% 2 by_name -> ?
def ports(key):
    return key["from_port"], key["to_port"]

# %% 2 bytes -> ?
def ports(key):
    return key[32:34], key[34:36]

# %% 2 machine_order -> ?
def ports(key):
    return int.from_bytes(key[32:34], "little"), int.from_bytes(key[34:36], "little")

# %% 2 machine_order_in_a_list -> ?
def ports(key):
    return [int.from_bytes(key[32:34], "little"), int.from_bytes(key[34:36], "little")]

# %% 2 one_byte -> ?
def ports(key):
    return key[32], key[34]

# %% 2 one_number -> ?
def ports(key):
    return int.from_bytes(key[32:36], "big")

# %% 2 other_way_round -> ?
def ports(key):
    return int.from_bytes(key[34:36], "big"), int.from_bytes(key[32:34], "big")

# %% 3 answers -> ?
def dns_bytes(reading):
    return int(reading.traffic["bytes"][reading.keys["from_port"] == 53].sum())

# %% 3 both_ends -> ?
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) & (reading.keys["to_port"] == 53)
    return int(reading.traffic["bytes"][dns].sum())

# %% 3 everything -> ?
def dns_bytes(reading):
    return int(reading.traffic["bytes"].sum())

# %% 3 flows -> ?
def dns_bytes(reading):
    return int(((reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)).sum())

# %% 3 not_added_up -> ?
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)
    return reading.traffic["bytes"][dns]

# %% 3 one_end_alone -> ?
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) ^ (reading.keys["to_port"] == 53)
    return int(reading.traffic["bytes"][dns].sum())

# %% 3 packets -> ?
def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)
    return int(reading.traffic["packets"][dns].sum())

# %% 3 questions -> ?
def dns_bytes(reading):
    return int(reading.traffic["bytes"][reading.keys["to_port"] == 53].sum())

# %% 3 twice -> ?
def dns_bytes(reading):
    keys, counted = reading.keys, reading.traffic["bytes"]
    return int(counted[keys["to_port"] == 53].sum() + counted[keys["from_port"] == 53].sum())

# %% 3 udp_alone -> ?
def dns_bytes(reading):
    keys = reading.keys
    dns = ((keys["from_port"] == 53) | (keys["to_port"] == 53)) & (keys["protocol"] == 17)
    return int(reading.traffic["bytes"][dns].sum())
