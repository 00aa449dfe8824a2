/* SPDX-License-Identifier: ISC */
/* Boots as steps in time, and what an operator is told of them. */
#include "address.h"
#include "broker_samples.h"

#include "broker/answers.h"
#include "broker/timeline.h"

#define T0 1795464000000u

static struct bindings *b;
static struct timelines t;
static const struct msg_client *node1, *node2;
static struct msg_client_state state = { .phase = CLIENT_EXPORTED };
static struct msg_server_state server = { .nfsd = 1 };

static void
begin(void)
{
	b = sample_bindings(1, 3);
	cr_assert(timelines_configured(&t, NULL, b));
	node1 = &b->view.clients[0];
	node2 = &b->view.clients[1];
}

static void
end(void)
{
	for (size_t i = 0; i < t.count; i++)
		free(t.of[i]);
	free(t.of);
	bindings_free(b);
}

TestSuite(timeline, .init = begin, .fini = end);

static void
offered(uint64_t now)
{
	struct msg_dhcp_seen seen = { .verdict = SEEN_OFFERED };

	timeline_seen(&t, node1, &seen, now);
}

static void
done(const char *path, enum done_status status, uint64_t now)
{
	struct msg_done done = { .status = status, .bytes = status == DONE_SENT ? 1000 : 0, .retransmits = 1 };

	snprintf(done.path, sizeof(done.path), "%s", path);
	timeline_done(&t, node1, &done, true, now);
}

static void
file(const char *path, enum done_status status, uint64_t now)
{
	timeline_read(&t, node1, path, now);
	done(path, status, now);
}

static unsigned
boots(void)
{
	const struct timeline *line = timeline_of(&t, node1->index);

	return line == NULL ? 0 : line->count;
}

static struct msg_ctl_boot
row_of(unsigned number, uint64_t now)
{
	struct timeline_context context = { node1, &state, &server };
	struct msg_ctl_boot row;
	const struct boot *boot = timeline_boot(timeline_of(&t, node1->index), number);

	cr_assert_not_null(boot);
	timeline_row(boot, &context, now, &row);
	return row;
}

static struct msg_ctl_boot
row(uint64_t now)
{
	return row_of(0, now);
}

Test(timeline, a_boot_goes_from_seen_to_mounted)
{
	struct msg_ctl_boot r;

	offered(T0);
	file("1234abcd/start4.elf", DONE_CLOSED, T0 + 100);
	file("1234abcd/start4.elf", DONE_SENT, T0 + 200);
	file("1234abcd/recovery.elf", DONE_NOT_FOUND, T0 + 300);
	file("1234abcd/kernel8.img", DONE_SENT, T0 + 900);
	timeline_mounted(&t, node1, T0 + 5000);
	r = row(T0 + 5000);
	cr_expect_eq(boots(), 1);
	cr_expect_str_eq(r.client, "node1");
	cr_expect_eq(r.at[STEP_SEEN], T0);
	cr_expect_eq(r.at[STEP_OFFERED], T0);
	cr_expect_eq(r.at[STEP_FIRMWARE], T0 + 100);
	cr_expect_eq(r.at[STEP_KERNEL], T0 + 900);
	cr_expect_eq(r.at[STEP_MOUNTED], T0 + 5000);
	cr_expect_eq(r.step, STEP_MOUNTED);
	cr_expect_eq(r.files, 2);
	cr_expect_eq(r.missing, 1);
	cr_expect_eq(r.retransmits, 4);
	cr_expect_eq(r.bytes, 2000);
	cr_expect_str_eq(r.file, "1234abcd/kernel8.img");
	cr_expect_eq(r.stalled, 0);
	cr_expect_str_eq(r.fault, "");
	cr_expect_eq(timeline_of(&t, 0)->last_seen, T0 + 5000);
	cr_expect_eq(row(T0 + 86400000).stalled, 0, "a board that runs does not stand still");
}

Test(timeline, a_kernel_is_known_by_its_name_and_only_when_it_is_whole)
{
	static const char *const kernels[] = { "kernel.img", "kernel7l.img", "kernel_2712.img", "a/vmlinuz-6.1",
		"Image", "Image.gz" };

	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		uint64_t now = T0 + i * 1000000;

		offered(now);
		file(kernels[i], DONE_CLOSED, now + 1);
		cr_expect_eq(row(now + 1).step, STEP_FIRMWARE, "%s", kernels[i]);
		file(kernels[i], DONE_SENT, now + 2);
		cr_expect_eq(row(now + 2).step, STEP_KERNEL, "%s", kernels[i]);
	}
	offered(T0 + 90000000);
	file("initramfs8", DONE_SENT, T0 + 90000001);
	cr_expect_eq(row(T0 + 90000001).step, STEP_FIRMWARE);
}

