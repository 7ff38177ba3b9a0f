def scratch(i):
    if i.code == 0x02:
        return ebpf(0x63, dst=10, src=0, offset=-64)
    return ebpf(0x61, dst=0, src=10, offset=-64)
