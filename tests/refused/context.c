// SPDX-License-Identifier: GPL-2.0
// The context: fields that are not there, or not for this type of program, and its address.
#include "refused.h"

//= context
ASM("socket", far_behind, "r0 = *(u32 *)(r1 + 780); exit;")
//= context
ASM("socket", packet_of_a_socket, "r0 = *(u32 *)(r1 + 76); exit;")
//= context
ASM("socket", four_bytes_across, "r0 = *(u32 *)(r1 + 2); exit;")
//= context
ASM("socket", eight_bytes_of_four, "r0 = *(u64 *)(r1 + 0); exit;")
//= context
ASM("socket", writes_the_length, "r0 = 1; *(u32 *)(r1 + 0) = r0; exit;")
//= context
ASM("socket", writes_the_mark, "r0 = 1; *(u32 *)(r1 + 8) = r0; exit;")
//= context
ASM("cgroup_skb/ingress", reads_the_class, "r0 = *(u32 *)(r1 + 72); exit;")
//= context
ASM("xdp", writes_the_end, "r0 = 1; *(u32 *)(r1 + 4) = r0; exit;")
//= context
ASM("xdp", field_of_skb, "r0 = *(u32 *)(r1 + 40); exit;")
//= context
ASM("xdp", byte_of_a_pointer, "r0 = *(u8 *)(r1 + 0); exit;")
//= context
ASM("tc", before_it, "r0 = *(u32 *)(r1 - 4); exit;")
//= context
ASM("tc", writes_data, "r0 = 1; *(u32 *)(r1 + 76) = r0; exit;")
//= context
SEC("socket") int data_of_a_socket(struct __sk_buff *skb)
{
	return skb->data_end - skb->data;
}
//= context
SEC("cgroup_skb/egress") int metadata_of_a_cgroup(struct __sk_buff *skb)
{
	return skb->data_meta ? 1 : 0;
}
//= context
SEC("tc") int sets_the_interface(struct __sk_buff *skb)
{
	skb->ifindex = 3;
	return 0;
}
//= context_moved
ASM("socket", moved_by_eight, "r1 += 8; r0 = *(u32 *)(r1 + 0); exit;")
//= guess; off context_moved
ASM("tc", moved_and_back, "r2 = *(u32 *)(r1 + 0); r2 &= 4; r1 += r2; r0 = *(u32 *)(r1 + 0); exit;")
//= context_moved
ASM("socket", moved_before_a_call, "r1 += 4; r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26; exit;")
//= atomic_place
ASM("socket", adds_to_the_context, "r0 = 1; lock *(u32 *)(r1 + 48) += r0; exit;")
//= atomic_place
ASM("tc", adds_to_the_mark, "r0 = 1; lock *(u32 *)(r1 + 8) += r0; exit;")
//= leak_stored
ASM("socket", context_into_itself, "*(u64 *)(r1 + 48) = r1; r0 = 0; exit;")
//= leak_stored
ASM("socket", stack_into_the_context, "*(u32 *)(r1 + 48) = r10; r0 = 0; exit;")
//= leak_stored
ASM("socket", context_into_a_map, "r6 = r1;" FIND(counters) "if r0 == 0 goto +1; *(u64 *)(r0 + 0) = r6;" END)
//= leak_stored
ASM("tc", stack_into_a_map, FIND(counters) "if r0 == 0 goto +1; *(u64 *)(r0 + 0) = r10;" END)
//= leak_stored; 5.10 comparison
ASM("xdp", context_into_the_packet,
    FRAME "r4 = r2; r4 += 8; if r4 > r3 goto +1; *(u64 *)(r2 + 0) = r1;" END)
//= leak_stored
ASM("socket", added_to_a_counter, "r6 = r1;" FIND(counters) "if r0 == 0 goto +1; lock *(u64 *)(r0 + 0) += r6;" END)
//= leak_stored
ASM("socket", added_on_the_stack, "r2 = 0; *(u64 *)(r10 - 8) = r2; lock *(u64 *)(r10 - 8) += r1; r0 = 0; exit;")
//= leak_result
ASM("socket", the_context_itself, "r0 = r1; exit;")
//= leak_result
ASM("socket", the_stack, "r0 = r10; exit;")
//= leak_result
ASM("tc", a_value, FIND(counters) "exit;")
//= leak_result
ASM("xdp", the_packet, "r0 = *(u32 *)(r1 + 0); exit;")
//= leak_result
SEC("socket") int value_found(struct __sk_buff *skb)
{
	__u32 key = 3;

	return (long)bpf_map_lookup_elem(&counters, &key);
}
//= leak_argument
ASM("socket", address_as_a_key_of_calls, "r3 = r1; r2 = programs ll; call 12;" END)
//= leak_argument
ASM("tc", address_as_an_interface, "r2 = 0; call 23;" END)
//= leak_argument
ASM("socket", address_as_an_offset, "r2 = r10; r3 = 0; *(u64 *)(r10 - 8) = r3; r3 = r10; r3 += -8; r4 = 4; call 26; exit;")
//= comparison
ASM("tc", context_asked_for_null, "r0 = 0; if r1 == 0 goto +0; exit;")
