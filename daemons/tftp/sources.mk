tftp_MAIN := daemons/tftp/tftp.c
tftp_SRCS := $(addprefix daemons/tftp/,tftp_io.c tftp_serve.c tftp_table.c tftp_transfer.c tftp_view.c tftp_wire.c)
