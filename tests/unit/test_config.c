/* SPDX-License-Identifier: ISC */
/* Every wrong configuration, and the very words it is refused with. */
#include "config.h"

#include <string.h>

#include <criterion/criterion.h>

#include "address.h"

/* BASE: six lines. CLIENT_A, CLIENT_B and NET are blocks that are not closed yet. */
#define BASE            "server-address 10.0.0.1\nnetwork lab {\n\tinterface eth1\n}\nimage os {\n}\n"
#define NET             "server-address 10.0.0.1\nnetwork lab { interface eth1"
#define CLIENT_A        "client a { network lab address 10.0.0.2 mac 02:00:00:00:00:01 image os quota 8G"
#define CLIENT_B        "client b { network lab address 10.0.0.3 mac 02:00:00:00:00:02 image os quota 8G"
#define CLIENT_L        "client l { network lab address 10.0.0.4 mac 02:00:00:00:00:03"
#define WITHOUT_MAC     "client a { network lab address 10.0.0.2 image os quota 8G\n"
#define WITHOUT_ADDRESS "client a { network lab mac 02:00:00:00:00:01 image os quota 8G\n"
#define WITHOUT_QUOTA   "client a { network lab address 10.0.0.2 mac 02:00:00:00:00:01 image os\n"

/* What is said more than once. */
#define TOP_WORDS    "client, image, include, low-water, network or server-address\n"
#define NO_BOOT_FILE " is no boot file; one is a path of at most 127 characters below the boot directory: grubx64.efi\n"
#define NO_LEASE     " is no lease time; one is 60 seconds to 365 days, a number with s, m, h or d: 12h\n"
#define N_27         "abcdefghijklmnopqrstuvwxyza"
#define NETWORK_WORDS \
	"boot-file, dhcp, gateway, guard, interface, lease, name-servers, server-address, subnet, unknown or }\n"
#define IMAGE_WORDS \
	"architecture, authorized-keys, config-txt, docker, file, keep, locale, mirror, packages, room, run, sha256, " \
	"source, " \
	"ssh, suite, timezone, user or }\n"
#define USER_WORDS "groups, password-hash or }\n"
#define CLIENT_WORDS \
	"address, boot, cmdline, image, inodes, keep, mac, network, persistence, quota, root, serial or }\n"
#define NO_ADDRESS   " is no IPv4 address; one looks like 192.168.10.12\n"
#define NO_HOST      " is no address of one machine; one looks like 192.168.10.12\n"
#define NO_MAC       " is no MAC address; one looks like dc:a6:32:01:02:03\n"
#define NO_BOARD     " is no MAC address of one machine; one looks like dc:a6:32:01:02:03\n"
#define NO_SERIAL    " is no serial; one is 8 or 16 hex digits, as in /proc/cpuinfo: 1234abcd\n"
#define NO_SIZE      " is no size; one is a number of bytes, or a number with K, M, G or T: 8G\n"
#define NO_SUBNET    " is no subnet; one looks like 192.168.10.0/24, with a prefix of 1 to 30\n"
#define NO_NAME      " is no name; one has at most 63 letters, digits, '_' and '-', the first a letter or digit\n"
#define NO_INTERFACE " is no interface; one has at most 15 printable characters, none of them '/' or ':': eth1\n"
#define NO_PACKAGE   " is no package; one has lower case letters, digits, '+', '-' and '.': docker.io\n"
#define NO_ZONE      " is no time zone; one is a name of tzdata: Asia/Seoul\n"
#define NO_LOCAL     " is no root device; one is a word of at most 128 characters: PARTUUID=1234abcd-02\n"
#define NO_CMDLINE   " is no command line; one has at most 512 printable ASCII characters: quiet loglevel=3\n"
#define NO_LINE      " is no line of config.txt; one has at most 98 printable ASCII characters: gpu_mem=16\n"
#define NO_INNER     " is no path in the image; one is absolute, without \".\" and \"..\": /etc/motd\n"
#define NO_KEEP      " is no path to keep; one is absolute, without \".\" and \"..\": /var/lib/app\n"
#define NO_HASH      " is no password hash; one begins with '$' and is made by: openssl passwd -6\n"
#define NO_USER \
	" is no user; one has at most 32 lower case letters, digits, '_' and '-', the first none of '-' and digits: " \
	"pi\n"
#define ZEROS_64 "0000000000000000000000000000000000000000000000000000000000000000"
#define SET_UP   "; correct one of them, or set up the interface first\n"

#define X_80  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X_100 X_80 "xxxxxxxxxxxxxxxxxxxx"
#define X_500 X_100 X_100 X_100 X_100 X_100
#define N_80  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define N_100 N_80 "nnnnnnnnnnnnnnnnnnnn"

static bool
fake_subnet(const char *interface, uint32_t server, uint32_t *subnet, unsigned *prefix, const char **why)
{
	*why = "there is no such interface";
	if (strcmp(interface, "eth7") == 0)
		return false;
	*why = "it does not have that address";
	if (strcmp(interface, "eth2") == 0)
		return false;
	*prefix = strcmp(interface, "eth32") == 0 ? 32 : 24;
	*subnet = server & prefix_mask(*prefix);
	return true;
}

static bool
fake_image(const char *name, const char **why)
{
	*why = "there is none";
	return strcmp(name, "new") != 0;
}

static const struct config_resolver fake = { fake_subnet, fake_image };

