disklessd_MAIN := daemons/disklessd/disklessd.c
disklessd_SRCS := $(addprefix daemons/disklessd/,boot_files.c boot_loader.c children.c configure.c exports.c neighbours.c roots.c sockets.c tool.c)
