// SPDX-License-Identifier: GPL-2.0
// Maps whose values are maps.
#include "refused.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};
struct inner inside SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {.values = {&inside}};

//= argument_null
SEC("tc") int inner_map_not_asked(struct __sk_buff *skb)
{
	__u32 key = 1;
	void *map = bpf_map_lookup_elem(&outer, &key);
	__u64 *value = bpf_map_lookup_elem(map, &key);

	return value ? *value : 0;
}
//= null
SEC("xdp") int value_of_an_inner_map(struct xdp_md *ctx)
{
	__u32 key = 1;
	void *map = bpf_map_lookup_elem(&outer, &key);
	__u64 *value;

	if (!map)
		return XDP_PASS;
	value = bpf_map_lookup_elem(map, &key);
	return *value;
}
//= map_followed
SEC("tc") int inner_map_read(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *map = bpf_map_lookup_elem(&outer, &key);

	return map ? *map : 0;
}
//= map_type
ASM("tc", inner_map_put, KEY "r3 = r2; r1 = outer ll; r4 = 0; call 2;" END)