static const struct {
	const char *text;
	const char *errors;
} wrong[] = {
	/* words that are not there */
	{ "server-adress 10.0.0.1\n", "x:1:1: unknown word \"server-adress\"; allowed here: " TOP_WORDS },
	{ "netwrk lab {\n\tinterface eth1\n}\n" BASE, "x:1:1: unknown word \"netwrk\"; allowed here: " TOP_WORDS },
	{ NET "\n\tnameservers { 10.0.0.1 }\n}\n",
	    "x:3:2: unknown word \"nameservers\"; allowed here: " NETWORK_WORDS },
	{ "image os {\n\tsorce /a\n}\n", "x:2:2: unknown word \"sorce\"; allowed here: " IMAGE_WORDS },
	{ BASE CLIENT_A "\n\tadress 10.0.0.3\n}\n", "x:8:2: unknown word \"adress\"; allowed here: " CLIENT_WORDS },
	{ NET "\n\tdhcp maybe\n}\n", "x:3:7: unknown word \"maybe\"; allowed here: off, proxy or reservations\n" },
	{ NET "\n\tunknown ignore\n}\n", "x:3:10: unknown word \"ignore\"; allowed here: answer or observe\n" },
	{ BASE CLIENT_A "\n\tboot disk\n}\n", "x:8:7: unknown word \"disk\"; allowed here: network or sd\n" },
	{ BASE CLIENT_A "\n\troot nbd\n}\n", "x:8:7: unknown word \"nbd\"; allowed here: local or nfs\n" },
	{ "lab\n", "x:1:1: unknown word \"lab\"; allowed here: " TOP_WORDS },
	{ "\"lab\"\n", "x:1:1: \"lab\" is not allowed here; allowed here: " TOP_WORDS },
	{ "}\n", "x:1:1: } is not allowed here; allowed here: " TOP_WORDS },
	{ "{ a { b } }\nfoo\n", "x:1:1: { is not allowed here; allowed here: " TOP_WORDS
				"x:2:1: unknown word \"foo\"; allowed here: " TOP_WORDS },
	{ "interface eth1\n", "x:1:1: interface is not allowed here; allowed here: " TOP_WORDS },
	{ NET "\n\tquota 8G\n}\n", "x:3:2: quota is not allowed here; allowed here: " NETWORK_WORDS },
	{ BASE CLIENT_A "\n\tgateway 10.0.0.1\n}\n",
	    "x:8:2: gateway is not allowed here; allowed here: " CLIENT_WORDS },
	{ BASE "client a { client b {\n", "x:7:12: client is not allowed here; allowed here: " CLIENT_WORDS
					  "x:8:1: end of file too early; allowed here: " CLIENT_WORDS },
	{ BASE "client a {\n\tinclude \"x\"\n", "x:8:2: include is not allowed here; allowed here: " CLIENT_WORDS
						"x:9:1: end of file too early; allowed here: " CLIENT_WORDS },
	{ "\357\273\277server-address 10.0.0.1\n",
	    "x:1:1: unknown word \"\\357\\273\\277server-address\"; allowed here: " TOP_WORDS },
	/* values that are not there, or too many */
	{ "server-address\n", "x:1:15: end of line too early; allowed here: a value\n" },
	{ "server-address", "x:1:15: end of file too early; allowed here: a value\n" },
	{ "network {\n}\n", "x:1:9: { is not allowed here; allowed here: a value\n" },
	{ "network lab\n", "x:2:1: end of file too early; allowed here: {\n" },
	{ "network lab interface eth1\n", "x:1:13: interface is not allowed here; allowed here: {\n" },
	{ NET "\n\tgateway\n}\n", "x:3:9: end of line too early; allowed here: a value\n" },
	{ NET "\n\tdhcp\n}\n", "x:3:6: end of line too early; allowed here: off, proxy or reservations\n" },
	{ NET "\n\tname-servers 10.0.0.1\n}\n", "x:3:15: unknown word \"10.0.0.1\"; allowed here: {\n" },
	{ BASE CLIENT_A "\n\troot local\n}\n", "x:8:12: end of line too early; allowed here: a value\n" },
	{ BASE CLIENT_A "\n\tcmdline\n\tserial 1234abcd\n}\n",
	    "x:8:9: end of line too early; allowed here: a value\n" },
	{ BASE CLIENT_A "\n\tserial 1234 abcd\n}\n",
	    "x:8:9: \"1234\"" NO_SERIAL "x:8:14: unknown word \"abcd\"; allowed here: " CLIENT_WORDS },
	{ BASE "client client {\n}\n",
	    "x:7:8: client is a word of the language; as a value it is written in quotes: \"client\"\n" },
	{ "image os {\n\tpackages { vim, run }\n}\n",
	    "x:2:18: run is a word of the language; as a value it is written in quotes: \"run\"\n" },
	{ BASE CLIENT_A, "x:7:80: end of file too early; allowed here: " CLIENT_WORDS },
	{ "network lab {\n", "x:2:1: end of file too early; allowed here: " NETWORK_WORDS },
	{ NET "\n\tname-servers { 10.0.0.1\n}\n", "x:5:1: end of file too early; allowed here: " NETWORK_WORDS },
	{ "network lab { interface eth1 { } }\n", "x:1:30: { is not allowed here; allowed here: " NETWORK_WORDS },
	/* bytes */
	{ "server-address \"10.0.0.1\n",
	    "x:1:16: the string is not closed; it ends with \" on the line where it begins\n" },
	{ "server-address \"10.0.0.1",
	    "x:1:16: the string is not closed; it ends with \" on the line where it begins\n" },
	{ BASE CLIENT_A "\n\tcmdline \"a\\n\"\n}\n",
	    "x:8:12: unknown escape in a string; only \\\" and \\\\ are known\n" },
	{ BASE CLIENT_A "\n\tcmdline \"a\007b\"\n}\n",
	    "x:8:12: control byte 0x07 in a string; a string is printable text\n" },
	{ "server\001address\n", "x:1:1: unknown word \"server\"; allowed here: " TOP_WORDS
				 "x:1:7: control byte 0x01; a configuration is printable text\n" },
	{ BASE CLIENT_A "\n\tcmdline \"quiet\nroot=x\"\n}\n",
	    "x:8:10: the string is not closed; it ends with \" on the line where it begins\n"
	    "x:9:1: unknown word \"root=x\"; allowed here: " CLIENT_WORDS
	    "x:9:7: the string is not closed; it ends with \" on the line where it begins\n" },
	{ BASE CLIENT_A "\n\tcmdline \"a\tb\"\n}\n",
	    "x:8:12: control byte 0x09 in a string; a string is printable text\n" },
	{ "include " X_500 X_500 X_100 "\n", "x:1:9: a word or string of more than 1023 bytes; make it shorter\n" },
	{ "include \"" X_500 X_500 X_100 "\"\n", "x:1:9: a word or string of more than 1023 bytes; make it shorter\n" },
	{ "network \"\033[2J\" {\n}\n", "x:1:10: control byte 0x1b in a string; a string is printable text\n" },
	/* names */
	{ "image \"\" {\n}\n", "x:1:7: \"\"" NO_NAME },
	{ "image \"../etc\" {\n}\n", "x:1:7: \"../etc\"" NO_NAME },
	{ "image -x {\n}\n", "x:1:7: \"-x\"" NO_NAME },
	{ "image _x {\n}\n", "x:1:7: \"_x\"" NO_NAME },
	{ "image a.b {\n}\n", "x:1:7: \"a.b\"" NO_NAME },
	{ "image "
	  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	  " {\n}\n",
	    "x:1:7: \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\"" NO_NAME },
	{ "image " N_100 N_100 " {\n}\n", "x:1:7: \"" N_80 "\"..." NO_NAME },
	{ BASE "client \"a b\" { network lab address 10.0.0.2 mac 02:00:00:00:00:01 image os quota 8G }\n",
	    "x:7:8: \"a b\"" NO_NAME },
	/* there twice */
	{ "server-address 10.0.0.1\nserver-address 10.0.0.1\n",
	    "x:2:1: server-address is there twice; the first is at x:1:16\n" },
	{ NET "\n\tinterface eth2\n}\n", "x:3:2: interface is there twice; the first is at x:2:25\n" },
	{ NET "\n\tdhcp off\n\tdhcp proxy\n}\n", "x:4:2: dhcp is there twice; the first is at x:3:7\n" },
	{ NET "\n\tname-servers { }\n\tname-servers { }\n}\n",
	    "x:4:2: name-servers is there twice; the first is at x:3:15\n" },
	{ NET "\n\tboot-file ipxe a\n\tboot-file bios a\n\tboot-file ipxe b\n}\n",
	    "x:5:2: boot-file ipxe is there twice; leave one out\n" },
	{ "image os {\n\trun /a\n\trun /b\n}\n", "x:3:2: run is there twice; the first is at x:2:6\n" },
	{ BASE CLIENT_A "\n\tmac 02:00:00:00:00:09\n}\n", "x:8:2: mac is there twice; the first is at x:7:45\n" },
	{ BASE CLIENT_A "\n\troot nfs\n\troot local x\n}\n", "x:9:2: root is there twice; the first is at x:8:7\n" },
	{ BASE CLIENT_A "\n\tquota 4G\n}\n", "x:8:2: quota is there twice; the first is at x:7:78\n" },
	{ BASE "network lab {\n\tinterface eth2\n\tserver-address 10.1.0.1\n}\n",
	    "x:7:9: network \"lab\" is there twice; the first is at x:2:9\n"
	    "x:8:12: interface \"eth2\" cannot serve with 10.1.0.1: it does not have that address" SET_UP },
	{ BASE "image os { }\n", "x:7:7: image \"os\" is there twice; the first is at x:5:7\n" },
	{ BASE CLIENT_A " }\nclient a { network lab address 10.0.0.3 mac 02:00:00:00:00:02 image os quota 8G }\n",
	    "x:8:8: client \"a\" is there twice; the first is at x:7:8\n" },
	{ BASE CLIENT_A " }\nclient b { network lab mac 02:00:00:00:00:02 image os quota 8G\n\taddress 10.0.0.2\n}\n",
	    "x:9:10: client \"b\" has the address of client \"a\" at x:7:32; each client needs an address of its "
	    "own\n" },
	{ BASE CLIENT_A " }\nclient b { network lab address 10.0.0.3 image os quota 8G\n\tmac 02-00-00-00-00-01\n}\n",
	    "x:9:6: client \"b\" has the mac of client \"a\" at x:7:45; each client is a board of its own\n" },
	{ BASE CLIENT_A "\n\tserial 1234ABCD }\n" CLIENT_B "\n\tserial 1234abcd }\n",
	    "x:10:9: client \"b\" has the serial of client \"a\" at x:8:9; the last 8 digits tell boards apart\n" },
	{ BASE CLIENT_A "\n\tserial 1000000012345678 }\n" CLIENT_B "\n\tserial 12345678 }\n",
	    "x:10:9: client \"b\" has the serial of client \"a\" at x:8:9; the last 8 digits tell boards apart\n" },
	/* addresses */
	{ "server-address 10.0.0\n", "x:1:16: \"10.0.0\"" NO_ADDRESS },
	{ "server-address 10.0.0.256\n", "x:1:16: \"10.0.0.256\"" NO_ADDRESS },
	{ "server-address 10.0.0.01\n", "x:1:16: \"10.0.0.01\"" NO_ADDRESS },
	{ "server-address 0.0.0.0\n", "x:1:16: 0.0.0.0" NO_HOST },
	{ "server-address 255.255.255.255\n", "x:1:16: 255.255.255.255" NO_HOST },
	{ "server-address 224.0.0.1\n", "x:1:16: 224.0.0.1" NO_HOST },
	{ "server-address lab.example\n", "x:1:16: \"lab.example\"" NO_ADDRESS },
	{ NET "\n\tgateway 10.0.0.1.1\n}\n", "x:3:10: \"10.0.0.1.1\"" NO_ADDRESS },
	{ NET "\n\tname-servers { 10.0.0.1, x, 0.0.0.1 }\n}\n", "x:3:27: \"x\"" NO_ADDRESS "x:3:30: 0.0.0.1" NO_HOST },
	{ NET "\n\tname-servers { 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 }\n}\n",
	    "x:3:53: this is the fifth name server; a network has at most 4\n" },
	/* boot files and leases */
	{ NET "\n\tboot-file x64 a\n}\n",
	    "x:3:12: \"x64\" is no kind of firmware; there is: bios, efi-ia32, efi-x64, efi-arm32, efi-arm64, ipxe, "
	    "http-x64, http-arm64\n" },
	{ NET "\n\tboot-file bios ../a\n}\n", "x:3:17: \"../a\"" NO_BOOT_FILE },
	{ NET "\n\tboot-file bios a/..\n}\n", "x:3:17: \"a/..\"" NO_BOOT_FILE },
	{ NET "\n\tboot-file bios a/../b\n}\n", "x:3:17: \"a/../b\"" NO_BOOT_FILE },
	{ NET "\n\tboot-file bios \"a b\"\n}\n", "x:3:17: \"a b\"" NO_BOOT_FILE },
	{ NET "\n\tboot-file bios " N_100 "/" N_27 "\n}\n", "x:3:17: \"" N_80 "\"..." NO_BOOT_FILE },
	{ NET "\n\tboot-file http-x64 /a\n}\n",
	    "x:3:21: \"/a\" is no URI of a boot file; one has at most 127 characters and begins with http:// or "
	    "https://\n" },
	{ NET "\n\tlease 12x\n}\n", "x:3:8: \"12x\"" NO_LEASE },
	{ NET "\n\tlease 59\n}\n", "x:3:8: \"59\"" NO_LEASE },
	{ NET "\n\tlease 366d\n}\n", "x:3:8: \"366d\"" NO_LEASE },
	{ NET "\n\tlease h\n}\n", "x:3:8: \"h\"" NO_LEASE },
	{ NET "\n\tlease 9999999999\n}\n", "x:3:8: \"9999999999\"" NO_LEASE },
	{ BASE WITHOUT_ADDRESS "\taddress 10.0.0\n}\n", "x:8:10: \"10.0.0\"" NO_ADDRESS },
	/* MAC addresses, serials */
	{ BASE WITHOUT_MAC "\tmac dc:a6:32:01:02\n}\n", "x:8:6: \"dc:a6:32:01:02\"" NO_MAC },
	{ BASE WITHOUT_MAC "\tmac dc:a6:32-01:02:03\n}\n", "x:8:6: \"dc:a6:32-01:02:03\"" NO_MAC },
	{ BASE WITHOUT_MAC "\tmac ff:ff:ff:ff:ff:ff\n}\n", "x:8:6: ff:ff:ff:ff:ff:ff" NO_BOARD },
	{ BASE WITHOUT_MAC "\tmac 00:00:00:00:00:00\n}\n", "x:8:6: 00:00:00:00:00:00" NO_BOARD },
	{ BASE WITHOUT_MAC "\tmac 01:00:5e:00:00:01\n}\n", "x:8:6: 01:00:5e:00:00:01" NO_BOARD },
	{ BASE CLIENT_A "\n\tserial 1234\n}\n", "x:8:9: \"1234\"" NO_SERIAL },
	{ BASE CLIENT_A "\n\tserial 1234abcg\n}\n", "x:8:9: \"1234abcg\"" NO_SERIAL },
	{ BASE CLIENT_A "\n\tserial 0x1234ab\n}\n", "x:8:9: \"0x1234ab\"" NO_SERIAL },
	{ BASE CLIENT_A "\n\tserial 123456789\n}\n", "x:8:9: \"123456789\"" NO_SERIAL },
	/* quotas */
	{ BASE WITHOUT_QUOTA "\tquota 8g\n}\n", "x:8:8: \"8g\"" NO_SIZE },
	{ BASE WITHOUT_QUOTA "\tquota G\n}\n", "x:8:8: \"G\"" NO_SIZE },
	{ BASE WITHOUT_QUOTA "\tquota 8GB\n}\n", "x:8:8: \"8GB\"" NO_SIZE },
	{ BASE WITHOUT_QUOTA "\tquota -8G\n}\n", "x:8:8: \"-8G\"" NO_SIZE },
	{ BASE WITHOUT_QUOTA "\tquota 1.5G\n}\n", "x:8:8: \"1.5G\"" NO_SIZE },
	{ BASE WITHOUT_QUOTA "\tquota \"8 G\"\n}\n", "x:8:8: \"8 G\"" NO_SIZE },
	{ BASE WITHOUT_QUOTA "\tquota 0\n}\n", "x:8:8: quota 0 is too small; the smallest is 8M\n" },
	{ BASE WITHOUT_QUOTA "\tquota 4M\n}\n", "x:8:8: quota 4M is too small; the smallest is 8M\n" },
	{ BASE WITHOUT_QUOTA "\tquota 8388607\n}\n", "x:8:8: quota 8388607 is too small; the smallest is 8M\n" },
	{ BASE WITHOUT_QUOTA "\tquota 18446744073709551616\n}\n", "x:8:8: \"18446744073709551616\"" NO_SIZE },
	{ BASE WITHOUT_QUOTA "\tquota 16777216T\n}\n", "x:8:8: \"16777216T\"" NO_SIZE },
	/* subnets */
	{ NET "\n\tsubnet 10.0.0.0\n}\n", "x:3:9: \"10.0.0.0\"" NO_SUBNET },
	{ NET "\n\tsubnet 10.0.0.0/\n}\n", "x:3:9: \"10.0.0.0/\"" NO_SUBNET },
	{ NET "\n\tsubnet 10.0.0.0/0\n}\n", "x:3:9: \"10.0.0.0/0\"" NO_SUBNET },
	{ NET "\n\tsubnet 10.0.0.0/31\n}\n", "x:3:9: \"10.0.0.0/31\"" NO_SUBNET },
	{ NET "\n\tsubnet 10.0.0.0/024\n}\n", "x:3:9: \"10.0.0.0/024\"" NO_SUBNET },
	{ NET "\n\tsubnet 10.0.0.0/24x\n}\n", "x:3:9: \"10.0.0.0/24x\"" NO_SUBNET },
	{ NET "\n\tsubnet 10.0.0/24\n}\n", "x:3:9: \"10.0.0/24\"" NO_SUBNET },
	{ NET "\n\tsubnet 0.0.0.0/8\n}\n", "x:3:9: \"0.0.0.0/8\"" NO_SUBNET },
	{ NET "\n\tsubnet 10.0.0.1/24\n}\n",
	    "x:3:9: 10.0.0.1/24 has address bits behind its prefix; the subnet is 10.0.0.0/24\n" },
	{ NET "\n\tsubnet 192.168.100.200.300/24\n}\n", "x:3:9: \"192.168.100.200.300/24\"" NO_SUBNET },
	/* interfaces */
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"\"\n}\n", "x:3:12: \"\"" NO_INTERFACE },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"interface0123456\"\n}\n",
	    "x:3:12: \"interface0123456\"" NO_INTERFACE },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"a/b\"\n}\n", "x:3:12: \"a/b\"" NO_INTERFACE },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"a:0\"\n}\n", "x:3:12: \"a:0\"" NO_INTERFACE },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"a b\"\n}\n", "x:3:12: \"a b\"" NO_INTERFACE },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"..\"\n}\n", "x:3:12: \"..\"" NO_INTERFACE },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"eth7\"\n}\n",
	    "x:3:12: interface \"eth7\" cannot serve with 10.0.0.1: there is no such interface" SET_UP },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"eth2\"\n}\n",
	    "x:3:12: interface \"eth2\" cannot serve with 10.0.0.1: it does not have that address" SET_UP },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"eth32\"\n}\n",
	    "x:3:12: interface \"eth32\" cannot serve with 10.0.0.1: its prefix is not 1 to 30" SET_UP },
	{ "server-address 10.0.0.1\nnetwork lab {\n\tinterface \"eth*\"\n\tguard on\n}\n",
	    "x:4:8: guard cannot name interface \"eth*\" to nft; rename the interface\n" },
	/* paths, packages, time zones */
	{ "image os {\n\tsource raspios.img.xz\n}\n",
	    "x:2:9: \"raspios.img.xz\" is no absolute path; one begins with '/': /srv/downloads/raspios.img.xz\n" },
	{ "image os {\n\tauthorized-keys \"\"\n}\n",
	    "x:2:18: \"\" is no absolute path; one begins with '/': /etc/diskless/keys/ops.pub\n" },
	{ "image os {\n\trun ./x\n}\n",
	    "x:2:6: \"./x\" is no absolute path; one begins with '/': /etc/diskless/recipes/bookworm.sh\n" },
	{ "image os {\n\tpackages { vim \"rm -rf\" }\n}\n", "x:2:17: \"rm -rf\"" NO_PACKAGE },
	{ "image os {\n\tpackages { -o }\n}\n", "x:2:13: \"-o\"" NO_PACKAGE },
	{ "image os {\n\tpackages { Vim }\n}\n", "x:2:13: \"Vim\"" NO_PACKAGE },
	{ "image os {\n\tpackages { vim- }\n}\n", "x:2:13: \"vim-\"" NO_PACKAGE },
	{ "image os {\n\tpackages { \"\" }\n}\n", "x:2:13: \"\"" NO_PACKAGE },
	{ "image os {\n\ttimezone ../../etc/shadow\n}\n", "x:2:11: \"../../etc/shadow\"" NO_ZONE },
	{ "image os {\n\ttimezone \"\"\n}\n", "x:2:11: \"\"" NO_ZONE },
	{ "image os {\n\ttimezone /etc/shadow\n}\n", "x:2:11: \"/etc/shadow\"" NO_ZONE },
	/* what images are made of */
	{ "image os {\n\tsource /a\n\tsuite bookworm\n}\n",
	    "x:3:8: image \"os\" has a source already, at x:2:9; it is made of a source or a suite\n" },
	{ "image os {\n\tsuite bookworm\n}\n",
	    "x:2:8: suite is for an image with architecture; add a line like: architecture arm64\n" },
	{ "image os {\n\tarchitecture arm64\n}\n",
	    "x:2:15: architecture is for an image with suite; add a line like: suite bookworm\n" },
	{ "image os {\n\tmirror http://a/\n}\n",
	    "x:2:9: mirror is for an image with suite; add a line like: suite bookworm\n" },
	{ "image os {\n\tsha256 " ZEROS_64 "\n}\n",
	    "x:2:9: sha256 is for an image with source; add a line like: source \"/srv/downloads/raspios.img.xz\"\n" },
	{ "image os {\n\tsource /a sha256 12\n}\n",
	    "x:2:19: \"12\" is no digest; one has 64 hexadecimal digits, as sha256sum prints it\n" },
	{ "image os {\n\tsuite ../x architecture arm64\n}\n",
	    "x:2:8: \"../x\" is no suite; one is the name of a release of Debian: bookworm\n" },
	{ "image os {\n\tsuite x architecture riscv64\n}\n",
	    "x:2:23: \"riscv64\" is no architecture; one is arm64, armhf or amd64\n" },
	{ "image os {\n\tsuite x architecture arm64 mirror \"/tmp [trusted=yes]\"\n}\n",
	    "x:2:36: \"/tmp [trusted=yes]\" is no mirror; one is a URL: http://deb.debian.org/debian\n" },
	{ "image os {\n\troom 0\n}\n",
	    "x:2:7: \"0\" is no size; one is a number of bytes, or a number with K, M, G or T: 2G\n" },
	{ "image os {\n\troom 2T\n}\n", "x:2:7: room 2T is too much; the most is 1024G\n" },
	/* recipes */
	{ "image os {\n\tlocale ../x\n}\n", "x:2:9: \"../x\" is no locale; one is a name of locales: en_GB.UTF-8\n" },
	{ "image os {\n\tssh yes\n}\n", "x:2:6: unknown word \"yes\"; allowed here: off or on\n" },
	{ "image os {\n\tconfig-txt { \"a\303\244\" }\n}\n", "x:2:15: \"a\\303\\244\"" NO_LINE },
	{ "image os {\n\tconfig-txt { \"\" }\n}\n", "x:2:15: \"\"" NO_LINE },
	{ "image os {\n\tconfig-txt { " X_100 " }\n}\n", "x:2:15: \"" X_80 "\"..." NO_LINE },
	{ "image os {\n\tfile /a\n}\n", "x:2:9: end of line too early; allowed here: a value\n" },
	{ "image os {\n\tfile a /b\n}\n",
	    "x:2:7: \"a\" is no absolute path; one begins with '/': /srv/downloads/raspios.img.xz\n" },
	{ "image os {\n\tfile /a /etc/../b\n}\n", "x:2:10: \"/etc/../b\"" NO_INNER },
	{ "image os {\n\tfile /a /\n}\n", "x:2:10: \"/\"" NO_INNER },
	{ "image os {\n\tfile /a /etc/\n}\n", "x:2:10: \"/etc/\"" NO_INNER },
	{ "image os {\n\tkeep { srv }\n}\n", "x:2:9: \"srv\"" NO_KEEP },
	{ "image os {\n\tkeep { /srv//a }\n}\n", "x:2:9: \"/srv//a\"" NO_KEEP },
	{ BASE CLIENT_A "\n\tkeep { /./a }\n}\n", "x:8:9: \"/./a\"" NO_KEEP },
	{ BASE CLIENT_A "\n\tinodes many\n}\n",
	    "x:8:9: \"many\" is no number of inodes; one is 64 or more, also with K or M: 500K\n" },
	{ "low-water 0\n", "x:1:11: \"0\" is no size; one is a number of bytes, or a number with K, M, G or T: 10G\n" },
	{ BASE CLIENT_A "\n\tpersistence maybe\n}\n",
	    "x:8:14: unknown word \"maybe\"; allowed here: discard or keep\n" },
	{ "image os {\n\tuser Pi { }\n}\n", "x:2:7: \"Pi\"" NO_USER },
	{ "image os {\n\tuser -pi { }\n}\n", "x:2:7: \"-pi\"" NO_USER },
	{ "image os {\n\tuser pi { }\n\tuser pi { }\n}\n",
	    "x:3:7: user \"pi\" is there twice; the first is at x:2:7\n" },
	{ "image os {\n\tuser pi { shell /bin/sh }\n}\n", "x:2:12: unknown word \"shell\"; allowed here: " USER_WORDS },
	{ "image os {\n\tuser pi { password-hash secret }\n}\n", "x:2:26: \"secret\"" NO_HASH },
	{ "image os {\n\tuser pi { password-hash \"$6$abcdefgh:0:0:root\" }\n}\n",
	    "x:2:26: \"$6$abcdefgh:0:0:root\"" NO_HASH },
	{ "image os {\n\tuser pi { groups { \"a,b\" } }\n}\n",
	    "x:2:21: \"a,b\" is no group; one has at most 32 lower case letters, digits, '_' and '-', the first "
	    "none of '-' and digits: gpio\n" },
	{ "image os {\n\tuser pi { groups { a }\n\tgroups { b } }\n}\n",
	    "x:3:2: groups is there twice; the first is at x:2:19\n" },
	/* command lines and local roots */
	{ BASE CLIENT_A "\n\tcmdline \"quiet root=/dev/sda\"\n}\n",
	    "x:8:10: cmdline may not say root=, the server does; leave that word out\n" },
	{ BASE CLIENT_A "\n\tcmdline nfsroot=1.2.3.4:/\n}\n",
	    "x:8:10: cmdline may not say nfsroot=, the server does; leave that word out\n" },
	{ BASE CLIENT_A "\n\tcmdline \"ip=dhcp\"\n}\n",
	    "x:8:10: cmdline may not say ip=, the server does; leave that word out\n" },
	{ BASE CLIENT_A "\n\tcmdline \"nfsaddrs=dhcp\"\n}\n",
	    "x:8:10: cmdline may not say nfsaddrs=, the server does; leave that word out\n" },
	{ BASE CLIENT_A "\n\tcmdline \"quiet \\\"root=x y\\\"\"\n}\n",
	    "x:8:10: cmdline may not say root=, the server does; leave that word out\n" },
	{ BASE CLIENT_A "\n\tcmdline \"" X_500 "xxxxxxxxxxxxx"
			"\"\n}\n",
	    "x:8:10: \"" X_80 "\"..." NO_CMDLINE },
	{ BASE CLIENT_A "\n\tcmdline \"caf\303\251\"\n}\n", "x:8:10: \"caf\\303\\251\"" NO_CMDLINE },
	{ BASE CLIENT_L "\n\troot local \"a b\"\n}\n", "x:8:13: \"a b\"" NO_LOCAL },
	{ BASE CLIENT_L "\n\troot local \"\"\n}\n", "x:8:13: \"\"" NO_LOCAL },
	{ BASE CLIENT_L "\n\troot local " X_100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"\n}\n",
	    "x:8:13: \"" X_80 "\"..." NO_LOCAL },
	/* networks as a whole */
	{ "network lab {\n\tinterface eth1\n}\n", "x:1:9: network \"lab\" has no server-address; write one here or "
						  "before all blocks: server-address 192.168.10.11\n" },
	{ "server-address 10.0.0.1\nnetwork lab {\n}\n",
	    "x:2:9: network \"lab\" has no interface; add a line like: interface eth1\n" },
	{ BASE "network two {\n\tinterface eth1\n\tserver-address 10.1.0.1\n\tsubnet 10.1.0.0/24\n}\n",
	    "x:8:12: interface \"eth1\" has network \"lab\" already; a network has one of its own\n" },
	{ BASE "network two {\n\tinterface eth3\n\tsubnet 10.0.0.0/16\n}\n",
	    "x:9:9: the subnets of networks \"lab\" and \"two\" overlap; each needs one of its own\n" },
	{ BASE "network two {\n\tinterface eth1.3\n}\n",
	    "x:7:9: the subnets of networks \"lab\" and \"two\" overlap; each needs one of its own\n" },
	{ NET "\n\tgateway 10.0.1.1\n}\n",
	    "x:3:10: gateway 10.0.1.1 is not in network \"lab\"; its subnet is 10.0.0.0/24\n" },
	{ NET "\n\tgateway 10.0.0.0\n}\n",
	    "x:3:10: gateway 10.0.0.0 is the first or last of 10.0.0.0/24; take one between them\n" },
	{ NET "\n\tgateway 10.0.0.255\n}\n",
	    "x:3:10: gateway 10.0.0.255 is the first or last of 10.0.0.0/24; take one between them\n" },
	{ NET "\n\tsubnet 10.1.0.0/24\n}\n",
	    "x:2:9: server-address 10.0.0.1 is not in network \"lab\"; its subnet is 10.1.0.0/24\n" },
	{ NET "\n\tserver-address 10.0.0.255 subnet 10.0.0.0/24\n}\n",
	    "x:3:17: server-address 10.0.0.255 is the first or last of 10.0.0.0/24; take one between them\n" },
	/* clients as a whole */
	{ BASE "client a {\n}\n", "x:7:8: client \"a\" has no network; add a line like: network \"lab\"\n"
				  "x:7:8: client \"a\" has no address; add a line like: address 192.168.10.12\n"
				  "x:7:8: client \"a\" has no mac; add a line like: mac dc:a6:32:01:02:03\n"
				  "x:7:8: client \"a\" has no image; add a line like: image \"bookworm\"\n"
				  "x:7:8: client \"a\" has no quota; add a line like: quota 8G\n" },
	{ BASE "client a {\n\troot local x\n}\n",
	    "x:7:8: client \"a\" has no network; add a line like: network \"lab\"\n"
	    "x:7:8: client \"a\" has no address; add a line like: address 192.168.10.12\n"
	    "x:7:8: client \"a\" has no mac; add a line like: mac dc:a6:32:01:02:03\n" },
	{ BASE "client a { network lab address 10.0.0.2 mac 02:00:00:00:00:01 }\n",
	    "x:7:8: client \"a\" has no image; add a line like: image \"bookworm\"\n"
	    "x:7:8: client \"a\" has no quota; add a line like: quota 8G\n" },
	{ BASE "client a { address 10.0.0.2 mac 02:00:00:00:00:01 image os quota 8G\n\tnetwork lap\n}\n",
	    "x:8:10: there is no network \"lap\"; there is: \"lab\"\n" },
	{ BASE "client a { network lab address 10.0.0.2 mac 02:00:00:00:00:01 quota 8G\n\timage so\n}\n",
	    "x:8:8: there is no image \"so\"; there is: \"os\"\n" },
	{ "client a { address 10.0.0.2 mac 02:00:00:00:00:01 quota 8G\n\tnetwork lab\n\timage os\n}\n",
	    "x:2:10: there is no network \"lab\"; there is: none\n"
	    "x:3:8: there is no image \"os\"; there is: none\n" },
	{ BASE "image new { }\nclient a { network lab address 10.0.0.2 mac 02:00:00:00:00:01 quota 8G\n\timage "
	       "new\n}\nclient b { network lab address 10.0.0.3 mac 02:00:00:00:00:02 quota 8G\n\timage new\n}\n",
	    "x:9:8: image \"new\" is not imported: there is none; run: disklessctl image import FILE --name new\n" },
	{ BASE "image new { source /a }\nclient a { network lab address 10.0.0.2 mac 02:00:00:00:00:01 quota 8G\n"
	       "\timage new\n}\n",
	    "x:9:8: image \"new\" is not built: there is none; run: disklessctl image build new\n" },
	{ BASE WITHOUT_ADDRESS "\taddress 10.0.1.2\n}\n",
	    "x:8:10: address 10.0.1.2 is not in network \"lab\"; its subnet is 10.0.0.0/24\n" },
	{ BASE WITHOUT_ADDRESS "\taddress 10.0.0.0\n}\n",
	    "x:8:10: address 10.0.0.0 is the first or last of 10.0.0.0/24; take one between them\n" },
	{ BASE WITHOUT_ADDRESS "\taddress 10.0.0.255\n}\n",
	    "x:8:10: address 10.0.0.255 is the first or last of 10.0.0.0/24; take one between them\n" },
	{ BASE WITHOUT_ADDRESS "\taddress 10.0.0.1\n}\n",
	    "x:8:10: address 10.0.0.1 is that of the server of network \"lab\"; take a free one\n" },
	{ NET "\n\tgateway 10.0.0.254\n}\nimage os { }\nclient a { network lab mac 02:00:00:00:00:01 image os quota "
	      "8G\n\taddress 10.0.0.254\n}\n",
	    "x:7:10: address 10.0.0.254 is that of the gateway of network \"lab\"; take a free one\n" },
	/* more than one error */
	{ "foo\nserver-address x\nbar\nnetwork lab {\n\tinterface eth1\n}\nimage os {\n}\n",
	    "x:1:1: unknown word \"foo\"; allowed here: " TOP_WORDS "x:2:16: \"x\"" NO_ADDRESS
	    "x:3:1: unknown word \"bar\"; allowed here: " TOP_WORDS },
	{ BASE CLIENT_A "\n\tadress 10.0.0.3\n\tserial 12\n\tqota 8G\n}\n",
	    "x:8:2: unknown word \"adress\"; allowed here: " CLIENT_WORDS "x:9:9: \"12\"" NO_SERIAL
	    "x:10:2: unknown word \"qota\"; allowed here: " CLIENT_WORDS },
	{ "netwrk lab {\n\tfoo\n\tbar { }\n}\nclints {\n}\n",
	    "x:1:1: unknown word \"netwrk\"; allowed here: " TOP_WORDS
	    "x:5:1: unknown word \"clints\"; allowed here: " TOP_WORDS },
	{ NET "\n\tname-servers { { }\n\tgateway x\n}\n", "x:3:17: { is not allowed here; allowed here: a value or }\n"
							  "x:4:10: \"x\"" NO_ADDRESS },
	/* includes */
	{ "include \"clients.d/*.conf\"\n", "x:1:9: include is not possible here; only a file includes others\n" },
	{ "include x.conf\n", "x:1:9: include is not possible here; only a file includes others\n" },
};

