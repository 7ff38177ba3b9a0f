// SPDX-License-Identifier: GPL-2.0
// Where a program goes: out of itself, round and round, too deep.
#include "refused.h"

//= outside
ASM("socket", no_end, "r0 = 0;")
//= outside
ASM("socket", jump_beyond, "r0 = 0; if r0 == 0 goto +9; exit;")
//= outside
ASM("socket", jump_before, "r0 = 0; goto -5; exit;")
//= outside
ASM("tc", falls_off, "r0 = 0; if r0 == 1 goto +1; exit; r0 = 2;")
//= unreachable
ASM("socket", never_reached, "r0 = 0; exit; r0 = 1; exit;")
//= unreachable
ASM("socket", jumped_over, "r0 = 0; goto +1; r0 = 1; exit;")
//= unreachable
ASM("xdp", island, "r0 = 0; exit; goto -1;")
//= endless
ASM("socket", jump_to_itself, "r0 = 0; if r0 == 0 goto -1; exit;")
//= endless
ASM("socket", counted_wrongly, "r0 = 0; r0 += 0; if r0 < 9 goto -2; exit;")
//= endless
ASM("tc", until_the_packet_says, "r6 = r1; r7 = 0; r7 = *(u32 *)(r6 + 0); if r7 != 0 goto -2;" END)
//= endless
SEC("socket") int walks_the_packet(struct __sk_buff *skb)
{
	__u32 at = 14;

	for (int i = 0; i < 2000; i++)
		at += load_byte(skb, at) + 1;
	return at;
}
static __attribute__((noinline)) int fill(struct __sk_buff *skb, __u32 at)
{
	char bytes[300];

	if (bpf_skb_load_bytes(skb, at, bytes, sizeof(bytes)))
		return 0;
	return bytes[255];
}
static __attribute__((noinline)) int fill_again(struct __sk_buff *skb, __u32 at)
{
	char bytes[200];

	if (bpf_skb_load_bytes(skb, at, bytes, sizeof(bytes)))
		return 0;
	return bytes[127] + fill(skb, at + 1);
}
//= stack_depth
SEC("socket") int three_deep(struct __sk_buff *skb)
{
	char bytes[100] = {};

	if (bpf_skb_load_bytes(skb, 0, bytes, 99))
		return 0;
	return bytes[0] + fill_again(skb, bytes[1]);
}
