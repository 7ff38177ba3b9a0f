least = [{"CAP_BPF"}, {"CAP_NET_RAW"}, set()]
