// SPDX-License-Identifier: GPL-2.0
// Values of maps, records of a ring buffer, and the maps themselves.
#include "refused.h"

//= null
SEC("socket") int followed_at_once(struct __sk_buff *skb)
{
	__u32 key = skb->len & 255;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	return *value;
}
//= null
SEC("socket") int followed_where_it_is_null(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (skb->len > 99 || value)
		(*value)++;
	return 0;
}
//= null
ASM("tc", added_without_asking, FIND(counters) "r1 = 1; lock *(u64 *)(r0 + 0) += r1;" END)
//= null
ASM("xdp", field_without_asking, FIND(wides) "r0 = *(u32 *)(r0 + 16); exit;")
//= null
ASM("socket", kept_and_forgotten, FIND(counters) "r6 = r0; r0 = 0; r1 = 2; *(u64 *)(r6 + 0) = r1; exit;")
//= null
ASM("socket", record_not_asked, RESERVE(8) "r1 = 0; *(u64 *)(r0 + 0) = r1; r1 = r0; r2 = 0; call 132;" END)
//= comparison
ASM("socket", compared_with_one, FIND(counters) "if r0 == 1 goto +1; r0 = *(u64 *)(r0 + 0); exit;")
//= null_moved
ASM("socket", moved_before_asking, FIND(wides) "r0 += 8; if r0 == 0 goto +1; r0 = *(u64 *)(r0 + 0);" END)
//= null_moved
SEC("tc") int member_before_asking(struct __sk_buff *skb)
{
	__u64 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);
	__u64 *third = &wide->words[2];

	asm volatile("" : "+r"(third));
	return third ? *third : 0;
}
//= zero_followed
ASM("socket", null_by_hand, "r0 = 0; r0 = *(u64 *)(r0 + 0); exit;")
//= zero_followed
ASM("socket", where_it_was_null, FIND(counters) "if r0 != 0 goto +2; r0 = *(u64 *)(r0 + 0); exit;" END)
//= value_bounds
ASM("socket", behind_the_value, FIND(counters) "if r0 == 0 goto +1; r0 = *(u64 *)(r0 + 8); exit;")
//= value_bounds
ASM("socket", half_behind, FIND(counters) "if r0 == 0 goto +1; r0 = *(u64 *)(r0 + 4); exit;")
//= value_bounds
ASM("tc", before_the_value, FIND(counters) "if r0 == 0 goto +1; r0 = *(u32 *)(r0 - 4); exit;")
//= value_bounds
ASM("xdp", store_behind, FIND(wides) "if r0 == 0 goto +2; r1 = 0; *(u8 *)(r0 + 48) = r1;" END)
//= value_bounds
SEC("socket") int seventh_of_six(struct __sk_buff *skb)
{
	__u64 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	return wide ? wide->words[6] : 0;
}
//= value_bounds
SEC("socket") int index_of_the_packet(struct __sk_buff *skb)
{
	__u64 key = 0;
	__u32 at = load_byte(skb, 14);
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	return wide ? wide->words[at] : 0;
}
//= value_bounds
SEC("socket") int index_compared_with_too_much(struct __sk_buff *skb)
{
	__u64 key = 0;
	__u32 at = skb->len;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	if (!wide || at > 6)
		return 0;
	return wide->words[at];
}
//= unbounded
SEC("tc") int only_from_above(struct __sk_buff *skb)
{
	__u64 key = 0;
	long at = (int)skb->mark;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);

	if (!wide || at > 5)
		return 0;
	return wide->words[at];
}
//= value_bounds
ASM("xdp", mask_too_wide,
    "r6 = *(u32 *)(r1 + 12);" FIND(counters) "if r0 == 0 goto +3; r6 &= 15; r0 += r6; r0 = *(u8 *)(r0 + 0);" END)
//= value_bounds
ASM("socket", atomic_behind, FIND(counters) "if r0 == 0 goto +2; r1 = 1; lock *(u64 *)(r0 + 8) += r1;" END)
//= read_only
SEC("socket") int writes_what_is_fixed(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&fixed, &key);

	if (value)
		*value = skb->len;
	return 0;
}
//= read_only
ASM("tc", adds_to_what_is_fixed, FIND(fixed) "if r0 == 0 goto +2; r1 = 1; lock *(u64 *)(r0 + 0) += r1;" END)
//= write_only
ASM("socket", reads_what_is_sealed, FIND(sealed) "if r0 == 0 goto +1; r0 = *(u64 *)(r0 + 0);" END)
const volatile __u32 limit = 7;
//= read_only
SEC("socket") int writes_a_constant(struct __sk_buff *skb)
{
	*(volatile __u32 *)&limit = skb->len;
	return 0;
}
//= lock_touched
ASM("tc", writes_the_lock, FIND(guards) "if r0 == 0 goto +2; r1 = 0; *(u32 *)(r0 + 0) = r1;" END)
//= lock_touched
ASM("xdp", reads_over_the_lock, FIND(guards) "if r0 == 0 goto +1; r0 = *(u64 *)(r0 + 0);" END)
//= map_followed
ASM("socket", reads_a_map, "r1 = counters ll; r0 = *(u64 *)(r1 + 0); exit;")
//= map_followed
ASM("socket", writes_a_map, "r1 = counters ll; r0 = 1; *(u32 *)(r1 + 8) = r0; exit;")
//= fixed_pointer
ASM("socket", moves_a_map, KEY "r1 = counters ll; r1 += 8; call 1; exit;")
//= fixed_pointer
ASM("tc", map_less_eight, KEY "r1 = counters ll; r1 -= 8; call 1; exit;")
//= record_bounds
ASM("socket", behind_the_record,
    RESERVE(8) "if r0 == 0 goto +5; r1 = 0; *(u32 *)(r0 + 8) = r1; r1 = r0; r2 = 0; call 132;" END)
//= record_bounds
ASM("tc", record_read_behind,
    RESERVE(16) "if r0 == 0 goto +4; r6 = *(u64 *)(r0 + 12); r1 = r0; r2 = 0; call 133;" END)
//= record_bounds
SEC("xdp") int record_too_small(struct xdp_md *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 20, 0);

	if (!record)
		return XDP_PASS;
	record[0] = ctx->ingress_ifindex;
	record[2] = 1;
	bpf_ringbuf_submit(record, 0);
	return XDP_PASS;
}
//= number_followed
ASM("socket", address_made_up, "r1 = 4096; r0 = *(u64 *)(r1 + 0); exit;")
//= number_followed
ASM("socket", field_as_address, "r1 = *(u32 *)(r1 + 0); r0 = *(u8 *)(r1 + 0); exit;")
//= number_followed
ASM("tc", value_as_address, FIND(counters) "if r0 == 0 goto +2; r1 = *(u64 *)(r0 + 0); r0 = *(u64 *)(r1 + 0);" END)
//= number_followed
ASM("xdp", store_through_a_number, "r2 = *(u32 *)(r1 + 12); r0 = 0; *(u8 *)(r2 + 0) = r0; exit;")
//= number_followed
ASM("socket", kernel_memory, "r1 = 0xffffffff81000000 ll; r0 = *(u64 *)(r1 + 0); exit;")
//= number_followed
ASM("socket", atomic_at_a_number, "r1 = *(u32 *)(r1 + 0); r0 = 1; lock *(u64 *)(r1 + 0) += r0; exit;")