Test(timeline, a_restart_is_a_boot_of_its_own_and_the_last_four_are_kept)
{
	for (uint64_t i = 0; i < 6; i++) {
		offered(T0 + i * 100000);
		file("kernel8.img", DONE_SENT, T0 + i * 100000 + 1);
		timeline_mounted(&t, node1, T0 + i * 100000 + 2);
	}
	cr_expect_eq(boots(), TIMELINE_BOOTS);
	cr_expect_eq(row_of(0, T0).at[STEP_SEEN], T0 + 500000);
	cr_expect_eq(row_of(3, T0).at[STEP_SEEN], T0 + 200000);
	cr_expect_null(timeline_boot(timeline_of(&t, 0), 4));
}

Test(timeline, a_board_that_panics_and_starts_again_at_once_is_another_boot)
{
	offered(T0);
	file("kernel8.img", DONE_SENT, T0 + 100);
	offered(T0 + 3000);
	cr_expect_eq(boots(), 2);
}

Test(timeline, the_second_dhcp_of_a_pi_3_belongs_to_the_same_boot)
{
	offered(T0);
	file("bootcode.bin", DONE_SENT, T0 + 2000);
	offered(T0 + 4000);
	file("1234abcd/start.elf", DONE_SENT, T0 + 6000);
	cr_expect_eq(boots(), 1);
	offered(T0 + 17000);
	cr_expect_eq(boots(), 2, "after ten quiet seconds it is a restart");
}

Test(timeline, a_board_with_a_static_address_boots_without_dhcp)
{
	struct msg_ctl_boot r;

	file("1234abcd/start4.elf", DONE_SENT, T0);
	file("1234abcd/kernel8.img", DONE_SENT, T0 + 100);
	r = row(T0 + 100);
	cr_expect_eq(r.at[STEP_SEEN], T0);
	cr_expect_eq(r.at[STEP_OFFERED], 0);
	cr_expect_eq(r.step, STEP_KERNEL);
	file("1234abcd/initramfs8", DONE_SENT, T0 + 5000);
	cr_expect_eq(boots(), 1, "more files right behind the kernel");
	timeline_mounted(&t, node1, T0 + 9000);
	file("1234abcd/start4.elf", DONE_SENT, T0 + 100000);
	cr_expect_eq(boots(), 2);
}

Test(timeline, a_root_that_is_mounted_out_of_the_blue_is_shown)
{
	timeline_mounted(&t, node1, T0);
	cr_expect_eq(row(T0).step, STEP_MOUNTED);
	cr_expect_eq(row(T0).at[STEP_SEEN], 0);
}

Test(timeline, offers_in_vain_are_explained)
{
	offered(T0);
	cr_expect_str_eq(row(T0 + 1000).fault, "");
	offered(T0 + 5000);
	offered(T0 + 10000);
	cr_expect_eq(boots(), 1);
	cr_expect_eq(row(T0 + 11000).stalled, 0);
	cr_expect_str_eq(row(T0 + 11000).fault,
	    "offered 3 times, no file asked for: does the network's DHCP server give 192.168.10.12 to "
	    "dc:a6:32:01:02:03? is the switch port blocked at first (spanning tree)? is TFTP_IP set on the board?");
	cr_expect_eq(row(T0 + 40001).stalled, 1);
	file("start4.elf", DONE_SENT, T0 + 41000);
	cr_expect_str_eq(row(T0 + 41000).fault, "");
}

Test(timeline, a_wrong_lease_is_named)
{
	offered(T0);
	timeline_elsewhere(&t, node1, inet_addr("192.168.10.57"), T0 + 500);
	cr_expect_str_eq(row(T0 + 1000).fault,
	    "its files were asked for from 192.168.10.57: does the network's DHCP server give it that address instead "
	    "of 192.168.10.12?");
}

