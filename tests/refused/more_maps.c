// SPDX-License-Identifier: GPL-2.0
// Maps of other types than arrays and hashes, and what may be done with each.
#include "refused.h"

#define KEYED(NAME, KIND, KEY, VALUE) \
	struct { \
		__uint(type, KIND); \
		__uint(max_entries, 4); \
		__uint(key_size, KEY); \
		__uint(value_size, VALUE); \
	} NAME SEC(".maps")
KEYED(devices, BPF_MAP_TYPE_DEVMAP, 4, 4);
KEYED(processors, BPF_MAP_TYPE_CPUMAP, 4, 4);
KEYED(queue, BPF_MAP_TYPE_QUEUE, 0, 8);
KEYED(bloom, BPF_MAP_TYPE_BLOOM_FILTER, 0, 8);
KEYED(groups, BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4);
MAP(per_processor, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 4, 0);
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} storage SEC(".maps");
//= map_type|read_only
ASM("xdp", device_put, KEY "r3 = r2; r1 = devices ll; r4 = 0; call 2;" END)
//= map_type
ASM("xdp", processor_looked_up, KEY "r1 = processors ll; call 1;" END)
//= map_type
SEC("xdp") int redirected_by_an_array(struct xdp_md *ctx)
{
	return bpf_redirect_map(&counters, 0, 0);
}
//= map_type
ASM("tc", queue_looked_up, KEY "r1 = queue ll; call 1;" END)
//= map_type
ASM("socket", pushed_into_a_hash, KEY "r1 = wides ll; r3 = 0; call 87;" END)
//= map_type
ASM("cgroup_skb/ingress", storage_looked_up, KEY "r1 = storage ll; call 1;" PASS)
//= map_type
ASM("cgroup_skb/egress", storage_in_an_array, "r1 = counters ll; r2 = 0; call 81;" PASS)
//= flags
ASM("cgroup_skb/ingress", storage_with_a_flag, "r1 = storage ll; r2 = 1; call 81;" PASS)
//= helper_type
ASM("socket", storage_of_a_socket, "r1 = storage ll; r2 = 0; call 81;" END)
//= value_bounds
ASM("cgroup_skb/ingress", behind_the_storage, "r1 = storage ll; r2 = 0; call 81; r0 = *(u64 *)(r0 + 8);" PASS)
//= map_type
ASM("socket", stack_looked_up, KEY "r1 = stacks ll; call 1;" END)
//= map_type; from 5.16
ASM("socket", bloom_looked_up, KEY "r1 = bloom ll; call 1;" END)
//= map_type
ASM("tc", under_an_array, "r2 = counters ll; r3 = 0; call 33;" END)
//= map_type; 5.10 helper_type|helper_unknown
ASM("tc", processor_of_an_array, KEY "r1 = counters ll; r3 = 0; call 195;" END)
//= map_type
ASM("socket", asked_how_full, "r1 = counters ll; r2 = 0; call 134;" END)
//= read_only
SEC("tc") int bytes_into_what_is_fixed(struct __sk_buff *skb)
{
	__u32 key = 0;
	void *value = bpf_map_lookup_elem(&fixed, &key);

	return value ? bpf_skb_load_bytes(skb, 0, value, 8) : 0;
}
//= write_only
SEC("socket") int event_of_what_is_sealed(struct __sk_buff *skb)
{
	__u32 key = 0;
	void *value = bpf_map_lookup_elem(&sealed, &key);

	return value ? bpf_perf_event_output(skb, &events, 0, value, 8) : 0;
}
//= write_only
ASM("tc", key_of_what_is_sealed, FIND(sealed) "if r0 == 0 goto +4; r2 = r0; r1 = wides ll; call 1;" END)
//= value_short
ASM("tc", value_of_another_map, FIND(counters) "if r0 == 0 goto +8; r3 = r0; r2 = r10; r2 += -8; r1 = wides ll; r4 = 0; call 2;" END)
//= key_bounds
ASM("socket", key_of_another_map, FIND(counters) "if r0 == 0 goto +4; r2 = r0; r1 = pairs ll; call 1;" END)
//= leak_stored
SEC("tc") int record_into_a_value(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);
	__u64 *record;

	if (!value)
		return 0;
	record = bpf_ringbuf_reserve(&records, 8, 0);
	if (!record)
		return 0;
	*value = (long)record;
	bpf_ringbuf_submit(record, 0);
	return 0;
}
//= leak_key
ASM("socket", address_for_a_key, "*(u64 *)(r10 - 8) = r1; r2 = r10; r2 += -8; r1 = wides ll; call 1;" END)
//= leak_key
ASM("tc", address_for_a_value, KEY "*(u64 *)(r10 - 16) = r1; r3 = r10; r3 += -16; r1 = counters ll; r4 = 0; call 2;" END)
//= leak_key
SEC("xdp") int event_with_an_address(struct xdp_md *ctx)
{
	struct {
		void *where;
		__u64 length;
	} event = {ctx, 4};

	bpf_perf_event_output(ctx, &events, 0, &event, sizeof(event));
	return XDP_PASS;
}
//= value_bounds|unbounded
SEC("socket") int remainder_of_seven(struct __sk_buff *skb)
{
	__u64 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	return wide ? wide->words[skb->len % 7] : 0;
}
//= value_bounds
SEC("raw_tp") int masked_at_a_tracepoint(void *ctx)
{
	__u64 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	return wide ? wide->words[bpf_get_prandom_u32() & 7] : 0;
}
//= read_only
SEC("tc") int update_of_fixed(struct __sk_buff *skb)
{
	__u64 value = 1;
	__u32 key = 0;

	return bpf_map_update_elem(&fixed, &key, &value, 0);
}
//= read_only
SEC("xdp") int delete_of_fixed(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_delete_elem(&fixed, &key) ? XDP_DROP : XDP_PASS;
}
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} kept SEC(".maps");
//= null
SEC("cgroup_skb/egress") int kept_and_not_asked(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;
	__u64 *value;

	if (!socket)
		return 1;
	socket = bpf_sk_fullsock(socket);
	if (!socket)
		return 1;
	value = bpf_sk_storage_get(&kept, socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
	return *value & 1;
}
