// SPDX-License-Identifier: GPL-2.0
// What helper functions want of their arguments, given: the other half of the proof of each row in
// chapters/ch08/verifier/wants.py. All of these are accepted.
#include "../refused.h"

ASM("socket", looks_up, FIND(counters) END)
ASM("socket", updates, KEY "r3 = r2; r1 = counters ll; r4 = 0; call 2;" END)
ASM("socket", deletes, KEY "r1 = wides ll; call 3;" END)
ASM("tc", stores_bytes, KEY "r3 = r2; r2 = 0; r4 = 8; r5 = 0; call 9;" END)
ASM("tc", calls_the_next, "r2 = programs ll; r3 = 1; call 12;" END)
ASM("raw_tp", takes_the_name, "r1 = r10; r1 += -16; r2 = 16; call 16;" END)
ASM("tc", redirects, "r1 = 1; r2 = 0; call 23; exit;")
ASM("socket", sends_an_event, KEY "r4 = r2; r2 = events ll; r3 = 0; r5 = 8; call 25;" END)
ASM("socket", sends_an_empty_event, KEY "r4 = r2; r2 = events ll; r3 = 0; r5 = 0; call 25;" END)
ASM("socket", loads_bytes, "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26; r0 = *(u64 *)(r10 - 8); exit;")
SEC("raw_tp") int prints(void *ctx)
{
	char format[] = "hello";

	return bpf_trace_printk(format, sizeof(format));
}
ASM("raw_tp", takes_a_stack, "r2 = stacks ll; r3 = 0; call 27;" END)
ASM("xdp", moves_the_head, "r2 = 4; call 44; r0 = 2; exit;")
SEC("tc") int releases(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);

	if (socket)
		bpf_sk_release(socket);
	return 0;
}
ASM("raw_tp", reads_memory, "r3 = *(u64 *)(r1 + 0); r1 = r10; r1 += -8; r2 = 8; call 113;" END)
ASM("socket", outputs, KEY "r1 = records ll; r3 = 8; r4 = 0; call 130;" END)
ASM("socket", submits, RESERVE(8) "if r0 == 0 goto +3; r1 = r0; r2 = 0; call 132;" END)
ASM("socket", discards, RESERVE(8) "if r0 == 0 goto +3; r1 = r0; r2 = 0; call 133;" END)
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} groups SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} devices SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} storage SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(key_size, 0);
	__uint(value_size, 8);
} queue SEC(".maps");
MAP(per_processor, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 4, 0);
ASM("tc", replaces_a_sum, "r2 = 24; r3 = 0; r4 = 1; r5 = 2; call 10;" END)
ASM("tc", replaces_the_other_sum, "r2 = 50; r3 = 0; r4 = 1; r5 = 2; call 11;" END)
ASM("tc", puts_a_tag, "r2 = 0x81; r3 = 5; call 18;" END)
ASM("tc", takes_the_tunnel, "r2 = r10; r2 += -32; r3 = 32; r4 = 0; call 20;" END)
ASM("tc", sets_the_tunnel, KEY "r3 = 8; r4 = 0; call 21;" END)
ASM("tc", sums, KEY "r3 = r2; r1 = 0; r2 = 0; r4 = 8; r5 = 0; call 28;" END)
ASM("tc", under_a_group, "r2 = groups ll; r3 = 0; call 33;" END)
ASM("tc", hashes, "call 34;" END)
ASM("raw_tp", task_under_a_group, "r1 = groups ll; r2 = 0; call 37;" END)
ASM("xdp", redirects_by_a_map, "r1 = devices ll; r2 = 0; r3 = 0; call 51; exit;")
ASM("raw_tp", takes_its_stack, "r2 = r10; r2 += -16; r3 = 16; r4 = 0; call 67;" END)
ASM("tc", loads_from_the_network, "r2 = 0; r3 = r10; r3 += -8; r4 = 8; r5 = 1; call 68;" END)
ASM("tc", finds_a_route, KEY "r3 = 8; r4 = 0; call 69;" END)
ASM("cgroup_skb/ingress", takes_its_storage, "r1 = storage ll; r2 = 0; call 81; r0 = *(u64 *)(r0 + 0);" PASS)
ASM("tc", pushes, KEY "r1 = queue ll; r3 = 0; call 87;" END)
ASM("tc", pops, "r1 = queue ll; r2 = r10; r2 += -8; call 88;" END)
SEC("tc") int takes_the_tcp(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;
	struct bpf_tcp_sock *tcp;

	if (!socket)
		return 0;
	tcp = bpf_tcp_sock(socket);
	return tcp ? tcp->snd_cwnd : 0;
}
SEC("tc") int takes_it_whole(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;

	if (!socket)
		return 0;
	socket = bpf_sk_fullsock(socket);
	return socket ? socket->mark : 0;
}
SEC("tc") int finds_over_udp(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);

	if (socket)
		bpf_sk_release(socket);
	return 0;
}
ASM("raw_tp", reads_a_string, "r3 = *(u64 *)(r1 + 0); r1 = r10; r1 += -8; r2 = 8; call 115;" END)
ASM("socket", asks_how_full, "r1 = records ll; r2 = 0; call 134;" END)
static long each(void *map, __u32 *key, __u64 *value, void *data)
{
	*value = *key;
	return 0;
}
SEC("tc") int goes_through_all(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&counters, each, NULL, 0);
}
static int adds(__u32 index, void *data)
{
	*(__u64 *)data += index;
	return 0;
}
SEC("tc") int turns(struct __sk_buff *skb)
{
	__u64 sum = 0;

	bpf_loop(4, adds, &sum, 0);
	return sum;
}
static const char format[] = "%d";
SEC("raw_tp") int writes_a_text(void *ctx)
{
	char text[8];
	__u64 number = 4;

	return bpf_snprintf(text, sizeof(text), format, &number, sizeof(number));
}
SEC("socket") int compares_texts(struct __sk_buff *skb)
{
	char first[8] = "first";

	return bpf_strncmp(first, sizeof(first), format);
}
ASM("tc", value_of_a_processor, KEY "r1 = per_processor ll; r3 = 0; call 195;" END)
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");
ASM("sk_msg", hands_a_message_on, "r2 = sockets ll; r3 = 0; r4 = 0; call 60;" END)
ASM("sockops", keeps_a_socket, "r6 = r1;" KEY "r1 = r6; r3 = r2; r2 = sockets ll; r4 = 0; call 53;" END)
ASM("perf_event", reads_a_sample, "r2 = r10; r2 += -24; r3 = 24; call 56;" END)
ASM("perf_event", reads_a_users_text, "r3 = r1; r1 = r10; r1 += -8; r2 = 8; call 114;" END)
ASM("cgroup/connect4", sets_an_option, "r4 = 1; *(u32 *)(r10 - 4) = r4; r4 = r10; r4 += -4; r2 = 1; r3 = 15; r5 = 4; call 49;" PASS)
ASM("cgroup/sysctl", name_of_a_setting, "r3 = 0; *(u64 *)(r10 - 8) = r3; r2 = r10; r2 += -8; r3 = 8; r4 = 0; call 101;" PASS)
ASM("cgroup/sysctl", sets_a_setting, "r3 = 0; *(u64 *)(r10 - 8) = r3; r2 = r10; r2 += -8; r3 = 8; call 104;" PASS)