Test(timeline, a_file_that_it_cannot_do_without_is_named_when_it_stands_still)
{
	offered(T0);
	file("1234abcd/start4.elf", DONE_NOT_FOUND, T0 + 100);
	file("1234abcd/start.elf", DONE_NOT_FOUND, T0 + 200);
	file("config.txt", DONE_NOT_FOUND, T0 + 300);
	cr_expect_str_eq(row(T0 + 400).fault, "");
	cr_expect_eq(row(T0 + 30301).stalled, 1);
	cr_expect_str_eq(row(T0 + 30301).fault, "asked for start4.elf, which is not in its boot directory");
}

Test(timeline, a_miss_that_another_file_made_good_is_none)
{
	offered(T0);
	file("kernel_2712.img", DONE_NOT_FOUND, T0 + 100);
	file("kernel8.img", DONE_CLOSED, T0 + 200);
	cr_expect_str_eq(row(T0 + 70000).fault,
	    "asked for kernel8.img last and for no kernel since: what does its screen or serial port say?");
}

Test(timeline, a_transfer_that_died_is_named)
{
	offered(T0);
	file("start4.elf", DONE_SENT, T0 + 50);
	file("kernel8.img", DONE_TIMEOUT, T0 + 100);
	cr_expect_str_eq(row(T0 + 61000).fault,
	    "did not answer while kernel8.img was sent: is the link or the switch losing packets?");
	file("kernel8.img", DONE_FAILED, T0 + 200);
	cr_expect_str_eq(row(T0 + 200).fault, "kernel8.img could not be read on this server: see its log");
	state.phase = CLIENT_FAILED;
	strcpy(state.text, "no image");
	cr_expect_str_eq(
	    row(T0 + 200).fault, "its root is not mounted on this server, so there is no kernel8.img: no image");
}

Test(timeline, a_kernel_without_its_root_blames_whom_it_must)
{
	offered(T0);
	file("kernel8.img", DONE_SENT, T0 + 100);
	cr_expect_eq(row(T0 + 60000).stalled, 0);
	cr_expect_eq(row(T0 + 120101).stalled, 1);
	cr_expect_not_null(strstr(row(T0 + 120101).fault, "did not mount its root"));
	state.phase = CLIENT_FAILED;
	strcpy(state.text, "the kernel dropped index=on");
	cr_expect_str_eq(
	    row(T0 + 120101).fault, "has its kernel, but its root is not exported: the kernel dropped index=on");
	server.nfsd = 0;
	cr_expect_str_eq(row(T0 + 120101).fault, "has its kernel, but nfsd does not run on this server");
}

Test(timeline, a_root_on_a_card_is_never_waited_for)
{
	b->clients[0].root = ROOT_LOCAL;
	offered(T0);
	file("kernel8.img", DONE_SENT, T0 + 100);
	cr_expect_eq(row(T0 + 86400000).stalled, 0);
}

Test(timeline, refusals_are_counted_and_the_last_is_told)
{
	offered(T0);
	timeline_refused(&t, node1, ACCESS_FOREIGN, mac_1, node2, T0 + 100);
	cr_expect_eq(row(T0 + 100).refused, 1);
	cr_expect_str_eq(row(T0 + 100).fault, "refused: asked for files of client node2");
	timeline_refused(&t, node1, ACCESS_FOREIGN, mac_1, NULL, T0 + 100);
	cr_expect_not_null(strstr(row(T0 + 100).fault, "is its serial right?"));
	timeline_refused(&t, node1, ACCESS_BAD_PATH, mac_1, NULL, T0 + 100);
	cr_expect_str_eq(row(T0 + 100).fault, "refused: asked for a path that leads out of its boot directory");
	file("link", DONE_REFUSED, T0 + 200);
	cr_expect_str_eq(row(T0 + 200).fault, "refused: asked for what is no plain file of its boot directory");
	cr_expect_eq(row(T0 + 200).refused, 4);
}

Test(timeline, a_refusal_of_the_broker_is_counted_once)
{
	struct msg_done refused = { .status = DONE_REFUSED, .path = "../x" };

	offered(T0);
	timeline_refused(&t, node1, ACCESS_BAD_PATH, mac_1, NULL, T0 + 100);
	timeline_done(&t, node1, &refused, false, T0 + 101);
	cr_expect_eq(row(T0 + 100).refused, 1);
}

