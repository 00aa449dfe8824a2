COMMON_SRCS += $(addprefix policy/,access.c confine.c syscalls.c syscalls_broker.c syscalls_children.c syscalls_dhcp.c syscalls_disklessd.c syscalls_tftp.c)
