// SPDX-License-Identifier: GPL-2.0
// What helper functions want of their arguments, given: the other half of the proof of each row in
// chapters/ch08/verifier/wants.py. All of these are accepted.
#include "../refused.h"

ASM("socket", looks_up, FIND(counters) END)
ASM("socket", updates, KEY "r3 = r2; r1 = counters ll; r4 = 0; call 2;" END)
ASM("socket", deletes, KEY "r1 = wides ll; call 3;" END)
ASM("tc", stores_bytes, KEY "r3 = r2; r2 = 0; r4 = 8; r5 = 0; call 9;" END)
ASM("tc", calls_the_next, "r2 = programs ll; r3 = 1; call 12;" END)
ASM("raw_tp", takes_the_name, "r1 = r10; r1 += -16; r2 = 16; call 16;" END)
ASM("tc", redirects, "r1 = 1; r2 = 0; call 23; exit;")
ASM("socket", sends_an_event, KEY "r4 = r2; r2 = events ll; r3 = 0; r5 = 8; call 25;" END)
ASM("socket", sends_an_empty_event, KEY "r4 = r2; r2 = events ll; r3 = 0; r5 = 0; call 25;" END)
ASM("socket", loads_bytes, "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26; r0 = *(u64 *)(r10 - 8); exit;")
ASM("raw_tp", takes_a_stack, "r2 = stacks ll; r3 = 0; call 27;" END)
ASM("xdp", moves_the_head, "r2 = 4; call 44; r0 = 2; exit;")
SEC("tc") int releases(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);

	if (socket)
		bpf_sk_release(socket);
	return 0;
}
ASM("raw_tp", reads_memory, "r3 = *(u64 *)(r1 + 0); r1 = r10; r1 += -8; r2 = 8; call 113;" END)
ASM("socket", outputs, KEY "r1 = records ll; r3 = 8; r4 = 0; call 130;" END)
ASM("socket", submits, RESERVE(8) "if r0 == 0 goto +3; r1 = r0; r2 = 0; call 132;" END)
ASM("socket", discards, RESERVE(8) "if r0 == 0 goto +3; r1 = r0; r2 = 0; call 133;" END)
