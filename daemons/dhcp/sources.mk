dhcp_MAIN := daemons/dhcp/dhcp.c
dhcp_SRCS := $(addprefix daemons/dhcp/,dhcp_wire.c dhcp_frame.c dhcp_table.c dhcp_offer.c dhcp_io.c)
