disklessd_MAIN := daemons/disklessd/disklessd.c
disklessd_SRCS := $(addprefix daemons/disklessd/,boot_files.c boot_loader.c children.c configure.c exports.c guard.c guard_rules.c neighbours.c roots.c sockets.c tool.c withdraw.c)
