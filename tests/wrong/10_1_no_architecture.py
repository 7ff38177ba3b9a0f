guard = refuse(BPF)