static char errors[8192];

static struct config *
parse(const char *text)
{
	return config_parse("x", text, strlen(text), &fake, errors, sizeof(errors));
}

Test(config, what_is_wrong_is_refused_with_its_place_and_with_what_would_be_right)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct config *config = parse(wrong[i].text);

		cr_expect_null(config, "accepted: %s", wrong[i].text);
		cr_expect_str_eq(errors, wrong[i].errors, "of\n%s\n%s", wrong[i].text, errors);
		config_free(config);
	}
}

Test(config, what_the_wrong_ones_are_made_of_is_right)
{
	struct config *config = parse(BASE CLIENT_A "}" CLIENT_B "}" CLIENT_L " root local x }");

	cr_assert_not_null(config, "%s", errors);
	cr_expect_str_empty(errors);
	cr_expect_eq(config->client_count, 3);
	config_free(config);
}

Test(config, defaults_are_root_nfs_boot_network_dhcp_proxy_unknown_observe)
{
	struct config *config = parse(BASE CLIENT_A "}");

	cr_assert_not_null(config, "%s", errors);
	cr_expect_eq(config->client[0].root, ROOT_NFS);
	cr_expect_eq(config->client[0].boot, BOOT_NETWORK);
	cr_expect(!config->client[0].has_serial);
	cr_expect_null(config->client[0].cmdline);
	cr_expect_eq(config->network[0].dhcp, DHCP_PROXY);
	cr_expect_eq(config->network[0].unknown, UNKNOWN_OBSERVE);
	cr_expect_eq(config->network[0].gateway, 0);
	config_free(config);
}

