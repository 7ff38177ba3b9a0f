// SPDX-License-Identifier: GPL-2.0
// One counter for each class of protocols.h, in bytes. Built in chapter 12.

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASSES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} bytes_by_protocol SEC(".maps");

static __always_inline void count(CONTEXT *context)
{
	__u32 class = parse(context).class;
	__u64 *bytes = bpf_map_lookup_elem(&bytes_by_protocol, &class);

	if (bytes) // with the tags, wherever they are
		__sync_fetch_and_add(bytes, LENGTH(context) + 4 * TAGS_TAKEN(context));
}
