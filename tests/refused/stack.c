// SPDX-License-Identifier: GPL-2.0
// The stack: outside of it, not yet written, out of line, and what was kept there.
#include "refused.h"

//= stack_bounds
ASM("socket", at_its_end, "r0 = 0; *(u64 *)(r10 + 0) = r0; exit;")
//= stack_aligned
ASM("socket", half_over_its_end, "r0 = 0; *(u64 *)(r10 - 4) = r0; exit;")
//= stack_bounds
ASM("socket", below_512, "r0 = 0; *(u64 *)(r10 - 520) = r0; exit;")
//= stack_bounds
ASM("tc", above_it, "r0 = *(u8 *)(r10 + 3); exit;")
//= stack_bounds
ASM("xdp", through_a_copy, "r2 = r10; r2 += -600; r0 = 0; *(u32 *)(r2 + 8) = r0; exit;")
//= stack_bounds
ASM("socket", atomic_outside, "r0 = 1; lock *(u64 *)(r10 + 8) += r0; exit;")
//= stack_unset
ASM("socket", read_first, "r0 = *(u64 *)(r10 - 8); exit;")
//= stack_unset
ASM("socket", one_byte_read, "r0 = 1; *(u64 *)(r10 - 8) = r0; r0 = *(u8 *)(r10 - 9); exit;")
//= stack_unset
ASM("tc", half_written, "r0 = 1; *(u32 *)(r10 - 4) = r0; r0 = *(u64 *)(r10 - 8); exit;")
//= stack_unset
ASM("xdp", written_on_one_path,
    "r0 = *(u32 *)(r1 + 12); if r0 > 4 goto +1; *(u64 *)(r10 - 16) = r0; r0 = *(u64 *)(r10 - 16); exit;")
//= stack_unset
ASM("socket", added_to_nothing, "r0 = 1; lock *(u64 *)(r10 - 8) += r0; exit;")
//= stack_unset
SEC("socket") int a_field_short(struct __sk_buff *skb)
{
	volatile struct pair pair;

	pair.source = skb->len;
	return pair.target;
}
//= stack_aligned
ASM("socket", off_by_three, "r0 = 0; *(u64 *)(r10 - 13) = r0; exit;")
//= stack_aligned
ASM("socket", word_off_by_two, "r0 = 0; *(u32 *)(r10 - 6) = r0; exit;")
//= stack_aligned
ASM("tc", read_out_of_line, "r0 = 0; *(u64 *)(r10 - 8) = r0; *(u64 *)(r10 - 16) = r0; r0 = *(u64 *)(r10 - 12); exit;")
//= stack_aligned
ASM("xdp", half_word_off_by_one, "r0 = 0; *(u64 *)(r10 - 8) = r0; r0 = *(u16 *)(r10 - 3); exit;")
//= spilled
ASM("socket", half_of_an_address, "*(u64 *)(r10 - 8) = r1; r0 = *(u32 *)(r10 - 8); exit;")
//= spilled
ASM("socket", byte_into_an_address, "*(u64 *)(r10 - 8) = r1; r0 = 0; *(u8 *)(r10 - 5) = r0; exit;")
//= spilled
ASM("tc", word_into_an_address, "*(u64 *)(r10 - 16) = r1; r0 = 7; *(u32 *)(r10 - 16) = r0; exit;")
//= spilled
ASM("xdp", byte_of_an_address, "*(u64 *)(r10 - 8) = r10; r0 = *(u8 *)(r10 - 1); exit;")
//= stack_index
ASM("socket", masked_index,
    "r2 = 0; *(u64 *)(r10 - 8) = r2; r3 = *(u32 *)(r1 + 0); r3 &= 7; r4 = r10; r4 += -8; r4 += r3;"
    "r0 = *(u8 *)(r4 + 0); exit;")
//= stack_index
SEC("socket") int array_by_length(struct __sk_buff *skb)
{
	volatile char bytes[16] = {};

	return bytes[skb->len & 15];
}
//= stack_index
SEC("tc") int store_by_mark(struct __sk_buff *skb)
{
	volatile __u32 seen[4] = {};

	seen[skb->mark & 3] = 1;
	return seen[2];
}
//= stack_index
ASM("xdp", index_compared,
    "r2 = 0; *(u64 *)(r10 - 8) = r2; r3 = *(u32 *)(r1 + 12); if r3 > 7 goto +4; r4 = r10; r4 += -8;"
    "r4 += r3; r0 = *(u8 *)(r4 + 0);" END)
//= from_stack
ASM("socket", subtracted, "r2 = r10; r2 -= 8; r0 = 0; *(u64 *)(r2 + 0) = r0; exit;")
//= from_stack
ASM("tc", subtracted_register, "r2 = r10; r3 = 16; r2 -= r3; r0 = 0; *(u64 *)(r2 + 0) = r0; exit;")
//= operation
SEC("tc") int byte_of_eight_by_the_mark(struct __sk_buff *skb)
{
	volatile char bytes[8] = {};

	return bytes[skb->mark & 7];
}
