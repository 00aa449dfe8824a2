/* SPDX-License-Identifier: ISC */
/* See address.h. Strict on purpose: what inet_aton(3) or sscanf(3) would also take is refused. */
#include "address.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One number 0..255 without leading zeros. The text behind it, or NULL. */
static const char *
octet(const char *text, uint8_t *value)
{
	unsigned n = 0;
	int digits = 0;

	for (; digits < 4 && is_digit(text[digits]); digits++)
		n = n * 10 + (unsigned)(text[digits] - '0');
	if (digits == 0 || n > 255 || (digits > 1 && text[0] == '0'))
		return NULL;
	*value = (uint8_t)n;
	return text + digits;
}

bool
address_parse(const char *text, uint32_t *address)
{
	uint8_t bytes[4];

	for (int i = 0; i < 4; i++) {
		if ((text = octet(text, &bytes[i])) == NULL)
			return false;
		if (*text++ != (i < 3 ? '.' : '\0'))
			return false;
	}
	memcpy(address, bytes, sizeof(bytes));
	return true;
}

const char *
address_text(uint32_t address, char text[static ADDRESS_TEXT])
{
	uint8_t b[4];

	memcpy(b, &address, sizeof(b));
	snprintf(text, ADDRESS_TEXT, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	return text;
}

static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
mac_parse(const char *text, uint8_t mac[static 6])
{
	uint8_t bytes[6];

	if (strlen(text) != MAC_TEXT - 1 || (text[2] != ':' && text[2] != '-'))
		return false;
	for (int i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high == -1 || low == -1 || (i < 5 && text[3 * i + 2] != text[2]))
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(mac, bytes, sizeof(bytes));
	return true;
}

static const char *
mac_with(char separator, const uint8_t mac[static 6], char text[static MAC_TEXT])
{
	snprintf(text, MAC_TEXT, "%02x%c%02x%c%02x%c%02x%c%02x%c%02x", mac[0], separator, mac[1], separator, mac[2],
	    separator, mac[3], separator, mac[4], separator, mac[5]);
	return text;
}

const char *
mac_text(const uint8_t mac[static 6], char text[static MAC_TEXT])
{
	return mac_with(':', mac, text);
}

const char *
mac_dashes(const uint8_t mac[static 6], char text[static MAC_TEXT])
{
	return mac_with('-', mac, text);
}

bool
mac_is_unicast(const uint8_t mac[static 6])
{
	static const uint8_t none[6];

	/* The group bit (IEEE 802, the lowest of the first byte) is set in a broadcast address too. */
	return (mac[0] & 1) == 0 && memcmp(mac, none, sizeof(none)) != 0;
}

uint32_t
prefix_mask(unsigned prefix)
{
	if (prefix == 0)
		return 0;
	return htonl(prefix >= 32 ? UINT32_MAX : UINT32_MAX << (32 - prefix));
}

bool
address_in(uint32_t address, uint32_t network, unsigned prefix)
{
	return ((address ^ network) & prefix_mask(prefix)) == 0;
}

bool
address_is_host(uint32_t address, uint32_t network, unsigned prefix)
{
	uint32_t mask = prefix_mask(prefix);

	return address_in(address, network, prefix) && (address & ~mask) != 0 && (address | mask) != UINT32_MAX;
}