Test(config, a_lease_has_a_unit_and_a_boot_file_may_be_none)
{
	struct config *config = parse(NET " lease 2h boot-file efi-x64 shimx64.efi boot-file bios \"\""
					  " boot-file http-arm64 \"https://10.0.0.1/a.efi\" }");

	cr_assert_not_null(config, "%s", errors);
	cr_expect_eq(config->network[0].lease, 7200);
	cr_expect_str_eq(config->network[0].boot_file[BOOT_EFI_X64], "shimx64.efi");
	cr_expect_str_empty(config->network[0].boot_file[BOOT_BIOS]);
	cr_expect_str_eq(config->network[0].boot_file[BOOT_HTTP_ARM64], "https://10.0.0.1/a.efi");
	cr_expect_null(config->network[0].boot_file[BOOT_IPXE], "the default is filled in where it is used");
	config_free(config);
}

Test(config, server_address_and_subnet_come_from_the_global_one_and_the_interface)
{
	struct config *config = parse(BASE "network two { interface eth3 server-address 10.1.0.1 subnet 10.1.0.0/16 }");
	char text[ADDRESS_TEXT];

	cr_assert_not_null(config, "%s", errors);
	cr_expect_str_eq(address_text(config->network[0].server, text), "10.0.0.1");
	cr_expect_str_eq(address_text(config->network[0].subnet, text), "10.0.0.0");
	cr_expect_eq(config->network[0].prefix, 24);
	cr_expect(!config->network[0].own_server && !config->network[0].own_subnet);
	cr_expect_str_eq(address_text(config->network[1].server, text), "10.1.0.1");
	cr_expect_eq(config->network[1].prefix, 16);
	cr_expect(config->network[1].own_server && config->network[1].own_subnet);
	config_free(config);
}

