COMMON_SRCS += $(addprefix common/,address.c attach.c beneath.c boot_arch.c boot_kernel.c child.c clock.c ipc.c ipc_pair.c log.c log_sink.c loop.c manifest.c messages.c mountinfo.c process.c)
COMMON_SRCS += $(addprefix common/,beneath_carry.c clients.c upper.c)