Test(timeline, an_address_that_another_machine_holds_is_told_until_its_owner_has_it_back)
{
	timeline_refused(&t, node1, ACCESS_WRONG_MAC, mac_2, NULL, T0);
	cr_expect_str_eq(row(T0).fault,
	    "refused: its address 192.168.10.12 is held by MAC dc:a6:32:01:02:04 instead of dc:a6:32:01:02:03");
	cr_expect_eq(row(T0).step, 0, "that was not this board");
	cr_expect_eq(timeline_of(&t, 0)->last_seen, 0);
	timeline_refused(&t, node1, ACCESS_WRONG_MAC, NULL, NULL, T0);
	cr_expect_str_eq(row(T0).fault, "refused: nobody's MAC is known for its address 192.168.10.12");
	timeline_read(&t, node1, "start4.elf", T0);
	cr_expect_str_eq(row(T0).fault, "");
}

Test(timeline, what_is_wrong_with_its_address_is_said_until_it_reads_a_file)
{
	struct msg_dhcp_seen seen = { .verdict = SEEN_OTHER_ADDRESS };

	address_parse("192.168.10.57", &seen.address);
	address_parse("192.168.10.1", &seen.server);
	offered(T0);
	timeline_seen(&t, node1, &seen, T0);
	cr_expect_str_eq(row(T0).fault,
	    "asks for address 192.168.10.57 instead of its own, 192.168.10.12: it has it of DHCP server 192.168.10.1");
	cr_expect_eq(row(T0).step, STEP_OFFERED);
	seen.server = 0;
	timeline_seen(&t, node1, &seen, T0);
	cr_expect_str_eq(row(T0).fault, "asks for address 192.168.10.57 instead of its own, 192.168.10.12");
	seen.verdict = SEEN_DECLINED;
	timeline_seen(&t, node1, &seen, T0);
	cr_expect_str_eq(row(T0).fault, "says that another machine has its address 192.168.10.12");
	seen.verdict = SEEN_OTHER_SERVER;
	address_parse("192.168.10.2", &seen.server);
	timeline_seen(&t, node1, &seen, T0);
	cr_expect_str_eq(row(T0).fault, "takes its address from another DHCP server of the network, 192.168.10.2");
	timeline_read(&t, node1, "start4.elf", T0);
	cr_expect_str_eq(row(T0).fault, "");
}

Test(timeline, hostile_names_are_made_visible)
{
	file("\x1b[2J\n", DONE_NOT_FOUND, T0);
	cr_expect_str_eq(row(T0).file, "\\033[2J\\012");
}

Test(timeline, boots_stay_with_their_client_when_its_place_changes)
{
	struct bindings *old = b;
	const char *why;
	struct msg_config_begin start = { .generation = 2, .networks = 2, .clients = 1 };
	struct msg_config_end finish = { .generation = 2 };
	struct msg_client moved = *node2;
	struct msg_dhcp_seen seen = { .verdict = SEEN_OFFERED };

	offered(T0);
	timeline_seen(&t, node2, &seen, T0 + 7);
	b = bindings_begin(&start, &why);
	bindings_network(b, &old->view.networks[0], &why);
	bindings_network(b, &old->view.networks[1], &why);
	moved.index = 0;
	moved.generation = 2;
	cr_assert(bindings_client(b, &moved, &why) && bindings_end(b, &finish, &why));
	cr_assert(timelines_configured(&t, old, b));
	cr_assert_eq(t.count, 1);
	cr_assert_not_null(timeline_of(&t, 0));
	cr_expect_eq(timeline_boot(timeline_of(&t, 0), 0)->at[STEP_SEEN], T0 + 7);
	bindings_free(old);
}

Test(timeline, a_standstill_is_a_change_for_those_who_follow)
{
	uint64_t before;

	offered(T0);
	before = t.sequence;
	timelines_age(&t, b, T0 + 1000);
	cr_expect_eq(t.sequence, before);
	timelines_age(&t, b, T0 + 31000);
	cr_expect_eq(t.sequence, before + 1);
	cr_expect_eq(timeline_of(&t, 0)->changed, before + 1);
	timelines_age(&t, b, T0 + 32000);
	cr_expect_eq(t.sequence, before + 1);
}

Test(timeline, the_wall_clock_may_jump_back)
{
	offered(T0);
	file("start4.elf", DONE_SENT, T0 - 1000000);
	offered(T0 - 999000);
	cr_expect_eq(boots(), 1);
	cr_expect_eq(row(T0 - 2000000).stalled, 0);
	file("kernel8.img", DONE_SENT, T0 - 998000);
	offered(T0 - 1003000);
	cr_expect_eq(boots(), 2, "behind a kernel there is no DHCP but that of a restart, whatever the clock says");
}
