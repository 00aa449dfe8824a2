broker_MAIN := daemons/broker/broker.c
broker_SRCS := $(addprefix daemons/broker/,answers.c bindings.c control.c sightings.c timeline.c)
