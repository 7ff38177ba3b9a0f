least = {"loader": {"BPF"}, "listener": {"CAP_NET_RAW"}, "reader": set()}
