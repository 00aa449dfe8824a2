# diskless: build, check, install. `make help` lists the targets.
#
# The source lists stand beside the code (sources.mk); this file turns them into programs. Each program links its own
# objects and what it uses of build/VARIANT/libcommon.a, so what a process cannot call is not in its binary.

VARIANT    ?= release
CC         ?= cc
BISON      ?= bison
PKG_CONFIG ?= pkg-config
PREFIX     ?= /usr
SYSCONFDIR ?= /etc
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/diskless
MANDIR     ?= $(PREFIX)/share/man
UNITDIR    ?= /usr/lib/systemd/system
SYSUSERSDIR ?= /usr/lib/sysusers.d
TMPFILESDIR ?= /usr/lib/tmpfiles.d
INITDIR    ?= $(SYSCONFDIR)/init.d

ifeq ($(VARIANT),fuzz)
CC := clang
endif
ifeq ($(VARIANT),afl)
CC := afl-clang-fast
export AFL_QUIET := 1
endif
B := build/$(VARIANT)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

LIBS := libseccomp libcap-ng libbsd-overlay libevent_core
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS))
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(LIBS))

accepts = $(shell printf 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo '$(1)')

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wpointer-arith -Wcast-qual \
	-Wformat=2 -Wvla -Wundef -Wno-unused-parameter \
	$(call accepts,-Wno-format-truncation) $(if $(WERROR),-Werror)
HARDEN := -fPIE -fstack-protector-strong -fno-common $(call accepts,-fstack-clash-protection) \
	$(call accepts,-fcf-protection=full) $(call accepts,-mbranch-protection=standard) \
	$(call accepts,-ftrivial-auto-var-init=zero)
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs
NO_JAIL := -DDISKLESS_NO_CONFINEMENT	# sanitizers and gcov need calls that no jail of ours allows

variant_release := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDEN)
variant_debug   := -O0 -g3 $(HARDEN)
variant_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer $(NO_JAIL)
variant_cov     := -O0 -g --coverage $(NO_JAIL)
variant_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all $(NO_JAIL)
variant_afl     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all $(NO_JAIL)
ld_release := $(HARDEN_LD)
ld_debug   := $(HARDEN_LD)
ld_asan    := -fsanitize=address,undefined
ld_cov     := --coverage
ld_fuzz    := -fsanitize=address,undefined
ld_afl     := -fsanitize=address,undefined
ifeq ($(variant_$(VARIANT)),)
$(error VARIANT is '$(VARIANT)'; it must be one of release debug asan cov fuzz afl)
endif

ALL_CPPFLAGS := -D_GNU_SOURCE -Icommon -Icommon/config -Ipolicy -I$(B)/common/config \
	-DDISKLESS_SYSCONFDIR='"$(SYSCONFDIR)"' -DDISKLESS_LIBEXECDIR='"$(LIBEXECDIR)"' $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS   := -std=gnu11 $(WARN) $(variant_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS  := $(ld_$(VARIANT)) $(LDFLAGS)

# ---- what there is ----------------------------------------------------------------------------------------------------
# Each sources.mk sets NAME_MAIN (the file with main) and NAME_SRCS (the rest), or adds to COMMON_SRCS.
COMMON_SRCS :=
include common/sources.mk common/config/sources.mk policy/sources.mk
include $(foreach d,disklessd broker dhcp tftp disklessctl,daemons/$(d)/sources.mk)

PROGRAMS := disklessd diskless-broker diskless-dhcp diskless-tftp disklessctl
src_disklessd       := $(disklessd_MAIN) $(disklessd_SRCS)
src_diskless-broker := $(broker_MAIN) $(broker_SRCS)
src_diskless-dhcp   := $(dhcp_MAIN) $(dhcp_SRCS)
src_diskless-tftp   := $(tftp_MAIN) $(tftp_SRCS)
src_disklessctl     := $(disklessctl_MAIN) $(disklessctl_SRCS)

MODULE_SRCS := $(disklessd_SRCS) $(broker_SRCS) $(dhcp_SRCS) $(tftp_SRCS) $(disklessctl_SRCS)
TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c tests/ipc/test_*.c tests/policy/test_*.c))
# What is built without confinement cannot be tested for it.
ifneq ($(filter asan cov,$(VARIANT)),)
TESTS := $(filter-out %/test_confine %/test_programs,$(TESTS))
endif
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard fuzz/fuzz_*.c))

objects = $(patsubst %.c,$(B)/%.o,$(filter %.c,$(1))) $(patsubst %.y,$(B)/%.o,$(filter %.y,$(1)))

.PHONY: all help check unit replay lint install clean fuzz fuzz-afl fuzz-coverage bench soak check-faults check-clients check-power check-power-lab
.DELETE_ON_ERROR:
.SECONDARY:
all: $(addprefix $(B)/,$(PROGRAMS))

help:
	@echo 'make              build into build/VARIANT (VARIANT=release debug asan cov fuzz afl)'
	@echo 'make check        unit tests, fuzz corpora, checks of the binaries (no root, no lab needed)'
	@echo 'make lint         clang-format, clang-tidy, cppcheck, shellcheck, mandoc, function lengths'
	@echo 'make install      DESTDIR= PREFIX=/usr SYSCONFDIR=/etc ...'
	@echo 'make check-clients  real firmware and loaders boot; PCs in the lab (root; minutes; MACHINES="own-uboot": only these)'
	@echo 'make bench        what a transfer and a root cost, ours and the peers (root; minutes; QUICK=1 for small sizes)'
	@echo 'make soak         storms, enrolments, reloads and garbage; does anything grow? MINUTES=60'
	@echo 'make check-power  200 power cuts at random moments of random operations, and what the next start finds'
	@echo 'make check-power-lab  the machine of the server, with clients of NFS, loses its power 50 times'
	@echo 'make check-faults the lab with 200 processes killed at random'
	@echo 'make fuzz         libFuzzer, MINUTES=1 for each target (TARGETS="dhcp ipc": only these); make fuzz-afl: the same by AFL++'
	@echo 'make fuzz-coverage  which lines of each codec its corpus reaches'
	@echo 'make check-os     Debian arm64 of its mirror, built and booted by a virtual Pi 4 (root; an hour; tests/os/packages)'
	@echo 'packaging/setup check   everything, the lab included;  packaging/setup demo   see it work'

