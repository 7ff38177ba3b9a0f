least = {"loader": {"CAP_BPF", "CAP_NET_RAW"}, "listener": {"CAP_NET_RAW"}, "reader": set()}
