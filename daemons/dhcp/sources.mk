dhcp_MAIN := daemons/dhcp/dhcp.c
dhcp_SRCS := $(addprefix daemons/dhcp/,dhcp_wire.c dhcp_offer.c)