# ---- rules ------------------------------------------------------------------------------------------------------------
$(B)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Not make's own rule, which would write beside the source.
%.c: %.y

$(B)/%.c $(B)/%.h &: %.y
	$(call say,BISON,$<)
	@mkdir -p $(@D)
	$(Q)$(BISON) -Wall -Werror --header=$(B)/$*.h -o $(B)/$*.c $<

# Bison's parser counts its errors and never looks: clang 15 and newer see that.
$(B)/%.o: $(B)/%.c
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-unused-but-set-variable -MMD -MP -c -o $@ $<

# Whoever includes the generated token numbers needs them made first.
$(call objects,$(filter common/config/%,$(COMMON_SRCS))): | $(patsubst %.y,$(B)/%.h,$(filter %.y,$(COMMON_SRCS)))

$(B)/libcommon.a: $(call objects,$(COMMON_SRCS))
	$(call say,AR,$@)
	$(Q)rm -f $@; ar rcs $@ $^

$(B)/libmodules.a: $(call objects,$(MODULE_SRCS))
	$(call say,AR,$@)
	$(Q)rm -f $@; ar rcs $@ $^

define program
$(B)/$(1): $(call objects,$(src_$(1))) $(B)/libcommon.a
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(B)/tests/%: $(B)/tests/%.o $(B)/libmodules.a $(B)/libcommon.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(B)/libmodules.a $(B)/libcommon.a $(PKG_LIBS) -lcriterion
$(B)/tests/%.o: ALL_CPPFLAGS += -Idaemons -I. -DTEST_BUILD='"$(B)"'

# A fuzz target is linked with the main of libFuzzer or AFL++, or with one that replays files.
$(B)/fuzz/fuzz_%: $(B)/fuzz/fuzz_%.o $(if $(filter fuzz afl,$(VARIANT)),,$(B)/fuzz/replay.o) $(B)/libmodules.a $(B)/libcommon.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(filter fuzz afl,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(B)/libmodules.a $(B)/libcommon.a $(PKG_LIBS)
$(B)/fuzz/%.o: ALL_CPPFLAGS += -Idaemons -I.

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- checks -----------------------------------------------------------------------------------------------------------
check: all unit replay
	$(Q)tests/binaries $(B)
	$(Q)$(if $(filter release,$(VARIANT)),tests/surface $(B))
unit: all $(TESTS)
	$(Q)tests/units $(TESTS)
replay: $(FUZZERS)
	$(Q)fuzz/replay-corpora $(B)/fuzz

lint:
	$(Q)tests/lint

MINUTES ?= 1
fuzz:
	$(Q)fuzz/run fuzz $(MINUTES) $(TARGETS)
fuzz-afl:
	$(Q)fuzz/run afl $(MINUTES) $(TARGETS)
fuzz-coverage:
	$(Q)find build/cov -name '*.gcda' -delete 2>/dev/null; $(MAKE) -s VARIANT=cov replay
	$(Q)fuzz/coverage build/cov

# Not part of packaging/setup check: machines of arm64 are slow, and tests/firmware/packages is not in packaging/packages.
check-clients: all
	$(Q)tests/firmware/run $(B) $(MACHINES)
	$(if $(MACHINES),,$(Q)tests/lab/suite pcs)

# ---- bench ------------------------------------------------------------------------------------------------------------
BENCH_TOOLS := $(addprefix $(B)/tests/bench/,tftpload dhcpload floor storm)
$(BENCH_TOOLS): $(B)/tests/bench/%: tests/bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) $(CFLAGS) -o $@ $<

bench: all $(BENCH_TOOLS)
	$(Q)tests/bench/run $(B)
	$(Q)tests/bench/roots $(B)

# ---- faults -----------------------------------------------------------------------------------------------------------
SOAK_TOOLS := $(B)/tests/soak/garbage
$(SOAK_TOOLS): $(B)/tests/soak/%: tests/soak/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) $(CFLAGS) -o $@ $<

soak: all $(BENCH_TOOLS) $(SOAK_TOOLS)
	$(Q)tests/soak/run $(B)
check-power: all
	$(Q)tests/power-cut 200 $(B)
check-power-lab: all
	$(Q)tests/lab/power-cut 50
check-faults: all
	$(Q)LAB_FAULTS=all LAB_FAULT_KILLS=200 LAB_TIMEOUT=3600 tests/lab/suite faults

.PHONY: check-os
check-os: all
	$(Q)tests/os/run

# ---- installation -----------------------------------------------------------------------------------------------------
install: all
	packaging/install '$(B)' '$(DESTDIR)' SBINDIR='$(SBINDIR)' LIBEXECDIR='$(LIBEXECDIR)' SYSCONFDIR='$(SYSCONFDIR)' \
	    MANDIR='$(MANDIR)' UNITDIR='$(UNITDIR)' SYSUSERSDIR='$(SYSUSERSDIR)' TMPFILESDIR='$(TMPFILESDIR)' INITDIR='$(INITDIR)'

clean:
	rm -rf build
