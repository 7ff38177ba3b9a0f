least = {"loader": {"CAP_BPF"}, "listener": {"CAP_BPF"}, "reader": set()}
