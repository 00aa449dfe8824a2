broker_MAIN := daemons/broker/broker.c
broker_SRCS := $(addprefix daemons/broker/,bindings.c sightings.c timeline.c control.c)
