#!/bin/sh
# The recipe of check-os: the kernel of Debian and the boot files of a Raspberry Pi. Making an initramfs takes long under emulation,
# so it has the modules of the boards' and QEMU's networks only, and is made once, at the end.
set -eu
mkdir -p /etc/initramfs-tools/conf.d /boot/firmware # raspi-firmware wants it to be there
cat >/etc/initramfs-tools/conf.d/diskless <<-END
	MODULES=list
	COMPRESS=gzip
END
cat >/etc/initramfs-tools/modules <<-END
	virtio_pci
	virtio_mmio
	virtio_net
	genet
	smsc95xx
	lan78xx
	af_packet
	nfs
	nfsv3
END
apt-get -qq update
apt-get -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends install initramfs-tools
sed -i 's/^update_initramfs=.*/update_initramfs=no/' /etc/initramfs-tools/update-initramfs.conf
apt-get -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends install linux-image-arm64 raspi-firmware
sed -i 's/^update_initramfs=.*/update_initramfs=yes/' /etc/initramfs-tools/update-initramfs.conf
version=$(cd /lib/modules && echo *)
[ -e "/boot/initrd.img-$version" ] || update-initramfs -c -k "$version"
/etc/kernel/postinst.d/z50-raspi-firmware "$version" "/boot/vmlinuz-$version"
ls -l /boot/firmware
chmod 755 /usr/local/sbin/check-os
systemctl enable check-os.service
