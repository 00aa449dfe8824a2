tftp_MAIN := daemons/tftp/tftp.c
tftp_SRCS := $(addprefix daemons/tftp/,tftp_wire.c tftp_transfer.c)
