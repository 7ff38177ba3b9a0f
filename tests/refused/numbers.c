// SPDX-License-Identifier: GPL-2.0
// Numbers: signed and unsigned, of 32 and of 64 bits, and what comes out of calculating.
#include "refused.h"

//= unbounded
ASM("socket", signed_from_above, FIND(counters) "if r0 == 0 goto +5; r1 = *(u64 *)(r0 + 0); if r1 s> 7 goto +3; r0 += r1; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= unbounded
ASM("tc", lower_half_compared, FIND(counters) "if r0 == 0 goto +5; r1 = *(u64 *)(r0 + 0); if w1 > 7 goto +3; r0 += r1; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= unbounded
ASM("xdp", not_compared_at_all, FIND(counters) "if r0 == 0 goto +4; r1 = *(u64 *)(r0 + 0); r0 += r1; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= value_bounds|unbounded
ASM("tc", shifted_with_its_sign, "r6 = *(u32 *)(r1 + 8);" FIND(counters) "if r0 == 0 goto +5; r6 <<= 32; r6 s>>= 32; r0 += r6; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= value_bounds|unbounded
ASM("socket", less_than_nothing, "r6 = *(u32 *)(r1 + 0);" FIND(counters) "if r0 == 0 goto +6; r6 &= 7; r6 -= 8; r0 += r6; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= value_bounds
ASM("tc", subtracted_index, "r6 = *(u32 *)(r1 + 0);" FIND(counters) "if r0 == 0 goto +4; r6 &= 7; r0 -= r6; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= value_bounds; 5.10 encoding; 6.1 encoding
ASM("tc", byte_with_its_sign, "r6 = *(u32 *)(r1 + 0);" FIND(counters) "if r0 == 0 goto +4; .8byte 0x00000000000866bf; r0 += r6; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= value_bounds; 5.10 encoding; 6.1 encoding
ASM("socket", loaded_with_its_sign, FIND(counters) "if r0 == 0 goto +4; .8byte 0x0000000000000191; r0 += r1; r2 = 0; *(u8 *)(r0 + 0) = r2;" END)
//= divisor; 5.10 encoding|divisor; 6.1 encoding|divisor
ASM("socket", signed_by_zero, "r0 = 8; .8byte 0x0000000000010037; exit;")
//= operation; 5.10 encoding; 6.1 encoding
ASM("socket", swapped_whole, ".8byte 0x00000010000001d7;" END)
//= operation
ASM("tc", address_shifted_by, "r2 = r10; r3 = 3; r2 >>= r3;" END)
//= operation
ASM("socket", remainder_of_an_address, ".8byte 0x0000001000000197;" END)
//= cut
ASM("xdp", lower_half_of_a_value, FIND(counters) "if r0 == 0 goto +1; w0 += 1;" END)
//= two_pointers
ASM("tc", values_subtracted, FIND(counters) "r6 = r0;" FIND(wides) "if r0 == 0 goto +2; if r6 == 0 goto +1; r6 -= r0;" END)
//= encoding
ASM("socket", jump_with_both, "r0 = 0; r2 = 0; .8byte 0x000000050000201d;" END)
//= encoding
ASM("socket", call_with_an_offset, ".8byte 0x0000000700010085;" END)
//= encoding
ASM("tc", move_with_both, "r2 = 0; .8byte 0x00000005000020bf;" END)
//= encoding
ASM("xdp", store_with_a_register, ".8byte 0x00000005fff83a7a;" END)
//= encoding
ASM("socket", load_with_a_number, ".8byte 0x0000000500001061;" END)
//= outside
ASM("socket", into_the_middle, "r2 = 0; if r2 == 0 goto +1; r3 = 4294967297 ll;" END)
//= outside
ASM("tc", goes_far_away, "goto +999;" END)
//= unset
ASM("socket", unset_on_the_long_way, "r2 = *(u32 *)(r1 + 0); if r2 == 0 goto +2; if r2 == 1 goto +1; r6 = 7; r0 = r6; exit;")
//= unset
SEC("tc") int argument_lost(struct __sk_buff *skb)
{
	register __u64 second asm("r2");

	asm volatile("call 7;" : "=r"(second) : : "r0", "r1", "r3", "r4", "r5");
	return second;
}
//= frame
ASM("tc", frame_stored_over, "r2 = 4; .8byte 0x000000000000a2bf; .8byte 0x0000000000002abf;" END)
//= stack_bounds
ASM("raw_tp", index_over_the_end, "r1 = 0; *(u64 *)(r10 - 8) = r1; *(u64 *)(r10 - 16) = r1; call 7; r0 &= 15; r1 = r10; r1 += -16; r1 += r0; r0 = *(u8 *)(r1 + 8);" END)
//= spilled
ASM("tc", overwritten_by_a_helper, "r6 = r1; *(u64 *)(r10 - 8) = r1; r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26; r1 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r1 + 0); exit;")
//= endless
SEC("xdp") int until_it_is_seven(struct xdp_md *ctx)
{
	while (bpf_get_prandom_u32() != 7)
		;
	return XDP_PASS;
}
//= many_turns
SEC("xdp") int three_million_turns(struct xdp_md *ctx)
{
	__u64 sum = 0;

	for (int i = 0; i < 3000000; i++)
		asm volatile("%0 += 1" : "+r"(sum));
	return sum & 1;
}
//= many_turns
SEC("socket") int rows_and_columns(struct __sk_buff *skb)
{
	__u64 sum = 0;

	for (int row = 0; row < 3000; row++)
		for (int column = 0; column < 3000; column++)
			asm volatile("%0 += 1" : "+r"(sum));
	return sum & 1;
}
//= many_turns
SEC("cgroup_skb/ingress") int over_and_past(struct __sk_buff *skb)
{
	__u32 i = 0;

	while (i != 999999)
		asm volatile("%0 += 2" : "+r"(i));
	return 1;
}
//= many_turns
SEC("tc") int counted_with_a_break(struct __sk_buff *skb)
{
	__u64 sum = 0;

	for (int i = 0; i < 500000; i++) {
		asm volatile("%0 += 1" : "+r"(sum));
		if (bpf_get_prandom_u32() == 7)
			break;
	}
	return sum & 1;
}
//= endless
SEC("socket") int until_the_mark_is_seven(struct __sk_buff *skb)
{
	while (*(volatile __u32 *)&skb->mark != 7)
		;
	return 0;
}
