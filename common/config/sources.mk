COMMON_SRCS += $(addprefix common/config/,grammar.y lexer.c blocks.c values.c check.c print.c resolver.c config.c)
