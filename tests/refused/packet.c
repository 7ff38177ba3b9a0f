// SPDX-License-Identifier: GPL-2.0
// The packet: its end, its beginning, what may be written, and the old instructions that read it.
#include "refused.h"

//= packet_end
SEC("tc") int first_byte(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;

	return *data;
}
//= packet_end; 5.10 comparison
SEC("cgroup_skb/egress") int one_header_too_few(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	struct udphdr *udp = data + sizeof(*ip);

	if (data + sizeof(*ip) > end)
		return 1;
	return udp->len ? 1 : 0;
}
//= packet_end; 5.10 comparison
SEC("xdp") int after_the_wrong_branch(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if (data + sizeof(*eth) <= end)
		return XDP_PASS;
	return eth->h_proto ? XDP_PASS : XDP_DROP;
}
//= packet_end; 5.10 comparison
SEC("tc") int one_byte_off(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 33 > end)
		return 0;
	return data[33];
}
//= packet_end; 5.10 comparison
ASM("tc", before_the_packet, DATA "r4 = r2; r4 += 8; if r4 > r3 goto +1; r0 = *(u8 *)(r2 - 1);" END)
//= packet_end; 5.10 comparison
ASM("xdp", wide_at_the_edge, FRAME "r4 = r2; r4 += 8; if r4 > r3 goto +1; r0 = *(u64 *)(r2 + 1);" END)
//= packet_end; 5.10 comparison
ASM("xdp", compared_the_wrong_way, FRAME "r4 = r2; r4 += 8; if r3 > r4 goto +2; r0 = *(u64 *)(r2 + 0); r0 = 2;" END)
//= comparison
ASM("tc", equal_is_not_enough, DATA "r4 = r2; r4 += 8; if r4 != r3 goto +0; r0 = *(u8 *)(r2 + 0);" END)
//= packet_end; 5.10 comparison
ASM("cgroup_skb/ingress", checked_then_moved,
    DATA "r4 = r2; r4 += 20; if r4 > r3 goto +2; r2 += 20; r0 = *(u8 *)(r2 + 0);" PASS)
//= packet_end
ASM("tc", stored_unchecked, DATA "r0 = 0; *(u16 *)(r2 + 12) = r0; exit;")
//= packet_end
ASM("xdp", sum_unchecked, FRAME "r2 += 14; r0 = *(u8 *)(r2 + 0);" END)
//= packet_end; 5.10 comparison
SEC("xdp") int after_the_head_moved(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 34 > end)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	return data[0];
}
//= unset; 5.10 comparison
ASM("tc", old_address_after_a_store,
    "r6 = r1;" DATA "r4 = r2; r4 += 8; if r4 > r3 goto +10; r7 = r2; r2 = 0; *(u64 *)(r10 - 8) = r2;"
    "r1 = r6; r2 = 0; r3 = r10; r3 += -8; r4 = 4; r5 = 0; call 9; r0 = *(u8 *)(r7 + 0);" END)
//= packet_write; 5.10 comparison
SEC("cgroup_skb/egress") int writes_at_the_cgroup(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 20 > end)
		return 1;
	data[8] = 64;
	return 1;
}
//= packet_write
ASM("cgroup_skb/ingress", writes_unchecked, DATA "r0 = 1; *(u8 *)(r2 + 0) = r0; exit;")
//= end_followed
ASM("tc", reads_at_the_end, DATA "r0 = *(u8 *)(r3 + 0); exit;")
//= end_followed
ASM("xdp", reads_before_the_end, FRAME "r0 = *(u32 *)(r3 - 4); exit;")
//= end_followed
ASM("xdp", writes_at_the_end, FRAME "r0 = 0; *(u8 *)(r3 + 0) = r0; exit;")
//= metadata
ASM("xdp", metadata_unchecked, "r2 = *(u32 *)(r1 + 8); r0 = *(u32 *)(r2 + 0); exit;")
//= metadata
ASM("tc", metadata_at_tc, "r2 = *(u32 *)(r1 + 140); r0 = *(u8 *)(r2 + 3); exit;")
//= comparison
SEC("xdp") int metadata_and_end(struct xdp_md *ctx)
{
	__u32 *meta = (void *)(long)ctx->data_meta;
	void *end = (void *)(long)ctx->data_end;

	if ((void *)(meta + 1) > end)
		return XDP_PASS;
	return *meta;
}
//= atomic_place; 5.10 comparison
ASM("xdp", adds_to_the_packet,
    FRAME "r4 = r2; r4 += 8; if r4 > r3 goto +2; r0 = 1; lock *(u64 *)(r2 + 0) += r0;" END)
//= atomic_place
ASM("tc", adds_to_an_unchecked_packet, DATA "r0 = 1; lock *(u32 *)(r2 + 0) += r0;" END)
//= load_type
ASM("xdp", old_load_at_xdp, "r6 = r1; r0 = *(u8 *)skb[23]; exit;")
//= load_type
ASM("cgroup_skb/ingress", old_load_at_cgroup, "r6 = r1; r0 = *(u16 *)skb[12]; exit;")
//= load_context
ASM("socket", without_the_context, "r6 = 3; r0 = *(u8 *)skb[23]; exit;")
//= load_context
ASM("socket", with_the_stack, "r6 = r10; r7 = 2; r0 = *(u16 *)skb[r7]; exit;")
//= unset
ASM("socket", before_the_context, "r0 = *(u8 *)skb[23]; exit;")
//= unset
ASM("tc", index_of_nothing, "r6 = r1; r0 = *(u8 *)skb[r8]; exit;")
//= cut
SEC("tc") int a_number_of_32_bits(struct __sk_buff *skb)
{
	if (skb->data + 14 > skb->data_end)
		return 0;
	return 1;
}
//= cut
ASM("xdp", lower_half, FRAME "w2 += 14; r0 = 2; exit;")
//= cut
ASM("xdp", shifted_up, FRAME "r2 <<= 32; r2 >>= 32; r0 = 2; exit;")
//= cut
ASM("tc", copied_in_part, DATA "w4 = w2; r0 = 0; exit;")
//= packet_far; 5.10 comparison
SEC("xdp") int beyond_what_is_followed(struct xdp_md *ctx)
{
	char *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	at += 70000;
	if (at + 1 > end)
		return XDP_PASS;
	return *(volatile char *)at;
}
//= packet_far; 5.10 comparison
SEC("tc") int key_beyond_what_is_followed(struct __sk_buff *skb)
{
	char *at = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (at + 65540 > end)
		return 0;
	return bpf_map_lookup_elem(&counters, at + 65534) != NULL;
}
//= packet_far; 5.10 comparison
SEC("tc") int key_within_but_compared_beyond(struct __sk_buff *skb)
{
	char *at = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (at + 65540 > end)
		return 0;
	return bpf_map_lookup_elem(&counters, at + 65500) != NULL;
}
//= packet_far; 5.10 comparison
SEC("tc") int in_strides_to_the_end(struct __sk_buff *skb)
{
	char *at = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 sum = 0;

	for (; at + 64 <= end; at += 64)
		sum += *(volatile __u8 *)at;
	return sum & 1;
}
