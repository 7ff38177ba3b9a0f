def scratch(i):
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=4 * i.k - 64)
