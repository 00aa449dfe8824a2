COMMON_SRCS += $(addprefix common/,address.c child.c clock.c ipc.c log.c log_sink.c process.c)
