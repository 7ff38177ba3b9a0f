"""Numbers of the kernel's headers, under the kernel's own names: each stands here and nowhere else.

Under the road. This module imports nothing. tests/test_uapi.py compiles a C program that prints
every name here, out of HEADERS, and compares; the structures that bpf(2) takes are in
helpers/syscall/forms.py, the opcodes of eBPF in helpers/asm. What differs from processor to
processor stays with who uses it: the number of bpf(2) is in helpers/syscall/call.py.
"""

# Where the names come from, below /usr/include; the first is the C library's.
HEADERS = (
    "sys/socket.h",
    "linux/audit.h",
    "linux/bpf.h",
    "linux/capability.h",
    "linux/if.h",
    "linux/if_arp.h",
    "linux/if_ether.h",
    "linux/if_link.h",
    "linux/if_packet.h",
    "linux/if_tun.h",
    "linux/ioctl.h",
    "linux/netlink.h",
    "linux/pkt_cls.h",
    "linux/pkt_sched.h",
    "linux/prctl.h",
    "linux/rtnetlink.h",
    "linux/sched.h",
    "linux/seccomp.h",
    "linux/sockios.h",
    "asm-generic/socket.h",
)

# linux/bpf.h: enum bpf_map_type, and the flags of a map and of an update
BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY = 1, 2
BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_PERF_EVENT_ARRAY = 3, 4
BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY = 5, 6
BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH = 9, 10
BPF_MAP_TYPE_STACK_TRACE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 7, 21
BPF_MAP_TYPE_RINGBUF, BPF_MAP_TYPE_BLOOM_FILTER = 27, 30
BPF_MAP_TYPE_CGROUP_ARRAY, BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_SK_STORAGE = 8, 19, 24
BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS = 12, 13
BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_CPUMAP, BPF_MAP_TYPE_XSKMAP = range(14, 18)
BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK = 25, 22, 23
BPF_F_NO_PREALLOC, BPF_F_NO_COMMON_LRU, BPF_F_NUMA_NODE, BPF_F_RDONLY, BPF_F_WRONLY = 1, 2, 4, 8, 16
BPF_F_STACK_BUILD_ID, BPF_F_ZERO_SEED, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG = 32, 64, 128, 256
BPF_F_CLONE, BPF_F_MMAPABLE, BPF_F_PRESERVE_ELEMS, BPF_F_INNER_MAP = 512, 1024, 2048, 4096
BPF_ANY, BPF_NOEXIST, BPF_EXIST = 0, 1, 2
# enum bpf_prog_type
BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP = 1, 3, 6
BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_RAW_TRACEPOINT = 8, 17
BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY = 26, 24
BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_PERF_EVENT = 5, 7
# bpf(2) makes a link; on which hooks of tc (since 6.6: headers may be older)
BPF_CGROUP_INET_EGRESS, BPF_TCX = 1, {"ingress": 46, "egress": 47}
BPF_LINK_CREATE, BPF_LINK_DETACH = 28, 34
# What src_reg of a 64-bit immediate says that it is
BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_BTF_ID, BPF_PSEUDO_FUNC = range(1, 5)
BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE = 5, 6
# The numbers of helper functions
BPF_FUNC_map_lookup_elem, BPF_FUNC_map_update_elem, BPF_FUNC_map_delete_elem = 1, 2, 3
BPF_FUNC_ktime_get_ns, BPF_FUNC_get_prandom_u32, BPF_FUNC_get_smp_processor_id = 5, 7, 8
BPF_FUNC_skb_load_bytes, BPF_FUNC_skb_load_bytes_relative, BPF_FUNC_skb_pull_data = 26, 68, 39
BPF_FUNC_ringbuf_output, BPF_FUNC_ringbuf_reserve = 130, 131
BPF_FUNC_ringbuf_submit, BPF_FUNC_ringbuf_discard = 132, 133
BPF_FUNC_spin_lock, BPF_FUNC_spin_unlock = 93, 94

# asm-generic/socket.h, sys/socket.h, linux/if_packet.h, linux/if_ether.h: sockets
SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_ATTACH_BPF = 26, 27, 50
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST, PACKET_OUTGOING = range(5)
ETH_P_ALL = 3

# linux/sockios.h, linux/if.h: interfaces, by ioctl
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFHWADDR, IFF_UP = 0x8913, 0x8914, 0x8927, 1
# linux/if_tun.h: an interface whose other end is a file
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

# linux/netlink.h, linux/rtnetlink.h, linux/if_link.h: interfaces, by netlink
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE, NLM_F_DUMP = 0x1, 0x4, 0x200, 0x400, 0x300
NLA_F_NESTED = 0x8000
NLMSG_ERROR = 2
RTM_GETLINK, RTM_SETLINK, RTM_NEWQDISC, RTM_DELQDISC = 18, 19, 36, 37
RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER = 44, 45, 46
IFLA_IFNAME, IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS = 3, 43, 1, 3
XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE = 2, 4

# linux/pkt_sched.h, linux/pkt_cls.h: traffic control. clsact holds filters and queues nothing.
TC_H_CLSACT, TC_H_MAJ_MASK = 0xFFFFFFF1, 0xFFFF0000
TC_H_MIN_INGRESS, TC_H_MIN_EGRESS = 0xFFF2, 0xFFF3
TCA_KIND, TCA_OPTIONS = 1, 2
TCA_BPF_FD, TCA_BPF_NAME, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT = 6, 7, 8, 1

# linux/sched.h, linux/prctl.h, linux/seccomp.h, linux/audit.h: processes
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
CLONE_NEWIPC, CLONE_NEWPID = 0x08000000, 0x20000000
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 4, 8, 24, 36
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 = 0xC000003E, 0x40000003
AUDIT_ARCH_AARCH64, AUDIT_ARCH_RISCV64 = 0xC00000B7, 0xC00000F3

# linux/capability.h
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID = range(5)
CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_LINUX_IMMUTABLE = range(5, 10)
CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST, CAP_NET_ADMIN, CAP_NET_RAW = range(10, 14)
CAP_IPC_LOCK, CAP_IPC_OWNER, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_CHROOT = range(14, 19)
CAP_SYS_PTRACE, CAP_SYS_PACCT, CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_NICE = range(19, 24)
CAP_SYS_RESOURCE, CAP_SYS_TIME, CAP_SYS_TTY_CONFIG, CAP_MKNOD, CAP_LEASE = range(24, 29)
CAP_AUDIT_WRITE, CAP_AUDIT_CONTROL, CAP_SETFCAP, CAP_MAC_OVERRIDE = range(29, 33)
CAP_MAC_ADMIN, CAP_SYSLOG, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND, CAP_AUDIT_READ = range(33, 38)
CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE = range(38, 41)

# struct __sk_buff of linux/bpf.h: where its fields lie, in bytes
SK_BUFF = {
    "len": 0, "pkt_type": 4, "mark": 8, "queue_mapping": 12, "protocol": 16, "vlan_present": 20,
    "vlan_tci": 24, "vlan_proto": 28, "priority": 32, "ingress_ifindex": 36, "ifindex": 40,
    "tc_index": 44, "cb[0]": 48, "cb[1]": 52, "cb[2]": 56, "cb[3]": 60, "cb[4]": 64, "hash": 68,
}  # fmt: skip
