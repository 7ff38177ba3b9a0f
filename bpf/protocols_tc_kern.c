// SPDX-License-Identifier: GPL-2.0
// The counter of protocols_kern.c in traffic control. Built in chapter 12.

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define CONTEXT struct __sk_buff
#include "load.h"
#define LOAD(context, at, to) load(context, at, to, sizeof(*(to)))
#define LENGTH(context) ((context)->len)
#define TAGS_TAKEN(context) ((context)->vlan_present)
#define PROTOCOL(context) protocol_of(context)
#include "network_layer.h"
#include "protocols.h"
#include "protocols_count.h"

SEC("tc")
int count_bytes(struct __sk_buff *skb)
{
	count(skb);
	return TC_ACT_UNSPEC; // whatever would happen without us
}

char LICENSE[] SEC("license") = "GPL";
