// SPDX-License-Identifier: GPL-2.0
// Bytes of a packet at a socket or in traffic control, in the cheapest way. Built in chapter 12.

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// The old instructions that read one, two or four bytes, most significant first, as in chapter 02.
unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long offset) asm("llvm.bpf.load.word");

// Copies `size` bytes; not 0 if they are not all there. The old instructions would end the program
// then, so the length is asked first. Numbers go through registers, and nothing else is copied.
static __always_inline int load(struct __sk_buff *skb, __u32 at, void *to, __u32 size)
{
	__be32 word;
	__be16 half;
	__u8 byte;

	if (size != 1 && size != 2 && size != 4)
		return bpf_skb_load_bytes(skb, at, to, size);
	if (at + size > skb->len)
		return -1;
	if (size == 1) {
		byte = load_byte(skb, at);
		__builtin_memcpy(to, &byte, 1);
	} else if (size == 2) {
		half = bpf_htons(load_half(skb, at));
		__builtin_memcpy(to, &half, 2);
	} else {
		word = bpf_htonl(load_word(skb, at));
		__builtin_memcpy(to, &word, 4);
	}
	return 0;
}
