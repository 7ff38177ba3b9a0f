// SPDX-License-Identifier: GPL-2.0
// What is written in good faith, in C: headers, tables, events, arguments in the wrong order.
#include "refused.h"

static __u32 seen[4];

//= context
SEC("socket") int header_of_a_socket(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;

	return eth->h_proto;
}
//= packet_end; 5.10 comparison
SEC("xdp") int ethernet_checked_ip_read(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	return ip->protocol == IPPROTO_UDP ? XDP_DROP : XDP_PASS;
}
//= packet_end
SEC("tc") int sets_the_target(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;

	eth->h_dest[0] = 2;
	return 0;
}
//= packet_end
SEC("xdp") int source_for_a_key(struct xdp_md *ctx)
{
	struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	__u64 *value = bpf_map_lookup_elem(&counters, &ip->saddr);

	return value ? XDP_DROP : XDP_PASS;
}
//= null
SEC("tc") int second_one_not_asked(struct __sk_buff *skb)
{
	__u32 one = 1, two = skb->len & 255;
	__u64 *first = bpf_map_lookup_elem(&counters, &one);
	__u64 *second = bpf_map_lookup_elem(&counters, &two);

	if (!first)
		return 0;
	*first += *second;
	return 0;
}
//= leak_stored
SEC("tc") int remembers_where(struct __sk_buff *skb)
{
	__u32 one = 1, two = 2;
	__u64 *first = bpf_map_lookup_elem(&counters, &one);
	__u64 *second = bpf_map_lookup_elem(&counters, &two);

	if (first && second)
		*first = (long)second;
	return 0;
}
//= value_bounds
SEC("socket") int another_struct(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&counters, &key);

	return wide ? wide->words[3] : 0;
}
//= value_bounds|unbounded
SEC("socket") int table_by_length(struct __sk_buff *skb)
{
	seen[skb->len]++;
	return 0;
}
//= value_bounds
SEC("tc") int table_by_five(struct __sk_buff *skb)
{
	__u32 at = skb->protocol;

	if (at > 4)
		return 0;
	seen[at]++;
	return 0;
}
//= buffer_unset
SEC("socket") int event_in_part(struct __sk_buff *skb)
{
	struct pair pair;

	pair.protocol = 1;
	pair.source = skb->len;
	pair.target = skb->mark;
	bpf_ringbuf_output(&records, &pair, sizeof(pair), 0);
	return 0;
}
//= size
SEC("socket") int as_long_as_the_packet(struct __sk_buff *skb)
{
	__u64 word = 1;

	bpf_ringbuf_output(&records, &word, skb->len, 0);
	return 0;
}
//= value_bounds
SEC("tc") int clears_too_much(struct __sk_buff *skb)
{
	__u64 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	if (wide)
		__builtin_memset(wide, 0, 64);
	return 0;
}
//= argument_kind
SEC("socket") int deletes_number_five(struct __sk_buff *skb)
{
	bpf_map_delete_elem(&counters, (void *)5);
	return 0;
}
//= argument_kind
SEC("socket") int field_for_a_key(struct __sk_buff *skb)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &skb->protocol);

	return value ? *value : 0;
}
//= reference
SEC("socket") int out_without_submit(struct __sk_buff *skb)
{
	__u32 key = skb->mark;
	__u64 *value, *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (!record)
		return 0;
	value = bpf_map_lookup_elem(&counters, &key);
	if (!value)
		goto out;
	*record = *value;
	bpf_ringbuf_submit(record, 0);
out:
	return 0;
}
//= record_bounds
SEC("tc") int more_than_reserved(struct __sk_buff *skb)
{
	struct wide *record = bpf_ringbuf_reserve(&records, sizeof(__u64), 0);

	if (!record)
		return 0;
	record->words[0] = skb->len;
	record->words[1] = skb->mark;
	bpf_ringbuf_submit(record, 0);
	return 0;
}
//= leak_argument
SEC("tc") int stores_in_wrong_order(struct __sk_buff *skb)
{
	__u32 mark = 4;

	return bpf_skb_store_bytes(skb, (long)&mark, 0, 4, 0);
}
//= leak_argument
SEC("socket") int loads_in_wrong_order(struct __sk_buff *skb)
{
	char bytes[8];

	return bpf_skb_load_bytes(skb, (long)bytes, 0, 8);
}
//= leak_argument
SEC("tc") int redirects_to_the_packet(struct __sk_buff *skb)
{
	return bpf_redirect((long)skb, 0);
}
//= leak_key|spilled
SEC("socket") int address_for_a_name(struct __sk_buff *skb)
{
	__u64 key = (long)skb;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	return wide ? 1 : 0;
}
//= atomic_place; 5.10 comparison
SEC("xdp") int adds_to_an_address(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 *source = data + 26;

	if ((void *)(source + 1) > end)
		return XDP_PASS;
	__sync_fetch_and_add(source, 1);
	return XDP_PASS;
}
//= context
SEC("socket") int sets_the_priority(struct __sk_buff *skb)
{
	skb->priority = 7;
	return 0;
}
//= leak_stored|context
SEC("xdp") int sets_the_metadata(struct xdp_md *ctx)
{
	ctx->data_meta = ctx->data;
	return XDP_PASS;
}
//= result
SEC("cgroup_skb/egress") int number_of_the_interface(struct __sk_buff *skb)
{
	return skb->ifindex;
}
//= null
SEC("xdp") int counts_in_a_loop(struct xdp_md *ctx)
{
	for (__u32 key = 0; key < 4; key++) {
		__u64 *value = bpf_map_lookup_elem(&counters, &key);

		*value += key;
	}
	return XDP_PASS;
}
//= stack_unset
SEC("socket") int only_some_are_set(struct __sk_buff *skb)
{
	volatile __u32 lengths[4];

	lengths[0] = skb->len;
	lengths[1] = skb->mark;
	return lengths[0] + lengths[2];
}
//= two_pointers
SEC("xdp") int prints_the_length(struct xdp_md *ctx)
{
	bpf_printk("%d", ctx->data_end - ctx->data);
	return XDP_PASS;
}
//= number_followed
SEC("tc") int address_out_of_a_map(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	return value ? *(__u8 *)(*value) : 0;
}
//= cut
SEC("xdp") int too_short_by_fields(struct xdp_md *ctx)
{
	if (ctx->data + 34 > ctx->data_end)
		return XDP_DROP;
	return XDP_PASS;
}
//= two_pointers
SEC("xdp") int length_of_a_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 length = end - data, key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	if (wide)
		wide->words[0] += length;
	return XDP_PASS;
}
//= guess; 5.10 comparison
SEC("tc") int tcp_behind_options(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + 14;
	__u16 *ports;

	if ((void *)(ip + 1) > end)
		return 0;
	ports = (void *)ip + (ip->ihl << 2);
	if ((void *)(ports + 2) > end)
		return 0;
	return ports[1];
}
//= helper_type
SEC("xdp") int sets_the_class(struct xdp_md *ctx)
{
	return bpf_skb_change_type((void *)ctx, 0);
}
//= helper_type
SEC("cgroup_skb/egress") int redirects_at_a_cgroup(struct __sk_buff *skb)
{
	return bpf_redirect(skb->ifindex, 0);
}
