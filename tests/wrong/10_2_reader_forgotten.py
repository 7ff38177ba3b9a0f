least = {"loader": {"CAP_BPF"}, "listener": {"CAP_NET_RAW"}, "reader": None}
