// SPDX-License-Identifier: GPL-2.0
// What the refused programs share: headers, maps, and assembler in short.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAP(NAME, KIND, KEY_TYPE, VALUE, ENTRIES, FLAGS) \
	struct { \
		__uint(type, KIND); \
		__uint(max_entries, ENTRIES); \
		__uint(map_flags, FLAGS); \
		__type(key, KEY_TYPE); \
		__type(value, VALUE); \
	} NAME SEC(".maps")

struct pair {
	__u8 protocol;
	__u32 source;
	__u32 target;
};
struct wide {
	__u64 words[6];
};
struct guarded {
	struct bpf_spin_lock lock;
	__u32 count;
	__u64 bytes;
};

MAP(counters, BPF_MAP_TYPE_ARRAY, __u32, __u64, 256, 0);
MAP(wides, BPF_MAP_TYPE_HASH, __u64, struct wide, 16, 0);
MAP(pairs, BPF_MAP_TYPE_HASH, struct pair, __u64, 16, 0);
MAP(fixed, BPF_MAP_TYPE_ARRAY, __u32, __u64, 4, BPF_F_RDONLY_PROG);
MAP(sealed, BPF_MAP_TYPE_ARRAY, __u32, __u64, 4, BPF_F_WRONLY_PROG);
MAP(guards, BPF_MAP_TYPE_ARRAY, __u32, struct guarded, 4, 0);
MAP(events, BPF_MAP_TYPE_PERF_EVENT_ARRAY, __u32, __u32, 4, 0);
MAP(programs, BPF_MAP_TYPE_PROG_ARRAY, __u32, __u32, 4, 0);
MAP(stacks, BPF_MAP_TYPE_STACK_TRACE, __u32, struct wide, 4, 0);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} records SEC(".maps");

unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");

// A program in assembler; the maps above go by their names.
#define ASM(SECTION, NAME, TEXT) \
	SEC(SECTION) __attribute__((naked)) int NAME(void) \
	{ \
		asm volatile(TEXT); \
	}
// r2: the address of a key of four or eight zero bytes on the stack.
#define KEY "r2 = 0; *(u64 *)(r10 - 8) = r2; r2 = r10; r2 += -8;"
#define FIND(MAP) KEY "r1 = " #MAP " ll; call 1;"
#define RESERVE(SIZE) "r1 = records ll; r2 = " #SIZE "; r3 = 0; call 131;"
#define DATA "r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80);" // skb->data, data_end
#define FRAME "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4);" // xdp->data, data_end
#define END "r0 = 0; exit;"
#define PASS "r0 = 1; exit;"

char LICENSE[] SEC("license") = "GPL";
