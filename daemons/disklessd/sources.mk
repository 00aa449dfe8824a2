disklessd_MAIN := daemons/disklessd/disklessd.c
disklessd_SRCS := $(addprefix daemons/disklessd/,audit.c audit_rules.c boot_files.c boot_loader.c children.c configure.c exports.c guard.c guard_rules.c neighbours.c peers.c roots.c roots_look.c sockets.c tool.c withdraw.c)
