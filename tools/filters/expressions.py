"""The filter expressions that are compared, by the families of pcap-filter(7).

Laboratory equipment. `{left}` and `{right}` stand for the numbers of the two interfaces.
"""

FAMILIES = {
    "hosts and networks": """
host 192.0.2.1|src host 192.0.2.1|dst host 192.0.2.2|ip host 198.51.100.7|host 2001:db8::1
ip6 src host 2001:db8::2|net 192.0.2.0/24|src net 198.51.100|net 192.0.2.0 mask 255.255.255.0
dst net 2001:db8::/32|host (192.0.2.1 or 198.51.100.7) and not udp|arp host 192.0.2.1""",
    "ports": """
port 53|src port 53|dst port 53|tcp port 80|udp port 53 and ip|portrange 50-60
udp dst portrange 5000-6100|sctp port 9|tcp src portrange 1024-65535|port domain|ip6 and port 53
not port 53""",
    "protocols": """
ip|ip6|arp|rarp|tcp|udp|icmp|icmp6|igmp|pim|vrrp|sctp|ah|esp|proto 17|ip proto 47
ip proto \\sctp|ip6 proto 58|ip proto 89|ether proto 0x88cc|ether proto \\ip|ether proto \\arp
stp|iso|isis|esis|clnp|ipx|netbeui|atalk|aarp|decnet|lat|moprc|mopdl|sca
not ip and not ip6 and not arp""",
    "Ethernet": """
ether host 02:00:00:00:00:0a|ether src 02:00:00:00:00:0b|ether dst 02:00:00:00:00:0c
ether broadcast|broadcast|ether multicast|multicast|ip broadcast|ip multicast|ip6 multicast
ether[0] & 1 = 0 and ip[16] >= 224|ether[12:2] = 0x8100|ether[6:4] = 0x02000000""",
    "VLAN tags": """
vlan|vlan 5|vlan 7|vlan and udp|vlan 5 and tcp|vlan and arp|vlan 10 and vlan 20
vlan and vlan|vlan and vlan 20 and udp|not vlan|vlan or udp|udp or vlan|vlan 5 or vlan 7
vlan and host 192.0.2.1|vlan and tcp[13] & 2 != 0|ip and not vlan|udp and vlan 5|vlan 5 and ip6
vlan and vlan and vlan|vlan and ip[8] = 64|vlan 0x123""",
    "MPLS, PPPoE, Geneve": """
mpls|mpls 100|mpls 100 and mpls 200|mpls and host 192.0.2.1|mpls and udp|pppoed|pppoes
pppoes 0x11|pppoes and ip|pppoes and udp port 53|pppoes and ip6|pppoes 0x11 and host 192.0.2.1
geneve|geneve 7|geneve and icmp|geneve 7 and ip|vlan and mpls|vlan and pppoes
vlan and pppoes and ip""",
    "802.2": """
llc|llc i|llc s|llc u|llc ui|llc rr|llc xid|ether[12:2] < 1500|link[14] = 0x42""",
    "fields of IP": """
ip[0] & 0xf != 5|ip[6:2] & 0x1fff != 0|ip[6] & 0x20 != 0|ip[8] < 5|ip[1] & 0xfc = 0xb8
ip6[6] = 44|ip6[6] = 0 and ip6[40] = 58|ip6[7] = 255|ip6[0:2] & 0xff0 = 0xb80
ip and ip[2:2] - ((ip[0] & 0xf) << 2) > 40|(ip[12:4] ^ ip[16:4]) & 0xff = 3""",
    "fields of TCP, UDP, ICMP": """
tcp[tcpflags] & tcp-syn != 0|tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src net 10.0.0.0/8
tcp[tcpflags] == tcp-ack|tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420|udp[4:2] > 100
icmp[icmptype] = icmp-echo|icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply
icmp[icmpcode] = 3|icmp6[icmp6type] = icmp6-echo|arp[6:2] = 1|rarp[6:2] = 3|sctp[0:2] = 9""",
    "lengths and arithmetic": """
len > 100|len <= 60|greater 100|less 60|len % 3 = 0|len = 64|(udp[0:2] * 2 + 1) % 4 = 3
len - 14 = ip[2:2]|udp[4:2] / 4 = 25|-1 = 0xffffffff|greater 100 and less 200""",
    "what the kernel knows": """
inbound|outbound|inbound and udp|ifindex {left}|ifindex {right} and ip|inbound and vlan
outbound and vlan 5|not inbound""",
    "loops, and what there is none of": """
ip protochain 17|ip6 protochain 58|icmp6 protochain 58|type mgt|wlan addr1 02:00:00:00:00:01|on eth0
ip host 2001:db8::1|port 99999|ip and ip6|vlan 5000|gateway 192.0.2.1|tcp[0:3] = 0|dst broadcast
ether proto|link proto 3|ppp proto 33|lat host 1|llc q""",
}


def split(text: str) -> list[str]:
    """`|` with a blank on neither side, or a new line, ends an expression."""
    joined = text.strip().replace("(tcp-syn|tcp-fin)", "(tcp-syn\0tcp-fin)").replace("\n", "|")
    return [each.replace("\0", "|") for each in joined.split("|")]


EXPRESSIONS = {text: family for family, many in FAMILIES.items() for text in split(many)}