Test(config, names_are_resolved_wherever_in_the_file_they_are_defined)
{
	struct config *config = parse(CLIENT_A "}\n" BASE);

	cr_assert_not_null(config, "%s", errors);
	cr_expect_eq(config->client[0].network, &config->network[0]);
	cr_expect_eq(config->client[0].image, &config->image[0]);
	cr_expect_eq(config->client[0].place.line, 1);
	cr_expect_eq(config->client[0].place.column, 8);
	config_free(config);
}

Test(config, all_digit_serials_sizes_and_mac_addresses_are_what_their_statement_says)
{
	struct config *config =
	    parse(BASE "client 10000000 { network lab address 10.0.0.2 mac DC-A6-32-01-02-03 image os\n"
		       "serial 12345678 quota 8388608 cmdline \"a \\\"b\\\\\" }");
	char text[MAC_TEXT];

	cr_assert_not_null(config, "%s", errors);
	cr_expect_str_eq(config->client[0].name, "10000000");
	cr_expect_eq(config->client[0].serial, 0x12345678);
	cr_expect_eq(config->client[0].quota, CONFIG_QUOTA_MIN);
	cr_expect_str_eq(mac_text(config->client[0].mac, text), "dc:a6:32:01:02:03");
	cr_expect_str_eq(config->client[0].cmdline, "a \"b\\");
	config_free(config);
}

