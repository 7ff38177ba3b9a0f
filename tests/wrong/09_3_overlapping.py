def scratch(i):
    offset = i.k - 64
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=offset)
    return ebpf(0x61, dst=0, src=10, offset=offset)
