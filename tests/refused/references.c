// SPDX-License-Identifier: GPL-2.0
// What was taken and must be given back: records, sockets, locks.
#include "refused.h"

//= reference
SEC("socket") int never_submitted(struct __sk_buff *skb)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (record)
		*record = skb->len;
	return 0;
}
//= reference
SEC("socket") int forgotten_on_one_path(struct __sk_buff *skb)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (!record)
		return 0;
	*record = skb->len;
	if (*record > 99)
		return 1;
	bpf_ringbuf_submit(record, 0);
	return 0;
}
//= reference
ASM("xdp", result_ignored, RESERVE(8) "r0 = 2; exit;")
//= reference
ASM("tc", two_and_one_given, "r6 = 0;" RESERVE(8) "if r0 == 0 goto +9; r6 = r0;" RESERVE(8) "r1 = r6; r2 = 0; call 133;" END)
//= reference
SEC("cgroup_skb/ingress") int record_of_a_cgroup(struct __sk_buff *skb)
{
	__u32 *record = bpf_ringbuf_reserve(&records, 4, 0);

	if (!record)
		return 1;
	*record = skb->len;
	return 1;
}
//= reference
SEC("tc") int socket_kept(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};

	return bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0) ? 1 : 0;
}
//= reference
SEC("xdp") int socket_kept_at_xdp(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), -1, 0);

	if (!socket)
		return XDP_PASS;
	return socket->family == 2 ? XDP_DROP : XDP_PASS;
}
//= release_null
SEC("tc") int released_unasked(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};

	bpf_sk_release(bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0));
	return 0;
}
//= reference
ASM("socket", load_with_a_record, "r6 = r1;" RESERVE(8) "r7 = r0; r0 = *(u8 *)skb[0]; exit;")
//= unset
ASM("socket", used_after_submit, RESERVE(8) "if r0 == 0 goto +6; r6 = r0; r1 = r0; r2 = 0; call 132; r0 = *(u64 *)(r6 + 0); exit; r0 = 0; exit;")
//= unset
ASM("tc", submitted_twice, RESERVE(8) "if r0 == 0 goto +7; r6 = r0; r1 = r0; r2 = 0; call 132; r1 = r6; r2 = 0; call 132;" END)
//= null
SEC("tc") int socket_not_asked(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	int family = socket->family;

	bpf_sk_release(socket);
	return family;
}
//= null
SEC("tc") int own_socket_not_asked(struct __sk_buff *skb)
{
	return skb->sk->family;
}
//= socket_field
ASM("tc", field_of_no_socket, "r0 = *(u64 *)(r1 + 168); if r0 == 0 goto +1; r0 = *(u32 *)(r0 + 800);" END)
//= socket_field
ASM("tc", writes_a_socket, "r0 = *(u64 *)(r1 + 168); if r0 == 0 goto +2; r1 = 1; *(u32 *)(r0 + 4) = r1;" END)
//= fixed_pointer
ASM("tc", moved_socket, "r0 = *(u64 *)(r1 + 168); if r0 == 0 goto +2; r0 += 4; r0 = *(u32 *)(r0 + 0);" END)
//= release
SEC("tc") int released_what_is_not_held(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;

	if (socket && (socket = bpf_sk_fullsock(socket)))
		bpf_sk_release(socket);
	return 0;
}
//= argument_null
SEC("tc") int full_socket_of_nothing(struct __sk_buff *skb)
{
	return bpf_sk_fullsock(skb->sk) ? 1 : 0;
}
//= lock_kept
SEC("tc") int never_unlocked(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	if (!guarded)
		return 0;
	bpf_spin_lock(&guarded->lock);
	guarded->bytes += skb->len;
	return 0;
}
//= lock_kept
SEC("xdp") int unlocked_on_one_path(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	if (!guarded)
		return XDP_PASS;
	bpf_spin_lock(&guarded->lock);
	if (guarded->count > 9)
		return XDP_DROP;
	bpf_spin_unlock(&guarded->lock);
	return XDP_PASS;
}
//= lock_call
SEC("tc") int calls_while_locked(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	if (!guarded)
		return 0;
	bpf_spin_lock(&guarded->lock);
	guarded->bytes = bpf_ktime_get_ns();
	bpf_spin_unlock(&guarded->lock);
	return 0;
}
//= lock_twice
SEC("tc") int locks_twice(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	if (!guarded)
		return 0;
	bpf_spin_lock(&guarded->lock);
	bpf_spin_lock(&guarded->lock);
	bpf_spin_unlock(&guarded->lock);
	return 0;
}
//= unlock_free
SEC("cgroup_skb/egress") int unlocks_what_is_free(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	if (guarded)
		bpf_spin_unlock(&guarded->lock);
	return 1;
}
//= lock_place
SEC("tc") int locks_the_count(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	if (!guarded)
		return 0;
	bpf_spin_lock((void *)&guarded->count);
	bpf_spin_unlock((void *)&guarded->count);
	return 0;
}
//= lock_place
SEC("tc") int locks_a_counter(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (!value)
		return 0;
	bpf_spin_lock((void *)value);
	bpf_spin_unlock((void *)value);
	return 0;
}
//= argument_null
SEC("tc") int locks_perhaps_null(struct __sk_buff *skb)
{
	__u32 key = skb->mark & 3;
	struct guarded *guarded = bpf_map_lookup_elem(&guards, &key);

	bpf_spin_lock((void *)guarded);
	return 0;
}
//= guess
SEC("tc") int byte_of_a_record_by_the_mark(struct __sk_buff *skb)
{
	volatile __u8 *record = bpf_ringbuf_reserve(&records, 16, 0);
	__u32 at = skb->mark & 15;

	if (!record)
		return 0;
	record[at] = 1;
	bpf_ringbuf_submit((void *)record, 0);
	return 0;
}