Test(config, commas_in_lists_and_line_ends_between_and_in_blocks_are_free)
{
	struct config *config =
	    parse("\n\nserver-address 10.0.0.1 network lab\n\n{ interface eth1 name-servers {\n10.0.0.8\n,\n"
		  "10.0.0.9 10.0.0.10 }\r\n} # the end\n#\nimage os { packages { a, b c\n} }# comment");

	cr_assert_not_null(config, "%s", errors);
	cr_expect_eq(config->network[0].name_server_count, 3);
	cr_expect_eq(config->image[0].packages.count, 3);
	cr_expect_str_eq(config->image[0].packages.word[2], "c");
	config_free(config);
}

Test(config, nothing_at_all_is_a_configuration)
{
	struct config *config = parse("");

	cr_assert_not_null(config, "%s", errors);
	config_free(config);
}

Test(config, init_is_a_word_that_a_command_line_may_have)
{
	struct config *config = parse(BASE CLIENT_A " cmdline \"init=/bin/sh noroot=1 tip=2\" }");

	cr_assert_not_null(config, "%s", errors);
	config_free(config);
}

Test(config, without_a_resolver_the_checks_that_need_one_are_left_out)
{
	const char *text = "server-address 10.0.0.1 network lab { interface eth7 gateway 99.0.0.1 } image new { }\n"
			   "client a { network lab address 88.0.0.1 mac 02:00:00:00:00:01 image new quota 8G }";
	struct config *config = config_parse("x", text, strlen(text), NULL, errors, sizeof(errors));

	cr_assert_not_null(config, "%s", errors);
	cr_expect_eq(config->network[0].prefix, 0);
	config_free(config);
}

