// SPDX-License-Identifier: GPL-2.0
// Calculating and comparing with addresses, and numbers that no calculation takes.
#include "refused.h"

//= operation
ASM("socket", twice_an_address, "r1 *= 2;" END)
//= operation
ASM("socket", masked_address, "r1 &= -8;" END)
//= operation
ASM("socket", address_or_one, "r2 = r10; r2 |= 1;" END)
//= operation
ASM("tc", divided, "r1 /= 16;" END)
//= operation
ASM("xdp", exclusive, "r2 = 5; r1 ^= r2;" END)
//= operation
ASM("socket", shifted_stack, "r2 = r10; r2 <<= 1;" END)
//= operation
ASM("socket", negated, "r1 = -r1;" END)
//= operation
ASM("socket", bytes_swapped, "r1 = be16 r1;" END)
//= operation
ASM("socket", number_times_address, "r2 = 3; r2 *= r1;" END)
//= operation
ASM("tc", value_masked, FIND(counters) "if r0 == 0 goto +1; r0 &= 255;" END)
//= operation
ASM("xdp", packet_masked, FRAME "r2 &= -4;" END)
//= two_pointers
ASM("socket", sum_of_two, "r1 += r10;" END)
//= two_pointers
ASM("socket", difference_of_two, "r2 = r10; r2 -= r1;" END)
//= two_pointers
ASM("tc", length_of_the_packet, DATA "r3 -= r2; r0 = r3; exit;")
//= two_pointers
SEC("xdp") int length_by_ends(struct xdp_md *ctx)
{
	long length = (void *)(long)ctx->data_end - (void *)(long)ctx->data;

	asm volatile("" : "+r"(length));
	return length > 99;
}
//= two_pointers
ASM("xdp", packet_plus_itself, FRAME "r2 += r2;" END)
//= number_less_pointer
ASM("socket", number_less_an_address, "r2 = 4096; r2 -= r1;" END)
//= number_less_pointer
ASM("tc", number_less_the_stack, "r2 = 8; r2 -= r10;" END)
//= fixed_pointer
ASM("tc", end_less_eight, DATA "r3 -= 8;" END)
//= fixed_pointer
ASM("xdp", end_plus_one, FRAME "r3 += 1;" END)
//= fixed_pointer
SEC("cgroup_skb/ingress") int room_before_the_end(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	end -= 20;
	asm volatile("" : "+r"(end));
	return data < end;
}
//= cut
ASM("socket", half_of_the_stack, "r2 = r10; w2 += -8;" END)
//= cut
ASM("socket", half_of_the_context, "w1 -= 4;" END)
//= cut
ASM("tc", half_copied, "w2 = w1; r0 = r2; exit;")
//= unbounded
ASM("socket", far_from_the_stack, "r2 = r10; r2 += -2147483648;" END)
//= unbounded
ASM("socket", value_moved_far, FIND(counters) "if r0 == 0 goto +2; r1 = 0x7fffffff ll; r0 += r1;" END)
//= guess
ASM("tc", header_of_the_packet,
    "r6 = r1;" DATA "r4 = *(u32 *)(r1 + 0); r4 &= 60; r2 += r4; r0 = 0; exit;")
//= guess; 5.10 comparison
SEC("xdp") int by_the_header_length(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct udphdr *udp;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	udp = (void *)ip + ip->ihl * 4;
	if ((void *)(udp + 1) > end)
		return XDP_PASS;
	return udp->dest ? XDP_PASS : XDP_DROP;
}
//= guess
ASM("xdp", constant_in_a_register, FRAME "r4 = 14; r2 += r4; r0 = 2; exit;")
//= comparison
ASM("socket", address_and_number, "if r1 > 5 goto +0;" END)
//= comparison
ASM("socket", address_and_itself, "r2 = r1; if r1 == r2 goto +0;" END)
//= comparison
ASM("socket", stack_and_context, "if r1 != r10 goto +0;" END)
//= comparison
ASM("tc", value_and_number, FIND(counters) "if r0 == 7 goto +0;" END)
//= comparison
ASM("xdp", bits_of_an_address, ".8byte 0x0000000700000145;" END)
//= comparison
ASM("tc", halves_of_the_packet, DATA "if w2 > w3 goto +0;" END)
//= comparison
ASM("xdp", packet_and_number, FRAME "r4 = 9; if r2 > r4 goto +0;" END)
//= comparison
SEC("socket") int same_value(struct __sk_buff *skb)
{
	__u32 one = 1, two = 2;
	__u64 *first = bpf_map_lookup_elem(&counters, &one);
	__u64 *second = bpf_map_lookup_elem(&counters, &two);

	return first == second;
}
//= divisor
ASM("socket", by_zero, "r0 = 8; r0 /= 0; exit;")
//= divisor
ASM("tc", rest_of_zero, "w0 = 8; .8byte 0x0000000000000094; exit;")
//= shift
ASM("socket", by_64, "r0 = 1; r0 <<= 64; exit;")
//= shift
ASM("xdp", by_32, "w0 = 1; w0 >>= 32; exit;")
//= shift
ASM("socket", by_minus_one, "r0 = 1; r0 s>>= -1; exit;")
