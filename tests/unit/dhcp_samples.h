/* SPDX-License-Identifier: ISC */
/* What boards send, byte by byte, for the tests of dhcp: the fixed header is made, the options are written out. */
#ifndef DISKLESS_DHCP_SAMPLES_H
#define DISKLESS_DHCP_SAMPLES_H

#include <stdint.h>
#include <string.h>

#define SAMPLE_MAX 1024
struct sample {
	size_t size;
	uint8_t bytes[SAMPLE_MAX];
};

#define ROM_CONSTANT_XID "\x26\xf3\x03\x39"
#define MAC_PI4          "\xdc\xa6\x32\x01\x02\x03"
#define MAC_PI3          "\xb8\x27\xeb\x4c\x6c\xb6"

#define DISCOVER     "\x35\x01\x01"
#define ASK_12       "\x37\x0c\x2b\x3c\x43\x80\x81\x82\x83\x84\x85\x86\x87\x42"
#define ASK_14_G1    "\x37\x0e\x2b\x3c\x43\x80\x81\x82\x83\x84\x85\x86\x87\x42\x01\x03"
#define ASK_14_G2    "\x37\x0e\x01\x03\x2b\x3c\x42\x43\x80\x81\x82\x83\x84\x85\x86\x87"
#define ARCH_0       "\x5d\x02\x00\x00"
#define ARCH_7       "\x5d\x02\x00\x07"
#define UNDI         "\x5e\x03\x01\x02\x01"
#define VENDOR_CLASS "\x3c\x20PXEClient:Arch:00000:UNDI:002001"
#define USER_IPXE    "\x4d\x04iPXE"
#define END          "\xff"

#define ID_G0 \
	"\x61\x11\x00" \
	"DDDD" \
	"DDDD" \
	"DDDD" \
	"DDDD"
#define ID_SERIAL \
	"\x61\x11\x00" \
	"\x16\x4c\x6c\xb6" \
	"\x16\x4c\x6c\xb6" \
	"\x16\x4c\x6c\xb6" \
	"\x16\x4c\x6c\xb6"
#define ID_PI4 \
	"\x61\x11\x00" \
	"RPi4" \
	"\x14\x31\xc0\x00" \
	"\x32\x01\x02\x03" \
	"\xcd\xab\x34\x12"
#define ID_PI5 \
	"\x61\x11\x00" \
	"RPi5" \
	"\x70\x41\xd0\x00" \
	"\x32\x01\x02\x03" \
	"\xa1\x9a\x98\xbd"
#define ID_SWAPPED \
	"\x61\x11\x00" \
	"4iPR" \
	"\x41\x31\xa0\x00" \
	"\x01\xf8\xde\xb9" \
	"\x60\x11\x22\x33"
#define ID_ZEROS \
	"\x61\x11\x00" \
	"\0\0\0\0" \
	"\0\0\0\0" \
	"\0\0\0\0" \
	"\0\0\0\0"
#define ID_ONES \
	"\x61\x11\x00" \
	"\xff\xff\xff\xff" \
	"\xff\xff\xff\xff" \
	"\xff\xff\xff\xff" \
	"\xff\xff\xff\xff"
#define ID_PC \
	"\x61\x11\x00" \
	"\x4c\x4c\x45\x44\x00\x35\x10\x48\x80\x4b\xb9\xc0\x4f\x59\x4a\x32"

/* The options of the generations, in their order on the wire (53 55 93 94 97 60 255). */
#define OPTIONS(ask, arch, id) DISCOVER ask arch UNDI id VENDOR_CLASS END
#define OPTIONS_G0             OPTIONS(ASK_12, ARCH_0, ID_G0)
#define OPTIONS_G1             OPTIONS(ASK_14_G1, ARCH_0, ID_SERIAL)
#define OPTIONS_PI4            OPTIONS(ASK_14_G2, ARCH_0, ID_PI4)
#define OPTIONS_PI5            OPTIONS(ASK_14_G2, ARCH_0, ID_PI5)

static inline void
sample_options(struct sample *s, const char *options, size_t size)
{
	memcpy(s->bytes + 240, options, size);
	s->size = 240 + size;
}

static inline void
sample_make(struct sample *s, const char *xid, const char *mac, const char *options, size_t size)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->bytes, "\x01\x01\x06", 3);
	memcpy(s->bytes + 4, xid, 4);
	memcpy(s->bytes + 28, mac, 6);
	memcpy(s->bytes + 236, "\x63\x82\x53\x63", 4);
	sample_options(s, options, size);
}

/* options: a string literal, without its NUL */
#define SAMPLE(s, xid, mac, options) sample_make((s), (xid), (mac), (options), sizeof(options) - 1)
#define SET_OPTIONS(s, options)      sample_options((s), (options), sizeof(options) - 1)

#endif