Test(config, a_byte_of_zero_ends_neither_text_nor_check)
{
	static const char text[] = "server-address 10.0.0.1\n\0\nfoo\n";

	cr_expect_null(config_parse("x", text, sizeof(text) - 1, &fake, errors, sizeof(errors)));
	cr_expect_str_eq(errors, "x:2:1: control byte 0x00; a configuration is printable text\n"
				 "x:3:1: unknown word \"foo\"; allowed here: " TOP_WORDS);
}

static unsigned
lines(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

Test(config, at_most_twenty_errors_are_told)
{
	char text[200] = "";

	for (int i = 0; i < 50; i++)
		strcat(text, "a\n");
	cr_expect_null(parse(text));
	cr_expect_eq(lines(errors), 20);
}

Test(config, errors_that_do_not_fit_are_left_out_whole)
{
	char small[120];

	for (size_t size = 1; size <= sizeof(small); size++) {
		memset(small, 'z', sizeof(small));
		cr_expect_null(config_parse("x", "a\nb\n", 4, NULL, small, size));
		cr_expect_lt(strnlen(small, size), size);
	}
	cr_expect_eq(lines(small), 1);
	cr_expect_null(config_parse("x", "a\nb\n", 4, NULL, NULL, 0));
}

Test(config, sizes_have_one_of_four_units_and_do_not_overflow)
{
	uint64_t bytes;

	cr_expect(config_size_parse("0", &bytes) && bytes == 0);
	cr_expect(config_size_parse("1K", &bytes) && bytes == 1024);
	cr_expect(config_size_parse("512M", &bytes) && bytes == (uint64_t)512 << 20);
	cr_expect(config_size_parse("3T", &bytes) && bytes == (uint64_t)3 << 40);
	cr_expect(config_size_parse("18446744073709551615", &bytes) && bytes == UINT64_MAX);
	cr_expect(config_size_parse("16777215T", &bytes) && bytes == (uint64_t)16777215 << 40);
	cr_expect(!config_size_parse("", &bytes) && !config_size_parse("18446744073709551616K", &bytes));
}

Test(config, a_name_is_safe_wherever_it_goes)
{
	cr_expect(config_name_valid("a") && config_name_valid("0") && config_name_valid("Node_1-a"));
	cr_expect(!config_name_valid("") && !config_name_valid("-a") && !config_name_valid("_a"));
	cr_expect(!config_name_valid("a/b") && !config_name_valid("a.b") && !config_name_valid("a b"));
	cr_expect(!config_name_valid("a\n") && !config_name_valid("\303\244"));
}

Test(config, a_serial_is_eight_or_sixteen_hex_digits)
{
	uint64_t serial;

	cr_expect(config_serial_parse("1234ABCD", &serial) && serial == 0x1234abcd);
	cr_expect(config_serial_parse("ffffffffffffffff", &serial) && serial == UINT64_MAX);
	cr_expect(!config_serial_parse("", &serial) && !config_serial_parse("1234abc", &serial));
	cr_expect(!config_serial_parse("-1234567", &serial) && !config_serial_parse(" 1234567", &serial));
}
