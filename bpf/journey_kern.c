// SPDX-License-Identifier: GPL-2.0
// Which stations does a packet pass? Each tracepoint below tells, of one network's packets only.
// Built in chapter 13. Needs the kernel's BTF, Linux 5.8 or later, and CAP_PERFMON beside CAP_BPF.

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

// Of the kernel's own structures only the fields that are read. Where they lie differs from kernel
// to kernel: libbpf finds out when it loads the program (CO-RE).
#define FROM_THE_KERNEL __attribute__((preserve_access_index))
struct ns_common { unsigned int inum; } FROM_THE_KERNEL;
struct net { struct ns_common ns; } FROM_THE_KERNEL;
typedef struct { struct net *net; } FROM_THE_KERNEL possible_net_t;
struct sock_common { possible_net_t skc_net; } FROM_THE_KERNEL;
struct sock { struct sock_common __sk_common; } FROM_THE_KERNEL;
struct net_device { char name[16]; possible_net_t nd_net; } FROM_THE_KERNEL;
struct sk_buff {
	struct sock *sk;
	struct net_device *dev;
	unsigned int len;
	__be16 protocol;
	unsigned char *head;
} FROM_THE_KERNEL;
enum skb_drop_reason { SKB_NOT_DROPPED_YET };

#ifndef ROOM // bytes of the ring buffer
#define ROOM (1 << 22)
#endif

struct event {
	__u64 time;         // nanoseconds since the machine started
	__u64 skb;          // the address of the packet's struct sk_buff, which is its name here
	__u64 data;         // the address of its bytes: a clone has the same
	__u64 socket;       // the address of the socket that owns it, 0: none
	__u64 place;        // kfree_skb: the address in the kernel's code that drops it
	__u32 length;       // bytes, from the header that is looked at now on
	__u32 reason;       // kfree_skb: enum skb_drop_reason
	__u32 cpu;
	char interface[16];
	char station[28];   // the tracepoint's name
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ROOM);
} events SEC(".maps");

// Under 0 the network that is watched, the inode number of /proc/PID/ns/net; under 1 how many
// events found no room.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

// Packets of that network that are under way: the address, and the EtherType.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u64);
} under_way SEC(".maps");

// The network that a packet is in: its interface's, else its owner's; 0: it has neither now, or
// something else is kept in the field of the interface, as in a UDP socket's queue.
static __always_inline __u32 network_of(struct sk_buff *skb, struct net_device *dev)
{
	__u32 network = BPF_CORE_READ(dev, nd_net.net, ns.inum);

	return network ? network : BPF_CORE_READ(skb, sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline int is_ours(struct sk_buff *skb, struct net_device *dev)
{
	__u64 address = (__u64)skb, protocol = BPF_CORE_READ(skb, protocol), *known;
	__u32 first = 0, network = network_of(skb, dev);
	__u64 *watched = bpf_map_lookup_elem(&numbers, &first);

	if (watched && network && network == *watched && protocol) {
		bpf_map_update_elem(&under_way, &address, &protocol, BPF_ANY);
		return 1;
	}
	known = bpf_map_lookup_elem(&under_way, &address);
	if (known && !network && *known == protocol)
		return 1;
	if (known) // the address is another packet's by now
		bpf_map_delete_elem(&under_way, &address);
	return 0;
}

static __always_inline struct event *begin(void)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	__u32 second = 1;
	__u64 *lost;

	if (event) {
		__builtin_memset(event, 0, sizeof(*event));
		event->time = bpf_ktime_get_ns();
		event->cpu = bpf_get_smp_processor_id();
	} else if ((lost = bpf_map_lookup_elem(&numbers, &second))) {
		__sync_fetch_and_add(lost, 1);
	}
	return event;
}

static __always_inline struct event *look(struct sk_buff *skb)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	struct event *event = is_ours(skb, dev) ? begin() : 0;

	if (!event)
		return 0;
	event->skb = (__u64)skb;
	event->data = (__u64)BPF_CORE_READ(skb, head);
	event->socket = (__u64)BPF_CORE_READ(skb, sk);
	event->length = BPF_CORE_READ(skb, len);
	bpf_core_read_str(event->interface, sizeof(event->interface), &dev->name);
	return event;
}

#define SAY(event, name)                                             \
	do {                                                         \
		__builtin_memcpy((event)->station, name, sizeof(name)); \
		bpf_ringbuf_submit(event, 0);                        \
	} while (0)

#ifdef FUNCTIONS // a function of the kernel, whose first argument is the packet; which, place tells
SEC("fentry/ip_rcv")
int function(__u64 *arguments)
{
	struct event *event = look((void *)arguments[0]);

	if (event) {
		event->place = bpf_get_func_ip(arguments);
		SAY(event, "function");
	}
	return 0;
}
#else
// A program for one tracepoint, whose first argument is the packet.
#define STATION(name)                                                \
	SEC("raw_tp/" #name)                                         \
	int name(struct bpf_raw_tracepoint_args *tracepoint)         \
	{                                                            \
		struct event *event = look((void *)tracepoint->args[0]); \
                                                                     \
		if (event)                                           \
			SAY(event, #name);                           \
		return 0;                                            \
	}

STATION(net_dev_queue)
STATION(net_dev_start_xmit)
STATION(netif_rx_entry)
STATION(netif_rx_ni_entry)
STATION(netif_rx)
STATION(napi_gro_receive_entry)
STATION(netif_receive_skb_entry)
STATION(netif_receive_skb)
STATION(icmp_send)
STATION(skb_copy_datagram_iovec)

// The driver has had it, and may have freed it: the address is a name now, and nothing to follow.
SEC("raw_tp/net_dev_xmit")
int net_dev_xmit(struct bpf_raw_tracepoint_args *tracepoint)
{
	struct net_device *dev = (void *)tracepoint->args[2];
	__u64 address = tracepoint->args[0];
	struct event *event;

	if (!bpf_map_lookup_elem(&under_way, &address))
		return 0;
	event = begin();
	if (!event)
		return 0;
	event->skb = address;
	event->length = tracepoint->args[3];
	bpf_core_read_str(event->interface, sizeof(event->interface), &dev->name);
	SAY(event, "net_dev_xmit");
	return 0;
}

// Two ways to end: used, or dropped. From here on the address may be given to another packet.
SEC("raw_tp/consume_skb")
int consume_skb(struct bpf_raw_tracepoint_args *tracepoint)
{
	__u64 address = tracepoint->args[0];
	struct event *event = look((void *)address);

	if (event)
		SAY(event, "consume_skb");
	bpf_map_delete_elem(&under_way, &address);
	return 0;
}

SEC("raw_tp/kfree_skb")
int kfree_skb(struct bpf_raw_tracepoint_args *tracepoint)
{
	__u64 address = tracepoint->args[0];
	struct event *event = look((void *)address);

	if (event) {
		event->place = tracepoint->args[1];
		if (bpf_core_type_exists(enum skb_drop_reason)) // since Linux 5.17
			event->reason = tracepoint->args[2];
		SAY(event, "kfree_skb");
	}
	bpf_map_delete_elem(&under_way, &address);
	return 0;
}
#endif

char LICENSE[] SEC("license") = "GPL";
