// SPDX-License-Identifier: GPL-2.0
// Arguments of helper functions: of the wrong kind or size, unset, or of the wrong map.
#include "refused.h"

//= buffer_bounds
SEC("socket") int sixteen_into_eight(struct __sk_buff *skb)
{
	char head[8];

	return bpf_skb_load_bytes(skb, 0, head, 16);
}
//= buffer_bounds
ASM("tc", header_into_a_word, "r2 = 0; r3 = r10; r3 += -4; r4 = 20; call 26; exit;")
//= stack_bounds; off buffer_bounds
ASM("socket", below_the_stack, "r2 = 0; r3 = r10; r3 += -520; r4 = 8; call 26; exit;")
//= buffer_bounds
SEC("socket") int into_a_value(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	return value ? bpf_skb_load_bytes(skb, 0, value, 14) : 0;
}
//= buffer_bounds; 5.10 size; 6.1 size; 6.12 size
SEC("tc") int as_many_as_it_says(struct __sk_buff *skb)
{
	char bytes[32];
	__u32 length = skb->len;

	if (length > 64 || !length)
		return 0;
	return bpf_skb_load_bytes(skb, 0, bytes, length);
}
//= size
ASM("socket", any_number_of_bytes, "r4 = *(u32 *)(r1 + 0); r2 = 0; r3 = r10; r3 += -16; call 26; exit;")
//= size
ASM("socket", minus_one_byte, "r2 = 0; r3 = r10; r3 += -16; r4 = -1; call 26; exit;")
//= size
ASM("tc", no_bytes, "r2 = 0; r3 = r10; r3 += -16; r4 = 0; call 26; exit;")
//= size
SEC("socket") int perhaps_negative(struct __sk_buff *skb)
{
	char bytes[16];
	long length = (int)skb->mark;

	if (length > 16)
		return 0;
	return bpf_skb_load_bytes(skb, 0, bytes, length);
}
//= size
SEC("socket") int perhaps_zero(struct __sk_buff *skb)
{
	char bytes[16];
	__u32 length = skb->len;

	if (length > 16)
		return 0;
	return bpf_skb_load_bytes(skb, 0, bytes, length);
}
//= key_unset
ASM("socket", key_never_set, "r2 = r10; r2 += -4; r1 = counters ll; call 1; exit;")
//= key_unset
SEC("socket") int gap_in_the_key(struct __sk_buff *skb)
{
	struct pair pair;
	__u64 one = 1;

	pair.protocol = skb->protocol;
	pair.source = skb->len;
	pair.target = skb->mark;
	bpf_map_update_elem(&pairs, &pair, &one, BPF_ANY);
	return 0;
}
//= key_bounds
ASM("socket", key_too_short, "r2 = 0; *(u32 *)(r10 - 4) = r2; r2 = r10; r2 += -4; r1 = wides ll; call 1; exit;")
//= key_bounds
SEC("tc") int byte_for_a_key(struct __sk_buff *skb)
{
	__u8 key = skb->protocol;

	bpf_map_delete_elem(&counters, &key);
	return 0;
}
//= key_unset
ASM("xdp", half_a_key, "r2 = 0; *(u32 *)(r10 - 4) = r2; r2 = r10; r2 += -8; r1 = wides ll; call 1; exit;")
//= value_unset
ASM("socket", value_never_set, KEY "r3 = r10; r3 += -16; r4 = 0; r1 = counters ll; call 2; exit;")
//= value_short
ASM("socket", value_too_short, "r2 = 0; *(u64 *)(r10 - 8) = r2; r2 = r10; r2 += -8; r3 = r10; r3 += -8; r4 = 0; r1 = wides ll; call 2; exit;")
//= value_unset
SEC("socket") int wide_in_part(struct __sk_buff *skb)
{
	__u64 key = 1;
	struct wide wide;

	wide.words[0] = skb->len;
	bpf_map_update_elem(&wides, &key, &wide, BPF_ANY);
	return 0;
}
//= buffer_unset
ASM("tc", unset_bytes_stored, "r2 = 0; r3 = r10; r3 += -8; r4 = 8; r5 = 0; call 9;" END)
//= buffer_unset
ASM("socket", event_unset, "r2 = events ll; r3 = 0; r4 = r10; r4 += -8; r5 = 8; call 25;" END)
//= argument_kind
ASM("socket", key_is_a_number, "r1 = counters ll; r2 = 5; call 1; exit;")
//= argument_kind
ASM("socket", map_is_a_number, KEY "r1 = 3; call 1; exit;")
//= argument_kind
ASM("socket", map_is_the_context, KEY "call 1; exit;")
//= argument_kind
ASM("socket", map_is_the_stack, KEY "r1 = r10; call 1; exit;")
//= argument_kind
ASM("tc", key_is_the_context, "r2 = r1; r1 = counters ll; call 1; exit;")
//= argument_kind
ASM("socket", context_is_the_stack, "r1 = r10; r2 = 0; r3 = r10; r3 += -8; r4 = 4; call 26; exit;")
//= argument_kind
ASM("xdp", context_is_a_number, "r1 = 0; r2 = 4; call 44; exit;")
//= argument_kind
ASM("tc", buffer_is_null, "r2 = 0; r3 = 0; r4 = 4; call 26; exit;")
//= argument_kind
ASM("socket", buffer_is_a_map, "r2 = 0; r3 = counters ll; r4 = 4; call 26; exit;")
//= argument_kind
ASM("tc", event_of_the_stack, KEY "r1 = r10; r3 = 0; r4 = r2; r2 = events ll; r5 = 8; call 25;" END)
//= argument_kind
ASM("tc", tail_of_a_number, "r2 = 7; r3 = 0; call 12;" END)
//= argument_null
ASM("socket", key_perhaps_null, FIND(counters) "r2 = r0; r1 = counters ll; call 1; exit;")
//= argument_null
SEC("socket") int value_perhaps_null(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	key = 2;
	bpf_map_update_elem(&counters, &key, value, BPF_ANY);
	return 0;
}
//= argument_null
ASM("tc", buffer_perhaps_null, "r6 = r1;" FIND(wides) "r1 = r6; r2 = 0; r3 = r0; r4 = 8; call 26; exit;")
//= map_type
ASM("socket", event_into_an_array, KEY "r6 = r1; r4 = r2; r1 = r6; r2 = counters ll; r3 = 0; r5 = 8; call 25;" END)
//= map_type
ASM("tc", tail_into_an_array, "r2 = counters ll; r3 = 0; call 12;" END)
//= map_type
ASM("socket", looked_up_in_a_ring, KEY "r1 = records ll; call 1; exit;")
//= map_type
ASM("socket", reserved_in_an_array, "r1 = counters ll; r2 = 8; r3 = 0; call 131; r0 = 0; exit;")
//= map_type
ASM("socket", output_into_a_hash, KEY "r1 = wides ll; r3 = 8; r4 = 0; call 130; exit;")
//= map_type
ASM("socket", updated_programs, KEY "r3 = r2; r1 = programs ll; r4 = 0; call 2; exit;")
//= map_type
SEC("xdp") int output_into_a_ring(struct xdp_md *ctx)
{
	__u64 word = 1;

	bpf_perf_event_output(ctx, &records, 0, &word, sizeof(word));
	return XDP_PASS;
}
//= map_type
ASM("tc", popped_from_an_array, "r2 = r10; r2 += -8; r3 = 0; *(u64 *)(r10 - 8) = r3; r1 = counters ll; call 88;" END)
//= map_type
ASM("tc", looked_up_in_events, KEY "r1 = events ll; call 1; exit;")
//= constant_size
ASM("socket", any_size_of_a_record, "r2 = *(u32 *)(r1 + 0); r2 &= 63; r1 = records ll; r3 = 0; call 131; r0 = 0; exit;")
//= constant_size
SEC("tc") int record_of_the_length(struct __sk_buff *skb)
{
	__u32 *record = bpf_ringbuf_reserve(&records, skb->len, 0);

	if (record)
		bpf_ringbuf_discard(record, 0);
	return 0;
}
//= packet_end
ASM("tc", packet_as_a_key, "r2 = *(u32 *)(r1 + 76); r1 = counters ll; call 1; exit;")
//= release
ASM("socket", submitted_the_stack, KEY "r1 = r2; r2 = 0; call 132;" END)
//= release
ASM("socket", submitted_moved,
    RESERVE(16) "if r0 == 0 goto +4; r0 += 8; r1 = r0; r2 = 0; call 132;" END)
//= release
SEC("tc") int submits_the_second(struct __sk_buff *skb)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 16, 0);

	if (!record)
		return 0;
	bpf_ringbuf_submit(record + 1, 0);
	return 0;
}
//= release
ASM("socket", submitted_a_value, FIND(counters) "if r0 == 0 goto +3; r1 = r0; r2 = 0; call 132;" END)
//= release_null
ASM("socket", submitted_unasked, RESERVE(8) "r1 = r0; r2 = 0; call 132;" END)
//= release
ASM("tc", discarded_moved,
    RESERVE(16) "if r0 == 0 goto +4; r0 += 4; r1 = r0; r2 = 0; call 133;" END)
//= size
ASM("raw_tp", reads_minus_one, "r3 = *(u64 *)(r1 + 0); r1 = r10; r1 += -8; r2 = -1; call 113;" END)
