disklessctl_MAIN := daemons/disklessctl/disklessctl.c
disklessctl_SRCS := $(addprefix daemons/disklessctl/,audit.c boot.c client.c client_files.c enroll.c names.c output.c report.c request.c sighting.c status.c usage.c withdraw.c words.c \
	adapt.c adapt_rules.c adapt_text.c entries.c \
	boards.c config_txt.c cpio.c image_check.c image_look.c initramfs.c parts.c \
	image.c image_disk.c image_ext4.c image_import.c image_make.c image_tree.c image_unpack.c partitions.c program.c progress.c)
disklessctl_SRCS += $(addprefix daemons/disklessctl/,image_build.c image_jail.c image_prune.c image_shell.c image_suite.c image_users.c image_verify.c recipe.c recipe_same.c sandbox.c sandbox_arch.c)
disklessctl_SRCS += $(addprefix daemons/disklessctl/,change.c hold.c personal.c root_build.c root_make.c root_store.c)
disklessctl_SRCS += daemons/disklessctl/space.c
