// SPDX-License-Identifier: GPL-2.0
// Programs for samples and for records of tracepoints, addresses, settings, maps of sockets.

#include "refused.h"
#include <linux/bpf_perf_event.h>

MAP(sockets, BPF_MAP_TYPE_SOCKMAP, __u32, __u32, 16, 0);
MAP(devices, BPF_MAP_TYPE_DEVMAP, __u32, __u32, 16, 0);

//= context
SEC("perf_event") int sets_the_period(struct bpf_perf_event_data *sample)
{
	sample->sample_period = 1;
	return 0;
}
//= context
SEC("perf_event") int behind_the_sample(void *sample)
{
	return *(volatile __u64 *)(sample + sizeof(struct bpf_perf_event_data)) & 1;
}
//= buffer_bounds
SEC("perf_event") int counts_into_one_word(struct bpf_perf_event_data *sample)
{
	__u64 count = 0;

	bpf_perf_prog_read_value(sample, (void *)&count, sizeof(struct bpf_perf_event_value));
	return count & 1;
}
//= helper_type
SEC("perf_event") int packet_of_a_sample(void *sample)
{
	__u64 bytes = 0;

	bpf_skb_load_bytes(sample, 0, &bytes, 8);
	return bytes & 1;
}
//= context
SEC("tp/syscalls/sys_enter_openat") int writes_its_record(__u64 *record)
{
	record[2] = 0;
	return 0;
}
//= context
SEC("tp/syscalls/sys_enter_openat") int behind_any_record(__u64 *record)
{
	return ((volatile __u64 *)record)[1024] & 1;
}
//= number_followed
SEC("tp/syscalls/sys_enter_openat") int follows_the_name(__u64 *record)
{
	char *name = (char *)record[3];

	return *(volatile char *)name;
}
//= argument_kind|size
SEC("tp/syscalls/sys_enter_openat") int name_into_a_number(__u64 *record)
{
	return bpf_probe_read_user_str((void *)record[3], 8, (void *)record[3]);
}
//= buffer_bounds
SEC("tp/syscalls/sys_enter_openat") int name_into_eight(__u64 *record)
{
	char name[8];

	return bpf_probe_read_user_str(name, 16, (void *)record[3]);
}
//= null
SEC("tp/syscalls/sys_enter_openat") int counts_a_call(__u64 *record)
{
	__u32 key = record[1] & 255;
	__u64 *count = bpf_map_lookup_elem(&counters, &key);

	*count += 1;
	return 0;
}
//= result
SEC("cgroup/bind4") int four_to_bind(struct bpf_sock_addr *where)
{
	return 4;
}
//= result
SEC("cgroup/getpeername4") int no_name_of_a_peer(struct bpf_sock_addr *where)
{
	return 0;
}
//= context
SEC("cgroup/connect4") int source_of_a_connection(struct bpf_sock_addr *where)
{
	return where->msg_src_ip4 & 1;
}
//= helper_type
SEC("cgroup/sendmsg4") int binds_what_is_sent(struct bpf_sock_addr *where)
{
	return bpf_bind(where, (void *)where, 16) & 1;
}
//= buffer_bounds
SEC("cgroup/connect4") int option_of_eight(struct bpf_sock_addr *where)
{
	__u32 on = 1;

	bpf_setsockopt(where, 1, 15, &on, 8);
	return 1;
}
//= buffer_bounds
SEC("cgroup/sysctl") int long_name_of_a_setting(struct bpf_sysctl *setting)
{
	char name[8] = {};

	bpf_sysctl_get_name(setting, name, 16, 0);
	return name[0] & 1;
}
//= buffer_unset
SEC("cgroup/sysctl") int new_value_of_nothing(struct bpf_sysctl *setting)
{
	char value[8];

	bpf_sysctl_set_new_value(setting, value, 8);
	return 1;
}
//= reference
SEC("tc") int socket_of_a_map_kept(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct bpf_sock *found = bpf_map_lookup_elem(&sockets, &key);

	return found ? 1 : 0;
}
//= null
SEC("tc") int socket_of_a_map_not_asked(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct bpf_sock *found = bpf_map_lookup_elem(&sockets, &key);
	int family = found->family;

	bpf_sk_release(found);
	return family & 1;
}
//= map_type
SEC("sk_msg") int message_into_an_array(struct sk_msg_md *message)
{
	return bpf_msg_redirect_map(message, &counters, 0, 0);
}
//= map_type
SEC("sockops") int socket_into_an_array(struct bpf_sock_ops *what)
{
	__u32 key = 0;

	return bpf_sock_map_update(what, &counters, &key, 0) & 1;
}
//= argument_kind
SEC("sk_lookup") int assigns_the_context(struct bpf_sk_lookup *about)
{
	return bpf_sk_assign(about, about, 0) & 1;
}
//= map_type
SEC("sk_reuseport") int selects_from_an_array(struct sk_reuseport_md *about)
{
	__u32 key = 0;

	return bpf_sk_select_reuseport(about, &counters, &key, 0) & 1;
}
//= unset; 5.10 comparison
SEC("tc") int old_address_after_the_protocol(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 14 > end)
		return 0;
	bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0);
	return data[12];
}
//= unset; 5.10 comparison
SEC("xdp") int old_address_after_the_room(struct xdp_md *frame)
{
	__u8 *data = (void *)(long)frame->data, *end = (void *)(long)frame->data_end;

	if (data + 14 > end)
		return 0;
	bpf_xdp_adjust_meta(frame, -8);
	return data[12] & 3;
}
//= context
SEC("xdp") int where_it_leaves(struct xdp_md *frame)
{
	return frame->egress_ifindex & 3;
}
//= buffer_unset
SEC("xdp") int route_in_part(struct xdp_md *frame)
{
	struct bpf_fib_lookup route;

	route.family = 2;
	return bpf_fib_lookup(frame, &route, sizeof(route), 0) & 3;
}
//= helper_type
SEC("tc") int sent_out_by_a_map(struct __sk_buff *skb)
{
	return bpf_redirect_map(&devices, 0, 0);
}
