# shellcheck shell=bash disable=SC2154,SC2034,SC2086
# cases: the programs of tests/wire against the suite that runs, and dnsmasq beside it. Sourced by tests/clients: namespaces, addresses
# and $failed are its.
wire=$PWD/tests/wire
# Clients of ours, for `offers`: Pis and a PC.
machines='b8:27:eb:4c:6c:b6 b8:27:eb:4c:6c:b7 dc:a6:32:01:02:03 2c:cf:67:01:02:03 52:54:00:00:00:01'
http=http://10.77.0.200

# FILES are what the board's boot directory holds, which is of its own mounted root.
packets() {
	local flood
	ip netns exec board "$wire/tftp" client $server 10.77.0.255 fat /srv/diskless/board/boot/firmware || failed=1
	ip netns exec stranger "$wire/tftp" stranger $server || failed=1
	ip netns exec second "$wire/tftp" flood $server 60 &
	flood=$!
	sleep 0.5
	ip netns exec board "$wire/tftp" calm $server fat || failed=1
	kill $flood
	wait $flood 2>/dev/null || true
}

# dnsmasq in a namespace of its own, beside a client's with the same address as ours: configured for what ours does by itself.
start_dnsmasq() {
	ip netns add peer
	ip netns add peer-board
	ip link add eth0 address 02:d1:5c:ff:00:01 netns peer type veth peer name eth0 address $board_mac netns peer-board
	ip -n peer -batch - <<-END
		link set lo up
		address add $server/24 dev eth0
		link set eth0 up
	END
	ip -n peer-board -batch - <<-END
		address add $board/24 dev eth0
		link set eth0 up
	END
	cat >dnsmasq.conf <<-END
		port=0
		user=root
		log-facility=/srv/out/dnsmasq.log
		dhcp-leasefile=/run/dnsmasq.leases
		dhcp-range=10.77.0.0,proxy,255.255.255.0
		dhcp-pxe-vendor=PXEClient,HTTPClient
		dhcp-match=set:pi,97,00:44:44:44:44
		dhcp-match=set:pi,97,00:17:4c:6c:b6
		dhcp-match=set:pi,97,00:52:50:69:34
		dhcp-match=set:pi,97,00:52:50:69:35
		dhcp-userclass=set:ipxe,iPXE
		dhcp-match=set:http-x64,option:client-arch,16
		dhcp-match=set:http-arm64,option:client-arch,19
		pxe-service=tag:pi,0,"Raspberry Pi Boot"
		pxe-service=tag:!pi,tag:!ipxe,7,"start",bootx64.efi
		pxe-service=tag:!pi,tag:!ipxe,9,"start",bootx64.efi
		pxe-service=tag:!pi,tag:!ipxe,11,"start",bootaa64.efi
		dhcp-boot=tag:!pi,tag:!ipxe,tag:!http-x64,tag:!http-arm64,undionly.kpxe
		dhcp-boot=tag:ipxe,boot.ipxe
		dhcp-boot=tag:http-x64,$http/x64.efi
		dhcp-boot=tag:http-arm64,$http/arm64.efi
	END
	ip netns exec peer dnsmasq -k -C dnsmasq.conf --pid-file= >/srv/out/dnsmasq.err 2>&1 &
	dnsmasq=$!
	for _ in $(seq 100); do
		ip netns exec peer ss -uln | grep -q ':4011 ' && return 0
		sleep 0.05
	done
	die "dnsmasq does not start: $(tail -n 1 /srv/out/dnsmasq.err)"
}

like_dnsmasq() {
	start_dnsmasq
	ip netns exec peer-board "$wire/offers" ask eth0 $board $server >/srv/out/offers.dnsmasq
	kill $dnsmasq
	ip netns exec board "$wire/offers" ask eth0 $board $server >/srv/out/offers.ours
	"$wire/offers" compare /srv/out/offers.ours /srv/out/offers.dnsmasq || failed=1
}
