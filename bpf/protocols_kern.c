// SPDX-License-Identifier: GPL-2.0
// sockex1 done right: bytes per class of frame, counted on a socket. Built in chapter 12.
//
// It counts every frame that its socket is shown; which those are is for whoever opens the socket.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CONTEXT struct __sk_buff
#include "load.h"
#define LOAD(context, at, to) load(context, at, to, sizeof(*(to)))
#define LENGTH(context) ((context)->len)
#define TAGS_TAKEN(context) ((context)->vlan_present)
#define PROTOCOL(context) protocol_of(context)
#include "network_layer.h"
#ifndef PARSER // chapter 12 tries earlier steps, too
#define PARSER "protocols.h"
#endif
#include PARSER
#include "protocols_count.h"

SEC("socket")
int count_bytes(struct __sk_buff *skb)
{
	count(skb);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
