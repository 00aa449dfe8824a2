disklessctl_MAIN := daemons/disklessctl/disklessctl.c
disklessctl_SRCS := $(addprefix daemons/disklessctl/,boot.c client.c image.c output.c request.c sighting.c status.c)
