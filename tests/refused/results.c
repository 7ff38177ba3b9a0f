// SPDX-License-Identifier: GPL-2.0
// Results that are not the type's, and those of functions.
#include "refused.h"

//= result
SEC("cgroup_skb/ingress") int seven(struct __sk_buff *skb)
{
	return 7;
}
//= result
SEC("cgroup_skb/ingress") int minus_one(struct __sk_buff *skb)
{
	return -1;
}
//= result
SEC("cgroup_skb/egress") int four(struct __sk_buff *skb)
{
	return 4;
}
//= result
SEC("cgroup_skb/ingress") int the_length(struct __sk_buff *skb)
{
	return skb->len;
}
//= result
SEC("cgroup_skb/ingress") int result_of_a_helper(struct __sk_buff *skb)
{
	__u32 word;

	return bpf_skb_load_bytes(skb, 0, &word, sizeof(word));
}
//= result
SEC("cgroup_skb/ingress") int masked_too_wide(struct __sk_buff *skb)
{
	return skb->len & 3;
}
//= result
ASM("cgroup_skb/ingress", two_on_a_path, "r0 = *(u32 *)(r1 + 0); if r0 > 9 goto +2;" PASS "r0 = 2; exit;")
static __attribute__((noinline)) long *own_stack(struct __sk_buff *skb)
{
	long local = skb->len;
	long *address;

	asm volatile("%0 = r10; %0 += -8; *(u64 *)(r10 - 8) = %1;" : "=r"(address) : "r"(local));
	return address;
}
//= stack_returned
SEC("socket") int address_of_a_frame(struct __sk_buff *skb)
{
	return *own_stack(skb) != 0;
}
static __attribute__((noinline)) int look(struct __sk_buff *skb)
{
	__u32 key = load_byte(skb, 23);
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	return *value;
}
//= null
SEC("socket") int null_in_a_function(struct __sk_buff *skb)
{
	return look(skb) + 1;
}
static __attribute__((noinline)) __u64 *find(__u32 key)
{
	return bpf_map_lookup_elem(&counters, &key);
}
//= null
SEC("tc") int null_from_a_function(struct __sk_buff *skb)
{
	return *find(skb->protocol & 255);
}
static __attribute__((noinline)) int sum(__u64 *value, __u32 more)
{
	return value[2] + more;
}
//= value_bounds
SEC("socket") int behind_in_a_function(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	return value ? sum(value, skb->len) : 0;
}
